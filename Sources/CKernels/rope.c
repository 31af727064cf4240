#include "kernels.h"

static inline void rotate_scalar(float cosine, float sine, float *first, float *second)
{
    float a = *first, b = *second;
    *first = fmaf(b, -sine, a * cosine);
    *second = fmaf(a, sine, b * cosine);
}

void ck_rope_half_f32_scalar(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    for (size_t i = 0; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], x + i, x + i + n_pairs);
}

void ck_rope_interleaved_f32_scalar(size_t n_pairs, const float *cosine, const float *sine, float *x)
{
    for (size_t i = 0; i < n_pairs; i++) rotate_scalar(cosine[i], sine[i], x + 2 * i, x + 2 * i + 1);
}
