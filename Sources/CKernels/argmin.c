#include "kernels.h"

/* NaN ranks with +infinity: a broken score is the last to be given up. */
static inline float rank_scalar(float x) { return x != x ? INFINITY : x; }

/* The one of two indices that goes first; the smaller index where score and position are equal. */
static inline size_t better_scalar(const float *x, const int32_t *positions, size_t i, size_t j)
{
    float a = rank_scalar(x[i]), b = rank_scalar(x[j]);
    if (a != b) return a < b ? i : j;
    if (positions[i] != positions[j]) return positions[i] > positions[j] ? i : j;
    return i < j ? i : j;
}

size_t ck_argmin_newest_f32_scalar(size_t n, const float *x, const int32_t *positions)
{
    assert(n > 0);
    size_t best = 0;
    for (size_t j = 1; j < n; j++) best = better_scalar(x, positions, j, best);
    return best;
}

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 rank_avx2(__m256 x)
{
    return _mm256_blendv_ps(x, _mm256_set1_ps(INFINITY), _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

CK_AVX2 size_t ck_argmin_newest_f32_avx2(size_t n, const float *x, const int32_t *positions)
{
    assert(n > 0 && n < INT32_MAX);
    if (n < 8) return ck_argmin_newest_f32_scalar(n, x, positions);
    __m256 least = rank_avx2(_mm256_loadu_ps(x));
    __m256i newest = _mm256_loadu_si256((const __m256i *)positions);
    __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), best = index;
    size_t j = 8;
    for (; j + 8 <= n; j += 8) {
        index = _mm256_add_epi32(index, _mm256_set1_epi32(8));
        __m256 value = rank_avx2(_mm256_loadu_ps(x + j));
        __m256i position = _mm256_loadu_si256((const __m256i *)(positions + j));
        __m256 newer = _mm256_castsi256_ps(_mm256_cmpgt_epi32(position, newest));
        __m256 better = _mm256_or_ps(_mm256_cmp_ps(value, least, _CMP_LT_OQ),
                                     _mm256_and_ps(_mm256_cmp_ps(value, least, _CMP_EQ_OQ), newer));
        least = _mm256_blendv_ps(least, value, better);
        newest = _mm256_blendv_epi8(newest, position, _mm256_castps_si256(better));
        best = _mm256_blendv_epi8(best, index, _mm256_castps_si256(better));
    }
    int32_t lane[8];
    _mm256_storeu_si256((__m256i *)lane, best);
    size_t winner = (size_t)lane[0];
    for (size_t l = 1; l < 8; l++) winner = better_scalar(x, positions, (size_t)lane[l], winner);
    for (; j < n; j++) winner = better_scalar(x, positions, j, winner);
    return winner;
}
#endif
