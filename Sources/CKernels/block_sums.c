#include "cached_rows.h"
#include "neon.h"

/* Weighted sums of values in blocks. */
#define PARAMETERS                                                                                          \
    size_t heads, size_t n, size_t d, const float *p, size_t p_stride, const void *values, int accumulate,  \
        float *out, size_t stride, const void *ahead
#define ARGUMENTS heads, n, d, p, p_stride, values, accumulate, out, stride, ahead

/* type is a constant at each call in this file. */
static inline void sums_scalar(ck_type type, PARAMETERS)
{
    (void)ahead;
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d);
    for (size_t g = 0; g < heads; g++, p += p_stride, out += stride) {
        if (!accumulate) memset(out, 0, d * sizeof *out);
        for (size_t j = 0; j < n; j++) {
            const uint8_t *row = (const uint8_t *)values + j * bytes;
            for (size_t i = 0; i < d; i++) {
                size_t b = i / CK_BLOCK;
                float weight = p[j] * ck_row_scale(row, b);
                out[i] = fmaf(weight, (float)ck_quant(type, ck_row_quants(type, row, blocks, b), i % CK_BLOCK), out[i]);
            }
        }
    }
}

void ck_weighted_sum_q8_scalar(PARAMETERS) { sums_scalar(CK_Q8_0, ARGUMENTS); }
void ck_weighted_sum_q4_scalar(PARAMETERS) { sums_scalar(CK_Q4_0, ARGUMENTS); }

#if defined(__x86_64__) || defined(__aarch64__)
/* Heads whose sums are kept together, and the values of one go, whose weights stand in the first-level cache. */
#define HEADS 4
#define CHUNK 64

/* Weights of some values for one or two neighbouring blocks, times the blocks' scales. */
typedef struct {
    _Alignas(64) float of[2][HEADS][CHUNK];
} block_weights;

/* heads is a constant at each call, and `pair` says whether there are two blocks. */
static inline __attribute__((always_inline)) void
fill_weights(int pair, size_t heads, size_t n, const uint8_t *rows, size_t bytes, size_t block, const float *p,
             size_t p_stride, block_weights *weights)
{
    uint32_t scales[CHUNK];
    for (size_t j = 0; j < n; j++) {
        const uint8_t *row = rows + j * bytes;
        scales[j] = pair ? ck_row_two_scales(row, block) : ck_load_u16(row + block * sizeof(uint16_t));
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t j = 0; j < n; j++) {
            weights->of[0][g][j] = p[g * p_stride + j] * ck_float_of(scales[j] << 16);
            if (pair) weights->of[1][g][j] = p[g * p_stride + j] * ck_float_of(scales[j] & 0xFFFF0000);
        }
}

#define FOUR_HEADS(function, type)                                                                          \
    for (size_t g = 0; g < heads; g++)                                                                      \
        if (!accumulate) memset(out + g * stride, 0, d * sizeof *out);                                      \
    for (size_t g = 0; g < heads; g += HEADS, p += HEADS * p_stride, out += HEADS * stride)                 \
        switch (heads - g) {                                                                                \
        case 1: function(type, 1, n, d, p, p_stride, values, out, stride, ahead); break;                    \
        case 2: function(type, 2, n, d, p, p_stride, values, out, stride, ahead); break;                    \
        case 3: function(type, 3, n, d, p, p_stride, values, out, stride, ahead); break;                    \
        default: function(type, 4, n, d, p, p_stride, values, out, stride, ahead);                          \
        }
#endif

#if defined(__x86_64__)
/* The i-th eight elements of a block. */
CK_AVX2_INLINE __m256 load_avx2(ck_type type, const uint8_t *q, size_t i)
{
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(q + (type == CK_Q8_0 ? 8 * i : 8 * (i % 2))));
    if (type == CK_Q4_0) {
        if (i >= 2) bytes = _mm_srli_epi16(bytes, 4);
        bytes = _mm_sub_epi8(_mm_and_si128(bytes, _mm_set1_epi8(15)), _mm_set1_epi8(8));
    }
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

/* `registers` eights of a block from the `first` on, and asks for as much from `asked` on. heads and registers are
 * constants at each call. */
CK_AVX2_INLINE void part_avx2(ck_type type, size_t heads, size_t registers, size_t first, size_t left, size_t n,
                              const uint8_t *q, size_t bytes, const char *asked, const block_weights *weights,
                              float *out, size_t stride)
{
    __m256 s[HEADS][4];
    __m256i mask[4];
    for (size_t i = 0; i < registers; i++) {
        size_t at = 8 * (first + i);
        mask[i] = at + 8 <= left ? _mm256_set1_epi32(-1) : ck_tail_mask_avx2(at < left ? left - at : 0);
        for (size_t g = 0; g < heads; g++) s[g][i] = _mm256_maskload_ps(out + g * stride + at, mask[i]);
    }
    for (size_t j = 0; j < n; j++, q += bytes) {
        __m256 value[4];
        if (first == 0) __builtin_prefetch(asked + j * bytes);
        for (size_t i = 0; i < registers; i++) value[i] = load_avx2(type, q, first + i);
        for (size_t g = 0; g < heads; g++) {
            __m256 weight = _mm256_broadcast_ss(&weights->of[0][g][j]);
            for (size_t i = 0; i < registers; i++) s[g][i] = _mm256_fmadd_ps(weight, value[i], s[g][i]);
        }
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < registers; i++)
            _mm256_maskstore_ps(out + g * stride + 8 * (first + i), mask[i], s[g][i]);
}

