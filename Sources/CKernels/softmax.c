#include "expf.h"

void ck_softmax_f32_scalar(size_t n, float *x)
{
    assert(n > 0);
    float max = -INFINITY, s[CK_LANES] = {0};
    for (size_t j = 0; j < n; j++) max = x[j] > max ? x[j] : max;
    for (size_t j = 0; j < n; j++) s[j % CK_LANES] += x[j] = ck_exp_scalar(x[j] - max);
    float inverse = 1.0f / ck_lanes_sum(s);
    for (size_t j = 0; j < n; j++) x[j] *= inverse;
}

#if defined(__x86_64__)
CK_AVX2 void ck_softmax_f32_avx2(size_t n, float *x)
{
    assert(n > 0);
    float max = ck_max_avx2(n, x);
    float inverse = 1.0f / ck_exp_sum_avx2(n, max, x);
    __m256 factor = _mm256_set1_ps(inverse);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) _mm256_storeu_ps(x + j, _mm256_mul_ps(_mm256_loadu_ps(x + j), factor));
    for (; j < n; j++) x[j] *= inverse;
}

CK_AVX512 void ck_softmax_f32_avx512(size_t n, float *x)
{
    assert(n > 0);
    float max = ck_max_avx512(n, x);
    float inverse = 1.0f / ck_exp_sum_avx512(n, max, x);
    __m512 factor = _mm512_set1_ps(inverse);
    size_t j = 0;
    for (; j + 16 <= n; j += 16) _mm512_storeu_ps(x + j, _mm512_mul_ps(_mm512_loadu_ps(x + j), factor));
    for (; j < n; j++) x[j] *= inverse;
}
#endif
