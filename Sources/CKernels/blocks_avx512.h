/* Packed quantised weights in registers of AVX-512 with VNNI: blocks of 16 weight rows, and their products. */
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

/* Adds a block's products to a sum: `first` and `second` are those of each half of the block, or `first` of all of it,
 * with x's starts where the scaling has them. `scale` is the product of both scales, the other numbers are x's. */
CK_AVX512_INLINE __m512 ck_add_dots_avx512(enum ck_scaling scaling, const ck_block_avx512 *w, __m512i first,
                                           __m512i second, const float *x_scale, const float *scaled_sum,
                                           int32_t start_pair, __m512 scale, __m512 sum)
{
    if (scaling == CK_HALVES) {
        __m512 halves = _mm512_mul_ps(_mm512_cvtepi32_ps(first), w->first);
        return _mm512_fmadd_ps(_mm512_fmadd_ps(_mm512_cvtepi32_ps(second), w->second, halves), scale, sum);
    }
    if (scaling == CK_SMALL_HALVES || scaling == CK_SMALL_HALVES_MINIMUMS) {
        /* The sums of 16 products fit in 16 bits. Codes with minimums are loaded fourfold. */
        __m512i above = _mm512_slli_epi32(second, scaling == CK_SMALL_HALVES ? 16 : 14);
        __m512i dots = _mm512_mask_blend_epi16(0xAAAAAAAA, first, above);
        __m512i zero = _mm512_setzero_si512();
        __m512 scaled = _mm512_cvtepi32_ps(_mm512_dpwssd_epi32(zero, w->scales, dots));
        if (scaling == CK_SMALL_HALVES) return _mm512_fmadd_ps(scaled, scale, sum);
        __m512i sums = _mm512_dpwssd_epi32(zero, w->minimums, _mm512_set1_epi32(start_pair));
        __m512 minimums = _mm512_mul_ps(w->minimum, _mm512_cvtepi32_ps(sums));
        return _mm512_fmadd_ps(_mm512_fmadd_ps(w->scale, scaled, minimums), _mm512_set1_ps(*x_scale), sum);
    }
    if (scaling == CK_FOURFOLD) first = _mm512_add_epi32(first, _mm512_srai_epi32(second, 2));
    sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(first), scale, sum);
    return scaling == CK_MINIMUMS ? _mm512_fnmadd_ps(w->minimum, _mm512_set1_ps(*scaled_sum), sum) : sum;
}

/* Whether ck_add_dots_avx512 wants the products of each half of a block. */
CK_AVX512_INLINE int ck_has_halves_avx512(enum ck_scaling scaling)
{
    return scaling != CK_PLAIN && scaling != CK_MINIMUMS;
}

/* What the products of a half start with. */
CK_AVX512_INLINE int32_t ck_start_avx512(enum ck_scaling scaling, const int32_t *start, size_t half)
{
    if (scaling == CK_SMALL_HALVES_MINIMUMS || (scaling == CK_FOURFOLD && half == 1)) return 0;
    return *start;
}

CK_AVX512_INLINE __m512 ck_add_block_avx512(enum ck_scaling scaling, const ck_block_avx512 *w, const ck_block *x,
                                            __m512 sum)
{
    __m512 scale = _mm512_mul_ps(w->scale, _mm512_set1_ps(x->scale));
    int has_halves = ck_has_halves_avx512(scaling);
    size_t middle = has_halves ? CK_STEPS / 2 : CK_STEPS;
    __m512i first = ck_dot_avx512(w, x, ck_start_avx512(scaling, &x->start[0], 0), 0, middle), second = first;
    if (has_halves) second = ck_dot_avx512(w, x, ck_start_avx512(scaling, &x->start[1], 1), middle, CK_STEPS);
    int32_t pair = scaling == CK_SMALL_HALVES_MINIMUMS ? ck_start_pair(x->start[0], x->start[1]) : 0;
    return ck_add_dots_avx512(scaling, w, first, second, &x->scale, &x->scaled_sum, pair, scale, sum);
}

/* The multiplication of one row with whole groups. A file's block of `parts` x 32, both constants as block_bytes is, is
 * unrolled: what its parts share, as a scale, is loaded once, and nothing loops over requests. Gives the number of
 * outputs that are done. */
CK_AVX512_INLINE size_t ck_multiply_row_avx512(ck_load_avx512_fn *load, enum ck_scaling scaling, size_t parts,
                                               size_t block_bytes, CK_BLOCKS_PARAMETERS)
{
    (void)x_stride, (void)y_stride, (void)packed;
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

#endif
#endif
