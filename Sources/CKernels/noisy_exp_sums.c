#include "expf.h"

/* (logit + noise) * inverse_tau of one head in place; returns the largest. `at` is where the noise of j stands. */
static inline float temper_scalar(size_t n, float inverse_tau, const float *noise, const int32_t *positions,
                                  size_t heads, float *row)
{
    float max = -INFINITY;
    for (size_t j = 0; j < n; j++) {
        float logit = row[j];
        if (noise) logit += positions ? noise[(size_t)positions[j] * heads] : noise[j];
        row[j] = logit * inverse_tau;
        max = row[j] > max ? row[j] : max;
    }
    return max;
}

void ck_noisy_exp_sums_f32_scalar(size_t heads, size_t n, float inverse_tau, const float *noise, size_t noise_stride,
                                  const int32_t *positions, float *rows, size_t stride, float *maxima, float *sums,
                                  size_t step, const void *ahead)
{
    assert(n > 0);
    (void)ahead;
    for (size_t h = 0; h < heads; h++) {
        const float *own = noise ? noise + h * (positions ? 1 : noise_stride) : NULL;
        float *row = rows + h * stride, s[CK_LANES] = {0};
        float max = temper_scalar(n, inverse_tau, own, positions, heads, row);
        for (size_t j = 0; j < n; j++) s[j % CK_LANES] += row[j] = ck_exp_scalar(row[j] - max);
        maxima[h * step] = max;
        sums[h * step] = ck_lanes_sum(s);
    }
}

void ck_add_rows_f32_scalar(size_t heads, size_t n, const float *weights, size_t step, const float *rows, size_t stride,
                            float *y)
{
    for (size_t h = 0; h < heads; h++)
        for (size_t j = 0; j < n; j++) y[j] = fmaf(rows[h * stride + j], weights[h * step], y[j]);
}

#if defined(__x86_64__)
CK_AVX2_INLINE float temper_avx2(size_t n, float inverse_tau, const float *noise, const int32_t *positions,
                                 size_t heads, float *row)
{
    __m256 temperature = _mm256_set1_ps(inverse_tau), largest = _mm256_set1_ps(-INFINITY);
    __m256i width = _mm256_set1_epi32((int32_t)heads);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256 logit = _mm256_loadu_ps(row + j);
        if (noise && positions) {
            __m256i at = _mm256_mullo_epi32(_mm256_loadu_si256((const __m256i *)(positions + j)), width);
            logit = _mm256_add_ps(logit, _mm256_i32gather_ps(noise, at, 4));
        } else if (noise) {
            logit = _mm256_add_ps(logit, _mm256_loadu_ps(noise + j));
        }
        logit = _mm256_mul_ps(logit, temperature);
        largest = _mm256_max_ps(logit, largest);
        _mm256_storeu_ps(row + j, logit);
    }
    float lane[8], max = -INFINITY;
    _mm256_storeu_ps(lane, largest);
    for (size_t l = 0; l < 8; l++) max = lane[l] > max ? lane[l] : max;
    if (j == n) return max;
    float rest = temper_scalar(n - j, inverse_tau, noise ? noise + (positions ? 0 : j) : NULL,
                               positions ? positions + j : NULL, heads, row + j);
    return rest > max ? rest : max;
}

CK_AVX2 void ck_noisy_exp_sums_f32_avx2(size_t heads, size_t n, float inverse_tau, const float *noise,
                                        size_t noise_stride, const int32_t *positions, float *rows, size_t stride,
                                        float *maxima, float *sums, size_t step, const void *ahead)
{
    assert(n > 0);
    (void)ahead;
    for (size_t h = 0; h < heads; h++) {
        const float *own = noise ? noise + h * (positions ? 1 : noise_stride) : NULL;
        float *row = rows + h * stride;
        float max = temper_avx2(n, inverse_tau, own, positions, heads, row);
        maxima[h * step] = max;
        sums[h * step] = ck_exp_sum_avx2(n, max, row);
    }
}

