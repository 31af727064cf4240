/* Register tiles of packed quantised weights for AVX2: 8 weight rows (half of a group) x up to 4 activation rows. */
#ifndef CK_BLOCKS_AVX2_H
#define CK_BLOCKS_AVX2_H
#include "blocks.h"
#if defined(__x86_64__)

/* One block of 8 weight rows, row r in 32-bit lane r. */
typedef struct {
    __m256i q[CK_STEPS];
    __m256 scale, minimum, first, second;
    __m256i scales, minimums; /* of both halves, as pairs of 16 bits */
} ck_block_avx2;

/* What a loader makes of a block's weights. */
enum ck_codes {
    CK_CODES,    /* codes without sign; their dot products begin with the activations' start */
    CK_PAIRS,    /* the same, below 4, and those of the last four steps times 4 */
    CK_INTEGERS, /* signed integers */
    CK_ABOVE,    /* signed integers above -128 */
};

/* Operands that compilers cannot know: where they know them, and registers are short, they spread a byte or two of them
 * again for each use, which takes a step of its own, while these are read by the instruction that uses them. */
enum ck_mask {
    CK_MASK_LOW_PAIRS,    /* bytes 3 */
    CK_MASK_HIGH_PAIRS,   /* bytes 12 */
    CK_MASK_ONES,         /* 16 bits: 1 */
    CK_MASK_LOW_NIBBLES,  /* 16 bits: 15 */
    CK_MASK_HIGH_NIBBLES, /* 16 bits: 240 */
};
extern const int32_t ck_masks_avx2[][8];

CK_AVX2_INLINE __m256i ck_mask_avx2(enum ck_mask mask)
{
    return _mm256_load_si256((const __m256i *)ck_masks_avx2[mask]);
}

/* half is 0 or 1: rows 0 to 7 or 8 to 15 of the group. */
typedef void ck_load_avx2_fn(const uint8_t *group, size_t block, size_t half, ck_block_avx2 *w);

#define CK_TILE_ROWS_AVX2 4
#define CK_ACTIVATION_BYTES_AVX2 (256 * 1024)
/* Of a longer single row, magnitudes are not kept. */
#define CK_MAGNITUDES_AVX2 (16 * 1024)

CK_AVX2_INLINE __m256 ck_load_halves_avx2(const void *halves)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

/* The codes of one block of 32, as blocks.h lays them out; they begin with those of the half's first row. */
CK_AVX2_INLINE void ck_load_nibbles_avx2(const uint8_t *nibbles, __m256i q[CK_STEPS])
{
    for (size_t step = 0; step < CK_STEPS / 2; step++) {
        __m256i both = _mm256_loadu_si256((const __m256i *)(nibbles + CK_STEP_BYTES * step));
        q[step] = _mm256_and_si256(both, _mm256_set1_epi8(15));
        q[step + CK_STEPS / 2] = _mm256_and_si256(_mm256_srli_epi16(both, 4), _mm256_set1_epi8(15));
    }
}

/* For CK_PAIRS. */
CK_AVX2_INLINE void ck_load_pairs_avx2(const uint8_t *pairs, __m256i q[CK_STEPS])
{
    const __m256i low = ck_mask_avx2(CK_MASK_LOW_PAIRS), high = ck_mask_avx2(CK_MASK_HIGH_PAIRS);
    for (size_t i = 0; i < 2; i++, q += 2) {
        __m256i four = _mm256_loadu_si256((const __m256i *)(pairs + CK_STEP_BYTES * i));
        __m256i upper = _mm256_srli_epi16(four, 4);
        q[0] = _mm256_and_si256(four, low);
        q[1] = _mm256_and_si256(upper, low);
        q[CK_STEPS / 2] = _mm256_and_si256(four, high);
        q[CK_STEPS / 2 + 1] = _mm256_and_si256(upper, high);
    }
}

CK_AVX2_INLINE void ck_load_triples_avx2(const uint8_t *triples, __m256i q[CK_STEPS])
{
    const __m256i codes = _mm256_set1_epi8(7), bits = _mm256_set1_epi8((char)0x88);
    __m256i rest = _mm256_setzero_si256();
    for (int i = 0; i < 3; i++) {
        __m256i two = _mm256_loadu_si256((const __m256i *)(triples + CK_STEP_BYTES * i));
        q[2 * i] = _mm256_and_si256(two, codes);
        q[2 * i + 1] = _mm256_and_si256(_mm256_srli_epi16(two, 4), codes);
        rest = _mm256_or_si256(rest, _mm256_srli_epi16(_mm256_and_si256(two, bits), 3 - i));
    }
    q[6] = _mm256_and_si256(rest, codes);
    q[7] = _mm256_and_si256(_mm256_srli_epi16(rest, 4), codes);
}

