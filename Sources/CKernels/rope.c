#include "neon.h"

static inline void rotate_scalar(float cosine, float sine, float *first, float *second)
{
    float a = *first, b = *second;
    *first = fmaf(b, -sine, a * cosine);
    *second = fmaf(a, sine, b * cosine);
}

void ck_rope_half_f32_scalar(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    for (size_t i = 0; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], x + i, x + i + n_pairs);
}

void ck_rope_interleaved_f32_scalar(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    for (size_t i = 0; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], x + 2 * i, x + 2 * i + 1);
}

#if defined(__x86_64__)
CK_AVX2 void ck_rope_half_f32_avx2(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    float *first = x, *second = x + n_pairs;
    size_t i = 0;
    for (; i + 8 <= n_pairs; i += 8) {
        __m256 a = _mm256_loadu_ps(first + i), b = _mm256_loadu_ps(second + i);
        __m256 c = _mm256_loadu_ps(cosine + i), s = _mm256_loadu_ps(sine + i);
        _mm256_storeu_ps(first + i, _mm256_fnmadd_ps(b, s, _mm256_mul_ps(a, c)));
        _mm256_storeu_ps(second + i, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)));
    }
    for (; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], first + i, second + i);
}

CK_AVX2 void ck_rope_interleaved_f32_avx2(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    const __m256i twice = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);
    const __m256 minus_even = _mm256_setr_ps(-0.0f, 0, -0.0f, 0, -0.0f, 0, -0.0f, 0);
    size_t i = 0;
    for (; i + 4 <= n_pairs; i += 4) {
        __m256 pairs = _mm256_loadu_ps(x + 2 * i), swapped = _mm256_permute_ps(pairs, 0xB1);
        __m256 c = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(cosine + i)), twice);
        __m256 s = _mm256_permutevar8x32_ps(_mm256_castps128_ps256(_mm_loadu_ps(sine + i)), twice);
        _mm256_storeu_ps(x + 2 * i, _mm256_fmadd_ps(swapped, _mm256_xor_ps(s, minus_even), _mm256_mul_ps(pairs, c)));
    }
    for (; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], x + 2 * i, x + 2 * i + 1);
}
#endif

#if defined(__aarch64__)
/* Four pairs, whose first and second elements stand in a and b. */
CK_NEON_INLINE void rotate_neon(float32x4_t c, float32x4_t s, float32x4_t *a, float32x4_t *b)
{
    float32x4_t first = vfmsq_f32(vmulq_f32(*a, c), *b, s);
    *b = vfmaq_f32(vmulq_f32(*b, c), *a, s);
    *a = first;
}

void ck_rope_half_f32_neon(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    float *first = x, *second = x + n_pairs;
    size_t i = 0;
    for (; i + 4 <= n_pairs; i += 4) {
        float32x4_t a = vld1q_f32(first + i), b = vld1q_f32(second + i);
        rotate_neon(vld1q_f32(cosine + i), vld1q_f32(sine + i), &a, &b);
        vst1q_f32(first + i, a);
        vst1q_f32(second + i, b);
    }
    for (; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], first + i, second + i);
}

void ck_rope_interleaved_f32_neon(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    size_t i = 0;
    for (; i + 4 <= n_pairs; i += 4) {
        float32x4x2_t pairs = vld2q_f32(x + 2 * i);
        rotate_neon(vld1q_f32(cosine + i), vld1q_f32(sine + i), &pairs.val[0], &pairs.val[1]);
        vst2q_f32(x + 2 * i, pairs);
    }
    for (; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], x + 2 * i, x + 2 * i + 1);
}
#endif
