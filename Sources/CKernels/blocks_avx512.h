/* Register tiles of packed quantised weights for AVX-512 with VNNI: 16 weight rows x up to 8 activation rows. */
#ifndef CK_BLOCKS_AVX512_H
#define CK_BLOCKS_AVX512_H
#include "blocks.h"
#if defined(__x86_64__)

/* One block of 16 weight rows: row r stands in 32-bit lane r. The q are unsigned. */
typedef struct {
    __m512i q[CK_STEPS];
    __m512 scale, minimum, first, second;
    __m512i scales, minimums; /* of both halves, as pairs of 16 bits */
} ck_block_avx512;

typedef void ck_load_avx512_fn(const uint8_t *group, size_t block, ck_block_avx512 *w);

#define CK_TILE_ROWS_AVX512 8
/* Of blocks that are loaded as they are, twice as many fit the registers. */
#define CK_TALL_TILE_ROWS_AVX512 16
/* Bytes of activations that one group's pass may read again for the next group: half of a usual second-level cache. */
#define CK_ACTIVATION_BYTES_AVX512 (512 * 1024)

CK_AVX512_INLINE __m512 ck_load_halves_avx512(const void *halves)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

/* The codes of one block of 32, as blocks.h lays them out. */
CK_AVX512_INLINE void ck_load_nibbles_avx512(const uint8_t *nibbles, __m512i q[CK_STEPS])
{
    for (size_t step = 0; step < CK_STEPS / 2; step++) {
        __m512i both = _mm512_loadu_si512(nibbles + CK_STEP_BYTES * step);
        q[step] = _mm512_and_si512(both, _mm512_set1_epi8(15));
        q[step + CK_STEPS / 2] = _mm512_and_si512(_mm512_srli_epi16(both, 4), _mm512_set1_epi8(15));
    }
}

/* Those of the last four steps are left 4 times as large, which saves half of the shifts. */
CK_AVX512_INLINE void ck_load_fourfold_avx512(const uint8_t *pairs, __m512i q[CK_STEPS])
{
    const __m512i low = _mm512_set1_epi8(3), high = _mm512_set1_epi8(12);
    for (size_t i = 0; i < 2; i++, q += 2) {
        __m512i four = _mm512_loadu_si512(pairs + CK_STEP_BYTES * i), upper = _mm512_srli_epi16(four, 4);
        q[0] = _mm512_and_si512(four, low);
        q[1] = _mm512_and_si512(upper, low);
        q[CK_STEPS / 2] = _mm512_and_si512(four, high);
        q[CK_STEPS / 2 + 1] = _mm512_and_si512(upper, high);
    }
}

CK_AVX512_INLINE void ck_load_pairs_avx512(const uint8_t *pairs, __m512i q[CK_STEPS])
{
    for (size_t i = 0; i < 2; i++)
        for (unsigned s = 0; s < CK_STEPS / 2; s++) {
            __m512i four = _mm512_loadu_si512(pairs + CK_STEP_BYTES * i);
            q[CK_STEPS / 2 * (s % 2) + 2 * i + s / 2] =
                _mm512_and_si512(_mm512_srli_epi16(four, 2 * s), _mm512_set1_epi8(3));
        }
}

CK_AVX512_INLINE void ck_load_triples_avx512(const uint8_t *triples, __m512i q[CK_STEPS])
{
    const __m512i codes = _mm512_set1_epi8(7), bits = _mm512_set1_epi8((char)0x88);
    __m512i rest = _mm512_setzero_si512();
    for (unsigned i = 0; i < 3; i++) {
        __m512i two = _mm512_loadu_si512(triples + CK_STEP_BYTES * i);
        q[2 * i] = _mm512_and_si512(two, codes);
        q[2 * i + 1] = _mm512_and_si512(_mm512_srli_epi16(two, 4), codes);
        rest = _mm512_or_si512(rest, _mm512_srli_epi16(_mm512_and_si512(two, bits), 3 - i));
    }
    q[6] = _mm512_and_si512(rest, codes);
    q[7] = _mm512_and_si512(_mm512_srli_epi16(rest, 4), codes);
}

