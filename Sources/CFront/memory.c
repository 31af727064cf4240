#include "internal.h"

#include <stdlib.h>

void *cf_allocate(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}
