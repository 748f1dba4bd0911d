/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture_stream.h"

#include <stdlib.h>

#include "mikey/msg.h"
#include "tool/capture_find.h"

#define LINE_LONGEST (8 * 1024)
#define HEAD_MAX     (64 * 1024)
#define PIECE        (64 * 1024) /* octets taken at a time */
#define FOREVER      UINT64_MAX

/** One call of mt_stream_feed(): s with those who take what is found. */
struct feed {
    struct mt_stream *s;
    const struct mt_place *place;
    const struct mt_sink *sink;
};

static struct ts_span ahead(const struct mt_stream *s)
{
    return s->b ? ts_span(s->b + s->pos, s->n - s->pos) : ts_span(NULL, 0);
}

static void next_head(struct mt_stream *s)
{
    s->state = MT_AT_HEAD;
    s->scanned = s->body = 0;
    s->left = 0;
}

/* --- bodies --- */

static void give_body(struct feed *f, struct ts_span body, bool whole)
{
    mt_find_in_body(&f->s->head, body, whole, f->place, f->sink);
    next_head(f->s);
}

/* Of something that is too long to be kept no more is to be had. */
static void too_long(struct feed *f)
{
    struct mt_stream *s = f->s;
    if (s->head.body == MT_BODY_MIKEY)
        mt_find_none("the body is longer than 512 KiB", mt_carrier(&s->head),
                     f->place, f->sink);
    s->head.body = MT_BODY_OTHER;
    s->body = 0;
}

/* Whether a response never has a body, whatever its headers say (RFC 9112). */
static bool has_no_body(const struct mt_head *h)
{
    return h->protocol == MT_HTTP && h->response &&
           (h->status / 100 == 1 || h->status == 204 || h->status == 304);
}

/* Behind a head: what comes next, and how much of it. */
static void begin_body(struct feed *f)
{
    struct mt_stream *s = f->s;
    const struct mt_head *h = &s->head;
    bool to_the_end = h->protocol == MT_HTTP && h->response && !h->has_length;
    bool wanted = h->body != MT_BODY_OTHER;
    next_head(s);
    if (has_no_body(h))
        return;
    s->left = h->has_length ? h->length : to_the_end ? FOREVER : 0;
    if (h->chunked)
        s->state = MT_AT_CHUNK;
    else if (s->left == FOREVER)
        s->state = wanted ? MT_AT_REST : MT_AT_SKIP;
    else if (s->left)
        s->state = wanted ? MT_AT_BODY : MT_AT_SKIP;
    if (s->state != MT_AT_BODY || s->left <= MT_BODY_MAX)
        return;
    too_long(f);
    s->state = MT_AT_SKIP;
}

static bool step_body(struct feed *f)
{
    struct mt_stream *s = f->s;
    if (s->n - s->pos < s->left)
        return false;
    struct ts_span body = ts_span(s->b + s->pos, (size_t)s->left);
    s->pos += body.n;
    give_body(f, body, true);
    return true;
}

static bool step_rest(struct feed *f)
{
    if (f->s->n - f->s->pos <= MT_BODY_MAX)
        return false;
    too_long(f);
    f->s->state = MT_AT_SKIP;
    return true;
}

static bool step_skip(struct mt_stream *s)
{
    size_t n = s->n - s->pos;
    if (s->left != FOREVER && n > s->left)
        n = (size_t)s->left;
    s->pos += n;
    if (s->left != FOREVER)
        s->left -= n;
    if (s->left == 0)
        next_head(s);
    return n > 0;
}

/* --- chunks (RFC 9112 7.1) --- */

/* A whole line, if there is one; one that is too long ends the message. */
static bool take_line(struct mt_stream *s, struct ts_span *line)
{
    struct ts_span rest = ahead(s);
    if (!rest.n || !memchr(rest.p, '\n', rest.n)) {
        if (rest.n > LINE_LONGEST) {
            s->pos = s->n;
            next_head(s);
        }
        return false;
    }
    (void)mt_next_line(&rest, line);
    s->pos = (size_t)(rest.p - s->b);
    return true;
}

