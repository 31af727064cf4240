/* Searches for the scales of blocks that are being quantised. All functions are inlined into variants for the CPU at
 * hand, which give the same bits: sums are of eight partial sums, and nothing is fused. */
#ifndef CK_ENCODE_H
#define CK_ENCODE_H
#include "kernels.h"

#define CK_ENCODE_INLINE static inline __attribute__((always_inline))

/* To the nearest integer, ties to even, for magnitudes below 2^22. */
CK_ENCODE_INLINE float ck_round(float x)
{
    return (x + 12582912.0f) - 12582912.0f;
}

CK_ENCODE_INLINE float ck_clamp(float x, float low, float high)
{
    x = x > low ? x : low;
    return x < high ? x : high;
}

/* The value that is left of x in f16, rounded to nearest even. */
CK_ENCODE_INLINE float ck_as_f16(float x)
{
    uint16_t half;
    ck_to_f16_scalar(1, &x, &half);
    return ck_from_f16(half);
}

CK_ENCODE_INLINE void ck_store_f16(float x, uint8_t *bytes)
{
    uint16_t half;
    ck_to_f16_scalar(1, &x, &half);
    memcpy(bytes, &half, sizeof half);
}

CK_ENCODE_INLINE float ck_inverse(float x)
{
    return x > -0x1p-120f && x < 0x1p-120f ? 0 : 1 / x;
}

/* The greatest and the smallest value; `n` is a multiple of 8 from here on. */
CK_ENCODE_INLINE void ck_range(size_t n, const float *x, float *low, float *high)
{
    float lows[8], highs[8];
    for (size_t l = 0; l < 8; l++) lows[l] = highs[l] = x[l];
    for (size_t i = 8; i < n; i += 8)
        for (size_t l = 0; l < 8; l++) {
            lows[l] = x[i + l] < lows[l] ? x[i + l] : lows[l];
            highs[l] = x[i + l] > highs[l] ? x[i + l] : highs[l];
        }
    *low = lows[0];
    *high = highs[0];
    for (size_t l = 1; l < 8; l++) {
        *low = lows[l] < *low ? lows[l] : *low;
        *high = highs[l] > *high ? highs[l] : *high;
    }
}

/* Squared error of x ~ scale * q - minimum with the best integers q from `least` to `most`. */
CK_ENCODE_INLINE float ck_error(size_t n, const float *x, float scale, float minimum, float least, float most)
{
    float sums[8] = {0}, inverse = ck_inverse(scale);
    for (size_t i = 0; i < n; i += 8)
        for (size_t l = 0; l < 8; l++) {
            float q = ck_clamp(ck_round((x[i + l] + minimum) * inverse), least, most);
            float difference = scale * q - minimum - x[i + l];
            sums[l] += difference * difference;
        }
    return ck_lanes_sum(sums);
}

/* The integers of ck_error, less `least`. */
CK_ENCODE_INLINE void ck_codes(size_t n, const float *x, float scale, float minimum, float least, float most,
                               uint8_t *codes)
{
    float inverse = ck_inverse(scale);
    for (size_t i = 0; i < n; i++)
        codes[i] = (uint8_t)(int)(ck_clamp(ck_round((x[i] + minimum) * inverse), least, most) - least);
}

/* The scale for x ~ scale * q, q from `least` to `most`, with about the least squared error: for inverse scales around
 * the one at which the greatest magnitude becomes `least` or `most`, the best scale for the integers that it gives. */
CK_ENCODE_INLINE float ck_search_scale(size_t n, const float *x, float least, float most)
{
    float low, high, best = 0, best_gain = 0;
    ck_range(n, x, &low, &high);
    float largest = -low > high ? low : high;
    if (ck_inverse(largest) == 0) return 0;
    for (int sign = 0; sign < 2; sign++)
        for (int step = -9; step <= 9; step++) {
            float inverse = ((sign ? most : least) + (float)step * 0.1f) / largest;
            float products[8] = {0}, squares[8] = {0};
            for (size_t i = 0; i < n; i += 8)
                for (size_t l = 0; l < 8; l++) {
                    float q = ck_clamp(ck_round(x[i + l] * inverse), least, most);
                    products[l] += x[i + l] * q;
                    squares[l] += q * q;
                }
            float product = ck_lanes_sum(products), square = ck_lanes_sum(squares);
            /* The error is the sum of x^2 less this. */
            float gain = square > 0 ? product * product / square : 0;
            if (gain > best_gain) {
                best_gain = gain;
                best = product / square;
            }
        }
    return best;
}

/* The same for x ~ scale * q - minimum, q from 0 to `most`; with `is_positive` only minimums that are not negative. */
CK_ENCODE_INLINE float ck_search_minimum(size_t n, const float *x, float most, int is_positive, float *minimum)
{
    float low, high, best = 0, best_error = INFINITY, sum_x = 0;
    ck_range(n, x, &low, &high);
    if (is_positive && low > 0) low = 0;
    *minimum = -low;
    if (ck_inverse(high - low) == 0) return 0;
    float sums[8] = {0};
    for (size_t i = 0; i < n; i += 8)
        for (size_t l = 0; l < 8; l++) sums[l] += x[i + l];
    sum_x = ck_lanes_sum(sums);
    for (int step = -10; step <= 10; step++) {
        float inverse = (most + (float)step * 0.1f) / (high - low);
        float products[8] = {0}, squares[8] = {0}, codes[8] = {0};
        for (size_t i = 0; i < n; i += 8)
            for (size_t l = 0; l < 8; l++) {
                float q = ck_clamp(ck_round((x[i + l] - low) * inverse), 0, most);
                products[l] += x[i + l] * q;
                squares[l] += q * q;
                codes[l] += q;
            }
        float product = ck_lanes_sum(products), square = ck_lanes_sum(squares), code = ck_lanes_sum(codes);
        float determinant = (float)n * square - code * code;
        if (!(square > 0)) continue;
        float scale = product / square, offset = 0;
        if (determinant > 0) {
            float free = (code * product - square * sum_x) / determinant;
            if (!is_positive || free >= 0) {
                offset = free;
                scale = ((float)n * product - sum_x * code) / determinant;
            }
        }
        float error = ck_error(n, x, scale, offset, 0, most);
        if (error < best_error) {
            best_error = error;
            best = scale;
            *minimum = offset;
        }
    }
    return best;
}

#endif
