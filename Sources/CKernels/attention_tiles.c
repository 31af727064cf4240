#include "neon.h"

/* Keys side by side, 16 to a tile, and the logits of many queries against them. */
#define TILE CK_KEY_TILE

/* type is a constant at each call. */
static inline void tile_keys_scalar(ck_type type, size_t first, size_t n, size_t d, const void *keys, float *tiles)
{
    for (size_t j = first; j < n; j++)
        for (size_t i = 0; i < d; i++)
            tiles[j / TILE * TILE * d + i * TILE + j % TILE] = ck_element(type, keys, j * d + i);
    for (size_t j = n; j % TILE != 0; j++)
        for (size_t i = 0; i < d; i++) tiles[j / TILE * TILE * d + i * TILE + j % TILE] = 0;
}

void ck_tile_keys_f32_scalar(size_t n, size_t d, const void *keys, float *tiles)
{
    tile_keys_scalar(CK_F32, 0, n, d, keys, tiles);
}

void ck_tile_keys_f16_scalar(size_t n, size_t d, const void *keys, float *tiles)
{
    tile_keys_scalar(CK_F16, 0, n, d, keys, tiles);
}

void ck_tile_keys_bf16_scalar(size_t n, size_t d, const void *keys, float *tiles)
{
    tile_keys_scalar(CK_BF16, 0, n, d, keys, tiles);
}

void ck_tile_logits_f32_scalar(size_t rows, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                               const float *tiles, float *logits, size_t stride)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < (n + TILE - 1) / TILE * TILE; j++) {
            const float *key = tiles + j / TILE * TILE * d + j % TILE;
            float s[CK_LANES] = {0};
            for (size_t i = 0; i < d; i += CK_LANES)
                for (size_t l = 0; l < CK_LANES; l++)
                    s[l] = i + l < d ? fmaf(key[(i + l) * TILE], q[r * q_stride + i + l], s[l]) : s[l] + 0.0f;
            logits[r * stride + j] = scale * ck_lanes_sum(s);
        }
}

/* Rows whose sums are kept together, and the registers that hold the keys of one go. */
#define ROWS 3
#define REGISTERS 2

/* a += b of each row and key. */
#define ADD(a, b, add)                                                                                      \
    for (size_t chain = 0; chain < chains; chain++) (a)[chain] = add((a)[chain], (b)[chain])

/* ck_lanes_sum of each row and key, one lane at a time. */
#define LANES_SUM(LANE, add, a, b, c, e)                                                                    \
    LANE(0, a) LANE(4, b) ADD(a, b, add);                                                                   \
    LANE(2, b) LANE(6, c) ADD(b, c, add);                                                                   \
    ADD(a, b, add);                                                                                         \
    LANE(1, b) LANE(5, c) ADD(b, c, add);                                                                   \
    LANE(3, c) LANE(7, e) ADD(c, e, add);                                                                   \
    ADD(b, c, add);                                                                                         \
    ADD(a, b, add)

