/* What the kernel says about a process. */
#ifndef TESTS_BENCH_PROC_H
#define TESTS_BENCH_PROC_H
#include <sys/types.h>

double proc_mib(pid_t pid, const char *field);      /* of /proc/PID/status: VmRSS, or VmHWM (the peak) */
double proc_cpu_ms(pid_t pid, double *most);        /* CPU time of all its threads that run; *most: of the busiest one */
#endif
