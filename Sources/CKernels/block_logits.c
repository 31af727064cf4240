#include "cached_rows.h"
#include "neon.h"

/* Logits of keys in blocks against queries of 8-bit integers: the integer sum of a block is exact, whoever takes it. */
#define PARAMETERS                                                                                          \
    size_t heads, size_t n, size_t d, float scale, const ck_block *q, size_t q_stride, const void *keys,    \
        float *logits, size_t stride, const void *ahead
#define ARGUMENTS heads, n, d, scale, q, q_stride, keys, logits, stride, ahead

/* type is a constant at each call in this file. */
static inline void logits_scalar(ck_type type, PARAMETERS)
{
    (void)ahead;
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d);
    for (size_t g = 0; g < heads; g++)
        for (size_t j = 0; j < n; j++) {
            const uint8_t *row = (const uint8_t *)keys + j * bytes;
            float sum = 0;
            for (size_t b = 0; b < blocks; b++) {
                const ck_block *query = q + g * q_stride + b;
                const uint8_t *key = ck_row_quants(type, row, blocks, b);
                int32_t dot = 0;
                for (size_t i = 0; i < CK_BLOCK; i++) dot += ck_quant(type, key, i) * query->q[i];
                sum = fmaf((float)dot, ck_row_scale(row, b) * query->scale, sum);
            }
            logits[g * stride + j] = scale * sum;
        }
}

void ck_attention_logits_q8_scalar(PARAMETERS) { logits_scalar(CK_Q8_0, ARGUMENTS); }
void ck_attention_logits_q4_scalar(PARAMETERS) { logits_scalar(CK_Q4_0, ARGUMENTS); }

#if defined(__x86_64__)
/* Keys of one go. Their sums stand in `logits` from block to block. */
#define KEYS 8

/* The scales of two blocks of eight keys, one pair to a lane, or of one block where there is no second. */
CK_AVX2_INLINE __m256i two_scales(const uint8_t *rows, size_t bytes, size_t block, int has_second)
{
    int32_t s[KEYS];
    for (size_t key = 0; key < KEYS; key++) {
        const uint8_t *row = rows + key * bytes;
        s[key] = (int32_t)(has_second ? ck_row_two_scales(row, block) : ck_load_u16(row + 2 * block));
    }
    return _mm256_setr_epi32(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]);
}

/* ck_lanes_sum8_avx2 of integers. */
CK_AVX2_INLINE __m256i integer_sum8_avx2(const __m256i s[8])
{
    __m256i t[4], u[2];
    for (int j = 0; j < 4; j++)
        t[j] = _mm256_add_epi32(_mm256_permute2x128_si256(s[j], s[j + 4], 0x20),
                                _mm256_permute2x128_si256(s[j], s[j + 4], 0x31));
    for (int j = 0; j < 2; j++)
        u[j] = _mm256_add_epi32(_mm256_unpacklo_epi64(t[2 * j], t[2 * j + 1]),
                                _mm256_unpackhi_epi64(t[2 * j], t[2 * j + 1]));
    __m256 a = _mm256_castsi256_ps(u[0]), b = _mm256_castsi256_ps(u[1]);
    return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                            _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD)));
}

/* Sums of four products each of a block and a query, which for Q4 has to start with -8 times its sum. */
CK_AVX2_INLINE __m256i products_avx2(ck_type type, const uint8_t *key, __m256i query)
{
    const __m256i ones = _mm256_set1_epi16(1);
    if (type == CK_Q8_0) {
        __m256i k = _mm256_loadu_si256((const __m256i *)key);
        return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(k), _mm256_sign_epi8(query, k)), ones);
    }
    __m128i both = _mm_loadu_si128((const __m128i *)key);
    __m256i k = _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(both, 4), both), _mm256_set1_epi8(15));
    return _mm256_madd_epi16(_mm256_maddubs_epi16(k, query), ones);
}

