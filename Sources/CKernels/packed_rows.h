/* Rows of activations side by side, as weights stand in their groups. */
#ifndef CK_PACKED_ROWS_H
#define CK_PACKED_ROWS_H
#include "blocks.h"

/* 16 rows of one block, for AVX-512. Those of the first 16 rows of all blocks come first. They take the room of 16
 * blocks, whether all rows are there or not. */
#define CK_PACKED_ROWS_AVX512 16
typedef struct {
    float scale[CK_PACKED_ROWS_AVX512], scaled_sum[CK_PACKED_ROWS_AVX512];
    int32_t start[2][CK_PACKED_ROWS_AVX512];
    uint8_t q[CK_STEPS][4 * CK_PACKED_ROWS_AVX512];
} ck_tall_block_avx512;

#endif