CK_AVX2_INLINE void ck_load_fives_avx2(const uint8_t *fives, __m256i q[CK_STEPS])
{
    __m256i byte[5], low = _mm256_set1_epi8(7), high = _mm256_set1_epi8(24);
    for (int i = 0; i < 5; i++) {
        byte[i] = _mm256_loadu_si256((const __m256i *)(fives + CK_STEP_BYTES * i));
        q[i] = _mm256_and_si256(byte[i], _mm256_set1_epi8(31));
    }
    for (int i = 0; i < 2; i++)
        q[5 + i] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(byte[2 * i], 5), low),
                                   _mm256_and_si256(_mm256_srli_epi16(byte[2 * i + 1], 2), high));
    __m256i fourth = _mm256_and_si256(_mm256_srli_epi16(byte[3], 4), _mm256_set1_epi8(8));
    __m256i fifth = _mm256_and_si256(_mm256_srli_epi16(byte[1], 3), _mm256_set1_epi8(16));
    q[7] = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(byte[4], 5), low), _mm256_or_si256(fourth, fifth));
}

/* 8 signed bytes as floats. */
CK_AVX2_INLINE __m256 ck_load_bytes_avx2(const uint8_t *bytes)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)bytes)));
}

/* The scales and minimums of one part of 32 of Q4_K and Q5_K: d, dmin and 12 bytes (file_blocks.h) of 8 rows. */
CK_AVX2_INLINE void ck_load_k_scales_avx2(const uint8_t *group, size_t part, size_t half, ck_block_avx2 *w)
{
    const uint8_t *bytes = group + 4 * CK_GROUP + 8 * half;
#define BYTES(i) _mm_loadl_epi64((const __m128i *)(bytes + (i) * CK_GROUP))
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
    w->scale = _mm256_mul_ps(ck_load_halves_avx2(group + 16 * half),
                             _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(scale)));
    w->minimum = _mm256_mul_ps(ck_load_halves_avx2(group + 2 * CK_GROUP + 16 * half),
                               _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(minimum)));
}

CK_AVX2_INLINE __m256i ck_four_avx2(const int8_t *q, size_t step)
{
    int32_t four;
    memcpy(&four, q + 4 * step, sizeof four);
    return _mm256_set1_epi32(four);
}

/* Products of two neighbours each of one step, added in 16 bits. Weights of 8 bits are signed, and the instruction
 * takes one factor without sign: the sign moves to the other, which must not be -128. 2 * 128 * 127 fits.
 * magnitudes: those of `four`, for CK_ABOVE. */
CK_AVX2_INLINE __m256i ck_step_avx2(enum ck_codes codes, __m256i q, __m256i four, __m256i magnitudes)
{
    if (codes == CK_INTEGERS) return _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(four, q));
    if (codes == CK_ABOVE) return _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(q, four));
    return _mm256_maddubs_epi16(q, four);
}

/* Dot products of the steps from `first` to `last` for one or two halves. `deep` sums of two products below
 * 2 * 127 * (32767 / 254 / deep) are added up before they are widened. Those of pairs' last four steps alone stay 4
 * times as large. magnitudes: those of x->q where they are known, for CK_ABOVE. */
CK_AVX2_INLINE void ck_dots_avx2(enum ck_codes codes, size_t deep, size_t halves, const ck_block_avx2 *w,
                                 const ck_block *x, const int8_t *magnitudes, int32_t start, size_t first, size_t last,
                                 __m256i *sums)
{
    int has_start = codes == CK_CODES || codes == CK_PAIRS;
    __m256i ones = ck_mask_avx2(CK_MASK_ONES);
    for (size_t h = 0; h < halves; h++) sums[h] = _mm256_set1_epi32(has_start ? start : 0);
    for (size_t step = first; step < last; step += deep) {
        __m256i pairs[2], fourfold[2];
        for (size_t h = 0; h < halves; h++) pairs[h] = fourfold[h] = _mm256_setzero_si256();
        for (size_t s = step; s < step + deep; s++) {
            __m256i four = ck_four_avx2(x->q, s);
            __m256i positive = magnitudes ? ck_four_avx2(magnitudes, s) : _mm256_abs_epi8(four);
            for (size_t h = 0; h < halves; h++) {
                __m256i two = ck_step_avx2(codes, w[h].q[s], four, positive);
                if (codes == CK_PAIRS && s >= CK_STEPS / 2) fourfold[h] = _mm256_add_epi16(fourfold[h], two);
                else pairs[h] = _mm256_add_epi16(pairs[h], two);
            }
        }
        for (size_t h = 0; h < halves; h++) {
            if (codes == CK_PAIRS && first > 0) pairs[h] = fourfold[h];
            else if (codes == CK_PAIRS && last == CK_STEPS)
                pairs[h] = _mm256_add_epi16(pairs[h], _mm256_srai_epi16(fourfold[h], 2));
            sums[h] = _mm256_add_epi32(sums[h], _mm256_madd_epi16(pairs[h], ones));
        }
    }
}

