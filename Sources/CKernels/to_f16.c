#include "kernels.h"

/* Rounding to nearest even is left to one float addition or one integer carry, so that no case is rounded twice. */
static uint16_t to_f16_scalar(float x)
{
    uint32_t bits = ck_bits_of(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* 65520 and above */
    if (magnitude < 0x38800000) {
        /* Below 2^-14: 0.5 has the spacing 2^-24 of f16's subnormals, so the sum is rounded to them. */
        return (uint16_t)(sign | (ck_bits_of(ck_float_of(magnitude) + 0.5f) - 0x3F000000));
    }
    uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((rounded - (112u << 23)) >> 13));
}

void ck_to_f16_scalar(size_t n, const float *x, uint16_t *y)
{
    for (size_t i = 0; i < n; i++) y[i] = to_f16_scalar(x[i]);
}

#if defined(__x86_64__)
CK_AVX2 void ck_to_f16_avx2(size_t n, const float *x, uint16_t *y)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    ck_to_f16_scalar(n - i, x + i, y + i);
}
#endif
