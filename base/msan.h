/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For MemorySanitizer, which cannot look into libraries that are not built
 * with it: what goes into them must be initialised, what comes out of them is.
 * Both vanish from all other builds.
 */
#ifndef BASE_MSAN_H
#define BASE_MSAN_H

#include "base/bytes.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define TS_MSAN 1
#include <sanitizer/msan_interface.h>
#endif
#endif

/** Fail here if any of n bytes at p was never written. */
static inline void ts_msan_in(const void *p, size_t n)
{
#ifdef TS_MSAN
    __msan_check_mem_is_initialized(p, n);
#else
    (void)p;
    (void)n;
#endif
}

/** The library has written n bytes at p. */
static inline void ts_msan_out(void *p, size_t n)
{
#ifdef TS_MSAN
    __msan_unpoison(p, n);
#else
    (void)p;
    (void)n;
#endif
}

#endif
