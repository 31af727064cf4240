#include "kernels.h"

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
