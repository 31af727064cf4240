#include "neon.h"

/* Blocks whose largest magnitude is below this count as zeros: 127 over it must be finite. */
#define SMALLEST 0x1p-100f

/* What follows from a block's q: the sums that kernels start from. */
static inline void fill_sums(int32_t zero, size_t span, int32_t first, int32_t second, ck_block *y)
{
    y->scaled_sum = y->scale * (float)(first + second);
    y->start[0] = -zero * (span == CK_BLOCK ? first + second : first);
    y->start[1] = span == CK_BLOCK ? 0 : -zero * second;
}

/* Finite largest magnitude: scale and its inverse. Otherwise NaN and 0, so that all q are 0. */
static inline float set_scale(uint32_t largest_bits, ck_block *y)
{
    float largest = ck_float_of(largest_bits);
    if (largest_bits >= 0x7F800000) {
        y->scale = NAN;
        return 0;
    }
    y->scale = largest < SMALLEST ? 0 : largest / 127.0f;
    return largest < SMALLEST ? 0 : 127.0f / largest;
}

void ck_quantize_scalar(size_t n, int32_t zero, size_t span, const float *x, ck_block *y)
{
    assert(n % CK_BLOCK == 0);
    assert(span == CK_BLOCK || span == CK_BLOCK / 2);
    for (size_t b = 0; b < n / CK_BLOCK; b++, x += CK_BLOCK, y++) {
        uint32_t largest = 0;
        for (size_t i = 0; i < CK_BLOCK; i++) {
            uint32_t magnitude = ck_bits_of(x[i]) & 0x7FFFFFFF;
            largest = magnitude > largest ? magnitude : largest;
        }
        float inverse = set_scale(largest, y);
        int32_t sums[2] = {0, 0};
        for (size_t i = 0; i < CK_BLOCK; i++) {
            /* 1.5 * 2^23 rounds to the nearest integer, which stands in the sum's low bits. */
            float product = inverse == 0 ? 0 : x[i] * inverse;
            int32_t q = (int32_t)ck_bits_of(product + 12582912.0f) - 0x4B400000;
            y->q[i] = (int8_t)q;
            sums[i / (CK_BLOCK / 2)] += q;
        }
        fill_sums(zero, span, sums[0], sums[1], y);
    }
}

#if defined(__x86_64__)
CK_AVX2_INLINE uint32_t largest_avx2(__m256i m)
{
    __m128i t = _mm_max_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    t = _mm_max_epi32(t, _mm_shuffle_epi32(t, 0x4E));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(t, _mm_shuffle_epi32(t, 0xB1)));
}

CK_AVX2_INLINE int32_t sum_avx2(__m256i s)
{
    __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4E));
    return _mm_cvtsi128_si32(_mm_add_epi32(t, _mm_shuffle_epi32(t, 0xB1)));
}

CK_AVX2 void ck_quantize_avx2(size_t n, int32_t zero, size_t span, const float *x, ck_block *y)
{
    assert(n % CK_BLOCK == 0);
    assert(span == CK_BLOCK || span == CK_BLOCK / 2);
    __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
    for (size_t b = 0; b < n / CK_BLOCK; b++, x += CK_BLOCK, y++) {
        __m256 v[4];
        __m256i largest = _mm256_setzero_si256(), q[4];
        for (size_t i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + 8 * i);
            largest = _mm256_max_epi32(largest, _mm256_and_si256(_mm256_castps_si256(v[i]), magnitude));
        }
        float inverse = set_scale(largest_avx2(largest), y);
        __m256 factor = _mm256_set1_ps(inverse);
        for (size_t i = 0; i < 4; i++)
            q[i] = inverse == 0 ? _mm256_setzero_si256() : _mm256_cvtps_epi32(_mm256_mul_ps(v[i], factor));
        fill_sums(zero, span, sum_avx2(_mm256_add_epi32(q[0], q[1])), sum_avx2(_mm256_add_epi32(q[2], q[3])), y);
        __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)y->q, bytes);
    }
}

