#include "neon.h"

/* type is a constant at each call in this file. */
static inline void sum_scalar(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                              const void *values, int accumulate, float *out, size_t stride, const void *ahead)
{
    (void)ahead;
    for (size_t g = 0; g < heads; g++, p += p_stride, out += stride) {
        if (!accumulate) memset(out, 0, d * sizeof *out);
        for (size_t j = 0; j < n; j++)
            for (size_t i = 0; i < d; i++) out[i] = fmaf(p[j], ck_element(type, values, j * d + i), out[i]);
    }
}

#define PARAMETERS                                                                                          \
    size_t heads, size_t n, size_t d, const float *p, size_t p_stride, const void *values, int accumulate,  \
        float *out, size_t stride, const void *ahead
#define ARGUMENTS heads, n, d, p, p_stride, values, accumulate, out, stride, ahead

void ck_weighted_sum_f32_scalar(PARAMETERS) { sum_scalar(CK_F32, ARGUMENTS); }
void ck_weighted_sum_f16_scalar(PARAMETERS) { sum_scalar(CK_F16, ARGUMENTS); }
void ck_weighted_sum_bf16_scalar(PARAMETERS) { sum_scalar(CK_BF16, ARGUMENTS); }

#if defined(__x86_64__) || defined(__aarch64__)
/* Heads whose sums are kept together, and registers of 8 or 16 elements for each at most: values are read and widened
 * once for all of these heads, and eight chains hide the latency of the fused multiply-add. */
#define HEADS 4
#define EIGHTS 8
#define SIXTEENS 4

/* Asks, at `asked`, for as many bytes as `count` elements take. */
static inline void prefetch(ck_type type, const char *asked, size_t count)
{
    for (size_t byte = 0; byte < count * CK_SIZE(type); byte += 64) __builtin_prefetch(asked + byte);
}

#define FOUR_HEADS(function, type)                                                                        \
    for (size_t g = 0; g < heads; g += HEADS, p += HEADS * p_stride, out += HEADS * stride)                 \
        switch (heads - g) {                                                                                \
        case 1: function(type, 1, n, d, p, p_stride, values, accumulate, out, stride, ahead); break;      \
        case 2: function(type, 2, n, d, p, p_stride, values, accumulate, out, stride, ahead); break;      \
        case 3: function(type, 3, n, d, p, p_stride, values, accumulate, out, stride, ahead); break;      \
        default: function(type, 4, n, d, p, p_stride, values, accumulate, out, stride, ahead);            \
        }
#endif

#if defined(__x86_64__)
/* The elements from `first` on: whole registers, or `count` < 8 elements of one. heads and registers are constants. */
CK_AVX2_INLINE void part_avx2(ck_type type, size_t heads, size_t registers, size_t count, size_t n, size_t d,
                              size_t first, const float *p, size_t p_stride, const void *values, int accumulate,
                              float *out, size_t stride, const ck_asking *asking)
{
    __m256 s[HEADS][EIGHTS];
    __m256i mask = count < 8 ? ck_tail_mask_avx2(count) : _mm256_set1_epi32(-1);
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < registers; i++)
            s[g][i] = accumulate ? _mm256_maskload_ps(out + g * stride + first + 8 * i, mask) : _mm256_setzero_ps();
    for (size_t j = 0; j < n; j++) {
        __m256 value[EIGHTS];
        size_t at = (j * d + first) * CK_SIZE(type);
        prefetch(type, ck_asked(asking, at) + at, 8 * registers);
        for (size_t i = 0; i < registers; i++) value[i] = ck_load_avx2(type, values, j * d + first + 8 * i, count);
        for (size_t g = 0; g < heads; g++) {
            __m256 weight = _mm256_broadcast_ss(p + g * p_stride + j);
            for (size_t i = 0; i < registers; i++) s[g][i] = _mm256_fmadd_ps(weight, value[i], s[g][i]);
        }
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < registers; i++) _mm256_maskstore_ps(out + g * stride + first + 8 * i, mask, s[g][i]);
}

