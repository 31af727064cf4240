/* exp in single precision, the same operations in every variant. The error is below one unit in the last place where
 * the result is a normal number; results below 2^-126 are 0, results above the largest float infinite, NaN stays NaN.
 * x = n ln2 + r with |r| <= ln2/2 (Cody and Waite's split of ln2), exp(r) by the polynomial of Cephes' expf. */
#ifndef CK_EXPF_H
#define CK_EXPF_H
#include "neon.h"

#define CK_EXP_LOW (-87.33654f)
#define CK_EXP_HIGH 88.722839f
#define CK_LOG2E 1.44269504f
#define CK_LN2_HIGH 0.693359375f
#define CK_LN2_LOW (-2.12194440e-4f)
/* Adding and subtracting 1.5 * 2^23 rounds to the nearest integer; the sum's low bits hold that integer. */
#define CK_ROUND 12582912.0f
#define CK_ROUND_BITS 0x4B400000

static const float ck_exp_coefficients[6] = {
    1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};

static inline float ck_exp_scalar(float x)
{
    if (!(x >= CK_EXP_LOW)) return x != x ? x : 0;
    if (x > CK_EXP_HIGH) return INFINITY;
    float rounded = fmaf(x, CK_LOG2E, CK_ROUND);
    int32_t n = (int32_t)ck_bits_of(rounded) - CK_ROUND_BITS;
    float r = rounded - CK_ROUND;
    r = fmaf(r, -CK_LN2_LOW, fmaf(r, -CK_LN2_HIGH, x));
    float p = ck_exp_coefficients[0];
    for (int i = 1; i < 6; i++) p = fmaf(p, r, ck_exp_coefficients[i]);
    p = fmaf(p, r * r, r) + 1.0f;
    /* Two factors, because 2^128 is no float. */
    int32_t half = n >> 1;
    return p * ck_float_of((uint32_t)(half + 127) << 23) * ck_float_of((uint32_t)(n - half + 127) << 23);
}

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 ck_exp_avx2(__m256 x)
{
    __m256 low = _mm256_set1_ps(CK_EXP_LOW), high = _mm256_set1_ps(CK_EXP_HIGH), round = _mm256_set1_ps(CK_ROUND);
    __m256 inside = _mm256_max_ps(_mm256_min_ps(x, high), low);
    __m256 rounded = _mm256_fmadd_ps(inside, _mm256_set1_ps(CK_LOG2E), round);
    __m256i n = _mm256_sub_epi32(_mm256_castps_si256(rounded), _mm256_set1_epi32(CK_ROUND_BITS));
    __m256 r = _mm256_sub_ps(rounded, round);
    r = _mm256_fmadd_ps(r, _mm256_set1_ps(-CK_LN2_LOW), _mm256_fmadd_ps(r, _mm256_set1_ps(-CK_LN2_HIGH), inside));
    __m256 p = _mm256_set1_ps(ck_exp_coefficients[0]);
    for (int i = 1; i < 6; i++) p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(ck_exp_coefficients[i]));
    p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1.0f));
    __m256i half = _mm256_srai_epi32(n, 1), bias = _mm256_set1_epi32(127);
    __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(n, half), bias), 23);
    __m256 y = _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
    y = _mm256_blendv_ps(y, _mm256_set1_ps(INFINITY), _mm256_cmp_ps(x, high, _CMP_GT_OQ));
    y = _mm256_andnot_ps(_mm256_cmp_ps(x, low, _CMP_LT_OQ), y);
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q));
}

/* The largest x[j], n >= 1, NaN passed over. */
CK_AVX2_INLINE float ck_max_avx2(size_t n, const float *x)
{
    __m256 lanes = _mm256_set1_ps(-INFINITY);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) lanes = _mm256_max_ps(_mm256_loadu_ps(x + j), lanes);
    float max = -INFINITY, lane[8];
    _mm256_storeu_ps(lane, lanes);
    for (size_t l = 0; l < 8; l++) max = lane[l] > max ? lane[l] : max;
    for (; j < n; j++) max = x[j] > max ? x[j] : max;
    return max;
}

