/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view of bytes that somebody else owns.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** n bytes at p; p may be NULL when n is 0. Borrowed, never freed. */
struct ts_span {
    const uint8_t *p;
    size_t n;
};

/** A view of a NUL-terminated string, without its NUL. */
static inline struct ts_span ts_span_str(const char *s)
{
    struct ts_span span = {(const uint8_t *)s, strlen(s)};
    return span;
}

/** A view of n bytes at p. */
static inline struct ts_span ts_span(const void *p, size_t n)
{
    struct ts_span span = {(const uint8_t *)p, n};
    return span;
}

/** Equal in length and content. Not for secrets: see ts_equal(). */
static inline bool ts_span_equal(struct ts_span a, struct ts_span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/** Equal to a text but for the case of ASCII letters, in any locale. */
static inline bool ts_span_is(struct ts_span s, const char *text)
{
    if (s.n != strlen(text))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned a = s.p[i], b = (unsigned char)text[i];
        if (a >= 'A' && a <= 'Z')
            a += 'a' - 'A';
        if (b >= 'A' && b <= 'Z')
            b += 'a' - 'A';
        if (a != b)
            return false;
    }
    return true;
}

#endif
