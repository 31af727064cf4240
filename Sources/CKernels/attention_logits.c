#include "kernels.h"

void ck_attention_logits_f32_scalar(size_t n, size_t d, float scale, const float *q, const void *keys, float *logits)
{
    const float *key = keys;
    for (size_t j = 0; j < n; j++, key += d) {
        float s[CK_LANES] = {0};
        for (size_t i = 0; i < d; i += CK_LANES)
            for (size_t l = 0; l < CK_LANES; l++) s[l] = i + l < d ? fmaf(key[i + l], q[i + l], s[l]) : s[l] + 0.0f;
        logits[j] = scale * ck_lanes_sum(s);
    }
}

void ck_attention_logits_f16_scalar(size_t n, size_t d, float scale, const float *q, const void *keys, float *logits)
{
    const uint16_t *key = keys;
    for (size_t j = 0; j < n; j++, key += d) {
        float s[CK_LANES] = {0};
        for (size_t i = 0; i < d; i += CK_LANES)
            for (size_t l = 0; l < CK_LANES; l++)
                s[l] = i + l < d ? fmaf(ck_from_f16(key[i + l]), q[i + l], s[l]) : s[l] + 0.0f;
        logits[j] = scale * ck_lanes_sum(s);
    }
}

#if defined(__x86_64__)
/* Keys taken together: eight chains, whose sums are added up in one go. */
#define KEYS 8

CK_AVX2_INLINE __m256 load_keys(int is_f16, const void *keys, size_t at)
{
    if (is_f16) return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((const uint16_t *)keys + at)));
    return _mm256_loadu_ps((const float *)keys + at);
}

CK_AVX2_INLINE __m256 load_keys_tail(int is_f16, const void *keys, size_t at, size_t count)
{
    if (is_f16) return ck_load_f16_tail_avx2((const uint16_t *)keys + at, count);
    return _mm256_maskload_ps((const float *)keys + at, ck_tail_mask_avx2(count));
}

/* s[j] = the eight partial sums of q . key[j] for j < count. */
CK_AVX2_INLINE void partial_sums(int is_f16, size_t count, size_t d, const float *q, const void *keys, size_t at,
                                 __m256 *s)
{
    for (size_t j = 0; j < count; j++) s[j] = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + CK_LANES <= d; i += CK_LANES) {
        __m256 query = _mm256_loadu_ps(q + i);
        for (size_t j = 0; j < count; j++) s[j] = _mm256_fmadd_ps(load_keys(is_f16, keys, at + j * d + i), query, s[j]);
    }
    if (i == d) return;
    __m256 query = _mm256_maskload_ps(q + i, ck_tail_mask_avx2(d - i));
    for (size_t j = 0; j < count; j++)
        s[j] = _mm256_fmadd_ps(load_keys_tail(is_f16, keys, at + j * d + i, d - i), query, s[j]);
}

/* is_f16 is a constant at each call, and so is d for the usual head dimensions. */
CK_AVX2_INLINE void attention_logits(int is_f16, size_t n, size_t d, float scale, const float *q, const void *keys,
                                     float *logits)
{
    size_t j = 0;
    __m256 s[KEYS], factor = _mm256_set1_ps(scale);
    for (; j + KEYS <= n; j += KEYS) {
        partial_sums(is_f16, KEYS, d, q, keys, j * d, s);
        _mm256_storeu_ps(logits + j, _mm256_mul_ps(factor, ck_lanes_sum8_avx2(s)));
    }
    for (; j < n; j++) {
        partial_sums(is_f16, 1, d, q, keys, j * d, s);
        logits[j] = scale * ck_lanes_sum_avx2(s[0]);
    }
}

#define USUAL_HEAD_DIMS(is_f16)                                                                             \
    switch (d) {                                                                                            \
    case 8: attention_logits(is_f16, n, 8, scale, q, keys, logits); break;                                  \
    case 16: attention_logits(is_f16, n, 16, scale, q, keys, logits); break;                                \
    case 32: attention_logits(is_f16, n, 32, scale, q, keys, logits); break;                                \
    case 64: attention_logits(is_f16, n, 64, scale, q, keys, logits); break;                                \
    case 80: attention_logits(is_f16, n, 80, scale, q, keys, logits); break;                                \
    case 96: attention_logits(is_f16, n, 96, scale, q, keys, logits); break;                                \
    case 128: attention_logits(is_f16, n, 128, scale, q, keys, logits); break;                              \
    default: attention_logits(is_f16, n, d, scale, q, keys, logits);                                        \
    }

CK_AVX2 void ck_attention_logits_f32_avx2(size_t n, size_t d, float scale, const float *q, const void *keys,
                                          float *logits)
{
    USUAL_HEAD_DIMS(0)
}

CK_AVX2 void ck_attention_logits_f16_avx2(size_t n, size_t d, float scale, const float *q, const void *keys,
                                          float *logits)
{
    USUAL_HEAD_DIMS(1)
}
#endif
