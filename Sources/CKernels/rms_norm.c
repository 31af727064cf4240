#include "kernels.h"

void ck_rms_norm_f32_scalar(size_t n, float eps, const float *x, const float *weight, float *y)
{
    assert(n > 0);
    float s[CK_LANES] = {0};
    for (size_t i = 0; i < n; i += CK_LANES)
        for (size_t l = 0; l < CK_LANES; l++) s[l] = i + l < n ? fmaf(x[i + l], x[i + l], s[l]) : s[l] + 0.0f;
    float scale = 1.0f / sqrtf(ck_lanes_sum(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale * weight[i];
}
