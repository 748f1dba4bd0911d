/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/capture_tcp.h"

#include <stdlib.h>

#include "tool/capture_find.h"
#include "tool/capture_stream.h"

#define BUCKETS 1024

/** A segment, or a part of one, that waits for what is before it. */
struct piece {
    struct piece *next; /* in the order of seq; they do not overlap */
    uint32_t seq;
    size_t n;
    uint8_t b[];
};

/** One direction of a connection. */
struct flow {
    struct flow *next;          /* in its bucket */
    struct flow *older, *newer; /* by their last segment */
    struct mt_place place;      /* of that segment */
    bool started;               /* seq and first are known */
    bool ended;                 /* by FIN or RST */
    uint32_t first, seq;        /* first octet, next octet */
    bool has_fin;
    uint32_t fin;  /* behind the last octet */
    uint64_t said; /* frame of the last note about missing octets */
    struct piece *pieces;
    size_t n_pieces, waiting; /* octets of them, with their cost */
    size_t counted;           /* of this flow in mt_flows.held */
    struct mt_stream stream;
};

struct mt_flows {
    struct mt_sink sink;
    struct flow *bucket[BUCKETS];
    struct flow *oldest, *newest;
    size_t n, held;
};

struct mt_flows *mt_flows_new(const struct mt_sink *sink)
{
    struct mt_flows *flows = calloc(1, sizeof *flows);
    if (flows)
        flows->sink = *sink;
    return flows;
}

