#include "kernels.h"
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
/* HWCAP_ASIMDDP of the kernel's interface. */
#define HAS_DOTPROD (1ul << 20)
#endif

/* On x86 the builtins ask both the CPU and, through XGETBV, whether the operating system saves the registers. */
int ck_cpu_has_avx2(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#else
    return 0;
#endif
}

int ck_cpu_has_avx512(void)
{
#if defined(__x86_64__)
    return ck_cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
#else
    return 0;
#endif
}

int ck_cpu_has_dotprod(void)
{
#if defined(__aarch64__) && defined(__linux__)
    return (getauxval(AT_HWCAP) & HAS_DOTPROD) != 0;
#else
    return 0;
#endif
}
