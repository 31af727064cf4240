#include "neon.h"

void ck_add_f32_scalar(size_t n, const float *x, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

#if defined(__x86_64__)
CK_AVX2 void ck_add_f32_avx2(size_t n, const float *x, float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(y + i, _mm256_add_ps(_mm256_loadu_ps(y + i), _mm256_loadu_ps(x + i)));
    ck_add_f32_scalar(n - i, x + i, y + i);
}
#endif

#if defined(__aarch64__)
void ck_add_f32_neon(size_t n, const float *x, float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) ck_store8_neon(y + i, ck_add_neon(ck_load8_neon(y + i), ck_load8_neon(x + i)));
    ck_add_f32_scalar(n - i, x + i, y + i);
}
#endif
