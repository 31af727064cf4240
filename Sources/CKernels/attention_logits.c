#include "neon.h"

/* type is a constant at each call in this file. */

static inline void logits_scalar(ck_type type, size_t heads, size_t n, size_t d, float scale, const float *q,
                                 size_t q_stride, const void *keys, float *logits, size_t stride)
{
    for (size_t g = 0; g < heads; g++)
        for (size_t j = 0; j < n; j++) {
            float s[CK_LANES] = {0};
            for (size_t i = 0; i < d; i += CK_LANES)
                for (size_t l = 0; l < CK_LANES; l++)
                    s[l] = i + l < d ? fmaf(ck_element(type, keys, j * d + i + l), q[g * q_stride + i + l], s[l])
                                     : s[l] + 0.0f;
            logits[g * stride + j] = scale * ck_lanes_sum(s);
        }
}

void ck_attention_logits_f32_scalar(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                    const void *keys, float *logits, size_t stride,
                                    const void *ahead)
{
    (void)ahead;
    logits_scalar(CK_F32, heads, n, d, scale, q, q_stride, keys, logits, stride);
}

void ck_attention_logits_f16_scalar(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                    const void *keys, float *logits, size_t stride,
                                    const void *ahead)
{
    (void)ahead;
    logits_scalar(CK_F16, heads, n, d, scale, q, q_stride, keys, logits, stride);
}

void ck_attention_logits_bf16_scalar(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                     const void *keys, float *logits, size_t stride,
                                    const void *ahead)
{
    (void)ahead;
    logits_scalar(CK_BF16, heads, n, d, scale, q, q_stride, keys, logits, stride);
}

/* Sums of one go: heads * keys = 8 chains, which are added up together. */
#define SUMS 8
/* Elements of a cache line. */
#define LINE(type) (64 / CK_SIZE(type))

/* The usual head dimensions as constants. */
#define USUAL_HEAD_DIMS(type, function)                                                                   \
    switch (d) {                                                                                            \
    case 64: function(type, heads, n, 64, scale, q, q_stride, keys, logits, stride, ahead); break;        \
    case 80: function(type, heads, n, 80, scale, q, q_stride, keys, logits, stride, ahead); break;        \
    case 128: function(type, heads, n, 128, scale, q, q_stride, keys, logits, stride, ahead); break;      \
    default: function(type, heads, n, d, scale, q, q_stride, keys, logits, stride, ahead);                \
    }

#if defined(__x86_64__)
CK_AVX2_INLINE __m256 load_query_avx2(const float *q, size_t count)
{
    return count < 8 ? _mm256_maskload_ps(q, ck_tail_mask_avx2(count)) : _mm256_loadu_ps(q);
}

/* The partial sums of `heads` heads and `count` keys from key `j` on: s[g * count + key]. `asked` is ck_asked's. */
CK_AVX2_INLINE void partial_sums_avx2(ck_type type, size_t heads, size_t count, size_t d, const float *q,
                                      size_t q_stride, const void *keys, size_t j, const char *asked, __m256 *s)
{
    for (size_t c = 0; c < heads * count; c++) s[c] = _mm256_setzero_ps();
    for (size_t i = 0; i < d; i += CK_LANES) {
        size_t left = d - i;
        __m256 query[2];
        for (size_t g = 0; g < heads; g++) query[g] = load_query_avx2(q + g * q_stride + i, left);
        for (size_t key = 0; key < count; key++) {
            if (i % LINE(type) == 0) __builtin_prefetch(asked + ((j + key) * d + i) * CK_SIZE(type));
            __m256 k = ck_load_avx2(type, keys, (j + key) * d + i, left);
            for (size_t g = 0; g < heads; g++) s[g * count + key] = _mm256_fmadd_ps(k, query[g], s[g * count + key]);
        }
    }
}

