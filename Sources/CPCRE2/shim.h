/* PCRE2 asks for the code unit width before its header is read; ours is UTF-8. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
