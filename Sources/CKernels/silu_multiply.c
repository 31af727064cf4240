#include "expf.h"

void ck_silu_multiply_f32_scalar(size_t n, const float *gate, const float *up, float *y)
{
    for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1.0f + ck_exp_scalar(-gate[i])) * up[i];
}
