#include "neon.h"

void ck_rms_norm_f32_scalar(size_t n, float eps, const float *x, const float *weight, float *y)
{
    assert(n > 0);
    float s[CK_LANES] = {0};
    for (size_t i = 0; i < n; i += CK_LANES)
        for (size_t l = 0; l < CK_LANES; l++) s[l] = i + l < n ? fmaf(x[i + l], x[i + l], s[l]) : s[l] + 0.0f;
    float scale = 1.0f / sqrtf(ck_lanes_sum(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale * weight[i];
}

#if defined(__x86_64__)
CK_AVX2 void ck_rms_norm_f32_avx2(size_t n, float eps, const float *x, const float *weight, float *y)
{
    assert(n > 0);
    __m256 s = _mm256_setzero_ps();
    __m256i mask = ck_tail_mask_avx2(n % 8);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) s = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(x + i), s);
    if (i < n) {
        __m256 tail = _mm256_maskload_ps(x + i, mask);
        s = _mm256_fmadd_ps(tail, tail, s);
    }
    __m256 scale = _mm256_set1_ps(1.0f / sqrtf(ck_lanes_sum_avx2(s) / (float)n + eps));
    for (i = 0; i + 8 <= n; i += 8) {
        __m256 normal = _mm256_mul_ps(_mm256_loadu_ps(x + i), scale);
        _mm256_storeu_ps(y + i, _mm256_mul_ps(normal, _mm256_loadu_ps(weight + i)));
    }
    if (i < n) {
        __m256 normal = _mm256_mul_ps(_mm256_maskload_ps(x + i, mask), scale);
        _mm256_maskstore_ps(y + i, mask, _mm256_mul_ps(normal, _mm256_maskload_ps(weight + i, mask)));
    }
}
#endif

#if defined(__aarch64__)
void ck_rms_norm_f32_neon(size_t n, float eps, const float *x, const float *weight, float *y)
{
    assert(n > 0);
    ck_eight s = ck_all_neon(0);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) s = ck_fma_neon(ck_load8_neon(x + i), ck_load8_neon(x + i), s);
    if (i < n) {
        ck_eight tail = ck_load_tail_neon(x + i, n - i);
        s = ck_fma_neon(tail, tail, s);
    }
    float scale = 1.0f / sqrtf(ck_lanes_sum_neon(s) / (float)n + eps);
    for (i = 0; i + 8 <= n; i += 8) {
        ck_eight normal = ck_times_neon(ck_load8_neon(x + i), ck_all_neon(scale));
        ck_store8_neon(y + i, ck_times_neon(normal, ck_load8_neon(weight + i)));
    }
    for (; i < n; i++) y[i] = x[i] * scale * weight[i];
}
#endif
