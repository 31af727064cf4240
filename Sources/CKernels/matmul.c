#include "kernels.h"

static float dot_scalar(size_t k, const float *w, const float *x)
{
    float s[CK_LANES] = {0};
    for (size_t i = 0; i < k; i += CK_LANES)
        for (size_t l = 0; l < CK_LANES; l++) s[l] = i + l < k ? fmaf(w[i + l], x[i + l], s[l]) : s[l] + 0.0f;
    return ck_lanes_sum(s);
}

void ck_matmul_f32_scalar(size_t rows, size_t m, size_t k, const float *w, const float *x, size_t x_stride, float *y,
                          size_t y_stride)
{
    assert(rows <= 1 || x_stride >= k);
    assert(rows <= 1 || y_stride >= m);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < m; j++) y[r * y_stride + j] = dot_scalar(k, w + j * k, x + r * x_stride);
}

#if defined(__x86_64__)
/* A tile of 4 rows and 3 outputs keeps 12 sums, 3 weights and 1 activation in the 16 registers, and 12 chains hide the
 * latency of the fused multiply-add. One row alone takes 8 outputs at a time. */
#define TILE_ROWS 4
#define TILE_OUTPUTS 3
#define ROW_OUTPUTS 8

/* Blocks of many rows: weights of 12 outputs x 384 (18 KiB) and activations of 4 rows x 384 (6 KiB) stay in the
 * first-level cache. The sums of a block of 32 rows are kept in memory between two stretches of k, so their order does
 * not change. */
#define BLOCK_ROWS 32
#define BLOCK_OUTPUTS 12
#define BLOCK_K 384
typedef __m256 tile_sums[TILE_ROWS][TILE_OUTPUTS];

CK_AVX2_INLINE void tile_step(size_t rows, size_t outputs, const float *w, size_t w_stride, const float *x,
                              size_t x_stride, tile_sums s)
{
    __m256 weights[TILE_OUTPUTS];
    for (size_t j = 0; j < outputs; j++) weights[j] = _mm256_loadu_ps(w + j * w_stride);
    for (size_t r = 0; r < rows; r++) {
        __m256 activation = _mm256_loadu_ps(x + r * x_stride);
        for (size_t j = 0; j < outputs; j++) s[r][j] = _mm256_fmadd_ps(weights[j], activation, s[r][j]);
    }
}

/* Adds k products to each sum; the last k % 8 with zeros after them. rows and outputs are constants at each call. */
CK_AVX2_INLINE void tile_steps(size_t rows, size_t outputs, size_t k, const float *w, size_t w_stride, const float *x,
                               size_t x_stride, tile_sums s)
{
    size_t i = 0;
    for (; i + CK_LANES <= k; i += CK_LANES) tile_step(rows, outputs, w + i, w_stride, x + i, x_stride, s);
    if (i == k) return;
    __m256i mask = ck_tail_mask_avx2(k - i);
    for (size_t r = 0; r < rows; r++) {
        __m256 activation = _mm256_maskload_ps(x + r * x_stride + i, mask);
        for (size_t j = 0; j < outputs; j++)
            s[r][j] = _mm256_fmadd_ps(_mm256_maskload_ps(w + j * w_stride + i, mask), activation, s[r][j]);
    }
}

/* One tile over a stretch of k. The sums start at 0 for the first stretch, else in `kept`, and end in y for the last,
 * else in `kept`. */
CK_AVX2_INLINE void tile(size_t rows, size_t outputs, int first, int last, size_t k, const float *w, size_t w_stride,
                         const float *x, size_t x_stride, tile_sums *kept, float *y, size_t y_stride)
{
    tile_sums s;
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < outputs; j++) s[r][j] = first ? _mm256_setzero_ps() : (*kept)[r][j];
    tile_steps(rows, outputs, k, w, w_stride, x, x_stride, s);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < outputs; j++) {
            if (last)
                y[r * y_stride + j] = ck_lanes_sum_avx2(s[r][j]);
            else
                (*kept)[r][j] = s[r][j];
        }
}