/* Signed distance from b to a, modulo 2^32. */
static int32_t distance(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static void note(const struct mt_flows *flows, const struct flow *f,
                 const char *what)
{
    char line[250], from[MT_END], to[MT_END];
    snprintf(line, sizeof line, "frame %llu, %s to %s: %s",
             (unsigned long long)f->place.frame,
             mt_end_text(&f->place.from, from), mt_end_text(&f->place.to, to),
             what);
    flows->sink.note(flows->sink.arg, line);
}

/* --- the octets of one flow --- */

static enum ts_err deliver(struct mt_flows *flows, struct flow *f,
                           struct ts_span data)
{
    f->seq += (uint32_t)data.n;
    return mt_stream_feed(&f->stream, data, &f->place, &flows->sink);
}

static void free_piece(struct flow *f, struct piece *piece)
{
    f->pieces = piece->next;
    f->n_pieces--;
    f->waiting -= sizeof *piece + piece->n;
    free(piece);
}

/* What no longer waits. */
static enum ts_err drain(struct mt_flows *flows, struct flow *f)
{
    while (f->pieces && f->pieces->seq == f->seq) {
        struct piece *piece = f->pieces;
        enum ts_err err = deliver(flows, f, ts_span(piece->b, piece->n));
        free_piece(f, piece);
        if (err)
            return err;
    }
    return TS_OK;
}

/* Octets that will never come. */
static enum ts_err skip_gap(struct mt_flows *flows, struct flow *f)
{
    uint32_t octets = f->pieces->seq - f->seq;
    char what[80];
    snprintf(what, sizeof what, "%u octets before this are missing", octets);
    bool ours = f->stream.known || f->stream.mikey;
    if (ours && f->said != f->place.frame) /* many gaps may end at once */
        note(flows, f, what);
    f->said = f->place.frame;
    mt_stream_gap(&f->stream, octets, &f->place, &flows->sink);
    f->seq = f->pieces->seq;
    return drain(flows, f);
}

static enum ts_err flush(struct mt_flows *flows, struct flow *f)
{
    while (f->pieces) {
        enum ts_err err = skip_gap(flows, f);
        if (err)
            return err;
    }
    return TS_OK;
}

/* Put one piece before *at. */
static enum ts_err add_piece(struct flow *f, struct piece **at, uint32_t seq,
                             struct ts_span data)
{
    struct piece *piece = malloc(sizeof *piece + data.n);
    if (!piece)
        return TS_E_NOMEM;
    piece->next = *at;
    piece->seq = seq;
    piece->n = data.n;
    memcpy(piece->b, data.p, data.n);
    *at = piece;
    f->n_pieces++;
    f->waiting += sizeof *piece + data.n;
    return TS_OK;
}

/* Keep of a segment what no other one has brought: what came first stays. */
static enum ts_err keep(struct flow *f, uint32_t seq, struct ts_span data)
{
    struct piece **at = &f->pieces;
    while (data.n) {
        size_t n = data.n;
        int32_t before = *at ? distance((*at)->seq, seq) : INT32_MAX;
        if (before <= 0) { /* pass over what *at has */
            uint32_t end = (*at)->seq + (uint32_t)(*at)->n;
            int32_t have = distance(end, seq);
            n = have < 0 ? 0 : (size_t)have < n ? (size_t)have : n;
            at = &(*at)->next;
        } else {
            n = (size_t)before < n ? (size_t)before : n;
            enum ts_err err = add_piece(f, at, seq, ts_span(data.p, n));
            if (err)
                return err;
            at = &(*at)->next;
        }
        seq += (uint32_t)n;
        data = ts_span(data.p + n, data.n - n);
    }
    return TS_OK;
}

/* --- segments --- */

static enum ts_err end_flow(struct mt_flows *flows, struct flow *f)
{
    enum ts_err err = flush(flows, f);
    mt_stream_end(&f->stream, &f->place, &flows->sink);
    f->ended = true;
    return err;
}

/* A new connection, or one that we join in the middle, begins with seq. */
static enum ts_err start_flow(struct mt_flows *flows, struct flow *f,
                              uint32_t seq)
{
    enum ts_err err = f->started && !f->ended ? end_flow(flows, f) : TS_OK;
    f->started = true;
    f->ended = f->has_fin = false;
    f->first = f->seq = seq;
    return err;
}

static enum ts_err take_data(struct mt_flows *flows, struct flow *f,
                             uint32_t seq, struct ts_span data)
{
    int32_t off = distance(seq, f->seq);
    if (off < 0) {
        size_t old = (size_t) - (int64_t)off;
        if (old >= data.n)
            return TS_OK; /* all of it was there before */
        data = ts_span(data.p + old, data.n - old);
        seq = f->seq;
        off = 0;
    }
    if (off == 0 && !f->pieces)
        return deliver(flows, f, data);
    enum ts_err err = keep(f, seq, data);
    if (!err)
        err = drain(flows, f);
    while (!err && f->pieces &&
           (f->waiting > MT_WAIT_MAX || f->n_pieces > MT_WAIT_PIECES))
        err = skip_gap(flows, f);
    return err;
}

/* Whether a segment belongs to what a flow has been so far. */
static bool goes_on(const struct flow *f, const struct mt_packet *p)
{
    int32_t off = distance(p->seq, f->seq);
    if (!f->started)
        return false;
    if (p->syn) /* of a connection that we know, sent again */
        return f->first == p->seq + 1;
    if (off < -MT_WAIT_MAX || off > MT_WAIT_MAX)
        return false;
    return !f->ended || off < 0;
}

static enum ts_err take_segment(struct mt_flows *flows, struct flow *f,
                                const struct mt_packet *p)
{
    uint32_t seq = p->seq + p->syn;
    enum ts_err err = TS_OK;
    if (f->ended && !p->syn && p->data.n == 0)
        return TS_OK; /* an acknowledgement of the end */
    if (!goes_on(f, p))
        err = start_flow(flows, f, seq);
    if (!err && !f->ended)
        err = take_data(flows, f, seq, p->data);
    if (p->fin && !f->ended) {
        f->has_fin = true;
        f->fin = seq + (uint32_t)p->data.n;
    }
    bool all = f->has_fin && distance(f->fin, f->seq) <= 0;
    if (!err && !f->ended && (p->rst || all))
        err = end_flow(flows, f);
    return err;
}

/* --- all flows --- */

static bool same_end(const struct mt_end *a, const struct mt_end *b)
{
    return a->v6 == b->v6 && a->port == b->port &&
           memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

/* FNV-1a */
static uint32_t hash_end(uint32_t h, const struct mt_end *end)
{
    for (size_t i = 0; i < sizeof end->addr; i++)
        h = (h ^ end->addr[i]) * 16777619u;
    h = (h ^ (end->port & 0xff)) * 16777619u;
    return (h ^ end->port >> 8) * 16777619u;
}

static struct flow **bucket_of(struct mt_flows *flows,
                               const struct mt_place *place)
{
    uint32_t h = hash_end(hash_end(2166136261u, &place->from), &place->to);
    return &flows->bucket[h % BUCKETS];
}

static struct flow *find(struct mt_flows *flows, const struct mt_place *place)
{
    struct flow *f = *bucket_of(flows, place);
    while (f && (!same_end(&f->place.from, &place->from) ||
                 !same_end(&f->place.to, &place->to)))
        f = f->next;
    return f;
}

/* Out of the order by age, and to its newest end. */
static void take_out(struct mt_flows *flows, struct flow *f)
{
    if (f->older)
        f->older->newer = f->newer;
    else
        flows->oldest = f->newer;
    if (f->newer)
        f->newer->older = f->older;
    else
        flows->newest = f->older;
}

static void put_newest(struct mt_flows *flows, struct flow *f)
{
    f->older = flows->newest;
    f->newer = NULL;
    if (f->older)
        f->older->newer = f;
    else
        flows->oldest = f;
    flows->newest = f;
}

static void release(struct flow *f)
{
    while (f->pieces)
        free_piece(f, f->pieces);
    free(f->stream.b);
    free(f);
}

static void free_flow(struct mt_flows *flows, struct flow *f)
{
    struct flow **at = bucket_of(flows, &f->place);
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    take_out(flows, f);
    flows->n--;
    flows->held -= f->counted;
    release(f);
}

/* Silent if nothing that we look for can have been in it. */
static void drop_oldest(struct mt_flows *flows)
{
    struct flow *f = flows->oldest;
    if (f->counted && (f->stream.known || f->stream.mikey))
        note(flows, f,
             "too many connections at a time; the oldest is dropped in the "
             "middle of a message");
    free_flow(flows, f);
}

static struct flow *add_flow(struct mt_flows *flows,
                             const struct mt_place *place)
{
    if (flows->n == MT_FLOWS)
        drop_oldest(flows);
    struct flow *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->place = *place;
    f->stream.mikey =
        place->from.port == MT_MIKEY_PORT || place->to.port == MT_MIKEY_PORT;
    struct flow **bucket = bucket_of(flows, place);
    f->next = *bucket;
    *bucket = f;
    put_newest(flows, f);
    flows->n++;
    return f;
}

static void count(struct mt_flows *flows, struct flow *f)
{
    size_t now = f->waiting + f->stream.cap;
    flows->held += now - f->counted;
    f->counted = now;
}

enum ts_err mt_flows_take(struct mt_flows *flows, const struct mt_packet *p,
                          const struct mt_place *place)
{
    struct flow *f = find(flows, place);
    if (!f && p->data.n == 0 && !p->syn)
        return TS_OK;
    if (!f)
        f = add_flow(flows, place);
    if (!f)
        return TS_E_NOMEM;
    f->place = *place;
    take_out(flows, f);
    put_newest(flows, f);
    enum ts_err err = take_segment(flows, f, p);
    count(flows, f);
    while (flows->held > MT_FLOWS_MAX && flows->oldest != f)
        drop_oldest(flows);
    return err;
}

enum ts_err mt_flows_end(struct mt_flows *flows)
{
    for (struct flow *f = flows->oldest; f; f = f->newer) {
        enum ts_err err = f->ended ? TS_OK : end_flow(flows, f);
        if (err)
            return err;
        count(flows, f);
    }
    return TS_OK;
}

void mt_flows_free(struct mt_flows *flows)
{
    struct flow *f = flows ? flows->oldest : NULL;
    while (f) {
        struct flow *newer = f->newer;
        release(f);
        f = newer;
    }
    free(flows);
}
