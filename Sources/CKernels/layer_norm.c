#include "kernels.h"

void ck_layer_norm_f32_scalar(size_t n, float eps, const float *x, const float *weight, const float *bias, float *y)
{
    assert(n > 0);
    float s[CK_LANES] = {0};
    for (size_t i = 0; i < n; i++) s[i % CK_LANES] += x[i];
    float mean = ck_lanes_sum(s) / (float)n;
    memset(s, 0, sizeof s);
    for (size_t i = 0; i < n; i++) s[i % CK_LANES] = fmaf(x[i] - mean, x[i] - mean, s[i % CK_LANES]);
    float scale = 1.0f / sqrtf(ck_lanes_sum(s) / (float)n + eps);
    for (size_t i = 0; i < n; i++) {
        float normal = (x[i] - mean) * scale;
        y[i] = bias ? fmaf(normal, weight[i], bias[i]) : normal * weight[i];
    }
}
