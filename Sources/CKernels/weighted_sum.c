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
