#include "neon.h"

/* f32, f16 and bf16 weights: each output is one chain of fused multiply-adds over rising i. */
#define PARAMETERS                                                                                          \
    size_t rows, size_t m, size_t k, const void *w, const float *x, size_t x_stride, const float *bias,     \
        float *y, size_t y_stride
#define ARGUMENTS rows, m, k, w, x, x_stride, bias, y, y_stride

/* The value of weight `at`, counted in elements of a packed matrix. */
static inline float weight_scalar(ck_type type, const void *w, size_t at)
{
    if (type == CK_F16) return ck_from_f16(ck_load_u16((const uint8_t *)w + 2 * at));
    if (type == CK_BF16) return ck_float_of((uint32_t)ck_load_u16((const uint8_t *)w + 2 * at) << 16);
    float value;
    memcpy(&value, (const uint8_t *)w + 4 * at, sizeof value);
    return value;
}

static inline void multiply_scalar(ck_type type, PARAMETERS)
{
    for (size_t j = 0; j < m; j++) {
        for (size_t r = 0; r < rows; r++) y[r * y_stride + j] = 0;
        for (size_t i = 0; i < k; i++) {
            float weight = weight_scalar(type, w, j / CK_GROUP * CK_GROUP * k + i * CK_GROUP + j % CK_GROUP);
            for (size_t r = 0; r < rows; r++)
                y[r * y_stride + j] = fmaf(weight, x[r * x_stride + i], y[r * y_stride + j]);
        }
        for (size_t r = 0; bias && r < rows; r++) y[r * y_stride + j] += bias[j];
    }
}

void ck_multiply_f32_scalar(PARAMETERS) { multiply_scalar(CK_F32, ARGUMENTS); }
void ck_multiply_f16_scalar(PARAMETERS) { multiply_scalar(CK_F16, ARGUMENTS); }
void ck_multiply_bf16_scalar(PARAMETERS) { multiply_scalar(CK_BF16, ARGUMENTS); }

#if defined(__x86_64__) || defined(__aarch64__)
static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Activations that one group's pass may read again for the next: half of a usual second-level cache. */
static inline size_t rows_per_pass(size_t k, size_t tile_rows)
{
    size_t fitting = 512 * 1024 / (4 * k + 1) / tile_rows * tile_rows;
    return fitting < tile_rows ? tile_rows : fitting;
}
#endif

#if defined(__x86_64__)
/* Calls tile(constant, ARGUMENTS...) for a number of rows from 1 to 8. */
#define EIGHT_ROWS(rows, TILE)                                                                              \
    switch (rows) {                                                                                         \
    case 1: TILE(1); break;                                                                                 \
    case 2: TILE(2); break;                                                                                 \
    case 3: TILE(3); break;                                                                                 \
    case 4: TILE(4); break;                                                                                 \
    case 5: TILE(5); break;                                                                                 \
    case 6: TILE(6); break;                                                                                 \
    case 7: TILE(7); break;                                                                                 \
    default: TILE(8);                                                                                       \
    }

#define AVX2_ROWS 4