#if defined(__x86_64__)
/* Eight keys of eight elements, transposed. */
CK_AVX2_INLINE void transpose8(const __m256 in[8], __m256 out[8])
{
    __m256 t[8], u[8];
    for (int i = 0; i < 4; i++) {
        t[2 * i] = _mm256_unpacklo_ps(in[2 * i], in[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_ps(in[2 * i], in[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        u[4 * i] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0x44);
        u[4 * i + 1] = _mm256_shuffle_ps(t[4 * i], t[4 * i + 2], 0xEE);
        u[4 * i + 2] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0x44);
        u[4 * i + 3] = _mm256_shuffle_ps(t[4 * i + 1], t[4 * i + 3], 0xEE);
    }
    for (int i = 0; i < 4; i++) {
        out[i] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x20);
        out[i + 4] = _mm256_permute2f128_ps(u[i], u[i + 4], 0x31);
    }
}

CK_AVX2_INLINE void tile_keys_avx2(ck_type type, size_t n, size_t d, const void *keys, float *tiles)
{
    size_t j = 0;
    for (; d % 8 == 0 && j + 8 <= n; j += 8) {
        float *tile = tiles + j / TILE * TILE * d + j % TILE;
        for (size_t i = 0; i < d; i += 8) {
            __m256 in[8], out[8];
            for (size_t key = 0; key < 8; key++) in[key] = ck_load_avx2(type, keys, (j + key) * d + i, 8);
            transpose8(in, out);
            for (size_t element = 0; element < 8; element++)
                _mm256_storeu_ps(tile + (i + element) * TILE, out[element]);
        }
    }
    tile_keys_scalar(type, j, n, d, keys, tiles);
}

CK_AVX2 void ck_tile_keys_f32_avx2(size_t n, size_t d, const void *keys, float *tiles)
{
    tile_keys_avx2(CK_F32, n, d, keys, tiles);
}

CK_AVX2 void ck_tile_keys_f16_avx2(size_t n, size_t d, const void *keys, float *tiles)
{
    tile_keys_avx2(CK_F16, n, d, keys, tiles);
}

CK_AVX2 void ck_tile_keys_bf16_avx2(size_t n, size_t d, const void *keys, float *tiles)
{
    tile_keys_avx2(CK_BF16, n, d, keys, tiles);
}

/* s = partial sum `lane` of each row and key. rows and registers are constants at each call. */
CK_AVX2_INLINE void lane_avx2(size_t rows, size_t lane, size_t d, const float *q, size_t q_stride, const float *tile,
                              __m256 s[ROWS])
{
    for (size_t r = 0; r < rows; r++) s[r] = _mm256_setzero_ps();
    size_t i = lane;
    for (; i < d; i += CK_LANES) {
        __m256 key = _mm256_loadu_ps(tile + i * TILE);
        for (size_t r = 0; r < rows; r++)
            s[r] = _mm256_fmadd_ps(key, _mm256_broadcast_ss(q + r * q_stride + i), s[r]);
    }
    for (size_t r = 0; d % CK_LANES != 0 && lane >= d % CK_LANES && r < rows; r++)
        s[r] = _mm256_add_ps(s[r], _mm256_setzero_ps());
}

CK_AVX2_INLINE void logits_avx2(size_t rows, size_t d, float scale, const float *q, size_t q_stride,
                                const float *tile, float *logits, size_t stride)
{
    const size_t chains = rows;
    __m256 a[ROWS], b[ROWS], c[ROWS], e[ROWS];
#define LANE(lane, s) lane_avx2(rows, lane, d, q, q_stride, tile, s);
    LANES_SUM(LANE, _mm256_add_ps, a, b, c, e);
#undef LANE
    for (size_t r = 0; r < rows; r++)
        _mm256_storeu_ps(logits + r * stride, _mm256_mul_ps(_mm256_set1_ps(scale), a[r]));
}

CK_AVX2 void ck_tile_logits_f32_avx2(size_t rows, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                     const float *tiles, float *logits, size_t stride)
{
    for (size_t j = 0; j < n || j % TILE != 0; j += 8)
        for (size_t r = 0; r < rows; r += ROWS) {
            const float *tile = tiles + j / TILE * TILE * d + j % TILE, *query = q + r * q_stride;
            float *row = logits + r * stride + j;
            switch (rows - r) {
            case 1: logits_avx2(1, d, scale, query, q_stride, tile, row, stride); break;
            case 2: logits_avx2(2, d, scale, query, q_stride, tile, row, stride); break;
            default: logits_avx2(3, d, scale, query, q_stride, tile, row, stride);
            }
        }
}

CK_AVX512_INLINE void lane_avx512(size_t rows, size_t registers, size_t lane, size_t d, const float *q,
                                  size_t q_stride, const float *tile, __m512 s[ROWS * REGISTERS])
{
    for (size_t c = 0; c < rows * registers; c++) s[c] = _mm512_setzero_ps();
    for (size_t i = lane; i < d; i += CK_LANES) {
        __m512 key[REGISTERS];
        for (size_t k = 0; k < registers; k++) key[k] = _mm512_loadu_ps(tile + (k * d + i) * TILE);
        for (size_t r = 0; r < rows; r++) {
            __m512 query = _mm512_set1_ps(q[r * q_stride + i]);
            for (size_t k = 0; k < registers; k++)
                s[r * registers + k] = _mm512_fmadd_ps(key[k], query, s[r * registers + k]);
        }
    }
    for (size_t c = 0; d % CK_LANES != 0 && lane >= d % CK_LANES && c < rows * registers; c++)
        s[c] = _mm512_add_ps(s[c], _mm512_setzero_ps());
}

CK_AVX512_INLINE void logits_avx512(size_t rows, size_t registers, size_t d, float scale, const float *q,
                                    size_t q_stride, const float *tile, float *logits, size_t stride)
{
    const size_t chains = rows * registers;
    __m512 a[ROWS * REGISTERS], b[ROWS * REGISTERS], c[ROWS * REGISTERS], e[ROWS * REGISTERS];
#define LANE(lane, s) lane_avx512(rows, registers, lane, d, q, q_stride, tile, s);
    LANES_SUM(LANE, _mm512_add_ps, a, b, c, e);
#undef LANE
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < registers; k++)
            _mm512_storeu_ps(logits + r * stride + k * TILE,
                             _mm512_mul_ps(_mm512_set1_ps(scale), a[r * registers + k]));
}