/* Adds a block's dot product, or those of its first and second 16 elements, to a sum. */
CK_AVX2_INLINE __m256 ck_add_dots_avx2(enum ck_scaling scaling, enum ck_codes codes, const ck_block_avx2 *w,
                                       const ck_block *x, __m256i first, __m256i second, __m256 sum)
{
    __m256 scale = _mm256_mul_ps(w->scale, _mm256_set1_ps(x->scale));
    if (scaling == CK_HALVES) {
        __m256 dots = _mm256_mul_ps(_mm256_cvtepi32_ps(first), w->first);
        return _mm256_fmadd_ps(_mm256_fmadd_ps(_mm256_cvtepi32_ps(second), w->second, dots), scale, sum);
    }
    if (scaling == CK_SMALL_HALVES || scaling == CK_SMALL_HALVES_MINIMUMS) {
        /* The sums of 16 products fit in 16 bits, and so do the starts. */
        __m256i dots = _mm256_blend_epi16(first, _mm256_slli_epi32(second, codes == CK_PAIRS ? 14 : 16), 0xAA);
        int64_t both;
        memcpy(&both, x->start, sizeof both);
        __m256i starts = _mm256_packs_epi32(_mm256_set1_epi64x(both), _mm256_set1_epi64x(both));
        if (scaling == CK_SMALL_HALVES) {
            dots = _mm256_madd_epi16(w->scales, _mm256_add_epi16(dots, starts));
            return _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), scale, sum);
        }
        __m256 scaled = _mm256_cvtepi32_ps(_mm256_madd_epi16(w->scales, dots));
        __m256 minimums = _mm256_mul_ps(w->minimum, _mm256_cvtepi32_ps(_mm256_madd_epi16(w->minimums, starts)));
        return _mm256_fmadd_ps(_mm256_fmadd_ps(w->scale, scaled, minimums), _mm256_set1_ps(x->scale), sum);
    }
    sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(first), scale, sum);
    return scaling == CK_MINIMUMS ? _mm256_fnmadd_ps(w->minimum, _mm256_set1_ps(x->scaled_sum), sum) : sum;
}

/* One block of one or two halves, a constant, and one row. */
CK_AVX2_INLINE void ck_add_block_avx2(enum ck_scaling scaling, enum ck_codes codes, size_t deep, size_t halves,
                                      const ck_block_avx2 *w, const ck_block *x, const int8_t *magnitudes,
                                      __m256 *sums)
{
    __m256i first[2], second[2];
    if (scaling == CK_PLAIN || scaling == CK_MINIMUMS) {
        ck_dots_avx2(codes, deep, halves, w, x, magnitudes, x->start[0], 0, CK_STEPS, first);
        second[0] = second[1] = _mm256_setzero_si256();
    } else {
        int has_start = scaling == CK_HALVES;
        int32_t start[2] = {has_start ? x->start[0] : 0, has_start ? x->start[1] : 0};
        ck_dots_avx2(codes, deep, halves, w, x, magnitudes, start[0], 0, CK_STEPS / 2, first);
        ck_dots_avx2(codes, deep, halves, w, x, magnitudes, start[1], CK_STEPS / 2, CK_STEPS, second);
    }
    for (size_t h = 0; h < halves; h++)
        sums[h] = ck_add_dots_avx2(scaling, codes, &w[h], x, first[h], second[h], sums[h]);
}

/* The 8 outputs of half a group, of which `outputs` exist, for `rows` rows. rows is a constant at each call.
 * block_bytes is what a block takes of the group, or 0 where the weights are near. */
CK_AVX2_INLINE void ck_tile_avx2(ck_load_avx2_fn *load, enum ck_scaling scaling, enum ck_codes codes, size_t deep,
                                 size_t rows, size_t blocks, const uint8_t *group, size_t block_bytes, size_t half,
                                 const ck_block *x, size_t x_stride, size_t outputs, const float *bias, float *y,
                                 size_t y_stride)
{
    __m256 sums[CK_TILE_ROWS_AVX2];
    for (size_t r = 0; r < rows; r++) sums[r] = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++) {
        ck_block_avx2 w;
        load(group, b, half, &w);
        ck_ask_ahead(group + b * block_bytes, block_bytes);
        for (size_t r = 0; r < rows; r++)
            ck_add_block_avx2(scaling, codes, deep, 1, &w, x + r * x_stride + b, NULL, &sums[r]);
    }
    __m256i mask = outputs < 8 ? ck_tail_mask_avx2(outputs) : _mm256_set1_epi32(-1);
    for (size_t r = 0; r < rows; r++) {
        if (bias) sums[r] = _mm256_add_ps(sums[r], _mm256_maskload_ps(bias, mask));
        _mm256_maskstore_ps(y + r * y_stride, mask, sums[r]);
    }
}

