#include "kernels.h"

void ck_dequantize_f16_scalar(size_t n, const void *w, float *y)
{
    const uint8_t *bytes = w;
    for (size_t i = 0; i < n; i++) y[i] = ck_from_f16(ck_load_u16(bytes + 2 * i));
}

void ck_dequantize_bf16_scalar(size_t n, const void *w, float *y)
{
    const uint8_t *bytes = w;
    for (size_t i = 0; i < n; i++) y[i] = ck_float_of((uint32_t)ck_load_u16(bytes + 2 * i) << 16);
}

void ck_dequantize_q8_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t i = 0; i < n; i += CK_BLOCK, block += CK_Q8_0_BYTES) {
        float d = ck_from_f16(ck_load_u16(block));
        for (size_t j = 0; j < CK_BLOCK; j++) y[i + j] = d * (float)(int8_t)block[2 + j];
    }
}

void ck_dequantize_q4_0_scalar(size_t n, const void *w, float *y)
{
    assert(n % CK_BLOCK == 0);
    const uint8_t *block = w;
    for (size_t i = 0; i < n; i += CK_BLOCK, block += CK_Q4_0_BYTES) {
        float d = ck_from_f16(ck_load_u16(block));
        for (size_t j = 0; j < CK_BLOCK / 2; j++) {
            y[i + j] = d * (float)((block[2 + j] & 15) - 8);
            y[i + j + CK_BLOCK / 2] = d * (float)((block[2 + j] >> 4) - 8);
        }
    }
}
