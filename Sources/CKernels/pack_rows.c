#include "packed_rows.h"

void ck_pack_rows_scalar(size_t rows, size_t blocks, const ck_block *x, size_t x_stride, ck_block *packed)
{
    (void)rows, (void)blocks, (void)x, (void)x_stride, (void)packed;
}

#if defined(__x86_64__)
_Static_assert(sizeof(ck_tall_block_avx512) == CK_PACKED_ROWS_AVX512 * sizeof(ck_block), "packed rows need more room");

/* The 32-bit words of four registers of 4 x 4 of them, transposed within each quarter of the registers. */
CK_AVX512_INLINE void transpose_words(const __m512i row[4], __m512i column[4])
{
    __m512i low[2], high[2];
    for (size_t i = 0; i < 2; i++) {
        low[i] = _mm512_unpacklo_epi32(row[2 * i], row[2 * i + 1]);
        high[i] = _mm512_unpackhi_epi32(row[2 * i], row[2 * i + 1]);
    }
    column[0] = _mm512_unpacklo_epi64(low[0], low[1]);
    column[1] = _mm512_unpackhi_epi64(low[0], low[1]);
    column[2] = _mm512_unpacklo_epi64(high[0], high[1]);
    column[3] = _mm512_unpackhi_epi64(high[0], high[1]);
}

/* The q of 8 rows: quarters 0 and 2 of step[i] are step i of the first and the last four rows, quarters 1 and 3 step
 * 4 + i. */
CK_AVX512_INLINE void transpose_q(const ck_block *const x[8], __m512i step[4])
{
    __m512i row[4];
    for (size_t i = 0; i < 4; i++) {
        __m256i near = _mm256_loadu_si256((const __m256i *)x[i]->q);
        __m256i far = _mm256_loadu_si256((const __m256i *)x[i + 4]->q);
        row[i] = _mm512_inserti64x4(_mm512_castsi256_si512(near), far, 1);
    }
    transpose_words(row, step);
}

/* What stands before the q of 16 rows: scales, sums and both starts. */
CK_AVX512_INLINE void transpose_numbers(const ck_block *const x[CK_PACKED_ROWS_AVX512], __m512i number[4])
{
    __m512i row[4];
    for (size_t i = 0; i < 4; i++) {
        row[i] = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)x[i]));
        row[i] = _mm512_inserti32x4(row[i], _mm_loadu_si128((const __m128i *)x[i + 4]), 1);
        row[i] = _mm512_inserti32x4(row[i], _mm_loadu_si128((const __m128i *)x[i + 8]), 2);
        row[i] = _mm512_inserti32x4(row[i], _mm_loadu_si128((const __m128i *)x[i + 12]), 3);
    }
    transpose_words(row, number);
}

CK_AVX512 void ck_pack_rows_avx512(size_t rows, size_t blocks, const ck_block *x, size_t x_stride, ck_block *packed)
{
    ck_tall_block_avx512 *tall = (ck_tall_block_avx512 *)packed;
    for (size_t from = 0; from < rows; from += CK_PACKED_ROWS_AVX512) {
        /* The last row stands in for those that are missing. */
        const ck_block *row[CK_PACKED_ROWS_AVX512];
        for (size_t i = 0; i < CK_PACKED_ROWS_AVX512; i++)
            row[i] = x + (from + i < rows ? from + i : rows - 1) * x_stride;
        for (size_t b = 0; b < blocks; b++, tall++) {
            __m512i number[4], upper[4], lower[4];
            transpose_numbers(row, number);
            _mm512_storeu_si512(tall->scale, number[0]);
            _mm512_storeu_si512(tall->scaled_sum, number[1]);
            for (size_t half = 0; half < 2; half++) _mm512_storeu_si512(tall->start[half], number[2 + half]);
            transpose_q(row, upper);
            transpose_q(row + CK_PACKED_ROWS_AVX512 / 2, lower);
            for (size_t i = 0; i < CK_STEPS / 2; i++) {
                _mm512_storeu_si512(tall->q[i], _mm512_shuffle_i64x2(upper[i], lower[i], 0x88));
                _mm512_storeu_si512(tall->q[CK_STEPS / 2 + i], _mm512_shuffle_i64x2(upper[i], lower[i], 0xDD));
            }
            for (size_t i = 0; i < CK_PACKED_ROWS_AVX512; i++) row[i]++;
        }
    }
}
#endif
