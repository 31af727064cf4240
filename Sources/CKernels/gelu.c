#include "expf.h"

/* 0.5x(1 + tanh(v)) = x / (1 + exp(-2v)), here with 2v = x(c1 + c3 x^2), c1 = 2 sqrt(2/pi), c3 = 0.044715 c1. */
#define CK_GELU_C1 1.59576912f
#define CK_GELU_C3 0.0713548163f

/* 0.5x(1 + erf(x/sqrt 2)) = max(x, 0) - |x| q(|x|) with q = erfc(|x|/sqrt 2)/2. For z = |x|/sqrt 2 and
 * t = 1/(1 + 0.4z), erfc(z) = t P(t) exp(-z^2) in the manner of Abramowitz and Stegun 7.1.26; the degree 9 polynomial P
 * was fitted by least squares on the relative error over 0 <= z <= 10, where that error is below 1e-8. */
#define CK_ERFC_SCALE 0.4f
/* q is 0 in single precision from here on, so |x| is cut off to keep infinity times 0 out. */
#define CK_ERFC_END 16.0f
#define CK_ERFC_TERMS 10
static const float erfc_coefficients[CK_ERFC_TERMS] = {
    -3.042989597e-02f, 2.023711801e-01f, -5.086156130e-01f, 5.598930717e-01f, -2.941963077e-01f,
    2.770496607e-01f, 1.280595362e-01f, 2.152442336e-01f, 2.249155045e-01f, 2.257086635e-01f};

static inline float gelu_tanh_scalar(float x)
{
    return x / (1.0f + ck_exp_scalar(-(x * fmaf(x * x, CK_GELU_C3, CK_GELU_C1))));
}

void ck_gelu_tanh_f32_scalar(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) x[i] = gelu_tanh_scalar(x[i]);
}

static inline float gelu_erf_scalar(float x)
{
    float magnitude = fabsf(x);
    magnitude = CK_ERFC_END < magnitude ? CK_ERFC_END : magnitude;
    float z = magnitude * 0.707106781f, t = 1.0f / fmaf(CK_ERFC_SCALE, z, 1.0f);
    float p = erfc_coefficients[0];
    for (int i = 1; i < CK_ERFC_TERMS; i++) p = fmaf(p, t, erfc_coefficients[i]);
    float q = 0.5f * t * p * ck_exp_scalar(-(z * z));
    return (x > 0 ? x : 0.0f) - magnitude * q;
}

void ck_gelu_erf_f32_scalar(size_t n, float *x)
{
    for (size_t i = 0; i < n; i++) x[i] = gelu_erf_scalar(x[i]);
}

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 gelu_tanh_avx2(__m256 x)
{
    __m256 square = _mm256_mul_ps(x, x);
    __m256 twice = _mm256_fmadd_ps(square, _mm256_set1_ps(CK_GELU_C3), _mm256_set1_ps(CK_GELU_C1));
    __m256 minus = _mm256_xor_ps(_mm256_mul_ps(x, twice), _mm256_set1_ps(-0.0f));
    return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), ck_exp_avx2(minus)));
}

CK_AVX2_INLINE __m256 gelu_erf_avx2(__m256 x)
{
    __m256 one = _mm256_set1_ps(1.0f), sign = _mm256_set1_ps(-0.0f);
    __m256 magnitude = _mm256_min_ps(_mm256_set1_ps(CK_ERFC_END), _mm256_andnot_ps(sign, x));
    __m256 z = _mm256_mul_ps(magnitude, _mm256_set1_ps(0.707106781f));
    __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(_mm256_set1_ps(CK_ERFC_SCALE), z, one));
    __m256 p = _mm256_set1_ps(erfc_coefficients[0]);
    for (int i = 1; i < CK_ERFC_TERMS; i++) p = _mm256_fmadd_ps(p, t, _mm256_set1_ps(erfc_coefficients[i]));
    __m256 q = _mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5f), t), p);
    q = _mm256_mul_ps(q, ck_exp_avx2(_mm256_xor_ps(_mm256_mul_ps(z, z), sign)));
    __m256 positive = _mm256_and_ps(x, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ));
    return _mm256_sub_ps(positive, _mm256_mul_ps(magnitude, q));
}

CK_AVX2 void ck_gelu_tanh_f32_avx2(size_t n, float *x)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(x + i, gelu_tanh_avx2(_mm256_loadu_ps(x + i)));
    __m256i mask = ck_tail_mask_avx2(n - i);
    if (i < n) _mm256_maskstore_ps(x + i, mask, gelu_tanh_avx2(_mm256_maskload_ps(x + i, mask)));
}

CK_AVX2 void ck_gelu_erf_f32_avx2(size_t n, float *x)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(x + i, gelu_erf_avx2(_mm256_loadu_ps(x + i)));
    __m256i mask = ck_tail_mask_avx2(n - i);
    if (i < n) _mm256_maskstore_ps(x + i, mask, gelu_erf_avx2(_mm256_maskload_ps(x + i, mask)));
}
#endif

#if defined(__aarch64__)
void ck_gelu_tanh_f32_neon(size_t n, float *x)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4_t v = vld1q_f32(x + i);
        float32x4_t twice = vfmaq_n_f32(vdupq_n_f32(CK_GELU_C1), vmulq_f32(v, v), CK_GELU_C3);
        float32x4_t e = ck_exp4_neon(vnegq_f32(vmulq_f32(v, twice)));
        vst1q_f32(x + i, vdivq_f32(v, vaddq_f32(vdupq_n_f32(1.0f), e)));
    }
    ck_gelu_tanh_f32_scalar(n - i, x + i);
}
#endif