/* Blocks [first, end) of eight keys for all heads. */
CK_AVX2_INLINE void keys_avx2(ck_type type, size_t first, size_t end, size_t heads, size_t blocks, size_t bytes,
                              float scale, const ck_block *q, size_t q_stride, const uint8_t *rows, float *logits,
                              size_t stride)
{
    for (size_t b = first; b < end; b++) {
        __m256 key_scale = _mm256_castsi256_ps(_mm256_slli_epi32(two_scales(rows, bytes, b, 0), 16));
        for (size_t g = 0; g < heads; g++) {
            const ck_block *query = q + g * q_stride + b;
            __m256i bytes_of_query = _mm256_loadu_si256((const __m256i *)query->q), s[KEYS];
            for (size_t key = 0; key < KEYS; key++)
                s[key] = products_avx2(type, ck_row_quants(type, rows + key * bytes, blocks, b), bytes_of_query);
            __m256i dots = integer_sum8_avx2(s);
            if (type == CK_Q4_0) dots = _mm256_add_epi32(dots, _mm256_set1_epi32(query->start[0]));
            __m256 sum = b == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(logits + g * stride);
            __m256 factor = _mm256_mul_ps(key_scale, _mm256_set1_ps(query->scale));
            sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots), factor, sum);
            if (b + 1 == blocks) sum = _mm256_mul_ps(_mm256_set1_ps(scale), sum);
            _mm256_storeu_ps(logits + g * stride, sum);
        }
    }
}

CK_AVX2_INLINE void logits_avx2(ck_type type, PARAMETERS)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d), j = 0;
    const uint8_t *rows = keys;
    ck_asking asking = ck_asking_of(keys, n, bytes, ahead);
    for (; j + KEYS <= n; j += KEYS) {
        const char *asked = ck_asked(&asking, j * bytes);
        for (size_t at = 0; at < KEYS * bytes; at += 64) __builtin_prefetch(asked + j * bytes + at);
        keys_avx2(type, 0, blocks, heads, blocks, bytes, scale, q, q_stride, rows + j * bytes, logits + j, stride);
    }
    logits_scalar(type, heads, n - j, d, scale, q, q_stride, rows + j * bytes, logits + j, stride, ahead);
}

CK_AVX2 void ck_attention_logits_q8_avx2(PARAMETERS) { logits_avx2(CK_Q8_0, ARGUMENTS); }
CK_AVX2 void ck_attention_logits_q4_avx2(PARAMETERS) { logits_avx2(CK_Q4_0, ARGUMENTS); }

/* Two blocks of a key as bytes without sign: q + 128 for Q8; for Q4 q, the low halves of both before the high ones. */
CK_AVX512_INLINE __m512i load_pair(ck_type type, const uint8_t *key)
{
    if (type == CK_Q8_0) return _mm512_xor_si512(_mm512_loadu_si512(key), _mm512_set1_epi8((char)0x80));
    const __m512i shifts = _mm512_inserti64x4(_mm512_setzero_si512(), _mm256_set1_epi16(4), 1);
    __m512i twice = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)key));
    return _mm512_and_si512(_mm512_srlv_epi16(twice, shifts), _mm512_set1_epi8(15));
}

/* Two blocks of a query in the order of load_pair. */
CK_AVX512_INLINE __m512i query_pair(ck_type type, const ck_block *query)
{
    __m512i pair = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)query[0].q)),
                                      _mm256_loadu_si256((const __m256i *)query[1].q), 1);
    return type == CK_Q8_0 ? pair : _mm512_shuffle_i64x2(pair, pair, 0xD8);
}

/* The sums of each key's first block in the lower half, and of its second in the upper. */
CK_AVX512_INLINE __m512i integer_sum8_twice(ck_type type, const __m512i s[8])
{
    const __m512i even = type == CK_Q8_0 ? _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13)
                                         : _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i odd = type == CK_Q8_0 ? _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15)
                                        : _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    __m512i t[4], u[2];
    for (int j = 0; j < 4; j++)
        t[j] = _mm512_add_epi32(_mm512_permutex2var_epi64(s[j], even, s[j + 4]),
                                _mm512_permutex2var_epi64(s[j], odd, s[j + 4]));
    for (int j = 0; j < 2; j++)
        u[j] = _mm512_add_epi32(_mm512_unpacklo_epi64(t[2 * j], t[2 * j + 1]),
                                _mm512_unpackhi_epi64(t[2 * j], t[2 * j + 1]));
    __m512 a = _mm512_castsi512_ps(u[0]), b = _mm512_castsi512_ps(u[1]);
    return _mm512_add_epi32(_mm512_castps_si512(_mm512_shuffle_ps(a, b, 0x88)),
                            _mm512_castps_si512(_mm512_shuffle_ps(a, b, 0xDD)));
}

