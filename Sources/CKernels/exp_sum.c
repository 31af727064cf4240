#include "expf.h"

float ck_exp_sum_f32_scalar(size_t n, float *x, float *max)
{
    assert(n > 0);
    float largest = -INFINITY, s[CK_LANES] = {0};
    for (size_t j = 0; j < n; j++) largest = x[j] > largest ? x[j] : largest;
    for (size_t j = 0; j < n; j++) s[j % CK_LANES] += x[j] = ck_exp_scalar(x[j] - largest);
    *max = largest;
    return ck_lanes_sum(s);
}

#if defined(__x86_64__)
CK_AVX2 float ck_exp_sum_f32_avx2(size_t n, float *x, float *max)
{
    assert(n > 0);
    *max = ck_max_avx2(n, x);
    return ck_exp_sum_avx2(n, *max, x);
}

CK_AVX512 float ck_exp_sum_f32_avx512(size_t n, float *x, float *max)
{
    assert(n > 0);
    *max = ck_max_avx512(n, x);
    return ck_exp_sum_avx512(n, *max, x);
}
#endif

#if defined(__aarch64__)
float ck_exp_sum_f32_neon(size_t n, float *x, float *max)
{
    assert(n > 0);
    *max = ck_max_neon(n, x);
    return ck_exp_sum_neon(n, *max, x);
}
#endif