CK_AVX512_INLINE void ck_load_fives_avx512(const uint8_t *fives, __m512i q[CK_STEPS])
{
    __m512i byte[5];
    for (int i = 0; i < 5; i++) {
        byte[i] = _mm512_loadu_si512(fives + CK_STEP_BYTES * i);
        q[i] = _mm512_and_si512(byte[i], _mm512_set1_epi8(31));
    }
    for (int i = 0; i < 3; i++) q[5 + i] = _mm512_and_si512(_mm512_srli_epi16(byte[2 * i], 5), _mm512_set1_epi8(7));
/* q | (bits & mask) */
#define ADD(q, bits, mask) q = _mm512_ternarylogic_epi32(q, bits, _mm512_set1_epi8(mask), 0xF8)
    ADD(q[5], _mm512_srli_epi16(byte[1], 2), 24);
    ADD(q[6], _mm512_srli_epi16(byte[3], 2), 24);
    ADD(q[7], _mm512_srli_epi16(byte[3], 4), 8);
    ADD(q[7], _mm512_srli_epi16(byte[1], 3), 16);
#undef ADD
}

/* 16 signed bytes as floats. */
CK_AVX512_INLINE __m512 ck_load_bytes_avx512(const uint8_t *bytes)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)bytes)));
}

/* The scales and minimums of one part of 32 of Q4_K and Q5_K: d, dmin and 12 bytes (file_blocks.h) of 16 rows. */
CK_AVX512_INLINE void ck_load_k_scales_avx512(const uint8_t *group, size_t part, ck_block_avx512 *w)
{
    const uint8_t *bytes = group + 4 * CK_GROUP;
#define BYTES(i) _mm_loadu_si128((const __m128i *)(bytes + (i) * CK_GROUP))
    __m128i scale, minimum, low_bits = _mm_set1_epi8(15);
    if (part < 4) {
        scale = _mm_and_si128(BYTES(part), _mm_set1_epi8(63));
        minimum = _mm_and_si128(BYTES(part + 4), _mm_set1_epi8(63));
    } else {
        __m128i lower = BYTES(part + 4), upper = _mm_set1_epi8(48);
        scale = _mm_or_si128(_mm_and_si128(lower, low_bits),
                             _mm_and_si128(_mm_srli_epi16(BYTES(part - 4), 2), upper));
        minimum = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(lower, 4), low_bits),
                               _mm_and_si128(_mm_srli_epi16(BYTES(part), 2), upper));
    }
#undef BYTES
    w->scale = _mm512_mul_ps(ck_load_halves_avx512(group), _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(scale)));
    w->minimum = _mm512_mul_ps(ck_load_halves_avx512(group + 2 * CK_GROUP),
                               _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(minimum)));
}

/* Adds the products of the steps from `first` to `last` to the starting value. */
CK_AVX512_INLINE __m512i ck_dot_avx512(const ck_block_avx512 *w, const ck_block *x, int32_t start, size_t first,
                                       size_t last)
{
    __m512i sum = _mm512_set1_epi32(start);
    for (size_t step = first; step < last; step++) {
        int32_t four;
        memcpy(&four, x->q + 4 * step, sizeof four);
        sum = _mm512_dpbusd_epi32(sum, w->q[step], _mm512_set1_epi32(four));
    }
    return sum;
}

CK_AVX512_INLINE __m512 ck_add_block_avx512(enum ck_scaling scaling, const ck_block_avx512 *w, const ck_block *x,
                                            __m512 sum)
{
    __m512 scale = _mm512_mul_ps(w->scale, _mm512_set1_ps(x->scale));
    if (scaling == CK_HALVES) {
        __m512 first = _mm512_cvtepi32_ps(ck_dot_avx512(w, x, x->start[0], 0, CK_STEPS / 2));
        __m512 second = _mm512_cvtepi32_ps(ck_dot_avx512(w, x, x->start[1], CK_STEPS / 2, CK_STEPS));
        return _mm512_fmadd_ps(_mm512_fmadd_ps(second, w->second, _mm512_mul_ps(first, w->first)), scale, sum);
    }
    if (scaling == CK_SMALL_HALVES || scaling == CK_SMALL_HALVES_MINIMUMS) {
        /* The sums of 16 products fit in 16 bits. */
        int has_minimums = scaling == CK_SMALL_HALVES_MINIMUMS;
        int32_t start[2] = {has_minimums ? 0 : x->start[0], has_minimums ? 0 : x->start[1]};
        __m512i first = ck_dot_avx512(w, x, start[0], 0, CK_STEPS / 2);
        __m512i second = ck_dot_avx512(w, x, start[1], CK_STEPS / 2, CK_STEPS);
        /* Codes with minimums are loaded fourfold. */
        __m512i above = _mm512_slli_epi32(second, has_minimums ? 14 : 16);
        __m512i dots = _mm512_mask_blend_epi16(0xAAAAAAAA, first, above);
        __m512i zero = _mm512_setzero_si512();
        __m512 scaled = _mm512_cvtepi32_ps(_mm512_dpwssd_epi32(zero, w->scales, dots));
        if (!has_minimums) return _mm512_fmadd_ps(scaled, scale, sum);
        __m512i sums = _mm512_set1_epi32(ck_start_pair(x));
        __m512 minimums = _mm512_mul_ps(w->minimum, _mm512_cvtepi32_ps(_mm512_dpwssd_epi32(zero, w->minimums, sums)));
        return _mm512_fmadd_ps(_mm512_fmadd_ps(w->scale, scaled, minimums), _mm512_set1_ps(x->scale), sum);
    }
    if (scaling == CK_FOURFOLD) {
        __m512i fourfold = ck_dot_avx512(w, x, 0, CK_STEPS / 2, CK_STEPS);
        __m512i dot = ck_dot_avx512(w, x, x->start[0], 0, CK_STEPS / 2);
        dot = _mm512_add_epi32(dot, _mm512_srai_epi32(fourfold, 2));
        return _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, sum);
    }
    sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(ck_dot_avx512(w, x, x->start[0], 0, CK_STEPS)), scale, sum);
    return scaling == CK_MINIMUMS ? _mm512_fnmadd_ps(w->minimum, _mm512_set1_ps(x->scaled_sum), sum) : sum;
}

