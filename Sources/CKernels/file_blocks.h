/* The codes of GGUF's blocks as files hold them: the integers that a block stores for its elements, in their order.
 * Layouts: Tensors/DType.swift. For the packing of weights and the reading of single rows. */
#ifndef CK_FILE_BLOCKS_H
#define CK_FILE_BLOCKS_H
#include "kernels.h"

/* The values that the codes of IQ4_NL and IQ4_XS stand for. */
static const int8_t ck_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* 4-bit codes: of each `run` bytes the lower halves, then the upper ones. */
static inline void ck_read_nibbles(size_t n, size_t run, const uint8_t *q, uint8_t *codes)
{
    for (size_t at = 0; at < n; at += 2 * run, q += run)
        for (size_t i = 0; i < run; i++) {
            codes[at + i] = q[i] & 15;
            codes[at + run + i] = q[i] >> 4;
        }
}

/* 2-bit codes of 256: of each 32 bytes the lowest bits, then the next ones. */
static inline void ck_read_pairs(const uint8_t *q, uint8_t codes[CK_SUPER_BLOCK])
{
    for (size_t half = 0; half < 2; half++, q += 32)
        for (int part = 0; part < 4; part++, codes += 32)
            for (size_t i = 0; i < 32; i++) codes[i] = q[i] >> 2 * part & 3;
}

/* Adds one more bit to the codes of 32: bit i belongs to element i. */
static inline void ck_add_bits(const uint8_t *bits, int place, uint8_t codes[CK_BLOCK])
{
    for (size_t i = 0; i < CK_BLOCK; i++) codes[i] |= (uint8_t)((bits[i / 8] >> i % 8 & 1) << place);
}

/* The same for 256: bit p of byte i belongs to element 32p + i. */
static inline void ck_add_planes(const uint8_t *bits, int place, uint8_t codes[CK_SUPER_BLOCK])
{
    for (int part = 0; part < 8; part++, codes += 32)
        for (size_t i = 0; i < 32; i++) codes[i] |= (uint8_t)((bits[i] >> part & 1) << place);
}

/* Codes 0 to 2 of `n` elements, `run` bytes of which hold 5 (or fewer) elements each as digits of a fraction of 256 in
 * base 3: multiplied by 3^j, its first digit is that of element j * run + i. */
static inline void ck_read_digits(size_t n, size_t run, const uint8_t *q, uint8_t *codes)
{
    unsigned power = 1;
    for (size_t at = 0; at < n; at += run, power *= 3)
        for (size_t i = 0; i < run; i++) codes[at + i] = (uint8_t)((q[i] * power & 255) * 3 >> 8);
}

/* TQ1_0: 32 bytes of 5 elements each, 16 of 5, 4 of 4. */
static inline void ck_read_tq1_0(const uint8_t *block, uint8_t codes[CK_SUPER_BLOCK])
{
    ck_read_digits(160, 32, block, codes);
    ck_read_digits(80, 16, block + 32, codes + 160);
    ck_read_digits(16, 4, block + 48, codes + 240);
}

/* Q3_K: 32 bytes of the highest bit, 64 of the lower two, 12 of scales, d. */
static inline void ck_read_q3_k(const uint8_t *block, uint8_t codes[CK_SUPER_BLOCK])
{
    ck_read_pairs(block + 32, codes);
    ck_add_planes(block, 2, codes);
}

/* Q3_K's 16 scales of 6 bits, less 32: the lower 4 bits in 8 bytes, the upper 2 in 4. */
static inline int8_t ck_q3_k_scale(const uint8_t *scales, size_t i)
{
    int lower = scales[i % 8] >> (i / 8 * 4) & 15, upper = scales[8 + i % 4] >> (i / 4 * 2) & 3;
    return (int8_t)((lower | upper << 4) - 32);
}

/* IQ4_XS's 8 scales of 6 bits, less 32. In the file: d, 2 bytes of upper bits, 4 of lower halves, 128 of codes. */
static inline int8_t ck_iq4_xs_scale(const uint8_t *block, size_t i)
{
    int upper = ck_load_u16(block + 2) >> (2 * i) & 3, lower = block[4 + i / 2] >> (i % 2 * 4) & 15;
    return (int8_t)((lower | upper << 4) - 32);
}

/* The 8 scales and minimums of 6 bits that Q4_K and Q5_K hold in 12 bytes: 0 to 3 have the scales of parts 0 to 3 in
 * their lower 6 bits, 4 to 7 their minimums, 8 to 11 the lower halves of scale and minimum of parts 4 to 7, whose upper
 * 2 bits are those of bytes 0 to 3 and 4 to 7. Bytes are `stride` apart. */
static inline void ck_k_scale(const uint8_t *bytes, size_t stride, size_t part, uint8_t *scale, uint8_t *minimum)
{
    if (part < 4) {
        *scale = bytes[part * stride] & 63;
        *minimum = bytes[(part + 4) * stride] & 63;
        return;
    }
    uint8_t lower = bytes[(part + 4) * stride];
    *scale = (uint8_t)((lower & 15) | bytes[(part - 4) * stride] >> 6 << 4);
    *minimum = (uint8_t)(lower >> 4 | bytes[part * stride] >> 6 << 4);
}

static inline float ck_load_f32(const uint8_t *bytes)
{
    float value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

#endif