/* One or two heads; each key is read and widened once for both. heads is a constant at each call. */
CK_AVX2_INLINE void heads_avx2(ck_type type, size_t heads, size_t n, size_t d, float scale, const float *q,
                               size_t q_stride, const void *keys, float *logits, size_t stride, const void *ahead)
{
    ck_asking asking = ck_asking_of(keys, n, d * CK_SIZE(type), ahead);
    __m256 s[SUMS], factor = _mm256_set1_ps(scale);
    size_t j = 0, count = SUMS / heads;
    for (; j + count <= n; j += count) {
        partial_sums_avx2(type, heads, count, d, q, q_stride, keys, j, ck_asked(&asking, j * d * CK_SIZE(type)), s);
        __m256 sums = _mm256_mul_ps(factor, ck_lanes_sum8_avx2(s));
        if (heads == 1) {
            _mm256_storeu_ps(logits + j, sums);
        } else {
            _mm_storeu_ps(logits + j, _mm256_castps256_ps128(sums));
            _mm_storeu_ps(logits + stride + j, _mm256_extractf128_ps(sums, 1));
        }
    }
    for (; j < n; j++) {
        partial_sums_avx2(type, heads, 1, d, q, q_stride, keys, j, ck_asked(&asking, j * d * CK_SIZE(type)), s);
        for (size_t g = 0; g < heads; g++) logits[g * stride + j] = scale * ck_lanes_sum_avx2(s[g]);
    }
}

/* d is a constant where the call says so. */
CK_AVX2_INLINE void logits_avx2(ck_type type, size_t heads, size_t n, size_t d, float scale, const float *q,
                                size_t q_stride, const void *keys, float *logits, size_t stride, const void *ahead)
{
    size_t g = 0;
    for (; g + 2 <= heads; g += 2)
        heads_avx2(type, 2, n, d, scale, q + g * q_stride, q_stride, keys, logits + g * stride, stride, ahead);
    if (g < heads)
        heads_avx2(type, 1, n, d, scale, q + g * q_stride, q_stride, keys, logits + g * stride, stride, ahead);
}

CK_AVX2 void ck_attention_logits_f32_avx2(size_t heads, size_t n, size_t d, float scale, const float *q,
                                          size_t q_stride, const void *keys, float *logits, size_t stride,
                                          const void *ahead)
{
    USUAL_HEAD_DIMS(CK_F32, logits_avx2)
}

CK_AVX2 void ck_attention_logits_f16_avx2(size_t heads, size_t n, size_t d, float scale, const float *q,
                                          size_t q_stride, const void *keys, float *logits, size_t stride,
                                          const void *ahead)
{
    USUAL_HEAD_DIMS(CK_F16, logits_avx2)
}

CK_AVX2 void ck_attention_logits_bf16_avx2(size_t heads, size_t n, size_t d, float scale, const float *q,
                                           size_t q_stride, const void *keys, float *logits, size_t stride,
                                           const void *ahead)
{
    USUAL_HEAD_DIMS(CK_BF16, logits_avx2)
}

/* Eight elements of a key, twice. */
CK_AVX512_INLINE __m512 load_keys_avx512(ck_type type, const void *keys, size_t at)
{
    if (type == CK_F32) return _mm512_broadcast_f32x8(_mm256_loadu_ps((const float *)keys + at));
    __m256i twice = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)((const uint16_t *)keys + at)));
    if (type == CK_F16) return _mm512_cvtph_ps(twice);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(twice), 16));
}

/* ck_lanes_sum8_avx2 of the lower and of the upper halves. */
CK_AVX512_INLINE __m512 lanes_sum8_twice(const __m512 s[8])
{
    const __m512i even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
    const __m512i odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    __m512 t[4], u[2];
    for (int j = 0; j < 4; j++) {
        __m512d a = _mm512_castps_pd(s[j]), b = _mm512_castps_pd(s[j + 4]);
        t[j] = _mm512_add_ps(_mm512_castpd_ps(_mm512_permutex2var_pd(a, even, b)),
                             _mm512_castpd_ps(_mm512_permutex2var_pd(a, odd, b)));
    }
    for (int j = 0; j < 2; j++)
        u[j] = _mm512_add_ps(_mm512_shuffle_ps(t[2 * j], t[2 * j + 1], 0x44),
                             _mm512_shuffle_ps(t[2 * j], t[2 * j + 1], 0xEE));
    return _mm512_add_ps(_mm512_shuffle_ps(u[0], u[1], 0x88), _mm512_shuffle_ps(u[0], u[1], 0xDD));
}

