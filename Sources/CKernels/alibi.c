#include "kernels.h"

void ck_alibi_f32_scalar(size_t n, float slope, int32_t query_position, const int32_t *positions, float *logits)
{
    for (size_t j = 0; j < n; j++) logits[j] = fmaf(slope, (float)(positions[j] - query_position), logits[j]);
}

#if defined(__x86_64__)
CK_AVX2 void ck_alibi_f32_avx2(size_t n, float slope, int32_t query_position, const int32_t *positions, float *logits)
{
    __m256i query = _mm256_set1_epi32(query_position);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256i distance = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(positions + j)), query);
        __m256 bias = _mm256_fmadd_ps(_mm256_set1_ps(slope), _mm256_cvtepi32_ps(distance), _mm256_loadu_ps(logits + j));
        _mm256_storeu_ps(logits + j, bias);
    }
    ck_alibi_f32_scalar(n - j, slope, query_position, positions + j, logits + j);
}
#endif
