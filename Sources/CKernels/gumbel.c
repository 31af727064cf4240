#include "kernels.h"

void ck_gumbel_f32_scalar(size_t n, uint64_t prefix, const int32_t *positions, uint64_t qtag, float *noise)
{
    for (size_t j = 0; j < n; j++) {
        assert(positions[j] >= 0);
        uint64_t bits = ck_absorb(ck_absorb(prefix, (uint64_t)positions[j]), qtag);
        noise[j] = (float)ck_gumbel(ck_uniform(bits));
    }
}

#if defined(__x86_64__)
/* 64-bit product of each lane and a constant, mod 2^64: AVX2 multiplies 32 bits at a time. */
CK_AVX2_INLINE __m256i multiply64(__m256i a, uint64_t b)
{
    __m256i low = _mm256_set1_epi64x((int64_t)b), high = _mm256_set1_epi64x((int64_t)(b >> 32));
    __m256i cross = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), low), _mm256_mul_epu32(a, high));
    return _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64(cross, 32));
}

/* ck_absorb of four pairs. */
CK_AVX2_INLINE __m256i absorb_avx2(__m256i h, __m256i v)
{
    __m256i z = _mm256_add_epi64(_mm256_xor_si256(h, v), _mm256_set1_epi64x((int64_t)UINT64_C(0x9E3779B97F4A7C15)));
    z = multiply64(_mm256_xor_si256(z, _mm256_srli_epi64(z, 30)), UINT64_C(0xBF58476D1CE4E5B9));
    z = multiply64(_mm256_xor_si256(z, _mm256_srli_epi64(z, 27)), UINT64_C(0x94D049BB133111EB));
    return _mm256_xor_si256(z, _mm256_srli_epi64(z, 31));
}

/* min(u, 1 - u) of four draws, negative where that is 1 - u: exact in double, then rounded to float. The top bit of
 * `bits` says which of the two it is; where it is set, all bits are inverted, since
 * 1 - u = ((2^52 - 1 - (bits >> 12)) + 0.5) * 2^-52. */
CK_AVX2_INLINE __m128 nearer_end(__m256i bits)
{
    __m256i is_high = _mm256_cmpgt_epi64(_mm256_setzero_si256(), bits);
    __m256i whole = _mm256_srli_epi64(_mm256_xor_si256(bits, is_high), 12);
    /* Below the exponent of 2^52 the integer is 2^52 + whole; 2^52 - 0.5 is exact too. */
    __m256d shifted = _mm256_castsi256_pd(_mm256_or_si256(whole, _mm256_set1_epi64x(0x4330000000000000)));
    __m256d half_added = _mm256_sub_pd(shifted, _mm256_set1_pd(0x1p52 - 0.5));
    __m256d end = _mm256_mul_pd(half_added, _mm256_set1_pd(0x1p-52));
    __m256d sign = _mm256_and_pd(_mm256_castsi256_pd(bits), _mm256_set1_pd(-0.0));
    return _mm256_cvtpd_ps(_mm256_or_pd(end, sign));
}

/* x = 2^e (1 + f) with 1 + f between sqrt(1/2) and sqrt 2, for normal x > 0. */
CK_AVX2_INLINE void split(__m256 x, __m256 *e, __m256 *f)
{
    const __m256i root_half = _mm256_set1_epi32(0x3F3504F3);
    __m256i above = _mm256_sub_epi32(_mm256_castps_si256(x), root_half);
    __m256i fraction = _mm256_add_epi32(_mm256_and_si256(above, _mm256_set1_epi32(0x7FFFFF)), root_half);
    *e = _mm256_cvtepi32_ps(_mm256_srai_epi32(above, 23));
    *f = _mm256_sub_ps(_mm256_castsi256_ps(fraction), _mm256_set1_ps(1.0f));
}

static const float log_coefficients[9] = {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                                          -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                                          2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f};

