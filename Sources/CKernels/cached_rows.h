/* Rows of keys and values in blocks, as caches store them: d elements, filled up with zeros to whole blocks of 32.
 *   Q8   { bf16 scale[blocks]; s8 q[blocks][32] }              value scale * q, -127 <= q <= 127
 *   Q4   { bf16 scale[blocks]; u8 q[blocks][16] }              value scale * (q - 8); byte i of a block holds element i
 *                                                              (low) and i + 16 (high)
 * Rows stand side by side without room between them, at any alignment. In here CK_Q8_0 and CK_Q4_0 name the two. */
#ifndef CK_CACHED_ROWS_H
#define CK_CACHED_ROWS_H
#include "kernels.h"

/* Bytes of a block's q. */
#define CK_QUANTS(type) ((type) == CK_Q8_0 ? (size_t)CK_BLOCK : (size_t)CK_BLOCK / 2)

static inline size_t ck_row_blocks(size_t d) { return (d + CK_BLOCK - 1) / CK_BLOCK; }

static inline size_t ck_row_bytes(ck_type type, size_t d)
{
    return ck_row_blocks(d) * (sizeof(uint16_t) + CK_QUANTS(type));
}

/* The scale of a row's block. */
static inline float ck_row_scale(const uint8_t *row, size_t block)
{
    return ck_float_of((uint32_t)ck_load_u16(row + block * sizeof(uint16_t)) << 16);
}

/* The q of a row of `blocks` blocks, from `block` on. */
static inline const uint8_t *ck_row_quants(ck_type type, const uint8_t *row, size_t blocks, size_t block)
{
    return row + blocks * sizeof(uint16_t) + block * CK_QUANTS(type);
}

/* Element i of a block. */
static inline int32_t ck_quant(ck_type type, const uint8_t *q, size_t i)
{
    if (type == CK_Q8_0) return (int8_t)q[i];
    return (i < CK_BLOCK / 2 ? q[i] & 15 : q[i - CK_BLOCK / 2] >> 4) - 8;
}

/* The scales of two neighbouring blocks, as they stand. */
static inline uint32_t ck_row_two_scales(const uint8_t *row, size_t block)
{
    uint32_t both;
    memcpy(&both, row + block * sizeof(uint16_t), sizeof both);
    return both;
}

#endif
