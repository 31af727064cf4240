#include "kernels.h"

static float dot_scalar(size_t k, const float *w, const float *x)
{
    float s[CK_LANES] = {0};
    for (size_t i = 0; i < k; i += CK_LANES)
        for (size_t l = 0; l < CK_LANES; l++) s[l] = i + l < k ? fmaf(w[i + l], x[i + l], s[l]) : s[l] + 0.0f;
    return ck_lanes_sum(s);
}

void ck_matmul_f32_scalar(size_t rows, size_t m, size_t k, const float *w, const float *x, size_t x_stride, float *y,
                          size_t y_stride)
{
    assert(rows <= 1 || x_stride >= k);
    assert(rows <= 1 || y_stride >= m);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < m; j++) y[r * y_stride + j] = dot_scalar(k, w + j * k, x + r * x_stride);
}
