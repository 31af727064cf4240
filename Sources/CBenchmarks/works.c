#include "rates.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { CHAINS = 16, ROUNDS = 1 << 16 };

/* Stops the compiler from knowing a value. */
#define UNKNOWN(x) __asm__ volatile("" : "+x"(x))
#define UNKNOWN_512(x) __asm__ volatile("" : "+v"(x))

/* Eight sums hide the latency of the adds; the compiler turns them into the vectors of the function's target. */
#define READ_BODY                                                                                                      \
    uint64_t sums[64] = {0};                                                                                           \
    for (size_t i = 0; i < scratch->count; i += 64)                                                                    \
        for (size_t j = 0; j < 64; j++) sums[j] += scratch->words[i + j];                                              \
    uint64_t sum = 0;                                                                                                  \
    for (size_t j = 0; j < 64; j++) sum += sums[j];                                                                    \
    scratch->sink = (double)sum;                                                                                       \
    return (double)(scratch->count * sizeof(uint64_t));

static double fma_portable(cb_scratch *scratch)
{
    float sums[64];
    for (int i = 0; i < 64; i++) sums[i] = (float)i;
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 64; i++) sums[i] = sums[i] * 0.999f + 0.001f;
    float sum = 0;
    for (int i = 0; i < 64; i++) sum += sums[i];
    scratch->sink = sum;
    return 2.0 * 64 * ROUNDS;
}

static double int8_portable(cb_scratch *scratch)
{
    static int8_t left[4096], right[4096];
    double total = 0;
    for (int round = 0; round < ROUNDS / 64; round++) {
        int32_t sum = 0;
        left[round % 4096] ^= 1;
        for (int i = 0; i < 4096; i++) sum += (int32_t)left[i] * right[i];
        total += sum;
    }
    scratch->sink = total;
    return 2.0 * 4096 * (ROUNDS / 64);
}

static double read_portable(cb_scratch *scratch)
{
    READ_BODY
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

AVX2 static double fma_avx2(cb_scratch *scratch)
{
    __m256 sums[12];
    __m256 factor = _mm256_set1_ps(0.999f), addend = _mm256_set1_ps(0.001f);
    UNKNOWN(factor);
    for (int i = 0; i < 12; i++) sums[i] = _mm256_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < 12; i++) sums[i] = _mm256_fmadd_ps(sums[i], factor, addend);
    for (int i = 1; i < 12; i++) sums[0] = _mm256_add_ps(sums[0], sums[i]);
    scratch->sink = _mm256_cvtss_f32(sums[0]);
    return 2.0 * 8 * 12 * ROUNDS;
}

AVX2 static double int8_avx2(cb_scratch *scratch)
{
    __m256i sums[8];
    __m256i ones = _mm256_set1_epi16(1), left = _mm256_set1_epi8(3), right = _mm256_set1_epi8(-2);
    for (int i = 0; i < 8; i++) sums[i] = _mm256_setzero_si256();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < 8; i++) {
            UNKNOWN(left);
            sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(_mm256_maddubs_epi16(left, right), ones));
        }
    }
    for (int i = 1; i < 8; i++) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
    scratch->sink = _mm256_extract_epi32(sums[0], 0);
    return 2.0 * 32 * 8 * ROUNDS;
}

AVX2 static double read_avx2(cb_scratch *scratch)
{
    READ_BODY
}

AVX512 static double fma_avx512(cb_scratch *scratch)
{
    __m512 sums[CHAINS];
    __m512 factor = _mm512_set1_ps(0.999f), addend = _mm512_set1_ps(0.001f);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_set1_ps((float)i);
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_fmadd_ps(sums[i], factor, addend);
    for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    scratch->sink = _mm512_cvtss_f32(sums[0]);
    return 2.0 * 16 * CHAINS * ROUNDS;
}

AVX512 static double int8_avx512(cb_scratch *scratch)
{
    __m512i sums[CHAINS];
    __m512i left = _mm512_set1_epi8(3), right = _mm512_set1_epi8(-2);
    UNKNOWN_512(left);
    for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_setzero_si512();
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CHAINS; i++) sums[i] = _mm512_dpbusd_epi32(sums[i], left, right);
    for (int i = 1; i < CHAINS; i++) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    scratch->sink = _mm512_reduce_add_epi32(sums[0]);
    return 2.0 * 64 * CHAINS * ROUNDS;
}

AVX512 static double read_avx512(cb_scratch *scratch)
{
    __m512i sums[8];
    for (int j = 0; j < 8; j++) sums[j] = _mm512_setzero_si512();
    for (size_t i = 0; i < scratch->count; i += 64)
        for (int j = 0; j < 8; j++)
            sums[j] = _mm512_add_epi64(sums[j], _mm512_loadu_si512(scratch->words + i + 8 * j));
    for (int j = 1; j < 8; j++) sums[0] = _mm512_add_epi64(sums[0], sums[j]);
    scratch->sink = (double)_mm512_reduce_add_epi64(sums[0]);
    return (double)(scratch->count * sizeof(uint64_t));
}
#endif

cb_works cb_best_works(void)
{
    cb_works works = {fma_portable, int8_portable, read_portable};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        works = (cb_works){fma_avx2, int8_avx2, read_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vnni"))
        works = (cb_works){fma_avx512, int8_avx512, read_avx512};
#endif
    return works;
}
