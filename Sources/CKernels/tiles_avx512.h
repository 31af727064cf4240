/* Register tiles of packed quantised weights for AVX-512 with VNNI: the outputs of 16 weight rows for up to 16 rows. */
#ifndef CK_TILES_AVX512_H
#define CK_TILES_AVX512_H
#include "blocks_avx512.h"
#include "packed_rows.h"
#if defined(__x86_64__)

/* Rows of a tall tile, whose activations stand side by side and take no registers for addresses, and of half of one. */
#define CK_TALL_ROWS_AVX512 CK_PACKED_ROWS_AVX512
#define CK_HALF_ROWS_AVX512 (CK_TALL_ROWS_AVX512 / 2)
/* Blocks of a tall tile that stay in the first-level cache from group to group: 24 KiB. */
#define CK_NEAR_BLOCKS_AVX512 32
/* Weights that are taken apart first: so many blocks of a group at once, for so many tall tiles. */
#define CK_STAGED_BLOCKS_AVX512 8
#define CK_STAGED_TILES_AVX512 4
/* Bytes of weights that rows read again: half of a usual second-level cache, with what stands beside them. */
#define CK_PANEL_BYTES_AVX512 (256 * 1024)

/* The outputs of a group that exist, if `rest` do from its first on. */
CK_AVX512_INLINE __mmask16 ck_mask_avx512(size_t rest)
{
    return rest < CK_GROUP ? (__mmask16)((1u << rest) - 1) : 0xFFFF;
}

/* What a stretch of blocks adds to some rows of 16 outputs, of which those in `mask` exist: the sums start at 0 for the
 * first stretch, else in y, and end in y, with the bias for the last one. */
typedef struct {
    int is_first, is_last;
    size_t blocks;
    __mmask16 mask;
    const float *bias;
    float *y;
    size_t y_stride;
} ck_outputs_avx512;

CK_AVX512_INLINE __m512 ck_start_sum_avx512(const ck_outputs_avx512 *to, size_t r)
{
    return to->is_first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(to->mask, to->y + r * to->y_stride);
}

CK_AVX512_INLINE void ck_end_sum_avx512(const ck_outputs_avx512 *to, size_t r, __m512 sum)
{
    if (to->bias && to->is_last) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(to->mask, to->bias));
    _mm512_mask_storeu_ps(to->y + r * to->y_stride, to->mask, sum);
}

/* Rows where they stand; their number is a constant at each call. block_bytes is what a block takes of the group, or 0
 * where the weights are near: a constant too, since a loop among the products costs a quarter of their speed. */
CK_AVX512_INLINE void ck_tile_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t rows,
                                     const uint8_t *group, size_t block_bytes, const ck_block *x, size_t x_stride,
                                     const ck_outputs_avx512 *to)
{
    __m512 sums[CK_HALF_ROWS_AVX512];
    __asm__("" : "+r"(group)); /* Else loops further out keep an address of their own for each request. */
    for (size_t r = 0; r < rows; r++) sums[r] = ck_start_sum_avx512(to, r);
    for (size_t b = 0; b < to->blocks; b++) {
        ck_block_avx512 w;
        load(group, b, &w);
        ck_ask_ahead(group + b * block_bytes, block_bytes);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] = ck_add_block_avx512(scaling, &w, x + r * x_stride + b, sums[r]);
    }
    for (size_t r = 0; r < rows; r++) ck_end_sum_avx512(to, r, sums[r]);
}

/* Less than 8 rows. */
CK_AVX512_INLINE void ck_short_tile_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t rows,
                                           const uint8_t *group, size_t block_bytes, const ck_block *x, size_t x_stride,
                                           const ck_outputs_avx512 *to)
{
#define CK_CASE(r) \
    case r: return ck_tile_avx512(load, scaling, r, group, block_bytes, x, x_stride, to)
    switch (rows) {
        CK_CASE(1);
        CK_CASE(2);
        CK_CASE(3);
        CK_CASE(4);
        CK_CASE(5);
        CK_CASE(6);
        CK_CASE(7);
    }
#undef CK_CASE
}

/* 8 or 16 rows, a constant, that stand side by side. Registers hold the sums, the products of as many rows as give
 * eight of them, and one step of the weights, if these are loaded `by_steps`. Weights are asked for unless block_bytes,
 * a constant, is 0. */