/* Blocks b and b + 1 of eight keys for all heads. */
CK_AVX512_INLINE void keys_avx512(ck_type type, size_t b, size_t heads, size_t blocks, size_t bytes, float scale,
                                  const ck_block *q, size_t q_stride, const uint8_t *rows, float *logits,
                                  size_t stride)
{
    __m512i k[KEYS];
    for (size_t key = 0; key < KEYS; key++)
        k[key] = load_pair(type, ck_row_quants(type, rows + key * bytes, blocks, b));
    __m256i both = two_scales(rows, bytes, b, 1);
    __m256 first_scale = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
    __m256 second_scale = _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32((int)0xFFFF0000)));
    for (size_t g = 0; g < heads; g++) {
        const ck_block *query = q + g * q_stride + b;
        __m512i bytes_of_query = query_pair(type, query), s[KEYS];
        for (size_t key = 0; key < KEYS; key++)
            s[key] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), k[key], bytes_of_query);
        __m512i starts = _mm512_mask_set1_epi32(_mm512_set1_epi32(query[0].start[0]), 0xFF00, query[1].start[0]);
        __m512 dots = _mm512_cvtepi32_ps(_mm512_add_epi32(integer_sum8_twice(type, s), starts));
        __m256 sum = b == 0 ? _mm256_setzero_ps() : _mm256_loadu_ps(logits + g * stride);
        sum = _mm256_fmadd_ps(_mm512_castps512_ps256(dots), _mm256_mul_ps(first_scale, _mm256_set1_ps(query[0].scale)),
                              sum);
        sum = _mm256_fmadd_ps(_mm512_extractf32x8_ps(dots, 1),
                              _mm256_mul_ps(second_scale, _mm256_set1_ps(query[1].scale)), sum);
        if (b + 2 == blocks) sum = _mm256_mul_ps(_mm256_set1_ps(scale), sum);
        _mm256_storeu_ps(logits + g * stride, sum);
    }
}

CK_AVX512_INLINE void logits_avx512(ck_type type, PARAMETERS)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d), j = 0;
    const uint8_t *rows = keys;
    ck_asking asking = ck_asking_of(keys, n, bytes, ahead);
    for (; j + KEYS <= n; j += KEYS, rows += KEYS * bytes) {
        const char *asked = ck_asked(&asking, j * bytes);
        for (size_t at = 0; at < KEYS * bytes; at += 64) __builtin_prefetch(asked + j * bytes + at);
        for (size_t b = 0; b + 2 <= blocks; b += 2)
            keys_avx512(type, b, heads, blocks, bytes, scale, q, q_stride, rows, logits + j, stride);
        if (blocks % 2 == 1)
            keys_avx2(type, blocks - 1, blocks, heads, blocks, bytes, scale, q, q_stride, rows, logits + j, stride);
    }
    logits_scalar(type, heads, n - j, d, scale, q, q_stride, rows, logits + j, stride, ahead);
}

/* The usual head dimensions as constants. */
#define USUAL_HEAD_DIMS(type)                                                                               \
    switch (d) {                                                                                            \
    case 64: logits_avx512(type, heads, n, 64, scale, q, q_stride, keys, logits, stride, ahead); break;     \
    case 128: logits_avx512(type, heads, n, 128, scale, q, q_stride, keys, logits, stride, ahead); break;   \
    default: logits_avx512(type, ARGUMENTS);                                                                \
    }

CK_AVX512 void ck_attention_logits_q8_avx512(PARAMETERS) { USUAL_HEAD_DIMS(CK_Q8_0) }
CK_AVX512 void ck_attention_logits_q4_avx512(PARAMETERS) { USUAL_HEAD_DIMS(CK_Q4_0) }
#endif

