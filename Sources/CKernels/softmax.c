#include "expf.h"

void ck_softmax_f32_scalar(size_t n, float *x)
{
    assert(n > 0);
    float max = -INFINITY, s[CK_LANES] = {0};
    for (size_t j = 0; j < n; j++) max = x[j] > max ? x[j] : max;
    for (size_t j = 0; j < n; j++) s[j % CK_LANES] += x[j] = ck_exp_scalar(x[j] - max);
    float inverse = 1.0f / ck_lanes_sum(s);
    for (size_t j = 0; j < n; j++) x[j] *= inverse;
}
