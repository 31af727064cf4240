#include "kernels.h"

void ck_weighted_sum_f32_scalar(size_t n, size_t d, const float *p, const void *values, int accumulate, float *out)
{
    const float *value = values;
    if (!accumulate) memset(out, 0, d * sizeof *out);
    for (size_t j = 0; j < n; j++, value += d)
        for (size_t i = 0; i < d; i++) out[i] = fmaf(p[j], value[i], out[i]);
}

void ck_weighted_sum_f16_scalar(size_t n, size_t d, const float *p, const void *values, int accumulate, float *out)
{
    const uint16_t *value = values;
    if (!accumulate) memset(out, 0, d * sizeof *out);
    for (size_t j = 0; j < n; j++, value += d)
        for (size_t i = 0; i < d; i++) out[i] = fmaf(p[j], ck_from_f16(value[i]), out[i]);
}

#if defined(__x86_64__)
/* Registers of sums at most: what is left of 16 holds a value and a probability. */
#define MOST_REGISTERS 12

CK_AVX2_INLINE __m256 load_values(int is_f16, const void *values, size_t at)
{
    if (is_f16) return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)((const uint16_t *)values + at)));
    return _mm256_loadu_ps((const float *)values + at);
}

/* 8 * registers elements from `first` on. registers and is_f16 are constants at each call. */
CK_AVX2_INLINE void sum_registers(size_t registers, int is_f16, size_t n, size_t d, size_t first, const float *p,
                                  const void *values, float *out)
{
    __m256 s[MOST_REGISTERS];
    for (size_t i = 0; i < registers; i++) s[i] = _mm256_loadu_ps(out + first + 8 * i);
    for (size_t j = 0; j < n; j++) {
        __m256 weight = _mm256_broadcast_ss(p + j);
        for (size_t i = 0; i < registers; i++)
            s[i] = _mm256_fmadd_ps(weight, load_values(is_f16, values, j * d + first + 8 * i), s[i]);
    }
    for (size_t i = 0; i < registers; i++) _mm256_storeu_ps(out + first + 8 * i, s[i]);
}

/* The last d - first < 8 elements. */
CK_AVX2_INLINE void sum_tail(int is_f16, size_t n, size_t d, size_t first, const float *p, const void *values,
                             float *out)
{
    __m256i mask = ck_tail_mask_avx2(d - first);
    __m256 s = _mm256_maskload_ps(out + first, mask);
    for (size_t j = 0; j < n; j++) {
        __m256 value = is_f16 ? ck_load_f16_tail_avx2((const uint16_t *)values + j * d + first, d - first)
                              : _mm256_maskload_ps((const float *)values + j * d + first, mask);
        s = _mm256_fmadd_ps(_mm256_broadcast_ss(p + j), value, s);
    }
    _mm256_maskstore_ps(out + first, mask, s);
}

CK_AVX2_INLINE void weighted_sum(int is_f16, size_t n, size_t d, const float *p, const void *values, int accumulate,
                                 float *out)
{
    if (!accumulate) memset(out, 0, d * sizeof *out);
    size_t i = 0;
    while (i + 8 <= d) {
        /* Two equal parts where one part has too many registers: 128 is 8 + 8. */
        size_t left = (d - i) / 8, registers = left <= MOST_REGISTERS ? left : 8;
        switch (registers) {
        case 1: sum_registers(1, is_f16, n, d, i, p, values, out); break;
        case 2: sum_registers(2, is_f16, n, d, i, p, values, out); break;
        case 3: sum_registers(3, is_f16, n, d, i, p, values, out); break;
        case 4: sum_registers(4, is_f16, n, d, i, p, values, out); break;
        case 5: sum_registers(5, is_f16, n, d, i, p, values, out); break;
        case 6: sum_registers(6, is_f16, n, d, i, p, values, out); break;
        case 7: sum_registers(7, is_f16, n, d, i, p, values, out); break;
        case 8: sum_registers(8, is_f16, n, d, i, p, values, out); break;
        case 9: sum_registers(9, is_f16, n, d, i, p, values, out); break;
        case 10: sum_registers(10, is_f16, n, d, i, p, values, out); break;
        case 11: sum_registers(11, is_f16, n, d, i, p, values, out); break;
        default: sum_registers(12, is_f16, n, d, i, p, values, out);
        }
        i += 8 * registers;
    }
    if (i < d) sum_tail(is_f16, n, d, i, p, values, out);
}

CK_AVX2 void ck_weighted_sum_f32_avx2(size_t n, size_t d, const float *p, const void *values, int accumulate,
                                      float *out)
{
    weighted_sum(0, n, d, p, values, accumulate, out);
}

CK_AVX2 void ck_weighted_sum_f16_avx2(size_t n, size_t d, const float *p, const void *values, int accumulate,
                                      float *out)
{
    weighted_sum(1, n, d, p, values, accumulate, out);
}
#endif