/* x[j] = exp(x[j] - max) in place; returns their sum in the common order. */
CK_AVX2_INLINE float ck_exp_sum_avx2(size_t n, float max, float *x)
{
    __m256 sum = _mm256_setzero_ps(), shift = _mm256_set1_ps(max);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256 y = ck_exp_avx2(_mm256_sub_ps(_mm256_loadu_ps(x + j), shift));
        _mm256_storeu_ps(x + j, y);
        sum = _mm256_add_ps(sum, y);
    }
    if (j < n) {
        __m256i mask = ck_tail_mask_avx2(n - j);
        __m256 y = ck_exp_avx2(_mm256_sub_ps(_mm256_maskload_ps(x + j, mask), shift));
        _mm256_maskstore_ps(x + j, mask, y);
        sum = _mm256_add_ps(sum, _mm256_and_ps(y, _mm256_castsi256_ps(mask)));
    }
    return ck_lanes_sum_avx2(sum);
}

/* Of x <= 0 or NaN, which a maximum has been subtracted from: nothing overflows. */
CK_AVX512_INLINE __m512 ck_exp_avx512(__m512 x)
{
    __m512 round = _mm512_set1_ps(CK_ROUND);
    __m512 n = _mm512_sub_ps(_mm512_fmadd_ps(x, _mm512_set1_ps(CK_LOG2E), round), round);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-CK_LN2_HIGH), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(-CK_LN2_LOW), r);
    __m512 p = _mm512_set1_ps(ck_exp_coefficients[0]);
    for (int i = 1; i < 6; i++) p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(ck_exp_coefficients[i]));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0f));
    /* Exact, as the two factors of the others are. What came out below the limit, whatever it is, is 0 instead. */
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(CK_EXP_LOW), _CMP_NLT_UQ), p, n);
}

/* Of any x. */
CK_AVX512_INLINE __m512 ck_any_exp_avx512(__m512 x)
{
    __m512 y = ck_exp_avx512(_mm512_min_ps(_mm512_set1_ps(CK_EXP_HIGH), x));
    return _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask(x, _mm512_set1_ps(CK_EXP_HIGH), _CMP_GT_OQ),
                              _mm512_set1_ps(INFINITY));
}

CK_AVX512_INLINE float ck_max_avx512(size_t n, const float *x)
{
    __m512 lanes = _mm512_set1_ps(-INFINITY);
    size_t j = 0;
    for (; j + 16 <= n; j += 16) lanes = _mm512_max_ps(_mm512_loadu_ps(x + j), lanes);
    float max = _mm512_reduce_max_ps(lanes);
    if (j == n) return max;
    float rest = ck_max_avx2(n - j, x + j);
    return rest > max ? rest : max;
}

/* x[j] = exp(x[j] - max) in place; returns their sum in the common order. Meanwhile twice as many bytes as x has are
 * asked for from `ahead` on, unless that is NULL. */
CK_AVX512_INLINE float ck_exp_sum_asking_avx512(size_t n, float max, float *x, const char *ahead)
{
    __m256 sum = _mm256_setzero_ps();
    __m512 shift = _mm512_set1_ps(max);
    size_t j = 0;
    for (; j + 16 <= n; j += 16) {
        if (ahead) {
            __builtin_prefetch(ahead + 8 * j);
            __builtin_prefetch(ahead + 8 * j + 64);
        }
        __m512 y = ck_exp_avx512(_mm512_sub_ps(_mm512_loadu_ps(x + j), shift));
        _mm512_storeu_ps(x + j, y);
        sum = _mm256_add_ps(sum, _mm512_castps512_ps256(y));
        sum = _mm256_add_ps(sum, _mm512_extractf32x8_ps(y, 1));
    }
    if (j < n) {
        size_t left = n - j;
        __mmask16 mask = (__mmask16)((1u << left) - 1);
        __m512 y = ck_exp_avx512(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + j), shift));
        y = _mm512_maskz_mov_ps(mask, y);
        _mm512_mask_storeu_ps(x + j, mask, y);
        sum = _mm256_add_ps(sum, _mm512_castps512_ps256(y));
        if (left > 8) sum = _mm256_add_ps(sum, _mm512_extractf32x8_ps(y, 1));
    }
    return ck_lanes_sum_avx2(sum);
}

