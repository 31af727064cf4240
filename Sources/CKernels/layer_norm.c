#include "kernels.h"

void ck_layer_norm_f32_scalar(size_t n, float eps, const float *x, const float *weight, const float *bias, float *y)
{
    assert(n > 0);
    float s[CK_LANES] = {0};
    for (size_t i = 0; i < n; i++) s[i % CK_LANES] += x[i];
    float mean = ck_lanes_sum(s) / (float)n;
    memset(s, 0, sizeof s);
    for (size_t i = 0; i < n; i++) s[i % CK_LANES] = fmaf(x[i] - mean, x[i] - mean, s[i % CK_LANES]);
    float scale = 1.0f / sqrtf(ck_lanes_sum(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++) {
        float normal = (x[i] - mean) * scale;
        y[i] = bias ? fmaf(normal, weight[i], bias[i]) : normal * weight[i];
    }
}

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 normalized(__m256 x, __m256 mean, __m256 scale, __m256 weight, const __m256 *bias)
{
    __m256 normal = _mm256_mul_ps(_mm256_sub_ps(x, mean), scale);
    return bias ? _mm256_fmadd_ps(normal, weight, *bias) : _mm256_mul_ps(normal, weight);
}

CK_AVX2 void ck_layer_norm_f32_avx2(size_t n, float eps, const float *x, const float *weight, const float *bias,
                                    float *y)
{
    assert(n > 0);
    __m256 s = _mm256_setzero_ps();
    __m256i mask = ck_tail_mask_avx2(n % 8);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) s = _mm256_add_ps(s, _mm256_loadu_ps(x + i));
    if (i < n) s = _mm256_add_ps(s, _mm256_maskload_ps(x + i, mask));
    __m256 mean = _mm256_set1_ps(ck_lanes_sum_avx2(s) / (float)n);
    s = _mm256_setzero_ps();
    for (i = 0; i + 8 <= n; i += 8) {
        __m256 difference = _mm256_sub_ps(_mm256_loadu_ps(x + i), mean);
        s = _mm256_fmadd_ps(difference, difference, s);
    }
    if (i < n) {
        __m256 difference = _mm256_sub_ps(_mm256_maskload_ps(x + i, mask), mean);
        difference = _mm256_and_ps(difference, _mm256_castsi256_ps(mask));
        s = _mm256_fmadd_ps(difference, difference, s);
    }
    __m256 scale = _mm256_set1_ps(1.0f / sqrtf(ck_lanes_sum_avx2(s) / (float)n + eps));
    for (i = 0; i + 8 <= n; i += 8) {
        __m256 b = bias ? _mm256_loadu_ps(bias + i) : s;
        __m256 w = _mm256_loadu_ps(weight + i);
        _mm256_storeu_ps(y + i, normalized(_mm256_loadu_ps(x + i), mean, scale, w, bias ? &b : 0));
    }
    if (i < n) {
        __m256 b = bias ? _mm256_maskload_ps(bias + i, mask) : s;
        __m256 w = _mm256_maskload_ps(weight + i, mask);
        _mm256_maskstore_ps(y + i, mask, normalized(_mm256_maskload_ps(x + i, mask), mean, scale, w, bias ? &b : 0));
    }
}
#endif