#if defined(__aarch64__)
/* Keys of one go, which is a register of sums. */
#define KEYS 4

/* sum + the products of 16 elements, as four sums that make one together. */
typedef int32x4_t products_fn(int8x16_t key, int8x16_t query, int32x4_t sum);

CK_NEON_INLINE int32x4_t products_neon(int8x16_t key, int8x16_t query, int32x4_t sum)
{
    sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(key), vget_low_s8(query)));
    return vpadalq_s16(sum, vmull_high_s8(key, query));
}

CK_DOTPROD_INLINE int32x4_t products_dotprod(int8x16_t key, int8x16_t query, int32x4_t sum)
{
    return vdotq_s32(sum, key, query);
}

/* The dot product of one block, as four sums. */
CK_NEON_INLINE int32x4_t block_neon(ck_type type, products_fn *products, const uint8_t *key, const ck_block *query)
{
    int8x16_t low, high;
    if (type == CK_Q8_0) {
        low = vreinterpretq_s8_u8(vld1q_u8(key));
        high = vreinterpretq_s8_u8(vld1q_u8(key + 16));
    } else {
        uint8x16_t both = vld1q_u8(key);
        low = vsubq_s8(vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15))), vdupq_n_s8(8));
        high = vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(both, 4)), vdupq_n_s8(8));
    }
    return products(high, vld1q_s8(query->q + 16), products(low, vld1q_s8(query->q), vdupq_n_s32(0)));
}

/* Four keys of one head. */
CK_NEON_INLINE float32x4_t keys_neon(ck_type type, products_fn *products, size_t blocks, size_t bytes,
                                     const ck_block *query, const uint8_t *rows)
{
    float32x4_t sum = vdupq_n_f32(0);
    for (size_t b = 0; b < blocks; b++, query++) {
        int32x4_t s[KEYS];
        uint16_t scales[KEYS];
        for (size_t key = 0; key < KEYS; key++) {
            const uint8_t *row = rows + key * bytes;
            scales[key] = ck_load_u16(row + b * sizeof(uint16_t));
            s[key] = block_neon(type, products, ck_row_quants(type, row, blocks, b), query);
        }
        int32x4_t dots = vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3]));
        float32x4_t factor = vmulq_n_f32(ck_widen_neon(CK_BF16, vld1_u16(scales)), query->scale);
        sum = vfmaq_f32(sum, vcvtq_f32_s32(dots), factor);
    }
    return sum;
}

CK_NEON_INLINE void logits_neon(ck_type type, products_fn *products, PARAMETERS)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d), j = 0;
    const uint8_t *rows = keys;
    ck_asking asking = ck_asking_of(keys, n, bytes, ahead);
    for (; j + KEYS <= n; j += KEYS, rows += KEYS * bytes) {
        const char *asked = ck_asked(&asking, j * bytes);
        for (size_t at = 0; at < KEYS * bytes; at += 64) __builtin_prefetch(asked + j * bytes + at);
        for (size_t g = 0; g < heads; g++) {
            float32x4_t sum = keys_neon(type, products, blocks, bytes, q + g * q_stride, rows);
            vst1q_f32(logits + g * stride + j, vmulq_n_f32(sum, scale));
        }
    }
    logits_scalar(type, heads, n - j, d, scale, q, q_stride, rows, logits + j, stride, ahead);
}

void ck_attention_logits_q8_neon(PARAMETERS) { logits_neon(CK_Q8_0, products_neon, ARGUMENTS); }
void ck_attention_logits_q4_neon(PARAMETERS) { logits_neon(CK_Q4_0, products_neon, ARGUMENTS); }
CK_DOTPROD void ck_attention_logits_q8_dotprod(PARAMETERS) { logits_neon(CK_Q8_0, products_dotprod, ARGUMENTS); }
CK_DOTPROD void ck_attention_logits_q4_dotprod(PARAMETERS) { logits_neon(CK_Q4_0, products_dotprod, ARGUMENTS); }
#endif
