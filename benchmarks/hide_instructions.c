/* Hides instruction sets of an x86 processor from a program, to see what it does on a lesser one at full speed.

   cc -O1 -shared -fPIC -o hide.so hide_instructions.c
   HIDE_ABOVE=avx2 HIDE_CPUINFO=cpuinfo.txt LD_PRELOAD=./hide.so python ...

   Linux lets `cpuid` fault (arch_prctl(2), ARCH_SET_CPUID) on processors that can; the handler asks in the program's
   place and clears the bits of what is hidden. HIDE_ABOVE is avx2 (hides AVX-512, VNNI, bfloat16 and AMX), avx512 (VNNI,
   bfloat16, AMX) or avx512-vnni (bfloat16, AMX). Whoever opens /proc/cpuinfo gets the file HIDE_CPUINFO. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
#define BIT(n) (1u << (n))

static int level; /* 1: avx2, 2: avx512, 3: avx512-vnni */
static struct sigaction before;

static void mask(unsigned leaf, unsigned sub, unsigned *a, unsigned *b, unsigned *c, unsigned *d) {
    if (leaf == 7 && sub == 0) {
        *d &= ~(BIT(22) | BIT(24) | BIT(25)); /* amx_bf16, amx_tile, amx_int8 */
        if (level <= 2) *c &= ~BIT(11);       /* avx512_vnni */
        if (level == 1) {
            *b &= ~(BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31));
            *c &= ~(BIT(1) | BIT(6) | BIT(12) | BIT(14));
            *d &= ~(BIT(2) | BIT(3) | BIT(8));
        }
        *d &= ~BIT(23); /* avx512_fp16 */
    }
    if (leaf == 7 && sub == 1) {
        *a &= ~(BIT(5) | BIT(21) | BIT(22)); /* avx512_bf16, amx_fp16 */
        *d &= ~(BIT(8) | BIT(19));           /* amx_complex, avx10 */
        if (level <= 2) *a &= ~(BIT(4) | BIT(23)), *d &= ~(BIT(4) | BIT(5) | BIT(10)); /* avx_vnni and its kin */
    }
    if (leaf == 0x1d || leaf == 0x1e || leaf == 0x24) *a = *b = *c = *d = 0; /* tiles, avx10 */
}

static void on_fault(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *at = (const unsigned char *)registers[REG_RIP];
    if (info->si_code != SI_KERNEL || at[0] != 0x0f || at[1] != 0xa2) { /* no cpuid */
        sigaction(number, &before, NULL);
        return;
    }
    unsigned leaf = registers[REG_RAX], sub = registers[REG_RCX], a, b, c, d;
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(sub));
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    mask(leaf, sub, &a, &b, &c, &d);
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void hide(void) {
    const char *above = getenv("HIDE_ABOVE");
    level = !above ? 0 : !strcmp(above, "avx2") ? 1 : !strcmp(above, "avx512") ? 2 : 3;
    if (!level) return;
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    sigaction(SIGSEGV, &action, &before);
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) {
        perror("hide_instructions: this processor or kernel cannot let cpuid fault");
        _exit(1);
    }
}

static const char *shown(const char *path) {
    const char *instead = getenv("HIDE_CPUINFO");
    return instead && path && !strcmp(path, "/proc/cpuinfo") ? instead : path;
}

#define OPENER(name)                                                         \
    int name(const char *path, int flags, ...) {                             \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        int mode = va_arg(rest, int);                                        \
        va_end(rest);                                                        \
        int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, #name);       \
        return real(shown(path), flags, mode);                               \
    }
OPENER(open)
OPENER(open64)

FILE *fopen(const char *path, const char *mode) {
    FILE *(*real)(const char *, const char *) = dlsym(RTLD_NEXT, "fopen");
    return real(shown(path), mode);
}