/* -(e ln2 + ln(1 + f)) by the polynomial of Cephes' logf; relative error of some 1e-7 for e = 0, too. */
CK_AVX2_INLINE __m256 minus_log(__m256 e, __m256 f)
{
    __m256 square = _mm256_mul_ps(f, f), p = _mm256_set1_ps(log_coefficients[0]);
    for (int i = 1; i < 9; i++) p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(log_coefficients[i]));
    __m256 y = _mm256_mul_ps(_mm256_mul_ps(p, f), square);
    y = _mm256_fmadd_ps(e, _mm256_set1_ps(-2.12194440e-4f), y);
    y = _mm256_fnmadd_ps(square, _mm256_set1_ps(0.5f), y);
    y = _mm256_add_ps(f, y);
    return _mm256_fnmsub_ps(e, _mm256_set1_ps(0.693359375f), y);
}

/* -ln(-ln u) of eight draws in single precision, from `nearer_end`. Close to u = 1 the inner logarithm starts from
 * 1 - u, so its relative error, which is the absolute error of the outer one, stays some 1e-7 everywhere. Neither can
 * meet 0 or infinity. */
CK_AVX2_INLINE __m256 gumbel_avx2(__m256 end)
{
    __m256 one = _mm256_set1_ps(1.0f), e, f;
    __m256 t = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), end);
    split(t, &e, &f);
    /* u = 1 - t: 2^0 (1 - t) above sqrt(1/2), else 2^-1 (2 - 2t). The sign of `end` chooses between this and u = t. */
    __m256 is_lower = _mm256_cmp_ps(t, _mm256_set1_ps(0.29289322f), _CMP_GT_OQ);
    __m256 high_f = _mm256_blendv_ps(end, _mm256_sub_ps(one, _mm256_add_ps(t, t)), is_lower);
    __m256 high_e = _mm256_and_ps(is_lower, _mm256_set1_ps(-1.0f));
    __m256 w = minus_log(_mm256_blendv_ps(e, high_e, end), _mm256_blendv_ps(f, high_f, end));
    split(w, &e, &f);
    return minus_log(e, f);
}

/* Draws hashed before their logarithms are taken: two short loops overlap better in the CPU than one long one. */
#define DRAWS 64

CK_AVX2 void ck_gumbel_f32_avx2(size_t n, uint64_t prefix, const int32_t *positions, uint64_t qtag, float *noise)
{
    __m256i prefixes = _mm256_set1_epi64x((int64_t)prefix), tags = _mm256_set1_epi64x((int64_t)qtag);
    for (size_t first = 0; first < n; first += DRAWS) {
        size_t count = n - first < DRAWS ? n - first : DRAWS;
        int32_t chunk[DRAWS];
        float ends[DRAWS];
        memset(chunk, 0, sizeof chunk);
        memcpy(chunk, positions + first, count * sizeof *chunk);
        for (size_t j = 0; j < count; j += 4) {
            __m256i position = _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)(chunk + j)));
            _mm_storeu_ps(ends + j, nearer_end(absorb_avx2(absorb_avx2(prefixes, position), tags)));
        }
        size_t j = 0;
        for (; j + 8 <= count; j += 8) _mm256_storeu_ps(noise + first + j, gumbel_avx2(_mm256_loadu_ps(ends + j)));
        if (j < count) {
            __m256i mask = ck_tail_mask_avx2(count - j);
            _mm256_maskstore_ps(noise + first + j, mask, gumbel_avx2(_mm256_maskload_ps(ends + j, mask)));
        }
    }
}

/* The same operations for AVX-512, which multiplies 64 bits: twice as many draws, with the same bits. */
CK_AVX512_INLINE __m512i absorb_avx512(__m512i h, __m512i v)
{
    __m512i z = _mm512_add_epi64(_mm512_xor_si512(h, v), _mm512_set1_epi64((int64_t)UINT64_C(0x9E3779B97F4A7C15)));
    z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 30)),
                           _mm512_set1_epi64((int64_t)UINT64_C(0xBF58476D1CE4E5B9)));
    z = _mm512_mullo_epi64(_mm512_xor_si512(z, _mm512_srli_epi64(z, 27)),
                           _mm512_set1_epi64((int64_t)UINT64_C(0x94D049BB133111EB)));
    return _mm512_xor_si512(z, _mm512_srli_epi64(z, 31));
}