CK_AVX512_INLINE void all_logits_avx512(size_t rows, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                        const float *tiles, float *logits, size_t stride)
{
    for (size_t j = 0; j < n; j += REGISTERS * TILE)
        for (size_t r = 0; r < rows; r += ROWS) {
            const float *tile = tiles + j * d, *query = q + r * q_stride;
            float *row = logits + r * stride + j;
            size_t registers = n - j > TILE ? 2 : 1, left = rows - r < ROWS ? rows - r : ROWS;
            switch (4 * registers + left) {
            case 5: logits_avx512(1, 1, d, scale, query, q_stride, tile, row, stride); break;
            case 6: logits_avx512(2, 1, d, scale, query, q_stride, tile, row, stride); break;
            case 7: logits_avx512(3, 1, d, scale, query, q_stride, tile, row, stride); break;
            case 9: logits_avx512(1, 2, d, scale, query, q_stride, tile, row, stride); break;
            case 10: logits_avx512(2, 2, d, scale, query, q_stride, tile, row, stride); break;
            default: logits_avx512(3, 2, d, scale, query, q_stride, tile, row, stride);
            }
        }
}

CK_AVX512 void ck_tile_logits_f32_avx512(size_t rows, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                                         const float *tiles, float *logits, size_t stride)
{
    /* The usual head dimensions as constants. */
    switch (d) {
    case 64: all_logits_avx512(rows, n, 64, scale, q, q_stride, tiles, logits, stride); break;
    case 128: all_logits_avx512(rows, n, 128, scale, q, q_stride, tiles, logits, stride); break;
    default: all_logits_avx512(rows, n, d, scale, q, q_stride, tiles, logits, stride);
    }
}
#endif

#if defined(__aarch64__)
/* s = partial sum `lane` of each row and 8 keys. rows is a constant at each call. */
CK_NEON_INLINE void lane_neon(size_t rows, size_t lane, size_t d, const float *q, size_t q_stride, const float *tile,
                              ck_eight s[ROWS])
{
    for (size_t r = 0; r < rows; r++) s[r] = ck_all_neon(0);
    for (size_t i = lane; i < d; i += CK_LANES) {
        ck_eight key = ck_load8_neon(tile + i * TILE);
        for (size_t r = 0; r < rows; r++) s[r] = ck_fma_neon(key, ck_all_neon(q[r * q_stride + i]), s[r]);
    }
    for (size_t r = 0; d % CK_LANES != 0 && lane >= d % CK_LANES && r < rows; r++)
        s[r] = ck_add_neon(s[r], ck_all_neon(0));
}

CK_NEON_INLINE void logits_neon(size_t rows, size_t d, float scale, const float *q, size_t q_stride, const float *tile,
                                float *logits, size_t stride)
{
    const size_t chains = rows;
    ck_eight a[ROWS], b[ROWS], c[ROWS], e[ROWS];
#define LANE(lane, s) lane_neon(rows, lane, d, q, q_stride, tile, s);
    LANES_SUM(LANE, ck_add_neon, a, b, c, e);
#undef LANE
    for (size_t r = 0; r < rows; r++) ck_store8_neon(logits + r * stride, ck_times_neon(ck_all_neon(scale), a[r]));
}

void ck_tile_logits_f32_neon(size_t rows, size_t n, size_t d, float scale, const float *q, size_t q_stride,
                             const float *tiles, float *logits, size_t stride)
{
    for (size_t j = 0; j < n || j % TILE != 0; j += 8)
        for (size_t r = 0; r < rows; r += ROWS) {
            const float *tile = tiles + j / TILE * TILE * d + j % TILE, *query = q + r * q_stride;
            float *row = logits + r * stride + j;
            switch (rows - r) {
            case 1: logits_neon(1, d, scale, query, q_stride, tile, row, stride); break;
            case 2: logits_neon(2, d, scale, query, q_stride, tile, row, stride); break;
            default: logits_neon(3, d, scale, query, q_stride, tile, row, stride);
            }
        }
}
#endif
