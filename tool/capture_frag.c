/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments of IPv4 and IPv6 (RFC 791 3.2, RFC 8200 4.5).
 */
#include <stdlib.h>

#include "tool/capture_ip.h"

#define DATAGRAMS 64
#define UNIT      8     /* octets: offsets count in these */
#define LONGEST   65535 /* octets of a datagram */
#define UNITS     ((LONGEST + UNIT) / UNIT)

/** One datagram, free if data is NULL. */
struct datagram {
    struct mt_frag key; /* from, to, id, protocol */
    uint64_t age;       /* when its first fragment came */
    size_t total;       /* octets, 0 as long as its last one is not there */
    bool done;          /* handed out: free at the next call */
    bool have[UNITS];
    uint8_t data[UNITS * UNIT];
};

struct mt_frags {
    struct mt_sink sink;
    uint64_t clock;
    struct datagram *d[DATAGRAMS];
};

struct mt_frags *mt_frags_new(const struct mt_sink *sink)
{
    struct mt_frags *frags = calloc(1, sizeof *frags);
    if (frags)
        frags->sink = *sink;
    return frags;
}

void mt_frags_free(struct mt_frags *frags)
{
    for (size_t i = 0; frags && i < DATAGRAMS; i++)
        free(frags->d[i]);
    free(frags);
}

static bool same_addr(const struct mt_end *a, const struct mt_end *b)
{
    return a->v6 == b->v6 && memcmp(a->addr, b->addr, sizeof a->addr) == 0;
}

static bool same(const struct mt_frag *a, const struct mt_frag *b)
{
    return a->id == b->id && a->protocol == b->protocol &&
           same_addr(&a->from, &b->from) && same_addr(&a->to, &b->to);
}

static void say_dropped(const struct mt_frags *frags, const struct mt_frag *key)
{
    char line[200], from[MT_END], to[MT_END];
    snprintf(line, sizeof line,
             "a datagram from %s to %s was never whole, and is dropped",
             mt_end_text(&key->from, from), mt_end_text(&key->to, to));
    frags->sink.note(frags->sink.arg, line);
}

/* Its datagram, or a new one in place of the oldest. NULL: no memory. */
static struct datagram *find(struct mt_frags *frags, const struct mt_frag *key)
{
    struct datagram **slot = &frags->d[0];
    for (size_t i = 0; i < DATAGRAMS; i++) {
        struct datagram **d = &frags->d[i];
        if (*d && (*d)->done) {
            free(*d);
            *d = NULL;
        }
        if (*d && same(&(*d)->key, key))
            return *d;
        if (*slot && (!*d || (*d)->age < (*slot)->age))
            slot = d;
    }
    if (*slot)
        say_dropped(frags, &(*slot)->key);
    free(*slot);
    *slot = calloc(1, sizeof **slot);
    if (*slot) {
        (*slot)->key = *key;
        (*slot)->age = ++frags->clock;
    }
    return *slot;
}

/* Unit by unit, unless it is there already. */
static void keep(struct datagram *d, size_t offset, struct ts_span data)
{
    for (size_t i = 0; i < data.n; i += UNIT) {
        size_t n = data.n - i < UNIT ? data.n - i : UNIT;
        bool *have = &d->have[(offset + i) / UNIT];
        if (!*have)
            memcpy(d->data + offset + i, data.p + i, n);
        *have = true;
    }
}

static bool is_whole(const struct datagram *d)
{
    if (d->total == 0)
        return false;
    for (size_t i = 0; i < d->total; i += UNIT)
        if (!d->have[i / UNIT])
            return false;
    return true;
}

enum ts_err mt_frags_take(struct mt_frags *frags, const struct mt_frag *frag,
                          struct ts_span *whole)
{
    size_t end = frag->offset + frag->data.n;
    if (frag->offset % UNIT || frag->data.n == 0 || end > LONGEST ||
        (frag->more && frag->data.n % UNIT))
        return TS_E_FORMAT;
    struct datagram *d = find(frags, frag);
    if (!d)
        return TS_E_NOMEM;
    keep(d, frag->offset, frag->data);
    if (!frag->more && d->total == 0)
        d->total = end;
    if (!is_whole(d))
        return TS_E_AGAIN;
    d->done = true;
    *whole = ts_span(d->data, d->total);
    return TS_OK;
}