/* The 16 outputs of a group for one row: the weights, which come from memory, are passed once. A file's block of
 * `parts` x 32, both constants as block_bytes is, is unrolled: what its parts share, as a scale, is loaded once, shifts
 * are constants, and nothing loops over requests. For CK_ABOVE, whose codes take the most steps, rows go half by half,
 * and the magnitudes of the activations are at hand. */
CK_AVX2_INLINE void ck_row_avx2(ck_load_avx2_fn *load, enum ck_scaling scaling, enum ck_codes codes, size_t deep,
                                size_t parts, size_t blocks, const uint8_t *group, size_t block_bytes,
                                const ck_block *x, const int8_t *magnitudes, const float *bias, float *y)
{
    __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t i = 0; i < blocks / parts; i++) {
        CK_UNROLL
        for (size_t part = 0; part < parts; part++) {
            size_t b = i * parts + part;
            size_t halves = codes == CK_ABOVE ? 1 : 2;
            ck_block_avx2 w[2];
            ck_ask_ahead(group + b * block_bytes, block_bytes);
            for (size_t h = 0; h < 2; h += halves) {
                load(group, b, h, &w[0]);
                if (halves == 2) load(group, b, 1, &w[1]);
                ck_add_block_avx2(scaling, codes, deep, halves, w, x + b,
                                  magnitudes ? magnitudes + b * CK_BLOCK : NULL, sums + h);
                /* Else the second half is loaded with the first one, and registers run out. */
                if (halves == 1) __asm__("" ::: "memory");
            }
        }
    }
    for (size_t h = 0; h < 2; h++) {
        if (bias) sums[h] = _mm256_add_ps(sums[h], _mm256_loadu_ps(bias + 8 * h));
        _mm256_storeu_ps(y + 8 * h, sums[h]);
    }
}

/* The multiplication for one type, whose blocks in the file have `parts` x 32 elements and take file_block_bytes of a
 * group; see ck_multiply_blocks_avx512 for the order of the loops. */
CK_AVX2_INLINE void ck_multiply_blocks_avx2(ck_load_avx2_fn *load, enum ck_scaling scaling, enum ck_codes codes,
                                            size_t deep, size_t file_block_bytes, size_t parts, CK_BLOCKS_PARAMETERS)
{
    (void)packed;
    size_t blocks = k / CK_BLOCK, row_bytes = blocks * sizeof *x + 1, block_bytes = file_block_bytes / parts, done = 0;
    int8_t magnitudes[CK_MAGNITUDES_AVX2];
    int is_short = codes != CK_ABOVE || k <= CK_MAGNITUDES_AVX2;
    for (size_t b = 0; rows == 1 && codes == CK_ABOVE && is_short && b < blocks; b++)
        _mm256_storeu_si256((__m256i *)(magnitudes + b * CK_BLOCK),
                            _mm256_abs_epi8(_mm256_loadu_si256((const __m256i *)x[b].q)));
    for (; rows == 1 && is_short && done + CK_GROUP <= m; done += CK_GROUP)
        ck_row_avx2(load, scaling, codes, deep, parts, blocks,
                    (const uint8_t *)w + done / CK_GROUP * blocks * block_bytes, block_bytes, x,
                    codes == CK_ABOVE ? magnitudes : NULL, bias ? bias + done : bias, y + done);
    size_t most = CK_ACTIVATION_BYTES_AVX2 / row_bytes / CK_TILE_ROWS_AVX2 * CK_TILE_ROWS_AVX2;
    if (most < 2 * CK_TILE_ROWS_AVX2) most = 2 * CK_TILE_ROWS_AVX2;
    for (size_t from = 0; from < rows; from += most) {
        size_t to = rows - from < most ? rows : from + most;
        for (size_t j = done; j < m; j += 8) {
            const uint8_t *group = (const uint8_t *)w + j / CK_GROUP * blocks * block_bytes;
            for (size_t r = from; r < to; r += CK_TILE_ROWS_AVX2) {
                int ask = r == from && j % CK_GROUP == 0;
#define CK_TILE(n)                                                                                          \
    ck_tile_avx2(load, scaling, codes, deep, n, blocks, group, ask ? block_bytes : 0, j / 8 % 2,            \
                 x + r * x_stride, x_stride, m - j, bias ? bias + j : bias, y + r * y_stride + j, y_stride)
                switch (to - r) {
                case 1: CK_TILE(1); break;
                case 2: CK_TILE(2); break;
                case 3: CK_TILE(3); break;
                default: CK_TILE(4);
                }
#undef CK_TILE
            }
        }
    }
}

#endif
#endif
