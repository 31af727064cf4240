#include "encode.h"

/* Two 4-bit codes a byte: the lower halves of `run` bytes, then the upper ones. */
CK_ENCODE_INLINE void store_nibbles(size_t n, size_t run, const uint8_t *codes, uint8_t *q)
{
    for (size_t i = 0; i < n / 2; i++) {
        const uint8_t *pair = codes + i / run * 2 * run + i % run;
        q[i] = (uint8_t)((pair[0] & 15) | pair[run] << 4);
    }
}

CK_ENCODE_INLINE void store_bits(const uint8_t codes[CK_BLOCK], uint8_t *bits)
{
    memset(bits, 0, 4);
    for (size_t i = 0; i < CK_BLOCK; i++) bits[i / 8] |= (uint8_t)(codes[i] >> 4 << i % 8);
}

CK_ENCODE_INLINE void encode_q8_0(const float *x, uint8_t *block)
{
    float low, high;
    uint8_t codes[CK_BLOCK];
    ck_range(CK_BLOCK, x, &low, &high);
    float d = ck_as_f16((-low > high ? -low : high) / 127);
    ck_store_f16(d, block);
    ck_codes(CK_BLOCK, x, d, 0, -127, 127, codes);
    for (size_t i = 0; i < CK_BLOCK; i++) block[2 + i] = (uint8_t)(codes[i] - 127);
}

/* Q4_0 and Q5_0, whose codes reach up to `most`. */
CK_ENCODE_INLINE void encode_symmetric(float most, const float *x, uint8_t *block)
{
    float least = -most - 1, low, high;
    uint8_t codes[CK_BLOCK];
    ck_range(CK_BLOCK, x, &low, &high);
    /* The plain choice, too: rounding to f16 may make the better one worse. */
    float plain = ck_as_f16((-low > high ? low : high) / least);
    float d = ck_as_f16(ck_search_scale(CK_BLOCK, x, least, most));
    if (!(ck_error(CK_BLOCK, x, d, 0, least, most) < ck_error(CK_BLOCK, x, plain, 0, least, most))) d = plain;
    ck_store_f16(d, block);
    ck_codes(CK_BLOCK, x, d, 0, least, most, codes);
    if (most > 7) store_bits(codes, block + 2);
    store_nibbles(CK_BLOCK, 16, codes, block + (most > 7 ? 6 : 2));
}

/* Q4_1 and Q5_1. */
CK_ENCODE_INLINE void encode_affine(float most, const float *x, uint8_t *block)
{
    float low, high, minimum;
    uint8_t codes[CK_BLOCK];
    ck_range(CK_BLOCK, x, &low, &high);
    float plain = ck_as_f16((high - low) / most), plain_minimum = -ck_as_f16(low);
    float d = ck_as_f16(ck_search_minimum(CK_BLOCK, x, most, 0, &minimum));
    minimum = ck_as_f16(minimum);
    if (!(ck_error(CK_BLOCK, x, d, minimum, 0, most) < ck_error(CK_BLOCK, x, plain, plain_minimum, 0, most))) {
        d = plain;
        minimum = plain_minimum;
    }
    ck_store_f16(d, block);
    ck_store_f16(-minimum, block + 2);
    ck_codes(CK_BLOCK, x, d, minimum, 0, most, codes);
    if (most > 15) store_bits(codes, block + 4);
    store_nibbles(CK_BLOCK, 16, codes, block + (most > 15 ? 8 : 4));
}

/* Scales and minimums of the 8 parts of Q4_K and Q5_K as multiples of d and dmin. */
typedef struct {
    float d, dmin;
    uint8_t scales[8], minimums[8];
} k_scales;

/* For given d and dmin, the best multiples near those wanted. Returns the squared error. */
CK_ENCODE_INLINE float fit_k_scales(float most, const float *x, const float wanted[8], const float wanted_minimums[8],
                                    k_scales *k)
{
    float total = 0, inverse = ck_inverse(k->d), inverse_minimum = ck_inverse(k->dmin);
    for (size_t part = 0; part < 8; part++, x += CK_BLOCK) {
        float scale = ck_clamp(ck_round(wanted[part] * inverse), 0, 63), best = INFINITY;
        float minimum = ck_clamp(ck_round(wanted_minimums[part] * inverse_minimum), 0, 63);
        for (float s = ck_clamp(scale - 1, 0, 63); s <= scale + 1 && s <= 63; s++)
            for (float m = ck_clamp(minimum - 1, 0, 63); m <= minimum + 1 && m <= 63; m++) {
                float error = ck_error(CK_BLOCK, x, k->d * s, k->dmin * m, 0, most);
                if (error < best) {
                    best = error;
                    k->scales[part] = (uint8_t)(int)s;
                    k->minimums[part] = (uint8_t)(int)m;
                }
            }
        total += best;
    }
    return total;
}

