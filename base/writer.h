/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor that builds a message in memory of the caller. The first failure
 * (E_SPACE, or one that the caller latches) sticks; writes after it do nothing.
 * Lengths are written by opening a region and closing it:
 *
 *     size_t mark = ts_open_u16(&w);
 *     ... body ...
 *     ts_close_u16(&w, mark);
 */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include "base/bytes.h"
#include "base/err.h"

struct ts_writer {
    uint8_t *buf;    /* the caller's memory */
    size_t len;      /* bytes written */
    size_t cap;      /* size of buf */
    enum ts_err err; /* TS_OK, or the first failure */
};

/** A writer into cap bytes at buf, which must outlive it. */
static inline struct ts_writer ts_writer_init(uint8_t *buf, size_t cap)
{
    return (struct ts_writer){buf, 0, cap, TS_OK};
}

/** Latch err unless an earlier failure is latched already. */
static inline void ts_writer_fail(struct ts_writer *w, enum ts_err err)
{
    if (w->err == TS_OK)
        w->err = err;
}

/** Room for n bytes, zeroed by nobody; NULL when it does not fit. */
static inline uint8_t *ts_put_room(struct ts_writer *w, size_t n)
{
    if (w->err || n > w->cap - w->len) {
        ts_writer_fail(w, TS_E_SPACE);
        return NULL;
    }
    uint8_t *p = w->buf + w->len;
    w->len += n;
    return p;
}

/** Append n bytes from p. */
static inline void ts_put(struct ts_writer *w, const void *p, size_t n)
{
    uint8_t *to = n ? ts_put_room(w, n) : NULL;
    if (to)
        memcpy(to, p, n);
}

/** Append the bytes of a view. */
static inline void ts_put_span(struct ts_writer *w, struct ts_span s)
{
    ts_put(w, s.p, s.n);
}

/** Append one octet. */
static inline void ts_put_u8(struct ts_writer *w, unsigned v)
{
    uint8_t *to = ts_put_room(w, 1);
    if (to)
        to[0] = (uint8_t)v;
}

/** Append two octets, network order. */
static inline void ts_put_u16(struct ts_writer *w, unsigned v)
{
    ts_put_u8(w, v >> 8 & 0xff);
    ts_put_u8(w, v & 0xff);
}

/** Append four octets, network order. */
static inline void ts_put_u32(struct ts_writer *w, uint32_t v)
{
    ts_put_u16(w, v >> 16);
    ts_put_u16(w, v & 0xffff);
}

/** Append eight octets, network order. */
static inline void ts_put_u64(struct ts_writer *w, uint64_t v)
{
    ts_put_u32(w, (uint32_t)(v >> 32));
    ts_put_u32(w, (uint32_t)v);
}

/** Reserve a 16-bit length; returns the mark for ts_close_u16(). */
static inline size_t ts_open_u16(struct ts_writer *w)
{
    ts_put_u16(w, 0);
    return w->len;
}

/** Fill in the length of all that was written since mark; E_RANGE > 65535. */
static inline void ts_close_u16(struct ts_writer *w, size_t mark)
{
    if (w->err)
        return;
    size_t n = w->len - mark;
    if (n > 0xffff) {
        ts_writer_fail(w, TS_E_RANGE);
        return;
    }
    w->buf[mark - 2] = (uint8_t)(n >> 8);
    w->buf[mark - 1] = (uint8_t)n;
}

/** Reserve an 8-bit length; returns the mark for ts_close_u8(). */
static inline size_t ts_open_u8(struct ts_writer *w)
{
    ts_put_u8(w, 0);
    return w->len;
}

/** Fill in the length of all that was written since mark; E_RANGE > 255. */
static inline void ts_close_u8(struct ts_writer *w, size_t mark)
{
    if (w->err)
        return;
    size_t n = w->len - mark;
    if (n > 0xff) {
        ts_writer_fail(w, TS_E_RANGE);
        return;
    }
    w->buf[mark - 1] = (uint8_t)n;
}

/** What was written so far, as a view into the caller's memory. */
static inline struct ts_span ts_written(const struct ts_writer *w)
{
    return (struct ts_span){w->buf, w->err ? 0 : w->len};
}

#endif
