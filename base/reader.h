/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor over untrusted bytes. The first failure latches: after it every
 * read gives zero or an empty view and moves nothing, so that a decoder reads
 * field after field as the figure in the RFC shows them and tests once.
 *
 *     struct ts_reader r = ts_reader_init(bytes, n);
 *     uint8_t next = ts_get_u8(&r);
 *     struct ts_span body = ts_get_span(&r, ts_get_u16(&r));
 *     return ts_reader_end(&r);          latched error, or E_TRAILING
 *
 * A nested region is a reader of its own over the span that was cut out, and
 * ts_reader_end() on it demands that it was used up exactly.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/bytes.h"
#include "base/err.h"

struct ts_reader {
    const uint8_t *start; /* first byte of the region */
    const uint8_t *p;     /* next byte */
    const uint8_t *end;   /* one behind the last */
    enum ts_err err;      /* TS_OK, or the first failure */
};

/** A reader over n bytes at p, which must outlive it. */
static inline struct ts_reader ts_reader_init(const uint8_t *p, size_t n)
{
    static const uint8_t nothing;
    if (!p || n == 0)
        return (struct ts_reader){&nothing, &nothing, &nothing, TS_OK};
    return (struct ts_reader){p, p, p + n, TS_OK};
}

/** A reader over a view. */
static inline struct ts_reader ts_reader_span(struct ts_span s)
{
    return ts_reader_init(s.p, s.n);
}

/** Bytes not read yet; 0 after a failure. */
static inline size_t ts_reader_left(const struct ts_reader *r)
{
    return r->err ? 0 : (size_t)(r->end - r->p);
}

/** Bytes read so far. */
static inline size_t ts_reader_pos(const struct ts_reader *r)
{
    return (size_t)(r->p - r->start);
}

/** Latch err unless an earlier failure is latched already. */
static inline void ts_reader_fail(struct ts_reader *r, enum ts_err err)
{
    if (r->err == TS_OK)
        r->err = err;
}

/** n bytes as a view into the input; E_SHORT when fewer are left. */
static inline struct ts_span ts_get_span(struct ts_reader *r, size_t n)
{
    if (n > ts_reader_left(r)) {
        ts_reader_fail(r, TS_E_SHORT);
        return (struct ts_span){NULL, 0};
    }
    if (r->err)
        return (struct ts_span){NULL, 0};
    struct ts_span s = {r->p, n};
    r->p += n;
    return s;
}

/** One octet. */
static inline uint8_t ts_get_u8(struct ts_reader *r)
{
    struct ts_span s = ts_get_span(r, 1);
    return s.n ? s.p[0] : 0;
}

/** n octets as a number, network order; behind the functions below. */
static inline uint64_t ts_get_uint(struct ts_reader *r, size_t n)
{
    struct ts_span s = ts_get_span(r, n);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++)
        v = v << 8 | s.p[i];
    return v;
}

/** Two octets, network order. */
static inline uint16_t ts_get_u16(struct ts_reader *r)
{
    return (uint16_t)ts_get_uint(r, 2);
}

/** Four octets, network order. */
static inline uint32_t ts_get_u32(struct ts_reader *r)
{
    return (uint32_t)ts_get_uint(r, 4);
}

/** Eight octets, network order. */
static inline uint64_t ts_get_u64(struct ts_reader *r)
{
    return ts_get_uint(r, 8);
}

/** The latched error, else E_TRAILING if bytes are left, else OK. */
TS_MUST static inline enum ts_err ts_reader_end(const struct ts_reader *r)
{
    if (r->err)
        return r->err;
    return r->p == r->end ? TS_OK : TS_E_TRAILING;
}

#endif