/* d and dmin with the least squared error for the codes that the present ones give. */
CK_ENCODE_INLINE void refit_k(float most, const float *x, k_scales *k)
{
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    uint8_t codes[CK_BLOCK];
    for (size_t part = 0; part < 8; part++, x += CK_BLOCK) {
        float s = k->scales[part], m = k->minimums[part];
        ck_codes(CK_BLOCK, x, k->d * s, k->dmin * m, 0, most, codes);
        for (size_t i = 0; i < CK_BLOCK; i++) {
            float a = s * (float)codes[i];
            aa += (double)(a * a);
            ab += (double)(a * m);
            bb += (double)(m * m);
            ax += (double)(a * x[i]);
            bx += (double)(m * x[i]);
        }
    }
    double determinant = aa * bb - ab * ab;
    if (determinant > 0) {
        k->d = (float)((ax * bb - bx * ab) / determinant);
        k->dmin = (float)((ax * ab - bx * aa) / determinant);
    } else if (aa > 0) {
        k->d = (float)(ax / aa);
    }
}

CK_ENCODE_INLINE void store_k(float most, const float *x, const k_scales *k, uint8_t *block)
{
    uint8_t codes[CK_SUPER_BLOCK], *bytes = block + 4;
    ck_store_f16(k->d, block);
    ck_store_f16(k->dmin, block + 2);
    for (size_t part = 0; part < 4; part++) {
        bytes[part] = (uint8_t)(k->scales[part] | k->scales[part + 4] >> 4 << 6);
        bytes[part + 4] = (uint8_t)(k->minimums[part] | k->minimums[part + 4] >> 4 << 6);
        bytes[part + 8] = (uint8_t)((k->scales[part + 4] & 15) | k->minimums[part + 4] << 4);
    }
    for (size_t part = 0; part < 8; part++)
        ck_codes(CK_BLOCK, x + part * CK_BLOCK, k->d * (float)k->scales[part], k->dmin * (float)k->minimums[part], 0,
                 most, codes + part * CK_BLOCK);
    if (most > 15) {
        memset(block + 16, 0, 32);
        for (size_t i = 0; i < CK_SUPER_BLOCK; i++) block[16 + i % 32] |= (uint8_t)(codes[i] >> 4 << i / 32);
    }
    store_nibbles(CK_SUPER_BLOCK, 32, codes, block + (most > 15 ? 48 : 16));
}

/* Q4_K and Q5_K. */
CK_ENCODE_INLINE void encode_k(float most, const float *x, uint8_t *block)
{
    float scales[8], minimums[8], largest = 0, largest_minimum = 0;
    for (size_t part = 0; part < 8; part++) {
        scales[part] = ck_search_minimum(CK_BLOCK, x + part * CK_BLOCK, most, 1, &minimums[part]);
        largest = scales[part] > largest ? scales[part] : largest;
        largest_minimum = minimums[part] > largest_minimum ? minimums[part] : largest_minimum;
    }
    k_scales best = {.d = ck_as_f16(largest / 63), .dmin = ck_as_f16(largest_minimum / 63)};
    float best_error = fit_k_scales(most, x, scales, minimums, &best);
    for (int round = 0; round < 2; round++) {
        k_scales next = best;
        refit_k(most, x, &next);
        next.d = ck_as_f16(next.d > 0 ? next.d : 0);
        next.dmin = ck_as_f16(next.dmin > 0 ? next.dmin : 0);
        float error = fit_k_scales(most, x, scales, minimums, &next);
        if (!(error < best_error)) break;
        best_error = error;
        best = next;
    }
    store_k(most, x, &best, block);
}

/* For a given d, the best of the scales near those wanted. Returns the squared error. */
CK_ENCODE_INLINE float fit_q6_k(const float *x, const float wanted[16], float d, int8_t scales[16])
{
    float total = 0, inverse = ck_inverse(d);
    memset(scales, 0, 16);
    for (size_t part = 0; part < 16; part++, x += 16) {
        float scale = ck_clamp(ck_round(wanted[part] * inverse), -128, 127), best = INFINITY;
        for (float s = ck_clamp(scale - 1, -128, 127); s <= scale + 1 && s <= 127; s++) {
            float error = ck_error(16, x, d * s, 0, -32, 31);
            if (error < best) {
                best = error;
                scales[part] = (int8_t)(int)s;
            }
        }
        total += best;
    }
    return total;
}

