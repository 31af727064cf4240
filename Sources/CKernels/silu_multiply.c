#include "expf.h"

void ck_silu_multiply_f32_scalar(size_t n, const float *gate, const float *up, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1.0f + ck_exp_scalar(-gate[i])) * up[i];
}

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 silu_multiply_avx2(__m256 gate, __m256 up)
{
    __m256 minus = _mm256_xor_ps(gate, _mm256_set1_ps(-0.0f));
    __m256 divisor = _mm256_add_ps(_mm256_set1_ps(1.0f), ck_exp_avx2(minus));
    return _mm256_mul_ps(_mm256_div_ps(gate, divisor), up);
}

CK_AVX2 void ck_silu_multiply_f32_avx2(size_t n, const float *gate, const float *up, float *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, silu_multiply_avx2(_mm256_loadu_ps(gate + i), _mm256_loadu_ps(up + i)));
    if (i < n) {
        __m256i mask = ck_tail_mask_avx2(n - i);
        __m256 tail = silu_multiply_avx2(_mm256_maskload_ps(gate + i, mask), _mm256_maskload_ps(up + i, mask));
        _mm256_maskstore_ps(y + i, mask, tail);
    }
}

CK_AVX512_INLINE __m512 silu_multiply_avx512(__m512 gate, __m512 up)
{
    __m512 minus = _mm512_xor_ps(gate, _mm512_set1_ps(-0.0f));
    __m512 divisor = _mm512_add_ps(_mm512_set1_ps(1.0f), ck_any_exp_avx512(minus));
    return _mm512_mul_ps(_mm512_div_ps(gate, divisor), up);
}

CK_AVX512 void ck_silu_multiply_f32_avx512(size_t n, const float *gate, const float *up, float *y)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(y + i, silu_multiply_avx512(_mm512_loadu_ps(gate + i), _mm512_loadu_ps(up + i)));
    if (i < n) {
        __mmask16 mask = (__mmask16)((1u << (n - i)) - 1);
        __m512 tail = silu_multiply_avx512(_mm512_maskz_loadu_ps(mask, gate + i), _mm512_maskz_loadu_ps(mask, up + i));
        _mm512_mask_storeu_ps(y + i, mask, tail);
    }
}
#endif

#if defined(__aarch64__)
void ck_silu_multiply_f32_neon(size_t n, const float *gate, const float *up, float *y)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        float32x4_t x = vld1q_f32(gate + i), divisor = vaddq_f32(vdupq_n_f32(1.0f), ck_exp4_neon(vnegq_f32(x)));
        vst1q_f32(y + i, vmulq_f32(vdivq_f32(x, divisor), vld1q_f32(up + i)));
    }
    ck_silu_multiply_f32_scalar(n - i, gate + i, up + i, y + i);
}
#endif