CK_AVX512_INLINE void ck_tall_tile_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, int by_steps, size_t rows,
                                          const uint8_t *group, size_t block_bytes, const ck_asking *asking,
                                          const ck_tall_block_avx512 *x, const ck_outputs_avx512 *to)
{
    const size_t halves = ck_has_halves_avx512(scaling) ? 2 : 1, part = CK_HALF_ROWS_AVX512 / halves;
    __m512 sums[CK_TALL_ROWS_AVX512];
    for (size_t r = 0; r < rows; r++) sums[r] = ck_start_sum_avx512(to, r);
    for (size_t b = 0; b < to->blocks; b++, x++) {
        ck_block_avx512 w;
        /* Else the address gets an index, and each product takes the place of two instructions. */
        __asm__ volatile("" : "+r"(x));
        if (!by_steps) load(group, b, &w);
        if (block_bytes) ck_ask_for(ck_asked(asking, b * block_bytes) + b * block_bytes, block_bytes);
#pragma clang loop unroll(full)
        for (size_t from = 0; from < rows; from += part) {
            __m512i dot[2][CK_HALF_ROWS_AVX512];
            CK_UNROLL
            for (size_t half = 0; half < halves; half++)
                for (size_t r = 0; r < part; r++)
                    dot[half][r] = _mm512_set1_epi32(ck_start_avx512(scaling, &x->start[half][from + r], half));
            CK_UNROLL
            for (size_t step = 0; step < CK_STEPS; step++) {
                __m512i *sum = dot[step * halves / CK_STEPS];
                if (by_steps) load(group, b, &w);
                CK_UNROLL
                for (size_t r = 0; r < part; r++) {
                    int32_t four;
                    memcpy(&four, x->q[step] + 4 * (from + r), sizeof four);
                    sum[r] = _mm512_dpbusd_epi32(sum[r], w.q[step], _mm512_set1_epi32(four));
                }
                /* Here and below: else the compiler mixes steps and rows, and has too few registers for that. */
                __asm__ volatile("" ::: "memory");
            }
            for (size_t i = 0; i < part; i++) {
                size_t r = from + i;
                __m512 scale = _mm512_mul_ps(w.scale, _mm512_set1_ps(x->scale[r]));
                int32_t pair = ck_start_pair(x->start[0][r], x->start[1][r]);
                sums[r] = ck_add_dots_avx512(scaling, &w, dot[0][i], dot[halves - 1][i], &x->scale[r],
                                             &x->scaled_sum[r], pair, scale, sums[r]);
                __asm__ volatile("" ::"v"(sums[r]) : "memory");
            }
        }
    }
    for (size_t r = 0; r < rows; r++) ck_end_sum_avx512(to, r, sums[r]);
}

CK_AVX512_INLINE void ck_load_staged_avx512(const uint8_t *staged, size_t block, ck_block_avx512 *w)
{
    *w = ((const ck_block_avx512 *)staged)[block];
}

/* One group's outputs for rows that stand in x and, but for the last ones, also side by side, every 16 rows at a
 * multiple of tall_stride blocks. `asks` says whether the weights are far. */
CK_AVX512_INLINE void ck_tiles_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, int by_steps, size_t rows,
                                      const uint8_t *group, size_t block_bytes, int asks, const ck_asking *asking,
                                      const ck_tall_block_avx512 *tall, size_t tall_stride, const ck_block *x,
                                      size_t x_stride, ck_outputs_avx512 *to)
{
    for (; rows >= CK_TALL_ROWS_AVX512; rows -= CK_TALL_ROWS_AVX512) {
#define CK_TILE(asked_bytes)                                                                                 \
    ck_tall_tile_avx512(load, scaling, by_steps, CK_TALL_ROWS_AVX512, group, asked_bytes, asking, tall, to)
        if (asks) CK_TILE(block_bytes);
        else CK_TILE(0);
#undef CK_TILE
        tall += tall_stride, x += CK_TALL_ROWS_AVX512 * x_stride, to->y += CK_TALL_ROWS_AVX512 * to->y_stride;
    }
    if (rows >= CK_HALF_ROWS_AVX512) {
        ck_tall_tile_avx512(load, scaling, by_steps, CK_HALF_ROWS_AVX512, group, block_bytes, asking, tall, to);
        rows -= CK_HALF_ROWS_AVX512;
        x += CK_HALF_ROWS_AVX512 * x_stride, to->y += CK_HALF_ROWS_AVX512 * to->y_stride;
    }
    ck_short_tile_avx512(load, scaling, rows, group, 0, x, x_stride, to);
}