/* A stretch of blocks of one group's 16 outputs, of which `outputs` exist, for `rows` rows. The sums start at 0 for the
 * first stretch, else in y, and end in y, with the bias for the last one. rows is a constant at each call.
 * block_bytes is what a block takes of the group, or 0 where the weights are near: a constant too, since a loop among
 * the products costs a quarter of their speed. */
CK_AVX512_INLINE void ck_tile_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t rows, int first,
                                     int last, size_t blocks, const uint8_t *group, size_t block_bytes,
                                     const ck_block *x, size_t x_stride, __mmask16 outputs, const float *bias,
                                     float *y, size_t y_stride)
{
    __m512 sums[CK_TALL_TILE_ROWS_AVX512];
    for (size_t r = 0; r < rows; r++)
        sums[r] = first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(outputs, y + r * y_stride);
    for (size_t b = 0; b < blocks; b++) {
        ck_block_avx512 w;
        load(group, b, &w);
        ck_ask_ahead(group + b * block_bytes, block_bytes);
#pragma clang loop unroll(full)
        for (size_t r = 0; r < rows; r++) sums[r] = ck_add_block_avx512(scaling, &w, x + r * x_stride + b, sums[r]);
    }
    for (size_t r = 0; r < rows; r++) {
        if (bias && last) sums[r] = _mm512_add_ps(sums[r], _mm512_maskz_loadu_ps(outputs, bias));
        _mm512_mask_storeu_ps(y + r * y_stride, outputs, sums[r]);
    }
}

CK_AVX512_INLINE void ck_any_tile_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t rows, int first,
                                         int last, size_t blocks, const uint8_t *group, size_t block_bytes, int asks,
                                         const ck_block *x, size_t x_stride, __mmask16 outputs, const float *bias,
                                         float *y, size_t y_stride)
{
#define CK_TILE(r, block_bytes)                                                                             \
    ck_tile_avx512(load, scaling, r, first, last, blocks, group, block_bytes, x, x_stride, outputs, bias, y,  \
                   y_stride);                                                                               \
    break
    switch (rows) {
    case 1: CK_TILE(1, block_bytes);
    case 2: CK_TILE(2, block_bytes);
    case 3: CK_TILE(3, block_bytes);
    case 4: CK_TILE(4, block_bytes);
    case 5: CK_TILE(5, block_bytes);
    case 6: CK_TILE(6, block_bytes);
    case 7: CK_TILE(7, block_bytes);
    default:
        if (asks) {
            CK_TILE(8, block_bytes);
        }
        CK_TILE(8, 0);
    }
#undef CK_TILE
}

/* Blocks of 256 are slow to take apart: for more rows than one tile that is done once, here, for all of them. */
#define CK_STAGED_BLOCKS (CK_SUPER_BLOCK / CK_BLOCK)

CK_AVX512_INLINE void ck_load_staged_avx512(const uint8_t *staged, size_t block, ck_block_avx512 *w)
{
    *w = ((const ck_block_avx512 *)staged)[block];
}

