#include "cached_rows.h"

static inline uint16_t to_bf16(float x)
{
    uint32_t bits = ck_bits_of(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static inline void to_bf16_row(size_t n, const float *x, uint16_t *y)
{
    for (size_t i = 0; i < n; i++) y[i] = to_bf16(x[i]);
}

/* Blocks whose largest magnitude is below this count as zeros: the inverse of the scale must be finite. */
#define SMALLEST 0x1p-100f

/* The scale of a block of finite values, rounded away from zero to bf16, so that no value is cut off for it: the
 * largest magnitude is 127 for Q8 and -8 for Q4. */
static inline float block_scale(ck_type type, const float *x)
{
    float highest = 0, lowest = 0;
    for (size_t i = 0; i < CK_BLOCK; i++) {
        highest = x[i] > highest ? x[i] : highest;
        lowest = x[i] < lowest ? x[i] : lowest;
    }
    float largest = -lowest > highest ? -lowest : highest;
    if (largest < SMALLEST) return 0;
    float scale = type == CK_Q8_0 ? largest / 127.0f : (-lowest > highest ? largest / 8.0f : largest / -8.0f);
    return ck_float_of((ck_bits_of(scale) + 0xFFFF) & 0xFFFF0000);
}

/* 0 where a value is NaN or infinite. */
static inline int is_finite(const float *x)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < CK_BLOCK; i++) {
        uint32_t magnitude = ck_bits_of(x[i]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest < 0x7F800000;
}

/* type is a constant at each call. */
static inline void store_block(ck_type type, const float *x, uint8_t *scale_at, uint8_t *y)
{
    int finite = is_finite(x);
    float scale = finite ? block_scale(type, x) : NAN;
    uint16_t stored = (uint16_t)(ck_bits_of(scale) >> 16);
    memcpy(scale_at, &stored, sizeof stored);
    float inverse = finite && scale != 0 ? 1.0f / scale : 0;
    int32_t q[CK_BLOCK];
    for (size_t i = 0; i < CK_BLOCK; i++) {
        /* 1.5 * 2^23 rounds to the nearest integer, which stands in the sum's low bits. */
        float product = inverse == 0 ? 0 : x[i] * inverse;
        q[i] = (int32_t)ck_bits_of(product + 12582912.0f) - 0x4B400000;
    }
    if (type == CK_Q8_0) {
        for (size_t i = 0; i < CK_BLOCK; i++) y[i] = (uint8_t)(int8_t)q[i];
        return;
    }
    for (size_t i = 0; i < CK_BLOCK; i++) q[i] = q[i] > 7 ? 15 : q[i] + 8;
    for (size_t i = 0; i < CK_BLOCK / 2; i++) y[i] = (uint8_t)(q[i] | q[i + CK_BLOCK / 2] << 4);
}

static inline void store_rows(ck_type type, size_t n, size_t d, const float *x, void *rows)
{
    size_t blocks = ck_row_blocks(d), bytes = ck_row_bytes(type, d);
    for (size_t j = 0; j < n; j++, x += d) {
        uint8_t *row = (uint8_t *)rows + j * bytes;
        for (size_t b = 0; b < blocks; b++) {
            float padded[CK_BLOCK] = {0};
            size_t left = d - b * CK_BLOCK;
            memcpy(padded, x + b * CK_BLOCK, (left < CK_BLOCK ? left : CK_BLOCK) * sizeof *x);
            uint8_t *quants = row + blocks * sizeof(uint16_t) + b * CK_QUANTS(type);
            store_block(type, padded, row + b * sizeof(uint16_t), quants);
        }
    }
}

void ck_to_bf16_scalar(size_t n, const float *x, uint16_t *y) { to_bf16_row(n, x, y); }
void ck_to_q8_rows_scalar(size_t n, size_t d, const float *x, void *rows) { store_rows(CK_Q8_0, n, d, x, rows); }
void ck_to_q4_rows_scalar(size_t n, size_t d, const float *x, void *rows) { store_rows(CK_Q4_0, n, d, x, rows); }

#if defined(__x86_64__)
/* The same code for wider registers: every operation on an element is the same, and none is a sum. */
CK_AVX2 void ck_to_bf16_avx2(size_t n, const float *x, uint16_t *y) { to_bf16_row(n, x, y); }
CK_AVX2 void ck_to_q8_rows_avx2(size_t n, size_t d, const float *x, void *rows) { store_rows(CK_Q8_0, n, d, x, rows); }
CK_AVX2 void ck_to_q4_rows_avx2(size_t n, size_t d, const float *x, void *rows) { store_rows(CK_Q4_0, n, d, x, rows); }
#endif
