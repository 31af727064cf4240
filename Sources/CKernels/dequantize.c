#include "kernels.h"

void ck_dequantize_f16_scalar(size_t n, const void *w, float *y)
{
    const uint8_t *bytes = w;
    for (size_t i = 0; i < n; i++) y[i] = ck_from_f16(ck_load_u16(bytes + 2 * i));
}

void ck_dequantize_bf16_scalar(size_t n, const void *w, float *y)
{
    const uint8_t *bytes = w;
    for (size_t i = 0; i < n; i++) y[i] = ck_float_of((uint32_t)ck_load_u16(bytes + 2 * i) << 16);
}

void ck_dequantize_q8_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t i = 0; i < n; i += CK_BLOCK, block += CK_Q8_0_BYTES) {
        float d = ck_from_f16(ck_load_u16(block));
        for (size_t j = 0; j < CK_BLOCK; j++) y[i + j] = d * (float)(int8_t)block[2 + j];
    }
}

void ck_dequantize_q4_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t i = 0; i < n; i += CK_BLOCK, block += CK_Q4_0_BYTES) {
        float d = ck_from_f16(ck_load_u16(block));
        for (size_t j = 0; j < CK_BLOCK / 2; j++) {
            y[i + j] = d * (float)((block[2 + j] & 15) - 8);
            y[i + j + CK_BLOCK / 2] = d * (float)((block[2 + j] >> 4) - 8);
        }
    }
}

#if defined(__x86_64__)
CK_AVX2 void ck_dequantize_f16_avx2(size_t n, const void *w, float *y)
{
    const uint8_t *bytes = w;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(y + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(bytes + 2 * i))));
    ck_dequantize_f16_scalar(n - i, bytes + 2 * i, y + i);
}

CK_AVX2 void ck_dequantize_bf16_avx2(size_t n, const void *w, float *y)
{
    const uint8_t *bytes = w;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(bytes + 2 * i)));
        _mm256_storeu_si256((__m256i *)(y + i), _mm256_slli_epi32(wide, 16));
    }
    ck_dequantize_bf16_scalar(n - i, bytes + 2 * i, y + i);
}

/* y = d q for 8 signed bytes. */
CK_AVX2_INLINE void scale8(__m256 d, __m128i q, float *y)
{
    _mm256_storeu_ps(y, _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q))));
}

CK_AVX2 void ck_dequantize_q8_0_avx2(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t i = 0; i < n; i += CK_BLOCK, block += CK_Q8_0_BYTES) {
        __m256 d = _mm256_set1_ps(_cvtsh_ss(ck_load_u16(block)));
        for (size_t j = 0; j < CK_BLOCK; j += 8)
            scale8(d, _mm_loadl_epi64((const __m128i *)(block + 2 + j)), y + i + j);
    }
}

CK_AVX2 void ck_dequantize_q4_0_avx2(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    __m128i low_bits = _mm_set1_epi8(15), eight = _mm_set1_epi8(8);
    for (size_t i = 0; i < n; i += CK_BLOCK, block += CK_Q4_0_BYTES) {
        __m256 d = _mm256_set1_ps(_cvtsh_ss(ck_load_u16(block)));
        __m128i both = _mm_loadu_si128((const __m128i *)(block + 2));
        __m128i low = _mm_sub_epi8(_mm_and_si128(both, low_bits), eight);
        __m128i high = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(both, 4), low_bits), eight);
        scale8(d, low, y + i);
        scale8(d, _mm_unpackhi_epi64(low, low), y + i + 8);
        scale8(d, high, y + i + 16);
        scale8(d, _mm_unpackhi_epi64(high, high), y + i + 24);
    }
}
#endif
