#include "blocks_avx2.h"

#if defined(__x86_64__)
#define EIGHT(x) {x, x, x, x, x, x, x, x}
const int32_t ck_masks_avx2[][8] __attribute__((aligned(32))) = {
    [CK_MASK_LOW_PAIRS] = EIGHT(0x03030303),
    [CK_MASK_HIGH_PAIRS] = EIGHT(0x0C0C0C0C),
    [CK_MASK_ONES] = EIGHT(0x00010001),
    [CK_MASK_LOW_NIBBLES] = EIGHT(0x000F000F),
    [CK_MASK_HIGH_NIBBLES] = EIGHT(0x00F000F0),
};
#endif