CK_AVX512_INLINE __m256 nearer_end_avx512(__m512i bits)
{
    __m512i is_high = _mm512_srai_epi64(bits, 63);
    __m512i whole = _mm512_srli_epi64(_mm512_xor_si512(bits, is_high), 12);
    __m512d shifted = _mm512_castsi512_pd(_mm512_or_si512(whole, _mm512_set1_epi64(0x4330000000000000)));
    __m512d half_added = _mm512_sub_pd(shifted, _mm512_set1_pd(0x1p52 - 0.5));
    __m512d end = _mm512_mul_pd(half_added, _mm512_set1_pd(0x1p-52));
    __m512d sign = _mm512_and_pd(_mm512_castsi512_pd(bits), _mm512_set1_pd(-0.0));
    return _mm512_cvtpd_ps(_mm512_or_pd(end, sign));
}

CK_AVX512_INLINE void split_avx512(__m512 x, __m512 *e, __m512 *f)
{
    const __m512i root_half = _mm512_set1_epi32(0x3F3504F3);
    __m512i above = _mm512_sub_epi32(_mm512_castps_si512(x), root_half);
    __m512i fraction = _mm512_add_epi32(_mm512_and_si512(above, _mm512_set1_epi32(0x7FFFFF)), root_half);
    *e = _mm512_cvtepi32_ps(_mm512_srai_epi32(above, 23));
    *f = _mm512_sub_ps(_mm512_castsi512_ps(fraction), _mm512_set1_ps(1.0f));
}

CK_AVX512_INLINE __m512 minus_log_avx512(__m512 e, __m512 f)
{
    __m512 square = _mm512_mul_ps(f, f), p = _mm512_set1_ps(log_coefficients[0]);
    for (int i = 1; i < 9; i++) p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(log_coefficients[i]));
    __m512 y = _mm512_mul_ps(_mm512_mul_ps(p, f), square);
    y = _mm512_fmadd_ps(e, _mm512_set1_ps(-2.12194440e-4f), y);
    y = _mm512_fnmadd_ps(square, _mm512_set1_ps(0.5f), y);
    y = _mm512_add_ps(f, y);
    return _mm512_fnmsub_ps(e, _mm512_set1_ps(0.693359375f), y);
}

CK_AVX512_INLINE __m512 gumbel_avx512(__m512 end)
{
    __m512 one = _mm512_set1_ps(1.0f), e, f;
    __m512 t = _mm512_abs_ps(end);
    split_avx512(t, &e, &f);
    __mmask16 is_upper = _mm512_movepi32_mask(_mm512_castps_si512(end));
    __mmask16 is_lower = _mm512_cmp_ps_mask(t, _mm512_set1_ps(0.29289322f), _CMP_GT_OQ);
    __m512 high_f = _mm512_mask_sub_ps(end, is_lower, one, _mm512_add_ps(t, t));
    __m512 high_e = _mm512_maskz_mov_ps(is_lower, _mm512_set1_ps(-1.0f));
    __m512 w = minus_log_avx512(_mm512_mask_mov_ps(e, is_upper, high_e), _mm512_mask_mov_ps(f, is_upper, high_f));
    split_avx512(w, &e, &f);
    return minus_log_avx512(e, f);
}

CK_AVX512 void ck_gumbel_f32_avx512(size_t n, uint64_t prefix, const int32_t *positions, uint64_t qtag, float *noise)
{
    __m512i prefixes = _mm512_set1_epi64((int64_t)prefix), tags = _mm512_set1_epi64((int64_t)qtag);
    for (size_t j = 0; j < n; j += 16) {
        __mmask16 mask = n - j < 16 ? (__mmask16)((1u << (n - j)) - 1) : 0xFFFF;
        __m512i chunk = _mm512_maskz_loadu_epi32(mask, positions + j);
        __m512i low = _mm512_cvtepi32_epi64(_mm512_castsi512_si256(chunk));
        __m512i high = _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(chunk, 1));
        __m256 first = nearer_end_avx512(absorb_avx512(absorb_avx512(prefixes, low), tags));
        __m256 second = nearer_end_avx512(absorb_avx512(absorb_avx512(prefixes, high), tags));
        __m512 ends = _mm512_insertf32x8(_mm512_castps256_ps512(first), second, 1);
        _mm512_mask_storeu_ps(noise + j, mask, gumbel_avx512(ends));
    }
}
#endif