/* `pairs` pairs of heads, one in the lower halves and one in the upper, for the largest multiple of 8 keys. The second
 * head of the last pair is the first again where `heads` is odd. d % 8 == 0; pairs is a constant at each call. */
CK_AVX512_INLINE size_t pairs_avx512(ck_type type, size_t pairs, size_t heads, size_t n, size_t d, float scale,
                                     const float *q, size_t q_stride, const void *keys, float *logits, size_t stride,
                                     const void *ahead)
{
    __m512 factor = _mm512_set1_ps(scale);
    ck_asking asking = ck_asking_of(keys, n, d * CK_SIZE(type), ahead);
    size_t j = 0;
    for (; j + SUMS <= n; j += SUMS) {
        const char *asked = ck_asked(&asking, j * d * CK_SIZE(type));
        __m512 s[2][SUMS];
        for (size_t p = 0; p < pairs; p++)
            for (size_t key = 0; key < SUMS; key++) s[p][key] = _mm512_setzero_ps();
        for (size_t i = 0; i < d; i += CK_LANES) {
            __m512 query[2];
            for (size_t p = 0; p < pairs; p++) {
                size_t second = 2 * p + 1 < heads ? 2 * p + 1 : 2 * p;
                query[p] = _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(q + 2 * p * q_stride + i)),
                                              _mm256_loadu_ps(q + second * q_stride + i), 1);
            }
            for (size_t key = 0; key < SUMS; key++) {
                if (i % LINE(type) == 0) __builtin_prefetch(asked + ((j + key) * d + i) * CK_SIZE(type));
                __m512 k = load_keys_avx512(type, keys, (j + key) * d + i);
                for (size_t p = 0; p < pairs; p++) s[p][key] = _mm512_fmadd_ps(k, query[p], s[p][key]);
            }
        }
        for (size_t p = 0; p < pairs; p++) {
            __m512 sums = _mm512_mul_ps(factor, lanes_sum8_twice(s[p]));
            _mm256_storeu_ps(logits + 2 * p * stride + j, _mm512_castps512_ps256(sums));
            if (2 * p + 1 < heads)
                _mm256_storeu_ps(logits + (2 * p + 1) * stride + j, _mm512_extractf32x8_ps(sums, 1));
        }
    }
    return j;
}

/* Four heads at a time, then the rest; what is left of the keys goes the way of AVX2, which gives the same bits. */
CK_AVX512_INLINE void logits_avx512(ck_type type, size_t heads, size_t n, size_t d, float scale, const float *q,
                                    size_t q_stride, const void *keys, float *logits, size_t stride, const void *ahead)
{
    size_t done = 0, wide = d % CK_LANES == 0 ? n : 0;
    for (size_t g = 0; g < heads; g += 4) {
        const float *query = q + g * q_stride;
        float *row = logits + g * stride;
        size_t left = heads - g;
        if (left == 1)
            logits_avx2(type, 1, n, d, scale, query, q_stride, keys, row, stride, ahead);
        else if (left == 2)
            done = pairs_avx512(type, 1, 2, wide, d, scale, query, q_stride, keys, row, stride, ahead);
        else
            done = pairs_avx512(type, 2, left, wide, d, scale, query, q_stride, keys, row, stride, ahead);
        if (left == 1) continue;
        logits_avx2(type, left < 4 ? left : 4, n - done, d, scale, query, q_stride,
                    (const uint8_t *)keys + done * d * CK_SIZE(type), row + done, stride, ahead);
    }
}

CK_AVX512 void ck_attention_logits_f32_avx512(size_t heads, size_t n, size_t d, float scale, const float *q,
                                              size_t q_stride, const void *keys, float *logits, size_t stride,
                                              const void *ahead)
{
    USUAL_HEAD_DIMS(CK_F32, logits_avx512)
}