CK_AVX512_INLINE void quantize_block_avx512(int32_t zero, size_t span, const float *x, ck_block *y)
{
    __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
    __m512 low = _mm512_loadu_ps(x), high = _mm512_loadu_ps(x + 16);
    __m512i largest = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                                       _mm512_and_si512(_mm512_castps_si512(high), magnitude));
    float inverse = set_scale((uint32_t)_mm512_reduce_max_epi32(largest), y);
    __mmask16 kept = inverse == 0 ? 0 : 0xFFFF;
    __m512 factor = _mm512_set1_ps(inverse);
    __m512i first = _mm512_maskz_cvtps_epi32(kept, _mm512_mul_ps(low, factor));
    __m512i second = _mm512_maskz_cvtps_epi32(kept, _mm512_mul_ps(high, factor));
    fill_sums(zero, span, _mm512_reduce_add_epi32(first), _mm512_reduce_add_epi32(second), y);
    _mm_storeu_si128((__m128i *)y->q, _mm512_cvtepi32_epi8(first));
    _mm_storeu_si128((__m128i *)(y->q + 16), _mm512_cvtepi32_epi8(second));
}

/* The largest word of each register. */
CK_AVX512_INLINE __m128i largest_of_each(const __m512i m[4])
{
    __m128i x[4];
    for (size_t i = 0; i < 4; i++) {
        __m256i half = _mm256_max_epi32(_mm512_castsi512_si256(m[i]), _mm512_extracti64x4_epi64(m[i], 1));
        x[i] = _mm_max_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    }
    __m128i low = _mm_max_epi32(_mm_unpacklo_epi32(x[0], x[1]), _mm_unpackhi_epi32(x[0], x[1]));
    __m128i high = _mm_max_epi32(_mm_unpacklo_epi32(x[2], x[3]), _mm_unpackhi_epi32(x[2], x[3]));
    return _mm_max_epi32(_mm_unpacklo_epi64(low, high), _mm_unpackhi_epi64(low, high));
}

/* The sums of the bytes in the first half of each register, and behind them those of the second halves. */
CK_AVX512_INLINE __m256i sum_of_each(const __m256i q[4])
{
    __m256i fours[4];
    for (size_t i = 0; i < 4; i++)
        fours[i] = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_set1_epi8(1), q[i]);
    __m256i low = _mm256_unpacklo_epi32(fours[0], fours[1]), high = _mm256_unpacklo_epi32(fours[2], fours[3]);
    low = _mm256_add_epi32(low, _mm256_unpackhi_epi32(fours[0], fours[1]));
    high = _mm256_add_epi32(high, _mm256_unpackhi_epi32(fours[2], fours[3]));
    return _mm256_add_epi32(_mm256_unpacklo_epi64(low, high), _mm256_unpackhi_epi64(low, high));
}

/* What stands before the q of four blocks. */
CK_AVX512_INLINE void store_numbers(int32_t zero, size_t span, __m128 scale, __m256i sums, ck_block *y)
{
    __m128i first = _mm256_castsi256_si128(sums), second = _mm256_extracti128_si256(sums, 1);
    __m128i whole = _mm_add_epi32(first, second), factor = _mm_set1_epi32(-zero);
    __m128 scaled = _mm_mul_ps(scale, _mm_cvtepi32_ps(whole));
    __m128i start[2] = {_mm_mullo_epi32(factor, whole), _mm_setzero_si128()};
    if (span != CK_BLOCK) start[0] = _mm_mullo_epi32(factor, first), start[1] = _mm_mullo_epi32(factor, second);
    __m128i pairs[2] = {_mm_castps_si128(_mm_unpacklo_ps(scale, scaled)),
                        _mm_castps_si128(_mm_unpackhi_ps(scale, scaled))};
    __m128i starts[2] = {_mm_unpacklo_epi32(start[0], start[1]), _mm_unpackhi_epi32(start[0], start[1])};
    for (size_t i = 0; i < 2; i++) {
        _mm_storeu_si128((__m128i *)&y[2 * i], _mm_unpacklo_epi64(pairs[i], starts[i]));
        _mm_storeu_si128((__m128i *)&y[2 * i + 1], _mm_unpackhi_epi64(pairs[i], starts[i]));
    }
}