/* Up to four heads. heads is a constant at each call. */
CK_AVX2_INLINE void heads_avx2(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                               const uint8_t *values, float *out, size_t stride, const void *ahead)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d);
    block_weights weights;
    ck_asking asking = ck_asking_of(values, n, bytes, ahead);
    for (size_t j = 0; j < n; j += CHUNK) {
        size_t count = n - j < CHUNK ? n - j : CHUNK;
        const uint8_t *rows = values + j * bytes;
        const char *asked = ck_asked(&asking, j * bytes) + j * bytes;
        for (size_t b = 0; b < blocks; b++) {
            const uint8_t *q = ck_row_quants(type, rows, blocks, b);
            float *sums = out + b * CK_BLOCK;
            size_t left = d - b * CK_BLOCK;
            fill_weights(0, heads, count, rows, bytes, b, p + j, p_stride, &weights);
            if (heads <= 2) {
                part_avx2(type, heads, 4, 0, left, count, q, bytes, asked + (q - rows), &weights, sums,
                          stride);
            } else {
                part_avx2(type, heads, 2, 0, left, count, q, bytes, asked + (q - rows), &weights, sums,
                          stride);
                part_avx2(type, heads, 2, 2, left, count, q, bytes, asked + (q - rows), &weights, sums,
                          stride);
            }
        }
    }
}

CK_AVX2 void ck_weighted_sum_q8_avx2(PARAMETERS) { FOUR_HEADS(heads_avx2, CK_Q8_0) }
CK_AVX2 void ck_weighted_sum_q4_avx2(PARAMETERS) { FOUR_HEADS(heads_avx2, CK_Q4_0) }

/* Half of a block. */
CK_AVX512_INLINE __m512 load_avx512(ck_type type, const uint8_t *q, size_t half)
{
    if (type == CK_Q8_0)
        return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(q + 16 * half))));
    const __m512 table = _mm512_setr_ps(-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7);
    __m512i bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)q));
    /* The table is asked by the lowest four bits. */
    return _mm512_permutexvar_ps(half ? _mm512_srli_epi32(bytes, 4) : bytes, table);
}

/* One or two neighbouring blocks of up to four heads. heads and blocks are constants at each call. */
CK_AVX512_INLINE void part_avx512(ck_type type, size_t heads, size_t blocks, size_t left, size_t n, const uint8_t *q,
                                  size_t bytes, const char *asked, const block_weights *weights, float *out,
                                  size_t stride)
{
    __m512 s[HEADS][4];
    __mmask16 mask[4];
    for (size_t i = 0; i < 2 * blocks; i++) {
        size_t at = 16 * i;
        mask[i] = at >= left ? 0 : left - at < 16 ? (__mmask16)((1u << (left - at)) - 1) : 0xFFFF;
        for (size_t g = 0; g < heads; g++) s[g][i] = _mm512_maskz_loadu_ps(mask[i], out + g * stride + at);
    }
    for (size_t j = 0; j < n; j++, q += bytes) {
        __m512 value[4];
        __builtin_prefetch(asked + j * bytes);
        for (size_t i = 0; i < 2 * blocks; i++) value[i] = load_avx512(type, q + i / 2 * CK_QUANTS(type), i % 2);
        for (size_t g = 0; g < heads; g++)
            for (size_t b = 0; b < blocks; b++) {
                __m512 weight = _mm512_set1_ps(weights->of[b][g][j]);
                for (size_t i = 2 * b; i < 2 * b + 2; i++) s[g][i] = _mm512_fmadd_ps(weight, value[i], s[g][i]);
            }
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < 2 * blocks; i++) _mm512_mask_storeu_ps(out + g * stride + 16 * i, mask[i], s[g][i]);
}

