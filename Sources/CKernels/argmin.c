#include "kernels.h"

/* What an entry is compared by. An entry that is no candidate ranks behind every candidate, whatever its score. */
typedef struct {
    float score;
    int32_t position;
} rank;

/* NaN ranks with +infinity: a broken score is the last to be given up. */
static inline rank rank_scalar(float x, int32_t position, int32_t lowest, int32_t highest)
{
    if (position < lowest || position > highest) return (rank){INFINITY, INT32_MIN};
    return (rank){x != x ? INFINITY : x, position};
}

size_t ck_argmin_newest_f32_scalar(size_t n, const float *x, const int32_t *positions, int32_t lowest, int32_t highest)
{
    assert(lowest > INT32_MIN);
    size_t best = n;
    rank least = {INFINITY, INT32_MIN};
    for (size_t j = 0; j < n; j++) {
        rank r = rank_scalar(x[j], positions[j], lowest, highest);
        if (r.score < least.score || (r.score == least.score && r.position > least.position)) {
            best = j;
            least = r;
        }
    }
    return best;
}

#if defined(__x86_64__)
CK_AVX2 size_t ck_argmin_newest_f32_avx2(size_t n, const float *x, const int32_t *positions, int32_t lowest,
                                         int32_t highest)
{
    assert(lowest > INT32_MIN);
    assert(n < INT32_MAX);
    const __m256 infinity = _mm256_set1_ps(INFINITY);
    const __m256i nowhere = _mm256_set1_epi32(INT32_MIN);
    __m256 least = infinity;
    __m256i newest = nowhere, best = _mm256_set1_epi32((int32_t)n);
    __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    size_t j = 0;
    for (; j + 8 <= n; j += 8, index = _mm256_add_epi32(index, _mm256_set1_epi32(8))) {
        __m256 value = _mm256_loadu_ps(x + j);
        __m256i position = _mm256_loadu_si256((const __m256i *)(positions + j));
        __m256i outside = _mm256_or_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(lowest), position),
                                          _mm256_cmpgt_epi32(position, _mm256_set1_epi32(highest)));
        __m256 is_last = _mm256_or_ps(_mm256_castsi256_ps(outside), _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
        value = _mm256_blendv_ps(value, infinity, is_last);
        position = _mm256_blendv_epi8(position, nowhere, outside);
        __m256 newer = _mm256_castsi256_ps(_mm256_cmpgt_epi32(position, newest));
        __m256 better = _mm256_or_ps(_mm256_cmp_ps(value, least, _CMP_LT_OQ),
                                     _mm256_and_ps(_mm256_cmp_ps(value, least, _CMP_EQ_OQ), newer));
        least = _mm256_blendv_ps(least, value, better);
        newest = _mm256_blendv_epi8(newest, position, _mm256_castps_si256(better));
        best = _mm256_blendv_epi8(best, index, _mm256_castps_si256(better));
    }
    float scores[8];
    int32_t places[8], indices[8];
    _mm256_storeu_ps(scores, least);
    _mm256_storeu_si256((__m256i *)places, newest);
    _mm256_storeu_si256((__m256i *)indices, best);
    size_t winner = n;
    rank top = {INFINITY, INT32_MIN};
    for (size_t l = 0; l < 8; l++) {
        if (scores[l] < top.score || (scores[l] == top.score && places[l] > top.position)) {
            winner = (size_t)indices[l];
            top = (rank){scores[l], places[l]};
        }
    }
    for (; j < n; j++) {
        rank r = rank_scalar(x[j], positions[j], lowest, highest);
        if (r.score < top.score || (r.score == top.score && r.position > top.position)) {
            winner = j;
            top = r;
        }
    }
    return winner;
}

/* Entries whose minimum is taken together, before their places are looked at. */
#define ARGMIN_BLOCK 512

/* Sixteen values, NaN as infinity; infinity where there is no candidate. */
CK_AVX512_INLINE __m512 candidates_avx512(size_t left, const float *x, const int32_t *positions, __m512i lowest,
                                          __m512i width, __mmask16 *are)
{
    __mmask16 mask = left < 16 ? (__mmask16)((1u << left) - 1) : 0xFFFF;
    __m512 infinity = _mm512_set1_ps(INFINITY);
    __m512i above = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(mask, positions), lowest);
    *are = _mm512_mask_cmple_epu32_mask(mask, above, width);
    /* NaN is the first operand, which loses. */
    return _mm512_mask_min_ps(infinity, *are, _mm512_maskz_loadu_ps(mask, x), infinity);
}

/* Two passes: the minimum by blocks, then its place in the blocks that have it, which is one but for ties. */
CK_AVX512 size_t ck_argmin_newest_f32_avx512(size_t n, const float *x, const int32_t *positions, int32_t lowest,
                                             int32_t highest)
{
    assert(lowest > INT32_MIN);
    if (highest < lowest) return n;
    __m512i first = _mm512_set1_epi32(lowest);
    __m512i width = _mm512_set1_epi32((int32_t)((uint32_t)highest - (uint32_t)lowest));
    __mmask16 are;
    float least = INFINITY;
    size_t from = 0, to = 0;
    for (size_t start = 0; start < n; start += ARGMIN_BLOCK) {
        size_t end = n - start < ARGMIN_BLOCK ? n : start + ARGMIN_BLOCK;
        __m512 least_even = _mm512_set1_ps(INFINITY), least_odd = least_even;
        for (size_t j = start; j < end; j += 32) {
            __m512 value = candidates_avx512(end - j, x + j, positions + j, first, width, &are);
            least_even = _mm512_min_ps(least_even, value);
            if (end - j <= 16) break;
            value = candidates_avx512(end - j - 16, x + j + 16, positions + j + 16, first, width, &are);
            least_odd = _mm512_min_ps(least_odd, value);
        }
        float block = _mm512_reduce_min_ps(_mm512_min_ps(least_even, least_odd));
        if (block < least) {
            least = block;
            from = start;
        }
        if (block == least) to = end;
    }
    /* Nothing below infinity: the candidates, if any, may be anywhere. */
    if (least == INFINITY) from = 0;
    size_t winner = n;
    int32_t newest = INT32_MIN;
    for (size_t j = from; j < to; j += 16) {
        __m512 value = candidates_avx512(n - j, x + j, positions + j, first, width, &are);
        uint32_t equal = _mm512_mask_cmp_ps_mask(are, value, _mm512_set1_ps(least), _CMP_EQ_OQ);
        for (; equal; equal &= equal - 1) {
            size_t at = j + (size_t)__builtin_ctz(equal);
            if (positions[at] <= newest) continue;
            winner = at;
            newest = positions[at];
        }
    }
    return winner;
}
#endif