/* chunk size in hexadecimal digits, perhaps a ';' and more */
static bool step_chunk(struct mt_stream *s)
{
    struct ts_span line;
    uint64_t size = 0;
    size_t i = 0;
    if (!take_line(s, &line))
        return false;
    for (; i < line.n && mt_digit(line.p[i]) < 16; i++)
        size = size << 4 | mt_digit(line.p[i]);
    s->left = size;
    if (i == 0 || i > 12)
        next_head(s); /* no chunk */
    else
        s->state = size ? MT_IN_CHUNK : MT_TRAILER;
    return true;
}

static bool step_in_chunk(struct feed *f)
{
    struct mt_stream *s = f->s;
    size_t n = s->n - s->pos;
    if (n > s->left)
        n = (size_t)s->left;
    bool wanted = s->head.body != MT_BODY_OTHER;
    if (wanted && s->body + n > MT_BODY_MAX) {
        too_long(f);
        wanted = false;
    }
    if (wanted) {
        memmove(s->b + s->body, s->b + s->pos, n);
        s->body += n;
    }
    s->pos += n;
    s->left -= n;
    if (s->left == 0)
        s->state = MT_CHUNK_END;
    return n > 0;
}

static bool step_chunk_end(struct mt_stream *s)
{
    struct ts_span line;
    if (!take_line(s, &line))
        return false;
    if (line.n)
        next_head(s);
    else
        s->state = MT_AT_CHUNK;
    return true;
}

static bool step_trailer(struct feed *f)
{
    struct ts_span line;
    if (!take_line(f->s, &line))
        return false;
    if (line.n == 0)
        give_body(f, ts_span(f->s->b, f->s->body), true);
    return true;
}

/* --- heads --- */

/* Binary data in an RTSP connection: '$'  channel(1)  length(2)  data */
static bool step_interleaved(struct mt_stream *s)
{
    struct ts_span rest = ahead(s);
    if (rest.n < 4)
        return false;
    s->left = 4u + (unsigned)(rest.p[2] << 8 | rest.p[3]);
    s->state = MT_AT_SKIP;
    return true;
}

/* Octets of no message. Where they were searched for the end of a head, what
 * is behind them was, too. */
static void pass_over(struct mt_stream *s, size_t n)
{
    s->pos += n;
    s->scanned -= n < s->scanned ? n : s->scanned;
}

/* What does not begin with a start line is passed over line by line. */
static bool step_head(struct feed *f)
{
    struct mt_stream *s = f->s;
    while (s->pos < s->n && (s->b[s->pos] == '\r' || s->b[s->pos] == '\n'))
        pass_over(s, 1);
    struct ts_span text = ahead(s), rest = text, line;
    if (text.n && text.p[0] == '$' && s->known && s->head.protocol == MT_RTSP)
        return step_interleaved(s);
    if (!text.n || !memchr(text.p, '\n', text.n)) {
        if (text.n > LINE_LONGEST)
            pass_over(s, text.n);
        return false;
    }
    (void)mt_next_line(&rest, &line);
    enum mt_protocol protocol = mt_start_line(line);
    s->known |= protocol != MT_NO_TEXT;
    size_t end = protocol ? mt_head_end(text, s->scanned) : 0;
    if (protocol && !end)
        s->scanned = text.n > 3 ? text.n - 3 : 0;
    if (!protocol || (!end && text.n > HEAD_MAX)) {
        pass_over(s, (size_t)(rest.p - text.p));
        return true;
    }
    if (!end)
        return false;
    s->head = mt_head_read(ts_span(text.p, end));
    s->pos += end;
    mt_find_in_head(&s->head, f->place, f->sink);
    begin_body(f);
    return true;
}

/* --- MIKEY on port 2269: its chain tells where a message ends --- */

/* Reads on from the last payload that was whole; OK: the message is. */
static enum ts_err read_on(struct mt_stream *s)
{
    struct ts_span rest = ahead(s);
    struct ts_reader r = ts_reader_span(rest);
    struct mikey_payload p;
    struct mikey_hdr hdr;
    if (!s->scanned) {
        enum ts_err err = mikey_hdr_read(&r, &hdr);
        if (err)
            return err;
        s->scanned = ts_reader_pos(&r);
        s->next = hdr.next;
    }
    struct mikey_chain c = mikey_chain_init(
        ts_span(rest.p + s->scanned, rest.n - s->scanned), s->next);
    while (mikey_chain_next(&c, &p)) {
        s->scanned += p.body.n;
        s->next = c.next;
    }
    return c.r.err;
}