/* Up to four heads. heads is a constant at each call. */
CK_AVX2_INLINE void heads_avx2(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                               const void *values, int accumulate, float *out, size_t stride, const void *ahead)
{
    ck_asking own = ck_asking_of(values, n, d * CK_SIZE(type), ahead), *asking = &own;
    size_t i = 0;
    for (; heads == 1 && i + 64 <= d; i += 64)
        part_avx2(type, heads, 8, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; heads == 2 && i + 32 <= d; i += 32)
        part_avx2(type, heads, 4, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; i + 16 <= d; i += 16)
        part_avx2(type, heads, 2, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; i < d; i += 8) {
        if (d - i >= 8)
            part_avx2(type, heads, 1, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
        else
            part_avx2(type, heads, 1, d - i, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    }
}

CK_AVX2 void ck_weighted_sum_f32_avx2(PARAMETERS) { FOUR_HEADS(heads_avx2, CK_F32) }
CK_AVX2 void ck_weighted_sum_f16_avx2(PARAMETERS) { FOUR_HEADS(heads_avx2, CK_F16) }
CK_AVX2 void ck_weighted_sum_bf16_avx2(PARAMETERS) { FOUR_HEADS(heads_avx2, CK_BF16) }

CK_AVX512_INLINE __m512 load_avx512(ck_type type, const void *values, size_t at, __mmask16 mask)
{
    if (type == CK_F32) return _mm512_maskz_loadu_ps(mask, (const float *)values + at);
    __m256i half = _mm256_maskz_loadu_epi16(mask, (const uint16_t *)values + at);
    if (type == CK_F16) return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* The elements from `first` on: whole registers, or those of `mask` of one. heads and registers are constants. */
CK_AVX512_INLINE void part_avx512(ck_type type, size_t heads, size_t registers, __mmask16 mask, size_t n, size_t d,
                                  size_t first, const float *p, size_t p_stride, const void *values, int accumulate,
                                  float *out, size_t stride, const ck_asking *asking)
{
    __m512 s[HEADS][SIXTEENS];
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < registers; i++)
            s[g][i] = accumulate ? _mm512_maskz_loadu_ps(mask, out + g * stride + first + 16 * i) : _mm512_setzero_ps();
    for (size_t j = 0; j < n; j++) {
        __m512 value[SIXTEENS];
        size_t at = (j * d + first) * CK_SIZE(type);
        prefetch(type, ck_asked(asking, at) + at, 16 * registers);
        for (size_t i = 0; i < registers; i++) value[i] = load_avx512(type, values, j * d + first + 16 * i, mask);
        for (size_t g = 0; g < heads; g++) {
            __m512 weight = _mm512_set1_ps(p[g * p_stride + j]);
            for (size_t i = 0; i < registers; i++) s[g][i] = _mm512_fmadd_ps(weight, value[i], s[g][i]);
        }
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < registers; i++)
            _mm512_mask_storeu_ps(out + g * stride + first + 16 * i, mask, s[g][i]);
}

/* Up to four heads. heads is a constant at each call. */
CK_AVX512_INLINE void heads_avx512(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                                   const void *values, int accumulate, float *out, size_t stride, const void *ahead)
{
    ck_asking own = ck_asking_of(values, n, d * CK_SIZE(type), ahead), *asking = &own;
    size_t i = 0;
    for (; i + 64 <= d; i += 64)
        part_avx512(type, heads, 4, 0xFFFF, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; i + 16 <= d; i += 16)
        part_avx512(type, heads, 1, 0xFFFF, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    if (i < d) {
        __mmask16 mask = (__mmask16)((1u << (d - i)) - 1);
        part_avx512(type, heads, 1, mask, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    }
}

CK_AVX512 void ck_weighted_sum_f32_avx512(PARAMETERS) { FOUR_HEADS(heads_avx512, CK_F32) }
CK_AVX512 void ck_weighted_sum_f16_avx512(PARAMETERS) { FOUR_HEADS(heads_avx512, CK_F16) }
CK_AVX512 void ck_weighted_sum_bf16_avx512(PARAMETERS) { FOUR_HEADS(heads_avx512, CK_BF16) }
#endif

#if defined(__aarch64__)
/* The elements from `first` on: whole eights, or `count` < 8 elements of one. heads and eights are constants. */
CK_NEON_INLINE void part_neon(ck_type type, size_t heads, size_t eights, size_t count, size_t n, size_t d,
                              size_t first, const float *p, size_t p_stride, const void *values, int accumulate,
                              float *out, size_t stride, const ck_asking *asking)
{
    ck_eight s[HEADS][EIGHTS];
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < eights; i++)
            s[g][i] = accumulate ? ck_load_neon(CK_F32, out + g * stride, first + 8 * i, count) : ck_all_neon(0);
    for (size_t j = 0; j < n; j++) {
        ck_eight value[EIGHTS];
        size_t at = (j * d + first) * CK_SIZE(type);
        prefetch(type, ck_asked(asking, at) + at, 8 * eights);
        for (size_t i = 0; i < eights; i++) value[i] = ck_load_neon(type, values, j * d + first + 8 * i, count);
        for (size_t g = 0; g < heads; g++) {
            ck_eight weight = ck_all_neon(p[g * p_stride + j]);
            for (size_t i = 0; i < eights; i++) s[g][i] = ck_fma_neon(weight, value[i], s[g][i]);
        }
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < eights; i++) ck_store_tail_neon(out + g * stride + first + 8 * i, count, s[g][i]);
}

/* Up to four heads. heads is a constant at each call. */
CK_NEON_INLINE void heads_neon(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                               const void *values, int accumulate, float *out, size_t stride, const void *ahead)
{
    ck_asking own = ck_asking_of(values, n, d * CK_SIZE(type), ahead), *asking = &own;
    size_t i = 0;
    for (; heads == 1 && i + 64 <= d; i += 64)
        part_neon(type, heads, 8, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; heads == 2 && i + 32 <= d; i += 32)
        part_neon(type, heads, 4, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; i + 16 <= d; i += 16)
        part_neon(type, heads, 2, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    for (; i + 8 <= d; i += 8)
        part_neon(type, heads, 1, 8, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
    if (i < d) part_neon(type, heads, 1, d - i, n, d, i, p, p_stride, values, accumulate, out, stride, asking);
}

void ck_weighted_sum_f32_neon(PARAMETERS) { FOUR_HEADS(heads_neon, CK_F32) }
void ck_weighted_sum_f16_neon(PARAMETERS) { FOUR_HEADS(heads_neon, CK_F16) }
void ck_weighted_sum_bf16_neon(PARAMETERS) { FOUR_HEADS(heads_neon, CK_BF16) }
#endif