CK_AVX512 void ck_attention_logits_f16_avx512(size_t heads, size_t n, size_t d, float scale, const float *q,
                                              size_t q_stride, const void *keys, float *logits, size_t stride,
                                              const void *ahead)
{
    USUAL_HEAD_DIMS(CK_F16, logits_avx512)
}

CK_AVX512 void ck_attention_logits_bf16_avx512(size_t heads, size_t n, size_t d, float scale, const float *q,
                                               size_t q_stride, const void *keys, float *logits, size_t stride,
                                               const void *ahead)
{
    USUAL_HEAD_DIMS(CK_BF16, logits_avx512)
}
#endif

#if defined(__aarch64__)
/* As partial_sums_avx2. */
CK_NEON_INLINE void partial_sums_neon(ck_type type, size_t heads, size_t count, size_t d, const float *q,
                                      size_t q_stride, const void *keys, size_t j, const char *asked, ck_eight *s)
{
    for (size_t c = 0; c < heads * count; c++) s[c] = ck_all_neon(0);
    for (size_t i = 0; i < d; i += CK_LANES) {
        size_t left = d - i;
        ck_eight query[2];
        for (size_t g = 0; g < heads; g++) query[g] = ck_load_neon(CK_F32, q + g * q_stride, i, left);
        for (size_t key = 0; key < count; key++) {
            if (i % LINE(type) == 0) __builtin_prefetch(asked + ((j + key) * d + i) * CK_SIZE(type));
            ck_eight k = ck_load_neon(type, keys, (j + key) * d + i, left);
            for (size_t g = 0; g < heads; g++) s[g * count + key] = ck_fma_neon(k, query[g], s[g * count + key]);
        }
    }
}

/* One or two heads; each key is read and widened once for both. heads is a constant at each call. */
CK_NEON_INLINE void heads_neon(ck_type type, size_t heads, size_t n, size_t d, float scale, const float *q,
                               size_t q_stride, const void *keys, float *logits, size_t stride, const void *ahead)
{
    ck_asking asking = ck_asking_of(keys, n, d * CK_SIZE(type), ahead);
    ck_eight s[SUMS];
    size_t j = 0, count = SUMS / heads;
    for (; j + count <= n; j += count) {
        partial_sums_neon(type, heads, count, d, q, q_stride, keys, j, ck_asked(&asking, j * d * CK_SIZE(type)), s);
        float *second = heads == 1 ? logits + 4 : logits + stride;
        vst1q_f32(logits + j, vmulq_n_f32(ck_lanes_sum4_neon(s), scale));
        vst1q_f32(second + j, vmulq_n_f32(ck_lanes_sum4_neon(s + 4), scale));
    }
    for (; j < n; j++) {
        partial_sums_neon(type, heads, 1, d, q, q_stride, keys, j, ck_asked(&asking, j * d * CK_SIZE(type)), s);
        for (size_t g = 0; g < heads; g++) logits[g * stride + j] = scale * ck_lanes_sum_neon(s[g]);
    }
}

CK_NEON_INLINE void logits_neon(ck_type type, size_t heads, size_t n, size_t d, float scale, const float *q,
                                size_t q_stride, const void *keys, float *logits, size_t stride, const void *ahead)
{
    size_t g = 0;
    for (; g + 2 <= heads; g += 2)
        heads_neon(type, 2, n, d, scale, q + g * q_stride, q_stride, keys, logits + g * stride, stride, ahead);
    if (g < heads)
        heads_neon(type, 1, n, d, scale, q + g * q_stride, q_stride, keys, logits + g * stride, stride, ahead);
}

void ck_attention_logits_f32_neon(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                  const void *keys, float *logits, size_t stride, const void *ahead)
{
    USUAL_HEAD_DIMS(CK_F32, logits_neon)
}

void ck_attention_logits_f16_neon(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                  const void *keys, float *logits, size_t stride, const void *ahead)
{
    USUAL_HEAD_DIMS(CK_F16, logits_neon)
}

void ck_attention_logits_bf16_neon(size_t heads, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                   const void *keys, float *logits, size_t stride, const void *ahead)
{
    USUAL_HEAD_DIMS(CK_BF16, logits_neon)
}
#endif
