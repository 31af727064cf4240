#include "expf.h"

/* tanh after Cephes' tanhf: an odd polynomial up to 0.625, beyond it 1 - 2 / (exp(2|x|) + 1). */
#define CK_TANH_SMALL 0.625f
#define CK_TANH_TERMS 5
static const float tanh_coefficients[CK_TANH_TERMS] = {
    -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f};

static inline float tanh_scalar(float x)
{
    float magnitude = fabsf(x);
    if (magnitude > CK_TANH_SMALL) {
        float y = 1.0f - 2.0f / (ck_exp_scalar(magnitude + magnitude) + 1.0f);
        return x < 0 ? -y : y;
    }
    float square = x * x, p = tanh_coefficients[0];
    for (int i = 1; i < CK_TANH_TERMS; i++) p = fmaf(p, square, tanh_coefficients[i]);
    return fmaf(p * square, x, x);
}

void ck_soft_cap_f32_scalar(size_t n, float cap, float *x)
{
    float inverse = 1.0f / cap;
    for (size_t i = 0; i < n; i++) x[i] = cap * tanh_scalar(x[i] * inverse);
}

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 tanh_avx2(__m256 x)
{
    __m256 sign = _mm256_set1_ps(-0.0f), one = _mm256_set1_ps(1.0f);
    __m256 magnitude = _mm256_andnot_ps(sign, x);
    __m256 divisor = _mm256_add_ps(ck_exp_avx2(_mm256_add_ps(magnitude, magnitude)), one);
    __m256 large = _mm256_sub_ps(one, _mm256_div_ps(_mm256_set1_ps(2.0f), divisor));
    large = _mm256_or_ps(large, _mm256_and_ps(sign, x));
    __m256 square = _mm256_mul_ps(x, x), p = _mm256_set1_ps(tanh_coefficients[0]);
    for (int i = 1; i < CK_TANH_TERMS; i++) p = _mm256_fmadd_ps(p, square, _mm256_set1_ps(tanh_coefficients[i]));
    __m256 small = _mm256_fmadd_ps(_mm256_mul_ps(p, square), x, x);
    return _mm256_blendv_ps(
        small, large, _mm256_cmp_ps(magnitude, _mm256_set1_ps(CK_TANH_SMALL), _CMP_GT_OQ));
}

CK_AVX2 void ck_soft_cap_f32_avx2(size_t n, float cap, float *x)
{
    __m256 factor = _mm256_set1_ps(cap), inverse = _mm256_set1_ps(1.0f / cap);
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(x + i, _mm256_mul_ps(factor, tanh_avx2(_mm256_mul_ps(_mm256_loadu_ps(x + i), inverse))));
    ck_soft_cap_f32_scalar(n - i, cap, x + i);
}
#endif
