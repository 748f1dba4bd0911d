/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs of `make bench` measure with: CPU time and allocations of
 * their own process, and the median of rounds.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

/** CPU time of this process in nanoseconds. */
double measure_now_ns(void);

/** Calls of malloc(), calloc() and realloc() so far, of all code in it. */
unsigned long measure_allocations(void);

/** The median of n values, which get sorted. */
double measure_median(double *v, size_t n);

#endif
