/* Eight lanes of arm64's NEON as two registers, with the order of sums and the loads that the kernels share. */
#ifndef CK_NEON_H
#define CK_NEON_H
#include "kernels.h"
#if defined(__aarch64__)
#include <arm_neon.h>

#define CK_NEON_INLINE static inline __attribute__((always_inline))
/* For the instructions that multiply and add four bytes at a time. */
#define CK_DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
#define CK_DOTPROD_INLINE static inline __attribute__((target("arch=armv8.2-a+dotprod"), always_inline))

/* Lanes 0 to 3 and 4 to 7. */
typedef float32x4x2_t ck_eight;

CK_NEON_INLINE ck_eight ck_all_neon(float x)
{
    return (ck_eight){{vdupq_n_f32(x), vdupq_n_f32(x)}};
}

CK_NEON_INLINE ck_eight ck_load8_neon(const float *x)
{
    return (ck_eight){{vld1q_f32(x), vld1q_f32(x + 4)}};
}

/* The first `count` < 8 values and zeros after them; reads nothing past them. */
CK_NEON_INLINE ck_eight ck_load_tail_neon(const float *x, size_t count)
{
    float padded[8] = {0};
    memcpy(padded, x, count * sizeof *x);
    return ck_load8_neon(padded);
}

CK_NEON_INLINE void ck_store8_neon(float *y, ck_eight x)
{
    vst1q_f32(y, x.val[0]);
    vst1q_f32(y + 4, x.val[1]);
}

CK_NEON_INLINE void ck_store_tail_neon(float *y, size_t count, ck_eight x)
{
    float all[8];
    ck_store8_neon(all, x);
    memcpy(y, all, count * sizeof *y);
}

CK_NEON_INLINE ck_eight ck_add_neon(ck_eight a, ck_eight b)
{
    return (ck_eight){{vaddq_f32(a.val[0], b.val[0]), vaddq_f32(a.val[1], b.val[1])}};
}

CK_NEON_INLINE ck_eight ck_times_neon(ck_eight a, ck_eight b)
{
    return (ck_eight){{vmulq_f32(a.val[0], b.val[0]), vmulq_f32(a.val[1], b.val[1])}};
}

/* a * b + c, rounded once. */
CK_NEON_INLINE ck_eight ck_fma_neon(ck_eight a, ck_eight b, ck_eight c)
{
    return (ck_eight){{vfmaq_f32(c.val[0], a.val[0], b.val[0]), vfmaq_f32(c.val[1], a.val[1], b.val[1])}};
}

/* ck_lanes_sum of one sum in two registers. */
CK_NEON_INLINE float ck_lanes_sum_neon(ck_eight s)
{
    float32x4_t t = vaddq_f32(s.val[0], s.val[1]);
    return vpadds_f32(vadd_f32(vget_low_f32(t), vget_high_f32(t)));
}

/* ck_lanes_sum of four sums at once: element j of the result belongs to s[j]. */
CK_NEON_INLINE float32x4_t ck_lanes_sum4_neon(const ck_eight s[4])
{
    float32x4_t t[4], u[2];
    for (int j = 0; j < 4; j++) t[j] = vaddq_f32(s[j].val[0], s[j].val[1]);
    for (int j = 0; j < 2; j++)
        u[j] = vaddq_f32(vcombine_f32(vget_low_f32(t[2 * j]), vget_low_f32(t[2 * j + 1])),
                         vcombine_f32(vget_high_f32(t[2 * j]), vget_high_f32(t[2 * j + 1])));
    return vpaddq_f32(u[0], u[1]);
}

/* Four halves of f16 or bf16 as floats. */
CK_NEON_INLINE float32x4_t ck_widen_neon(ck_type type, uint16x4_t halves)
{
    if (type == CK_F16) return vcvt_f32_f16(vreinterpret_f16_u16(halves));
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(halves), 16));
}

/* Eight elements of f32, f16 or bf16 from `at` on, or `count` < 8 and zeros; type is a constant at each call. */
CK_NEON_INLINE ck_eight ck_load_neon(ck_type type, const void *elements, size_t at, size_t count)
{
    if (type == CK_F32) {
        const float *wide = (const float *)elements + at;
        return count < 8 ? ck_load_tail_neon(wide, count) : ck_load8_neon(wide);
    }
    const uint16_t *half = (const uint16_t *)elements + at;
    uint16_t padded[8] = {0};
    if (count < 8) {
        memcpy(padded, half, count * sizeof *half);
        half = padded;
    }
    return (ck_eight){{ck_widen_neon(type, vld1_u16(half)), ck_widen_neon(type, vld1_u16(half + 4))}};
}

/* The larger of each lane, or `largest` where x is NaN. */
CK_NEON_INLINE float32x4_t ck_larger_neon(float32x4_t x, float32x4_t largest)
{
    return vbslq_f32(vcgtq_f32(x, largest), x, largest);
}

/* The largest lane. */
CK_NEON_INLINE float ck_largest_neon(float32x4_t lanes)
{
    float lane[4], max = -INFINITY;
    vst1q_f32(lane, lanes);
    for (size_t l = 0; l < 4; l++) max = lane[l] > max ? lane[l] : max;
    return max;
}
#endif

#endif
