#include "blocks.h"

size_t ck_group_bytes(ck_type type, size_t k)
{
    switch (type) {
    case CK_F32: return 4 * CK_GROUP * k;
    case CK_F16:
    case CK_BF16: return 2 * CK_GROUP * k;
    case CK_Q8_0: return k / CK_BLOCK * CK_Q8_0_GROUP;
    case CK_Q4_0: return k / CK_BLOCK * CK_Q4_0_GROUP;
    case CK_Q4_K: return k / CK_SUPER_BLOCK * CK_Q4_K_GROUP;
    case CK_Q6_K: return k / CK_SUPER_BLOCK * CK_Q6_K_GROUP;
    }
    return 0;
}

/* Copies `count` pieces of `size` bytes of one row, 16 pieces apart; `flip` is xor-ed to each byte. */
static void spread(size_t count, size_t size, uint8_t flip, const uint8_t *from, uint8_t *to)
{
    for (size_t i = 0; i < count; i++, from += size, to += CK_GROUP * size)
        for (size_t byte = 0; byte < size; byte++) to[byte] = from[byte] ^ flip;
}

static void pack_row(ck_type type, size_t k, size_t row, const uint8_t *from, uint8_t *group)
{
    uint8_t *halves = group + 2 * row, *steps = group + 4 * row;
    switch (type) {
    case CK_F32: spread(k, 4, 0, from, steps); return;
    case CK_F16:
    case CK_BF16: spread(k, 2, 0, from, halves); return;
    case CK_Q8_0:
        for (size_t b = 0; b < k / CK_BLOCK; b++, from += CK_Q8_0_BYTES, group += CK_Q8_0_GROUP) {
            spread(1, 2, 0, from, group + 2 * row);
            spread(CK_STEPS, 4, 0x80, from + 2, group + 2 * CK_GROUP + 4 * row);
        }
        return;
    case CK_Q4_0:
        for (size_t b = 0; b < k / CK_BLOCK; b++, from += CK_Q4_0_BYTES, group += CK_Q4_0_GROUP) {
            spread(1, 2, 0, from, group + 2 * row);
            spread(CK_STEPS / 2, 4, 0, from + 2, group + 2 * CK_GROUP + 4 * row);
        }
        return;
    case CK_Q4_K:
        for (size_t b = 0; b < k / CK_SUPER_BLOCK; b++, from += CK_Q4_K_BYTES, group += CK_Q4_K_GROUP) {
            spread(2, 2, 0, from, group + 2 * row);
            spread(12, 1, 0, from + 4, group + 4 * CK_GROUP + row);
            spread(32, 4, 0, from + 16, group + 16 * CK_GROUP + 4 * row);
        }
        return;
    case CK_Q6_K:
        /* In the file: 128 bytes of lower bits, 64 of upper bits, 16 scales, d. */
        for (size_t b = 0; b < k / CK_SUPER_BLOCK; b++, from += CK_Q6_K_BYTES, group += CK_Q6_K_GROUP) {
            spread(1, 2, 0, from + 208, group + 2 * row);
            spread(16, 1, 0, from + 192, group + 2 * CK_GROUP + row);
            spread(48, 4, 0, from, group + 18 * CK_GROUP + 4 * row);
        }
        return;
    }
}

void ck_pack(ck_type type, size_t rows, size_t k, size_t row_bytes, const void *w, void *group)
{
    assert(rows <= CK_GROUP);
    if (rows < CK_GROUP) memset(group, 0, ck_group_bytes(type, k));
    for (size_t row = 0; row < rows; row++) pack_row(type, k, row, (const uint8_t *)w + row * row_bytes, group);
}