CK_AVX2_INLINE __m256 load_avx2(ck_type type, const uint8_t *group, size_t at)
{
    if (type == CK_F32) return _mm256_loadu_ps((const float *)(group + 4 * at));
    __m128i halves = _mm_loadu_si128((const __m128i *)(group + 2 * at));
    if (type == CK_F16) return _mm256_cvtph_ps(halves);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

/* 16 outputs of up to 4 rows. type and rows are constants at each call. */
CK_AVX2_INLINE void tile_avx2(ck_type type, size_t rows, size_t k, const uint8_t *group, const float *x,
                              size_t x_stride, size_t outputs, const float *bias, float *y, size_t y_stride)
{
    __m256 sums[AVX2_ROWS][2];
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
    for (size_t i = 0; i < k; i++) {
        __m256 low = load_avx2(type, group, i * CK_GROUP), high = load_avx2(type, group, i * CK_GROUP + 8);
        for (size_t r = 0; r < rows; r++) {
            __m256 activation = _mm256_broadcast_ss(x + r * x_stride + i);
            sums[r][0] = _mm256_fmadd_ps(low, activation, sums[r][0]);
            sums[r][1] = _mm256_fmadd_ps(high, activation, sums[r][1]);
        }
    }
    for (size_t half = 0; half < 2 && 8 * half < outputs; half++) {
        size_t left = outputs - 8 * half;
        __m256i mask = left < 8 ? ck_tail_mask_avx2(left) : _mm256_set1_epi32(-1);
        for (size_t r = 0; r < rows; r++) {
            if (bias) sums[r][half] = _mm256_add_ps(sums[r][half], _mm256_maskload_ps(bias + 8 * half, mask));
            _mm256_maskstore_ps(y + r * y_stride + 8 * half, mask, sums[r][half]);
        }
    }
}

CK_AVX2_INLINE void multiply_avx2(ck_type type, PARAMETERS)
{
    size_t most = rows_per_pass(k, AVX2_ROWS), size = type == CK_F32 ? 4 : 2;
    for (size_t from = 0; from < rows; from += most)
        for (size_t j = 0; j < m; j += CK_GROUP)
            for (size_t r = from; r < smaller(rows, from + most); r += AVX2_ROWS) {
#define TILE(n)                                                                                             \
    tile_avx2(type, n, k, (const uint8_t *)w + size * j * k, x + r * x_stride, x_stride, m - j,             \
              bias ? bias + j : bias, y + r * y_stride + j, y_stride)
                switch (rows - r) {
                case 1: TILE(1); break;
                case 2: TILE(2); break;
                case 3: TILE(3); break;
                default: TILE(4);
                }
#undef TILE
            }
}

CK_AVX2 void ck_multiply_f32_avx2(PARAMETERS) { multiply_avx2(CK_F32, ARGUMENTS); }
CK_AVX2 void ck_multiply_f16_avx2(PARAMETERS) { multiply_avx2(CK_F16, ARGUMENTS); }
CK_AVX2 void ck_multiply_bf16_avx2(PARAMETERS) { multiply_avx2(CK_BF16, ARGUMENTS); }

#define AVX512_ROWS 8

CK_AVX512_INLINE __m512 load_avx512(ck_type type, const uint8_t *group, size_t at)
{
    if (type == CK_F32) return _mm512_loadu_ps(group + 4 * at);
    __m256i halves = _mm256_loadu_si256((const __m256i *)(group + 2 * at));
    if (type == CK_F16) return _mm512_cvtph_ps(halves);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
}

/* 16 outputs of each of one or two groups, of which `outputs` exist, for up to 8 rows, the first or not that use these
 * weights. type, groups and rows are constants at each call. */
CK_AVX512_INLINE void tile_avx512(ck_type type, size_t groups, size_t rows, size_t k, const uint8_t *group,
                                  int is_first, const float *x, size_t x_stride, size_t outputs,
                                  const float *bias, float *y, size_t y_stride)
{
    __m512 sums[AVX512_ROWS][2];
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    for (size_t i = 0; i < k; i++) {
        __m512 weights[2];
        for (size_t g = 0; g < groups; g++) {
            size_t at = (g * k + i) * CK_GROUP;
            weights[g] = load_avx512(type, group, at);
            if (is_first) ck_ask_ahead(group + (type == CK_F32 ? 4 : 2) * at, 1);
        }
        for (size_t r = 0; r < rows; r++) {
            __m512 activation = _mm512_set1_ps(x[r * x_stride + i]);
            for (size_t g = 0; g < groups; g++) sums[r][g] = _mm512_fmadd_ps(weights[g], activation, sums[r][g]);
        }
    }
    for (size_t g = 0; g < groups; g++) {
        size_t left = outputs - g * CK_GROUP;
        __mmask16 mask = left < CK_GROUP ? (__mmask16)((1u << left) - 1) : 0xFFFF;
        for (size_t r = 0; r < rows; r++) {
            if (bias) sums[r][g] = _mm512_add_ps(sums[r][g], _mm512_maskz_loadu_ps(mask, bias + g * CK_GROUP));
            _mm512_mask_storeu_ps(y + r * y_stride + g * CK_GROUP, mask, sums[r][g]);
        }
    }
}

CK_AVX512_INLINE void multiply_avx512(ck_type type, PARAMETERS)
{
    size_t most = rows_per_pass(k, AVX512_ROWS), size = type == CK_F32 ? 4 : 2;
    for (size_t from = 0; from < rows; from += most)
        for (size_t j = 0; j < m; j += 2 * CK_GROUP)
            for (size_t r = from; r < smaller(rows, from + most); r += AVX512_ROWS) {
#define TILE(groups, n)                                                                                     \
    tile_avx512(type, groups, n, k, (const uint8_t *)w + size * j * k, r == from, x + r * x_stride,         \
                x_stride, m - j, bias ? bias + j : bias, y + r * y_stride + j, y_stride)
#define ONE_GROUP(n) TILE(1, n)
#define TWO_GROUPS(n) TILE(2, n)
                if (m - j > CK_GROUP) {
                    EIGHT_ROWS(rows - r, TWO_GROUPS)
                } else {
                    EIGHT_ROWS(rows - r, ONE_GROUP)
                }
#undef TILE
            }
}

CK_AVX512 void ck_multiply_f32_avx512(PARAMETERS) { multiply_avx512(CK_F32, ARGUMENTS); }
CK_AVX512 void ck_multiply_f16_avx512(PARAMETERS) { multiply_avx512(CK_F16, ARGUMENTS); }
CK_AVX512 void ck_multiply_bf16_avx512(PARAMETERS) { multiply_avx512(CK_BF16, ARGUMENTS); }
#endif

#if defined(__aarch64__)
#define NEON_ROWS 4

CK_NEON_INLINE float32x4_t weights_neon(ck_type type, const uint8_t *group, size_t at)
{
    if (type == CK_F32) return vld1q_f32((const float *)(group + 4 * at));
    return ck_widen_neon(type, vreinterpret_u16_u8(vld1_u8(group + 2 * at)));
}

/* 16 outputs of up to 4 rows, the first or not that use these weights. type and rows are constants at each call. */
CK_NEON_INLINE void tile_neon(ck_type type, size_t rows, size_t k, const uint8_t *group, int is_first, const float *x,
                              size_t x_stride, size_t outputs, const float *bias, float *y, size_t y_stride)
{
    float32x4_t sums[NEON_ROWS][4];
    for (size_t r = 0; r < rows; r++) sums[r][0] = sums[r][1] = sums[r][2] = sums[r][3] = vdupq_n_f32(0);
    for (size_t i = 0; i < k; i++) {
        float32x4_t weights[4];
        for (size_t part = 0; part < 4; part++) weights[part] = weights_neon(type, group, i * CK_GROUP + 4 * part);
        if (is_first) ck_ask_ahead(group + (type == CK_F32 ? 4 : 2) * i * CK_GROUP, 1);
        for (size_t r = 0; r < rows; r++)
            for (size_t part = 0; part < 4; part++)
                sums[r][part] = vfmaq_n_f32(sums[r][part], weights[part], x[r * x_stride + i]);
    }
    size_t count = smaller(outputs, CK_GROUP);
    for (size_t r = 0; r < rows; r++) {
        float all[CK_GROUP];
        for (size_t part = 0; part < 4; part++) vst1q_f32(all + 4 * part, sums[r][part]);
        for (size_t i = 0; bias && i < count; i++) all[i] += bias[i];
        memcpy(y + r * y_stride, all, count * sizeof *y);
    }
}

CK_NEON_INLINE void multiply_neon(ck_type type, PARAMETERS)
{
    size_t most = rows_per_pass(k, NEON_ROWS), size = type == CK_F32 ? 4 : 2;
    for (size_t from = 0; from < rows; from += most)
        for (size_t j = 0; j < m; j += CK_GROUP)
            for (size_t r = from; r < smaller(rows, from + most); r += NEON_ROWS) {
#define TILE(n)                                                                                             \
    tile_neon(type, n, k, (const uint8_t *)w + size * j * k, r == from, x + r * x_stride, x_stride, m - j,  \
              bias ? bias + j : bias, y + r * y_stride + j, y_stride)
                switch (rows - r) {
                case 1: TILE(1); break;
                case 2: TILE(2); break;
                case 3: TILE(3); break;
                default: TILE(4);
                }
#undef TILE
            }
}

void ck_multiply_f32_neon(PARAMETERS) { multiply_neon(CK_F32, ARGUMENTS); }
void ck_multiply_f16_neon(PARAMETERS) { multiply_neon(CK_F16, ARGUMENTS); }
void ck_multiply_bf16_neon(PARAMETERS) { multiply_neon(CK_BF16, ARGUMENTS); }
#endif
