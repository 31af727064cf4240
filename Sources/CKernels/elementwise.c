#include "kernels.h"

void ck_multiply_elements_scalar(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] *= x[i];
}

void ck_scale_scalar(size_t n, float factor, float *x)
{
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

void ck_add_scaled_scalar(size_t n, float factor, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = fmaf(factor, x[i], y[i]);
}

void ck_clamp_scalar(size_t n, float bound, float *x)
{
    for (size_t i = 0; i < n; i++) x[i] = x[i] > bound ? bound : x[i] < -bound ? -bound : x[i];
}

#if defined(__x86_64__)
CK_AVX2 void ck_multiply_elements_avx2(size_t n, const float *x, float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    ck_multiply_elements_scalar(n - i, x + i, y + i);
}

CK_AVX2 void ck_scale_avx2(size_t n, float factor, float *x)
{
    __m256 factors = _mm256_set1_ps(factor);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_loadu_ps(x + i), factors));
    ck_scale_scalar(n - i, factor, x + i);
}

CK_AVX2 void ck_add_scaled_avx2(size_t n, float factor, const float *x, float *y)
{
    __m256 factors = _mm256_set1_ps(factor);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_fmadd_ps(factors, _mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
    ck_add_scaled_scalar(n - i, factor, x + i, y + i);
}

CK_AVX2 void ck_clamp_avx2(size_t n, float bound, float *x)
{
    __m256 high = _mm256_set1_ps(bound), low = _mm256_set1_ps(-bound);
    size_t i = 0;
    /* NaN is the second operand, which both hand on. */
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, _mm256_max_ps(low, _mm256_min_ps(high, _mm256_loadu_ps(x + i))));
    ck_clamp_scalar(n - i, bound, x + i);
}
#endif