/* One group's 16 outputs for any number of rows, by way of staged blocks, whose number is a multiple of theirs. */
CK_AVX512_INLINE void ck_staged_tiles_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t rows,
                                             size_t blocks, const uint8_t *group, size_t block_bytes,
                                             const ck_block *x, size_t x_stride, __mmask16 outputs, const float *bias,
                                             float *y, size_t y_stride)
{
    ck_block_avx512 staged[CK_STAGED_BLOCKS];
    for (size_t b = 0; b < blocks; b += CK_STAGED_BLOCKS) {
        for (size_t i = 0; i < CK_STAGED_BLOCKS; i++) load(group, b + i, &staged[i]);
        ck_ask_ahead(group + b * block_bytes, CK_STAGED_BLOCKS * block_bytes);
        for (size_t r = 0; r < rows; r += CK_TILE_ROWS_AVX512)
            ck_any_tile_avx512(ck_load_staged_avx512, scaling, rows - r, b == 0, b + CK_STAGED_BLOCKS == blocks,
                               CK_STAGED_BLOCKS, (const uint8_t *)staged, 0, 0, x + r * x_stride + b, x_stride, outputs,
                               bias, y + r * y_stride, y_stride);
    }
}

/* The multiplication of one row with whole groups. A file's block of `parts` x 32, both constants as block_bytes is, is
 * unrolled: what its parts share, as a scale, is loaded once, and nothing loops over requests. Gives the number of
 * outputs that are done. */
CK_AVX512_INLINE size_t ck_multiply_row_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t parts,
                                               size_t block_bytes, CK_BLOCKS_PARAMETERS)
{
    (void)x_stride, (void)y_stride;
    size_t done = 0;
    for (; rows == 1 && done + CK_GROUP <= m; done += CK_GROUP) {
        const uint8_t *group = (const uint8_t *)w + done / CK_GROUP * (k / CK_BLOCK) * block_bytes;
        __m512 sum = _mm512_setzero_ps();
        for (size_t i = 0; i < k / CK_BLOCK / parts; i++) {
            CK_UNROLL
            for (size_t part = 0; part < parts; part++) {
                size_t b = i * parts + part;
                ck_block_avx512 block;
                ck_ask_ahead(group + b * block_bytes, block_bytes);
                load(group, b, &block);
                sum = ck_add_block_avx512(scaling, &block, x + b, sum);
            }
        }
        if (bias) sum = _mm512_add_ps(sum, _mm512_loadu_ps(bias + done));
        _mm512_storeu_ps(y + done, sum);
    }
    return done;
}

/* The multiplication for one type. Rows go in blocks that stay in the second-level cache from group to group; up to
 * eight rows read each weight once. */
CK_AVX512_INLINE void ck_multiply_blocks_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t block_bytes,
                                                CK_BLOCKS_PARAMETERS)
{
    size_t blocks = k / CK_BLOCK, row_bytes = blocks * sizeof *x + 1;
    size_t most = CK_ACTIVATION_BYTES_AVX512 / row_bytes / CK_TILE_ROWS_AVX512 * CK_TILE_ROWS_AVX512;
    if (most < CK_TILE_ROWS_AVX512) most = CK_TILE_ROWS_AVX512;
    for (size_t from = 0; from < rows; from += most) {
        size_t to = rows - from < most ? rows : from + most;
        const uint8_t *group = w;
        for (size_t j = 0; j < m; j += CK_GROUP, group += blocks * block_bytes) {
            __mmask16 outputs = m - j < CK_GROUP ? (__mmask16)((1u << (m - j)) - 1) : 0xFFFF;
            const float *group_bias = bias ? bias + j : bias;
            int is_staged = scaling != CK_PLAIN && blocks > 0 && blocks % CK_STAGED_BLOCKS == 0;
            if (is_staged && to - from > CK_TILE_ROWS_AVX512) {
                ck_staged_tiles_avx512(load, scaling, to - from, blocks, group, block_bytes, x + from * x_stride,
                                       x_stride, outputs, group_bias, y + from * y_stride + j, y_stride);
                continue;
            }
            size_t r = from;
            for (; scaling == CK_PLAIN && to - r >= CK_TALL_TILE_ROWS_AVX512; r += CK_TALL_TILE_ROWS_AVX512) {
#define CK_TALL_TILE(block_bytes)                                                                           \
    ck_tile_avx512(load, scaling, CK_TALL_TILE_ROWS_AVX512, 1, 1, blocks, group, block_bytes,                \
                   x + r * x_stride, x_stride, outputs, group_bias, y + r * y_stride + j, y_stride)
                if (r == from) CK_TALL_TILE(block_bytes);
                else CK_TALL_TILE(0);
#undef CK_TALL_TILE
            }
            for (; r < to; r += CK_TILE_ROWS_AVX512)
                ck_any_tile_avx512(load, scaling, to - r, 1, 1, blocks, group, block_bytes, r == from,
                                   x + r * x_stride, x_stride, outputs, group_bias, y + r * y_stride + j, y_stride);
        }
    }
}

#endif
#endif