/* Up to four heads. heads is a constant at each call. */
CK_AVX512_INLINE void heads_avx512(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                                   const uint8_t *values, float *out, size_t stride, const void *ahead)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d);
    block_weights weights;
    ck_asking asking = ck_asking_of(values, n, bytes, ahead);
    for (size_t j = 0; j < n; j += CHUNK) {
        size_t count = n - j < CHUNK ? n - j : CHUNK;
        const uint8_t *rows = values + j * bytes;
        const char *asked = ck_asked(&asking, j * bytes) + j * bytes;
        for (size_t b = 0; b < blocks; b += 2) {
            int pair = b + 2 <= blocks;
            const uint8_t *q = ck_row_quants(type, rows, blocks, b);
            float *sums = out + b * CK_BLOCK;
            fill_weights(pair, heads, count, rows, bytes, b, p + j, p_stride, &weights);
            if (pair)
                part_avx512(type, heads, 2, d - b * CK_BLOCK, count, q, bytes, asked + (q - rows), &weights, sums,
                            stride);
            else
                part_avx512(type, heads, 1, d - b * CK_BLOCK, count, q, bytes, asked + (q - rows), &weights, sums,
                            stride);
        }
    }
}

CK_AVX512 void ck_weighted_sum_q8_avx512(PARAMETERS) { FOUR_HEADS(heads_avx512, CK_Q8_0) }
CK_AVX512 void ck_weighted_sum_q4_avx512(PARAMETERS) { FOUR_HEADS(heads_avx512, CK_Q4_0) }
#endif

#if defined(__aarch64__)
/* The i-th eight elements of a block. */
CK_NEON_INLINE ck_eight load_neon(ck_type type, const uint8_t *q, size_t i)
{
    uint8x8_t bytes = vld1_u8(q + (type == CK_Q8_0 ? 8 * i : 8 * (i % 2)));
    int8x8_t values = vreinterpret_s8_u8(bytes);
    if (type == CK_Q4_0) {
        bytes = i >= 2 ? vshr_n_u8(bytes, 4) : vand_u8(bytes, vdup_n_u8(15));
        values = vsub_s8(vreinterpret_s8_u8(bytes), vdup_n_s8(8));
    }
    int16x8_t wide = vmovl_s8(values);
    return (ck_eight){{vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide))), vcvtq_f32_s32(vmovl_s16(vget_high_s16(wide)))}};
}

/* `eights` eights of a block from the `from`-th on. heads and eights are constants at each call. */
CK_NEON_INLINE void part_neon(ck_type type, size_t heads, size_t eights, size_t from, size_t left, size_t n,
                              const uint8_t *q, size_t bytes, const char *asked, const block_weights *weights,
                              float *out, size_t stride)
{
    ck_eight s[HEADS][4];
    size_t count[4];
    for (size_t i = 0; i < eights; i++) {
        size_t at = 8 * (from + i);
        count[i] = at + 8 <= left ? 8 : at < left ? left - at : 0;
        for (size_t g = 0; g < heads; g++)
            s[g][i] = count[i] == 0 ? ck_all_neon(0) : ck_load_neon(CK_F32, out + g * stride, at, count[i]);
    }
    for (size_t j = 0; j < n; j++, q += bytes) {
        ck_eight value[4];
        if (from == 0) __builtin_prefetch(asked + j * bytes);
        for (size_t i = 0; i < eights; i++) value[i] = load_neon(type, q, from + i);
        for (size_t g = 0; g < heads; g++) {
            ck_eight weight = ck_all_neon(weights->of[0][g][j]);
            for (size_t i = 0; i < eights; i++) s[g][i] = ck_fma_neon(weight, value[i], s[g][i]);
        }
    }
    for (size_t g = 0; g < heads; g++)
        for (size_t i = 0; i < eights; i++)
            if (count[i] > 0) ck_store_tail_neon(out + g * stride + 8 * (from + i), count[i], s[g][i]);
}

/* Up to four heads. heads is a constant at each call. */
CK_NEON_INLINE void heads_neon(ck_type type, size_t heads, size_t n, size_t d, const float *p, size_t p_stride,
                               const uint8_t *values, float *out, size_t stride, const void *ahead)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d);
    block_weights weights;
    ck_asking asking = ck_asking_of(values, n, bytes, ahead);
    for (size_t j = 0; j < n; j += CHUNK) {
        size_t count = n - j < CHUNK ? n - j : CHUNK;
        const uint8_t *rows = values + j * bytes;
        const char *asked = ck_asked(&asking, j * bytes) + j * bytes;
        for (size_t b = 0; b < blocks; b++) {
            const uint8_t *q = ck_row_quants(type, rows, blocks, b);
            float *sums = out + b * CK_BLOCK;
            size_t left = d - b * CK_BLOCK;
            fill_weights(0, heads, count, rows, bytes, b, p + j, p_stride, &weights);
            part_neon(type, heads, 2, 0, left, count, q, bytes, asked + (q - rows), &weights, sums, stride);
            part_neon(type, heads, 2, 2, left, count, q, bytes, asked + (q - rows), &weights, sums, stride);
        }
    }
}

void ck_weighted_sum_q8_neon(PARAMETERS) { FOUR_HEADS(heads_neon, CK_Q8_0) }
void ck_weighted_sum_q4_neon(PARAMETERS) { FOUR_HEADS(heads_neon, CK_Q4_0) }
#endif