CK_AVX512_INLINE float ck_exp_sum_avx512(size_t n, float max, float *x)
{
    return ck_exp_sum_asking_avx512(n, max, x, NULL);
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE float32x4_t ck_exp4_neon(float32x4_t x)
{
    float32x4_t low = vdupq_n_f32(CK_EXP_LOW), high = vdupq_n_f32(CK_EXP_HIGH), round = vdupq_n_f32(CK_ROUND);
    float32x4_t inside = vmaxq_f32(vminq_f32(x, high), low);
    float32x4_t rounded = vfmaq_n_f32(round, inside, CK_LOG2E);
    int32x4_t n = vsubq_s32(vreinterpretq_s32_f32(rounded), vdupq_n_s32(CK_ROUND_BITS));
    float32x4_t r = vsubq_f32(rounded, round);
    r = vfmaq_n_f32(vfmaq_n_f32(inside, r, -CK_LN2_HIGH), r, -CK_LN2_LOW);
    float32x4_t p = vdupq_n_f32(ck_exp_coefficients[0]);
    for (int i = 1; i < 6; i++) p = vfmaq_f32(vdupq_n_f32(ck_exp_coefficients[i]), p, r);
    p = vaddq_f32(vfmaq_f32(r, p, vmulq_f32(r, r)), vdupq_n_f32(1.0f));
    int32x4_t half = vshrq_n_s32(n, 1), bias = vdupq_n_s32(127);
    int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
    int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(n, half), bias), 23);
    float32x4_t y = vmulq_f32(vmulq_f32(p, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second));
    y = vbslq_f32(vcgtq_f32(x, high), vdupq_n_f32(INFINITY), y);
    y = vbslq_f32(vcltq_f32(x, low), vdupq_n_f32(0), y);
    return vbslq_f32(vceqq_f32(x, x), y, x);
}

CK_NEON_INLINE ck_eight ck_exp_neon(ck_eight x)
{
    return (ck_eight){{ck_exp4_neon(x.val[0]), ck_exp4_neon(x.val[1])}};
}

/* The largest x[j], n >= 1, NaN passed over. */
CK_NEON_INLINE float ck_max_neon(size_t n, const float *x)
{
    float32x4_t lanes = vdupq_n_f32(-INFINITY);
    size_t j = 0;
    for (; j + 4 <= n; j += 4) lanes = ck_larger_neon(vld1q_f32(x + j), lanes);
    float max = ck_largest_neon(lanes);
    for (; j < n; j++) max = x[j] > max ? x[j] : max;
    return max;
}

/* x[j] = exp(x[j] - max) in place; returns their sum in the common order. */
CK_NEON_INLINE float ck_exp_sum_neon(size_t n, float max, float *x)
{
    ck_eight sum = ck_all_neon(0), minus = ck_all_neon(-max);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        ck_eight y = ck_exp_neon(ck_add_neon(ck_load8_neon(x + j), minus));
        ck_store8_neon(x + j, y);
        sum = ck_add_neon(sum, y);
    }
    if (j < n) {
        ck_store_tail_neon(x + j, n - j, ck_exp_neon(ck_add_neon(ck_load_tail_neon(x + j, n - j), minus)));
        sum = ck_add_neon(sum, ck_load_tail_neon(x + j, n - j));
    }
    return ck_lanes_sum_neon(sum);
}
#endif

#endif