CK_ENCODE_INLINE void encode_q6_k(const float *x, uint8_t *block)
{
    float wanted[16], largest = 0;
    int8_t scales[16], next[16];
    uint8_t codes[CK_SUPER_BLOCK];
    for (size_t part = 0; part < 16; part++) {
        wanted[part] = ck_search_scale(16, x + 16 * part, -32, 31);
        if (fabsf(wanted[part]) > fabsf(largest)) largest = wanted[part];
    }
    /* The largest scale becomes -128. */
    float d = ck_as_f16(largest / -128), best_error = fit_q6_k(x, wanted, d, scales);
    for (int round = 0; round < 2; round++) {
        double products = 0, squares = 0;
        for (size_t part = 0; part < 16; part++) {
            ck_codes(16, x + 16 * part, d * (float)scales[part], 0, -32, 31, codes);
            for (size_t i = 0; i < 16; i++) {
                float q = (float)(scales[part] * (codes[i] - 32));
                products += (double)(q * x[16 * part + i]);
                squares += (double)(q * q);
            }
        }
        float better = squares > 0 ? ck_as_f16((float)(products / squares)) : d;
        float error = fit_q6_k(x, wanted, better, next);
        if (!(error < best_error)) break;
        best_error = error;
        d = better;
        memcpy(scales, next, sizeof scales);
    }
    for (size_t part = 0; part < 16; part++)
        ck_codes(16, x + 16 * part, d * (float)scales[part], 0, -32, 31, codes + 16 * part);
    memset(block, 0, 192);
    for (size_t i = 0; i < CK_SUPER_BLOCK; i++) {
        size_t half = i / 128, part = i / 32 % 4, j = i % 32;
        block[64 * half + 32 * (part % 2) + j] |= (uint8_t)((codes[i] & 15) << 4 * (part / 2));
        block[128 + 32 * half + j] |= (uint8_t)(codes[i] >> 4 << 2 * part);
    }
    memcpy(block + 192, scales, sizeof scales);
    ck_store_f16(d, block + 208);
}

/* To the nearest bf16, ties to even. */
CK_ENCODE_INLINE void encode_bf16(size_t n, const float *x, uint8_t *w)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = ck_bits_of(x[i]);
        uint16_t half = (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
        memcpy(w + 2 * i, &half, sizeof half);
    }
}

/* n fills whole blocks. */
CK_ENCODE_INLINE void encode(ck_type type, size_t n, const float *x, uint8_t *w)
{
    if (type == CK_BF16) {
        encode_bf16(n, x, w);
        return;
    }
    size_t block = type == CK_Q4_K || type == CK_Q5_K || type == CK_Q6_K ? CK_SUPER_BLOCK : CK_BLOCK;
    assert(n % block == 0);
    for (const float *end = x + n; x < end; x += block) {
        switch (type) {
        case CK_Q8_0: encode_q8_0(x, w); w += CK_Q8_0_BYTES; break;
        case CK_Q4_0: encode_symmetric(7, x, w); w += CK_Q4_0_BYTES; break;
        case CK_Q5_0: encode_symmetric(15, x, w); w += CK_Q5_0_BYTES; break;
        case CK_Q4_1: encode_affine(15, x, w); w += CK_Q4_1_BYTES; break;
        case CK_Q5_1: encode_affine(31, x, w); w += CK_Q5_1_BYTES; break;
        case CK_Q4_K: encode_k(15, x, w); w += CK_Q4_K_BYTES; break;
        case CK_Q5_K: encode_k(31, x, w); w += CK_Q5_K_BYTES; break;
        case CK_Q6_K: encode_q6_k(x, w); w += CK_Q6_K_BYTES; break;
        default: assert(!"a type that ck_encode writes"); return;
        }
    }
}

static void encode_scalar(ck_type type, size_t n, const float *x, uint8_t *w)
{
    encode(type, n, x, w);
}

#if defined(__x86_64__)
CK_AVX2 static void encode_avx2(ck_type type, size_t n, const float *x, uint8_t *w)
{
    encode(type, n, x, w);
}
#endif

int ck_is_encodable(size_t n, const float *x)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t magnitude = ck_bits_of(x[i]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest <= ck_bits_of(65504.0f);
}

void ck_encode(ck_type type, size_t n, const float *x, void *w)
{
    assert(ck_is_encodable(n, x));
#if defined(__x86_64__)
    if (ck_cpu_has_avx2()) {
        encode_avx2(type, n, x, w);
        return;
    }
#endif
    encode_scalar(type, n, x, w);
}
