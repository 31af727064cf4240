#include "file_blocks.h"

/* Types of blocks that are read one row at a time, as embeddings, so that they have no variants. */

/* y = d * (code - zero) + offset */
static void fill(size_t n, float d, int zero, const uint8_t *codes, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = d * (float)(codes[i] - zero);
}

static void fill_from(size_t n, float d, float offset, const uint8_t *codes, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = d * (float)codes[i] + offset;
}

static float half_at(const uint8_t *bytes)
{
    return ck_from_f16(ck_load_u16(bytes));
}

void ck_dequantize_q4_1_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_BLOCK];
    for (size_t at = 0; at < n; at += CK_BLOCK, block += CK_Q4_1_BYTES) {
        ck_read_nibbles(CK_BLOCK, 16, block + 4, codes);
        fill_from(CK_BLOCK, half_at(block), half_at(block + 2), codes, y + at);
    }
}

void ck_dequantize_q5_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_BLOCK];
    for (size_t at = 0; at < n; at += CK_BLOCK, block += CK_Q5_0_BYTES) {
        ck_read_nibbles(CK_BLOCK, 16, block + 6, codes);
        ck_add_bits(block + 2, 4, codes);
        fill(CK_BLOCK, half_at(block), 16, codes, y + at);
    }
}

void ck_dequantize_q5_1_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_BLOCK];
    for (size_t at = 0; at < n; at += CK_BLOCK, block += CK_Q5_1_BYTES) {
        ck_read_nibbles(CK_BLOCK, 16, block + 8, codes);
        ck_add_bits(block + 4, 4, codes);
        fill_from(CK_BLOCK, half_at(block), half_at(block + 2), codes, y + at);
    }
}

void ck_dequantize_iq4_nl_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_BLOCK];
    for (size_t at = 0; at < n; at += CK_BLOCK, block += CK_IQ4_NL_BYTES) {
        ck_read_nibbles(CK_BLOCK, 16, block + 2, codes);
        for (size_t i = 0; i < CK_BLOCK; i++) y[at + i] = half_at(block) * (float)ck_iq4_values[codes[i]];
    }
}

void ck_dequantize_iq4_xs_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_IQ4_XS_BYTES) {
        ck_read_nibbles(CK_SUPER_BLOCK, 16, block + 8, codes);
        for (size_t i = 0; i < CK_SUPER_BLOCK; i++) {
            float d = half_at(block) * (float)ck_iq4_xs_scale(block, i / CK_BLOCK);
            y[at + i] = d * (float)ck_iq4_values[codes[i]];
        }
    }
}

void ck_dequantize_q2_k_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_Q2_K_BYTES) {
        ck_read_pairs(block + 16, codes);
        float d = half_at(block + 80), dmin = half_at(block + 82);
        for (size_t part = 0; part < 16; part++)
            fill_from(16, d * (float)(block[part] & 15), -(dmin * (float)(block[part] >> 4)), codes + 16 * part,
                      y + at + 16 * part);
    }
}

void ck_dequantize_q3_k_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_Q3_K_BYTES) {
        ck_read_q3_k(block, codes);
        float d = half_at(block + 108);
        for (size_t part = 0; part < 16; part++)
            fill(16, d * (float)ck_q3_k_scale(block + 96, part), 4, codes + 16 * part, y + at + 16 * part);
    }
}

/* Q4_K and Q5_K, whose codes are those at `codes`. */
static void fill_k_parts(const uint8_t *block, const uint8_t codes[CK_SUPER_BLOCK], float *y)
{
    float d = half_at(block), dmin = half_at(block + 2);
    for (size_t part = 0; part < 8; part++) {
        uint8_t scale, minimum;
        ck_k_scale(block + 4, 1, part, &scale, &minimum);
        fill_from(CK_BLOCK, d * (float)scale, -(dmin * (float)minimum), codes + CK_BLOCK * part, y + CK_BLOCK * part);
    }
}

void ck_dequantize_q4_k_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_Q4_K_BYTES) {
        ck_read_nibbles(CK_SUPER_BLOCK, 32, block + 16, codes);
        fill_k_parts(block, codes, y + at);
    }
}

void ck_dequantize_q5_k_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_Q5_K_BYTES) {
        ck_read_nibbles(CK_SUPER_BLOCK, 32, block + 48, codes);
        ck_add_planes(block + 16, 4, codes);
        fill_k_parts(block, codes, y + at);
    }
}

void ck_dequantize_q6_k_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_Q6_K_BYTES) {
        const uint8_t *low = block, *high = block + 128, *scales = block + 192;
        float d = half_at(block + 208);
        for (size_t i = 0; i < CK_SUPER_BLOCK; i++) {
            size_t half = i / 128, part = i / 32 % 4, j = i % 32;
            int lower = low[64 * half + 32 * (part % 2) + j] >> (4 * (part / 2)) & 15;
            int upper = high[32 * half + j] >> (2 * part) & 3;
            y[at + i] = d * (float)(int8_t)scales[i / 16] * (float)((lower | upper << 4) - 32);
        }
    }
}

void ck_dequantize_q8_k_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_Q8_K_BYTES) {
        float d = ck_load_f32(block);
        for (size_t i = 0; i < CK_SUPER_BLOCK; i++) y[at + i] = d * (float)(int8_t)block[4 + i];
    }
}

void ck_dequantize_tq1_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_TQ1_0_BYTES) {
        ck_read_tq1_0(block, codes);
        fill(CK_SUPER_BLOCK, half_at(block + 52), 1, codes, y + at);
    }
}

void ck_dequantize_tq2_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_SUPER_BLOCK == 0);
    const uint8_t *block = w;
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t at = 0; at < n; at += CK_SUPER_BLOCK, block += CK_TQ2_0_BYTES) {
        ck_read_pairs(block, codes);
        fill(CK_SUPER_BLOCK, half_at(block + 64), 1, codes, y + at);
    }
}