CK_AVX2 void ck_add_rows_f32_avx2(size_t heads, size_t n, const float *weights, size_t step, const float *rows,
                                  size_t stride, float *y)
{
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        __m256 sum = _mm256_loadu_ps(y + j);
        for (size_t h = 0; h < heads; h++)
            sum = _mm256_fmadd_ps(_mm256_loadu_ps(rows + h * stride + j), _mm256_set1_ps(weights[h * step]), sum);
        _mm256_storeu_ps(y + j, sum);
    }
    ck_add_rows_f32_scalar(heads, n - j, weights, step, rows + j, stride, y + j);
}

/* The first `width` of four noises of sixteen positions each: element j of noise[h] belongs to at[j]. The noises of a
 * position are read together, which takes a third of the time of gathering them head by head. */
CK_AVX512_INLINE void noises_at(const float *base, const int32_t at[16], size_t heads, int width, __m512 noise[4])
{
    __m512 quarter[4];
    for (int k = 0; k < 4; k++) {
        __m512 four = _mm512_castps128_ps512(_mm_loadu_ps(base + (size_t)(uint32_t)at[k] * heads));
        four = _mm512_insertf32x4(four, _mm_loadu_ps(base + (size_t)(uint32_t)at[k + 4] * heads), 1);
        four = _mm512_insertf32x4(four, _mm_loadu_ps(base + (size_t)(uint32_t)at[k + 8] * heads), 2);
        quarter[k] = _mm512_insertf32x4(four, _mm_loadu_ps(base + (size_t)(uint32_t)at[k + 12] * heads), 3);
    }
    __m512d low = _mm512_castps_pd(_mm512_unpacklo_ps(quarter[0], quarter[1]));
    __m512d next = _mm512_castps_pd(_mm512_unpacklo_ps(quarter[2], quarter[3]));
    noise[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, next));
    if (width > 1) noise[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, next));
    if (width < 3) return;
    low = _mm512_castps_pd(_mm512_unpackhi_ps(quarter[0], quarter[1]));
    next = _mm512_castps_pd(_mm512_unpackhi_ps(quarter[2], quarter[3]));
    noise[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, next));
    if (width > 3) noise[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, next));
}

/* temper_scalar of `width` <= 4 heads, a constant; noise is that of the first of them. */
CK_AVX512_INLINE void temper_avx512(int width, size_t n, float inverse_tau, const float *noise, size_t noise_stride,
                                    const int32_t *positions, size_t heads, float *rows, size_t stride, float max[4])
{
    __m512 temperature = _mm512_set1_ps(inverse_tau), largest[4];
    for (int h = 0; h < width; h++) largest[h] = _mm512_set1_ps(-INFINITY);
    for (size_t j = 0; j < n; j += 16) {
        size_t left = n - j;
        __mmask16 mask = left < 16 ? (__mmask16)((1u << left) - 1) : 0xFFFF;
        __m512 added[4];
        if (noise && positions) {
            int32_t rest[16];
            const int32_t *at = positions + j;
            if (left < 16) {
                _mm512_storeu_si512(rest, _mm512_maskz_loadu_epi32(mask, at));
                at = rest;
            }
            noises_at(noise, at, heads, width, added);
        }
        for (int h = 0; h < width; h++) {
            __m512 logit = _mm512_maskz_loadu_ps(mask, rows + h * stride + j);
            if (noise && !positions) added[h] = _mm512_maskz_loadu_ps(mask, noise + h * noise_stride + j);
            if (noise) logit = _mm512_add_ps(logit, added[h]);
            logit = _mm512_mul_ps(logit, temperature);
            largest[h] = _mm512_mask_max_ps(largest[h], mask, logit, largest[h]);
            _mm512_mask_storeu_ps(rows + h * stride + j, mask, logit);
        }
    }
    for (int h = 0; h < width; h++) max[h] = _mm512_reduce_max_ps(largest[h]);
}