CK_AVX2 static void any_tile(size_t rows, size_t outputs, int first, int last, size_t k, const float *w,
                             size_t w_stride, const float *x, size_t x_stride, tile_sums *kept, float *y,
                             size_t y_stride)
{
#define TILE(r, j)                                                                                          \
    case (r) * 4 + (j): tile(r, j, first, last, k, w, w_stride, x, x_stride, kept, y, y_stride); break;
    switch (rows * 4 + outputs) {
        TILE(1, 1) TILE(1, 2) TILE(1, 3)
        TILE(2, 1) TILE(2, 2) TILE(2, 3)
        TILE(3, 1) TILE(3, 2) TILE(3, 3)
        TILE(4, 1) TILE(4, 2) TILE(4, 3)
    default: assert(0);
    }
#undef TILE
}

CK_AVX2_INLINE void row_outputs(size_t k, const float *w, const float *x, float *y)
{
    __m256 s[ROW_OUTPUTS];
    for (size_t j = 0; j < ROW_OUTPUTS; j++) s[j] = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + CK_LANES <= k; i += CK_LANES) {
        __m256 activation = _mm256_loadu_ps(x + i);
        for (size_t j = 0; j < ROW_OUTPUTS; j++)
            s[j] = _mm256_fmadd_ps(_mm256_loadu_ps(w + j * k + i), activation, s[j]);
    }
    if (i < k) {
        __m256i mask = ck_tail_mask_avx2(k - i);
        __m256 activation = _mm256_maskload_ps(x + i, mask);
        for (size_t j = 0; j < ROW_OUTPUTS; j++)
            s[j] = _mm256_fmadd_ps(_mm256_maskload_ps(w + j * k + i, mask), activation, s[j]);
    }
    _mm256_storeu_ps(y, ck_lanes_sum8_avx2(s));
}

static inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* All tiles of a block of at most BLOCK_ROWS rows and BLOCK_OUTPUTS outputs. */
CK_AVX2 static void block(size_t rows, size_t outputs, size_t k, const float *w, const float *x, size_t x_stride,
                          float *y, size_t y_stride)
{
    tile_sums kept[BLOCK_ROWS / TILE_ROWS][BLOCK_OUTPUTS / TILE_OUTPUTS];
    size_t i = 0;
    do {
        size_t length = smaller(BLOCK_K, k - i);
        for (size_t r = 0; r < rows; r += TILE_ROWS)
            for (size_t j = 0; j < outputs; j += TILE_OUTPUTS)
                any_tile(smaller(TILE_ROWS, rows - r), smaller(TILE_OUTPUTS, outputs - j), i == 0, i + length == k,
                         length, w + j * k + i, k, x + r * x_stride + i, x_stride,
                         &kept[r / TILE_ROWS][j / TILE_OUTPUTS], y + r * y_stride + j, y_stride);
        i += length;
    } while (i < k);
}

CK_AVX2 void ck_matmul_f32_avx2(size_t rows, size_t m, size_t k, const float *w, const float *x, size_t x_stride,
                                float *y, size_t y_stride)
{
    assert(rows <= 1 || x_stride >= k);
    assert(rows <= 1 || y_stride >= m);
    size_t j = 0;
    if (rows == 1)
        for (; j + ROW_OUTPUTS <= m; j += ROW_OUTPUTS) row_outputs(k, w + j * k, x, y + j);
    for (; j < m; j += BLOCK_OUTPUTS)
        for (size_t r = 0; r < rows; r += BLOCK_ROWS)
            block(smaller(BLOCK_ROWS, rows - r), smaller(BLOCK_OUTPUTS, m - j), k, w + j * k, x + r * x_stride,
                  x_stride, y + r * y_stride + j, y_stride);
}
#endif