/* Four blocks, whose reductions cost little more than those of one. */
CK_AVX512_INLINE void quantize_blocks_avx512(int32_t zero, size_t span, const float *x, ck_block *y)
{
    __m512 v[4][2];
    __m512i largest[4];
    for (size_t i = 0; i < 4; i++) {
        for (size_t half = 0; half < 2; half++) v[i][half] = _mm512_loadu_ps(x + CK_BLOCK * i + CK_BLOCK / 2 * half);
        largest[i] = _mm512_max_epi32(_mm512_castps_si512(_mm512_abs_ps(v[i][0])),
                                      _mm512_castps_si512(_mm512_abs_ps(v[i][1])));
    }
    __m128 top = _mm_castsi128_ps(largest_of_each(largest)), steps = _mm_set1_ps(127);
    /* Not where a block is zeros or has values that are no numbers. */
    __mmask8 usual = _mm_cmp_ps_mask(top, _mm_set1_ps(SMALLEST), _CMP_GE_OQ) &
                     _mm_cmp_ps_mask(top, _mm_set1_ps(INFINITY), _CMP_LT_OQ);
    if (usual != 15) {
        for (size_t i = 0; i < 4; i++) quantize_block_avx512(zero, span, x + CK_BLOCK * i, y + i);
        return;
    }
    float inverse[4];
    _mm_storeu_ps(inverse, _mm_div_ps(steps, top));
    __m256i q[4];
    for (size_t i = 0; i < 4; i++) {
        __m128i bytes[2];
        for (size_t half = 0; half < 2; half++) {
            __m512 scaled = _mm512_mul_ps(v[i][half], _mm512_set1_ps(inverse[i]));
            bytes[half] = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(scaled));
        }
        q[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(bytes[0]), bytes[1], 1);
        _mm256_storeu_si256((__m256i *)y[i].q, q[i]);
    }
    store_numbers(zero, span, _mm_div_ps(top, steps), sum_of_each(q), y);
}

CK_AVX512 void ck_quantize_avx512(size_t n, int32_t zero, size_t span, const float *x, ck_block *y)
{
    assert(n % CK_BLOCK == 0);
    assert(span == CK_BLOCK || span == CK_BLOCK / 2);
    size_t blocks = n / CK_BLOCK, b = 0;
    for (; b + 4 <= blocks; b += 4) quantize_blocks_avx512(zero, span, x + CK_BLOCK * b, y + b);
    for (; b < blocks; b++) quantize_block_avx512(zero, span, x + CK_BLOCK * b, y + b);
}
#endif

#if defined(__aarch64__)
void ck_quantize_neon(size_t n, int32_t zero, size_t span, const float *x, ck_block *y)
{
    assert(n % CK_BLOCK == 0);
    assert(span == CK_BLOCK || span == CK_BLOCK / 2);
    for (size_t b = 0; b < n / CK_BLOCK; b++, x += CK_BLOCK, y++) {
        uint32x4_t largest = vdupq_n_u32(0);
        for (size_t i = 0; i < CK_BLOCK; i += 4)
            largest = vmaxq_u32(largest, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + i))));
        float inverse = set_scale(vmaxvq_u32(largest), y);
        int32_t sums[2];
        for (size_t half = 0; half < 2; half++) {
            int32x4_t q[4];
            for (size_t i = 0; i < 4; i++) {
                float32x4_t product = vmulq_n_f32(vld1q_f32(x + 16 * half + 4 * i), inverse);
                q[i] = inverse == 0 ? vdupq_n_s32(0) : vcvtnq_s32_f32(product);
            }
            sums[half] = vaddvq_s32(vaddq_s32(vaddq_s32(q[0], q[1]), vaddq_s32(q[2], q[3])));
            int16x8_t low = vcombine_s16(vmovn_s32(q[0]), vmovn_s32(q[1]));
            int16x8_t high = vcombine_s16(vmovn_s32(q[2]), vmovn_s32(q[3]));
            vst1q_s8(y->q + 16 * half, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
        }
        fill_sums(zero, span, sums[0], sums[1], y);
    }
}
#endif