CK_AVX512 void ck_noisy_exp_sums_f32_avx512(size_t heads, size_t n, float inverse_tau, const float *noise,
                                            size_t noise_stride, const int32_t *positions, float *rows, size_t stride,
                                            float *maxima, float *sums, size_t step, const void *ahead)
{
    assert(n > 0);
    for (size_t first = 0; first < heads; first += 4) {
        const float *own = noise ? noise + first * (positions ? 1 : noise_stride) : NULL;
        size_t width = heads - first < 4 ? heads - first : 4;
        float *some = rows + first * stride, max[4];
#define CK_TEMPER(count) \
    case count: temper_avx512(count, n, inverse_tau, own, noise_stride, positions, heads, some, stride, max); break
        switch (width) {
            CK_TEMPER(1);
            CK_TEMPER(2);
            CK_TEMPER(3);
            CK_TEMPER(4);
        }
#undef CK_TEMPER
        for (size_t h = 0; h < width; h++) {
            maxima[(first + h) * step] = max[h];
            /* Memory would idle meanwhile: two lines for every sixteen elements are about what it brings. */
            const char *next = ahead ? (const char *)ahead + (first + h) * n * 8 : NULL;
            sums[(first + h) * step] = ck_exp_sum_asking_avx512(n, max[h], some + h * stride, next);
        }
    }
}

CK_AVX512 void ck_add_rows_f32_avx512(size_t heads, size_t n, const float *weights, size_t step, const float *rows,
                                      size_t stride, float *y)
{
    for (size_t j = 0; j < n; j += 16) {
        size_t left = n - j;
        __mmask16 mask = left < 16 ? (__mmask16)((1u << left) - 1) : 0xFFFF;
        __m512 sum = _mm512_maskz_loadu_ps(mask, y + j);
        for (size_t h = 0; h < heads; h++) {
            __m512 row = _mm512_maskz_loadu_ps(mask, rows + h * stride + j);
            sum = _mm512_fmadd_ps(row, _mm512_set1_ps(weights[h * step]), sum);
        }
        _mm512_mask_storeu_ps(y + j, mask, sum);
    }
}
#endif

#if defined(__aarch64__)
CK_NEON_INLINE float temper_neon(size_t n, float inverse_tau, const float *noise, const int32_t *positions,
                                 size_t heads, float *row)
{
    float32x4_t largest = vdupq_n_f32(-INFINITY);
    size_t j = 0;
    for (; j + 4 <= n; j += 4) {
        float32x4_t logit = vld1q_f32(row + j);
        if (noise && positions) {
            float added[4];
            for (size_t l = 0; l < 4; l++) added[l] = noise[(size_t)positions[j + l] * heads];
            logit = vaddq_f32(logit, vld1q_f32(added));
        } else if (noise) {
            logit = vaddq_f32(logit, vld1q_f32(noise + j));
        }
        logit = vmulq_n_f32(logit, inverse_tau);
        largest = ck_larger_neon(logit, largest);
        vst1q_f32(row + j, logit);
    }
    float max = ck_largest_neon(largest);
    if (j == n) return max;
    float rest = temper_scalar(n - j, inverse_tau, noise ? noise + (positions ? 0 : j) : NULL,
                               positions ? positions + j : NULL, heads, row + j);
    return rest > max ? rest : max;
}

void ck_noisy_exp_sums_f32_neon(size_t heads, size_t n, float inverse_tau, const float *noise, size_t noise_stride,
                                const int32_t *positions, float *rows, size_t stride, float *maxima, float *sums,
                                size_t step, const void *ahead)
{
    assert(n > 0);
    (void)ahead;
    for (size_t h = 0; h < heads; h++) {
        const float *own = noise ? noise + h * (positions ? 1 : noise_stride) : NULL;
        float *row = rows + h * stride;
        float max = temper_neon(n, inverse_tau, own, positions, heads, row);
        maxima[h * step] = max;
        sums[h * step] = ck_exp_sum_neon(n, max, row);
    }
}

void ck_add_rows_f32_neon(size_t heads, size_t n, const float *weights, size_t step, const float *rows, size_t stride,
                          float *y)
{
    size_t j = 0;
    for (; j + 8 <= n; j += 8) {
        ck_eight sum = ck_load8_neon(y + j);
        for (size_t h = 0; h < heads; h++)
            sum = ck_fma_neon(ck_load8_neon(rows + h * stride + j), ck_all_neon(weights[h * step]), sum);
        ck_store8_neon(y + j, sum);
    }
    ck_add_rows_f32_scalar(heads, n - j, weights, step, rows + j, stride, y + j);
}
#endif