static bool step_mikey(struct feed *f)
{
    struct mt_stream *s = f->s;
    struct ts_span rest = ahead(s);
    if (rest.n == 0)
        return false;
    enum ts_err err = read_on(s);
    if (err == TS_E_SHORT && rest.n <= MT_INPUT_MAX)
        return false;
    if (!err)
        rest.n = s->scanned;
    mt_find_raw(rest, "tcp-2269", f->place, f->sink);
    s->pos += rest.n;
    s->scanned = 0;
    if (err)
        s->state = MT_DEAD; /* nobody knows where the next one begins */
    return true;
}

/* --- the stream --- */

/* One step: false if it needs more octets. */
static bool step(struct feed *f)
{
    struct mt_stream *s = f->s;
    switch (s->state) {
    case MT_AT_HEAD:
        return s->mikey ? step_mikey(f) : step_head(f);
    case MT_AT_BODY:
        return step_body(f);
    case MT_AT_REST:
        return step_rest(f);
    case MT_AT_SKIP:
        return step_skip(s);
    case MT_AT_CHUNK:
        return step_chunk(s);
    case MT_IN_CHUNK:
        return step_in_chunk(f);
    case MT_CHUNK_END:
        return step_chunk_end(s);
    case MT_TRAILER:
        return step_trailer(f);
    case MT_DEAD:
        s->pos = s->n;
        return false;
    }
    return false;
}

/* Take off what was used up, but for a body in chunks. */
static void settle(struct mt_stream *s)
{
    size_t left = s->n - s->pos;
    if (s->pos > s->body && left)
        memmove(s->b + s->body, s->b + s->pos, left);
    s->pos = s->body;
    s->n = s->body + left;
    if (s->n)
        return;
    free(s->b);
    s->b = NULL;
    s->cap = 0;
}

static enum ts_err append(struct mt_stream *s, struct ts_span data)
{
    if (s->n + data.n > s->cap) {
        size_t cap = 2 * (s->n + data.n);
        uint8_t *b = realloc(s->b, cap);
        if (!b)
            return TS_E_NOMEM;
        s->b = b;
        s->cap = cap;
    }
    memcpy(s->b + s->n, data.p, data.n);
    s->n += data.n;
    return TS_OK;
}

enum ts_err mt_stream_feed(struct mt_stream *s, struct ts_span data,
                           const struct mt_place *place,
                           const struct mt_sink *sink)
{
    struct feed f = {s, place, sink};
    while (data.n) {
        size_t n = data.n < PIECE ? data.n : PIECE;
        enum ts_err err = append(s, ts_span(data.p, n));
        if (err)
            return err;
        while (step(&f))
            ;
        settle(s);
        data = ts_span(data.p + n, data.n - n);
    }
    return TS_OK;
}

/* Part of a message is there, and no more will come. */
static void give_part(struct feed *f, bool end)
{
    struct mt_stream *s = f->s;
    struct ts_span rest = ahead(s);
    bool chunks = s->state >= MT_AT_CHUNK && s->state <= MT_TRAILER;
    if (s->mikey && rest.n)
        mt_find_raw(rest, "tcp-2269", f->place, f->sink);
    else if (s->state == MT_AT_BODY)
        give_body(f, rest, false);
    else if (s->state == MT_AT_REST)
        give_body(f, rest, end);
    else if (chunks && s->body)
        give_body(f, ts_span(s->b, s->body), false);
    next_head(s);
    s->pos = s->n;
}

void mt_stream_gap(struct mt_stream *s, uint64_t octets,
                   const struct mt_place *place, const struct mt_sink *sink)
{
    struct feed f = {s, place, sink};
    if (s->state == MT_AT_SKIP && (s->left == FOREVER || s->left > octets)) {
        if (s->left != FOREVER)
            s->left -= octets;
        return;
    }
    give_part(&f, false);
    settle(s);
}

void mt_stream_end(struct mt_stream *s, const struct mt_place *place,
                   const struct mt_sink *sink)
{
    struct feed f = {s, place, sink};
    give_part(&f, true);
    free(s->b);
    *s = (struct mt_stream){.mikey = s->mikey};
}