/* The multiplication of 8 rows or more with some groups, which stay in the second-level cache from rows to rows.
 * Weights of CK_PLAIN are read in place, step by step where they lie as registers take them (`is_direct`, a constant);
 * others are taken apart for several tiles at once. */
CK_AVX512_INLINE void ck_multiply_panel_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, int is_direct,
                                               size_t block_bytes, CK_BLOCKS_PARAMETERS)
{
    ck_block_avx512 staged[CK_STAGED_BLOCKS_AVX512];
    const int is_staged = scaling != CK_PLAIN;
    const size_t stretch = is_staged ? CK_STAGED_BLOCKS_AVX512 : CK_NEAR_BLOCKS_AVX512;
    const size_t most = (is_staged ? CK_STAGED_TILES_AVX512 : 1) * CK_TALL_ROWS_AVX512;
    size_t blocks = k / CK_BLOCK, group_bytes = blocks * block_bytes;
    for (size_t b = 0; b < blocks || b == 0; b += stretch)
        for (size_t from = 0; from < rows; from += most) {
            size_t count = blocks - b < stretch ? blocks - b : stretch, some = rows - from < most ? rows - from : most;
            const ck_tall_block_avx512 *tall =
                (const ck_tall_block_avx512 *)packed + from / CK_TALL_ROWS_AVX512 * blocks + b;
            const ck_block *some_x = x + from * x_stride + b;
            const uint8_t *group = (const uint8_t *)w + b * block_bytes;
            for (size_t j = 0; j < m; j += CK_GROUP, group += group_bytes) {
                ck_outputs_avx512 to = {b == 0, b + count >= blocks, count, ck_mask_avx512(m - j),
                                        bias ? bias + j : bias, y + from * y_stride + j, y_stride};
                ck_asking asking = ck_asking_of(group, count, block_bytes, group + group_bytes);
                if (!is_staged) {
                    ck_tiles_avx512(load, scaling, is_direct, some, group, block_bytes, from == 0, &asking, tall,
                                    blocks, some_x, x_stride, &to);
                    continue;
                }
                for (size_t i = 0; i < count; i++) {
                    load(group, i, &staged[i]);
                    if (from == 0) ck_ask_for(ck_asked(&asking, i * block_bytes) + i * block_bytes, block_bytes);
                }
                ck_tiles_avx512(ck_load_staged_avx512, scaling, 1, some, (const uint8_t *)staged, 0, 0, &asking, tall,
                                blocks, some_x, x_stride, &to);
            }
        }
}

/* The multiplication for one type; is_direct as in ck_multiply_panel_avx512. */
CK_AVX512_INLINE void ck_multiply_blocks_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, int is_direct,
                                                size_t block_bytes, CK_BLOCKS_PARAMETERS)
{
    size_t blocks = k / CK_BLOCK, group_bytes = blocks * block_bytes;
    if (rows < CK_HALF_ROWS_AVX512) {
        const uint8_t *group = w;
        for (size_t j = 0; j < m; j += CK_GROUP, group += group_bytes) {
            ck_outputs_avx512 to = {1, 1, blocks, ck_mask_avx512(m - j), bias ? bias + j : bias, y + j, y_stride};
            ck_short_tile_avx512(load, scaling, rows, group, block_bytes, x, x_stride, &to);
        }
        return;
    }
    size_t near = (blocks < CK_NEAR_BLOCKS_AVX512 ? blocks : CK_NEAR_BLOCKS_AVX512) * block_bytes;
    size_t panel = CK_PANEL_BYTES_AVX512 / (near + 1) * CK_GROUP;
    for (size_t j = 0; j < m; j += panel)
        ck_multiply_panel_avx512(load, scaling, is_direct, block_bytes, rows, m - j < panel ? m - j : panel, k,
                                 (const uint8_t *)w + j / CK_GROUP * group_bytes, x, x_stride, packed,
                                 bias ? bias + j : bias, y + j, y_stride);
}

#endif
#endif
