/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A crypto session bundle: what both ends keep of a Transfer that is over, and
 * the keys of its crypto sessions.
 */
#include "mikey/bundle_state.h"

/* ---- the ends ---- */

void mikey_ends_wipe(struct mikey_ends *e)
{
    ts_key_wipe(&e->mpk);
    mikey_keys_wipe(&e->keys);
}

enum ts_err mikey_ends_own_keys(struct mikey_ends *e)
{
    struct mikey_keys ours;
    struct mikey_protect p;
    if (!e->init.has_kemac)
        return TS_OK;
    mikey_protect_of(&e->init, NULL, e->keys.k[0].key, &p);
    enum ts_err err = mikey_open_keys(&e->init.kemac, &p, e->init.t, 0, &ours);
    mikey_protect_end(&p);
    if (!err)
        err = mikey_keys_join(&e->keys, &ours);
    mikey_keys_wipe(&ours);
    return err;
}

enum ts_err mikey_keys_join(struct mikey_keys *keys,
                            const struct mikey_keys *more)
{
    enum ts_err err = TS_OK;
    for (size_t i = 0; !err && i < more->n; i++)
        err = mikey_keys_add(keys, &more->k[i]); /* AMB 14 */
    return err;
}

/* ---- memory ---- */

enum { BUFFERS = 5 };

size_t mikey_bundle_size(size_t max)
{
    return sizeof(struct mikey_bundle) + BUFFERS * max;
}

void mikey_bundle_wipe(struct mikey_bundle *b)
{
    if (b)
        ts_wipe(b, sizeof *b);
}

/* Keep a RAND: a view of our own copy, NULL where there is none. */
static struct ts_span keep_rand(uint8_t copy[static 255], struct ts_span rand)
{
    if (!rand.p)
        return rand;
    memcpy(copy, rand.p, rand.n);
    return ts_span(copy, rand.n);
}

static void keep_rands(struct mikey_bundle *b, const struct mikey_ends *e)
{
    const struct ts_span none = {NULL, 0};
    struct ts_span *rand = b->csb.rand;
    rand[MIKEY_RAND_I] = keep_rand(b->copy[0], e->init.rand[MIKEY_RAND_I]);
    rand[MIKEY_RAND_R] = rand[MIKEY_RAND_KMS] = none;
    if (e->alone)
        return;
    if (b->csb.flags & MIKEY_FLAG_G)
        rand[MIKEY_RAND_R] = keep_rand(b->copy[1], e->resp.rand[MIKEY_RAND_R]);
    rand[MIKEY_RAND_KMS] = keep_rand(b->copy[2], e->resp.rand[MIKEY_RAND_KMS]);
}

/* R162: a TICKET that is repeated must be this one. Where there is no room for
 * it, no update of ours could hold it, and none is taken that does. */
static void keep_ticket(struct mikey_bundle *b, const struct mikey_ticket *t)
{
    if (mikey_buf_set(&b->ticket, ts_span(t->body.p + 1, t->body.n - 1)))
        return;
    b->csb.ticket = mikey_buf_span(&b->ticket);
}

/* Session keys only: what the MPKs were for is over. */
static enum ts_err keep_keys(struct mikey_bundle *b, const struct mikey_keys *k)
{
    struct mikey_keys *to = &b->keys;
    to->n = to->len = 0;
    struct mikey_keys sessions = {.n = 0};
    for (size_t i = 0; i < k->n; i++)
        if (k->k[i].type != MIKEY_MPK)
            sessions.k[sessions.n++] = k->k[i];
    return mikey_keys_join(to, &sessions);
}

/* TRr of the Ticket Policy. */
static uint32_t rekey_interval(const struct mikey_msg *init)
{
    struct mikey_policy p;
    bool said =
        mikey_policy_read(init->ticket.tp.data, &p) == TS_OK && p.has_rekey;
    return said ? p.rekey : 0;
}

static enum ts_err keep_names(struct mikey_bundle *b,
                              const struct mikey_ends *e)
{
    enum ts_err err = mikey_name_set(&b->i, e->i);
    if (!err)
        err = mikey_name_set(&b->r, e->r);
    b->csb.i = mikey_name_id(&b->i);
    b->csb.r = mikey_name_id(&b->r);
    return err;
}

enum ts_err mikey_bundle_begin(const struct mikey_ends *e,
                               const struct mikey_now *now, void *mem, size_t n,
                               struct mikey_bundle **bundle)
{
    const struct mikey_msg *last = e->alone ? &e->init : &e->resp;
    struct mikey_buf buf[BUFFERS];
    struct mikey_bundle *b = mem;
    if (!mikey_cut(mem, n, sizeof *b, buf, BUFFERS))
        return TS_E_SPACE;
    memset(b, 0, sizeof *b); /* lint: the caller's memory, not yet a key's */
    b->side = e->side;
    b->party = e->party;
    b->entries = buf[0];
    b->params = buf[1];
    b->pending = buf[2];
    b->ticket = buf[3];
    b->scratch = buf[4];
    b->csb.flags = e->init.ticket.tp.flags;
    b->rekey = rekey_interval(&e->init);
    keep_rands(b, e);
    keep_ticket(b, &e->init.ticket);
    mikey_protect_begin(
        &b->csb.keys, mikey_suite_prf(e->init.hdr.prf), ts_key_span(&e->mpk),
        e->alone ? MIKEY_SEL_INIT : MIKEY_SEL_RESP, /* R164 */
        e->init.hdr.csb, b->csb.rand[MIKEY_RAND_I], b->csb.rand[MIKEY_RAND_R]);
    enum ts_err err = keep_names(b, e);
    if (!err)
        err = keep_keys(b, &e->keys);
    if (!err)
        err = mikey_bundle_policies(b, &e->init, e->side == MIKEY_INITIATOR);
    if (!err && !e->alone)
        err = mikey_bundle_policies(b, &e->resp, e->side == MIKEY_RESPONDER);
    if (!err)
        err = mikey_bundle_map(b, &last->hdr, &b->keys);
    if (err) {
        mikey_bundle_wipe(b);
        return err;
    }
    b->last = b->own = last->t;
    b->slot = e->slot % MIKEY_SLOTS;
    for (size_t i = 0; i < b->keys.n; i++)
        b->keyed_at[i] = now->us / 1000000;
    *bundle = b;
    return TS_OK;
}

/* ---- policies and sessions ---- */

enum ts_err mikey_bundle_policies(struct mikey_bundle *b,
                                  const struct mikey_msg *m, bool ours)
{
    struct mikey_sps *set = &b->sps;
    for (size_t i = 0; i < m->n_sp; i++) {
        const struct mikey_sp *sp = &m->sp[i], *old;
        old = mikey_sps_find(set, sp->no);
        if (old &&
            (old->prot != sp->prot || !ts_span_equal(old->params, sp->params)))
            return TS_E_MISMATCH; /* a number names one policy */
        if (old)
            continue; /* R79: sent again */
        if (set->n == MIKEY_SP_MAX ||
            sp->params.n > b->params.cap - b->params.n)
            return TS_E_SPACE;
        set->sp[set->n] = *sp;
        set->sp[set->n].params.p = b->params.p + b->params.n;
        if (sp->params.n)
            memcpy(b->params.p + b->params.n, sp->params.p, sp->params.n);
        set->ours[set->n++] = ours;
        b->params.n += sp->params.n;
    }
    return TS_OK;
}

/* One session of the map: complete, with a policy we take and a key. */
static enum ts_err check_session(const struct mikey_bundle *b,
                                 const struct mikey_cs *cs,
                                 const struct mikey_keys *keys)
{
    if (cs->policies.n == 0 || cs->spi.n == 0)
        return TS_E_MISSING; /* R68, R69, R200, R208 */
    if (cs->prot == MIKEY_PROT_SRTP && cs->session.n == 0)
        return TS_E_MISSING; /* R69, R205 */
    if (!mikey_keys_find(keys, cs->spi))
        return TS_E_NOTFOUND; /* R167, R209 */
    return mikey_sps_judge(&b->sps, b->party, b->side, cs->policies.p[0],
                           cs->prot); /* R85, R86, R203 */
}

enum ts_err mikey_bundle_map(struct mikey_bundle *b,
                             const struct mikey_hdr *hdr,
                             const struct mikey_keys *keys)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        struct mikey_cs cs;
        enum ts_err err = mikey_cs_read(&r, &cs);
        if (!err)
            err = check_session(b, &cs, keys);
        if (err)
            return err;
    }
    enum ts_err err = mikey_buf_set(&b->entries, hdr->map);
    if (!err)
        b->map = (struct mikey_hdr){.n_cs = hdr->n_cs,
                                    .map_type = MIKEY_MAP_GENERIC,
                                    .map = mikey_buf_span(&b->entries)};
    return err;
}

/* ---- what the bundle tells ---- */

uint32_t mikey_bundle_csb(const struct mikey_bundle *b)
{
    return b->csb.keys.csb;
}

struct mikey_id mikey_bundle_peer(const struct mikey_bundle *b)
{
    return b->side == MIKEY_INITIATOR ? b->csb.r : b->csb.i;
}

size_t mikey_bundle_sessions(const struct mikey_bundle *b)
{
    return b->map.n_cs;
}

enum ts_err mikey_bundle_session(const struct mikey_bundle *b, size_t nth,
                                 struct mikey_session *session)
{
    return mikey_map_session(&b->map, nth, session);
}

size_t mikey_bundle_keys(const struct mikey_bundle *b,
                         const struct mikey_key **keys)
{
    *keys = b->keys.k;
    return b->keys.n;
}

/* When the oldest of the keys that are used came; UINT64_MAX: none is. A key
 * that is there but not used yet is no rekeying. */
static uint64_t oldest_in_use(const struct mikey_bundle *b)
{
    struct ts_reader r = ts_reader_span(b->map.map);
    struct mikey_cs cs;
    uint64_t at = UINT64_MAX;
    for (unsigned i = 0; i < b->map.n_cs && !mikey_cs_read(&r, &cs); i++) {
        const struct mikey_key *k = mikey_keys_find(&b->keys, cs.spi);
        if (k && b->keyed_at[k - b->keys.k] < at)
            at = b->keyed_at[k - b->keys.k]; /* R236 */
    }
    return at;
}

uint64_t mikey_bundle_rekey_at(const struct mikey_bundle *b)
{
    const uint64_t at = oldest_in_use(b);
    return b->rekey && at < UINT64_MAX ? at + b->rekey : 0; /* R234, R236 */
}

/* R279: keys longer than 128 bits want the 256-bit suite. */
static enum ts_err srtp_key(const struct mikey_bundle *b,
                            const struct mikey_cs *cs,
                            struct mikey_srtp_key *out)
{
    const uint16_t flags = b->csb.flags;
    const struct mikey_suite *suite = b->csb.keys.suite;
    const struct mikey_sp *sp = mikey_sps_find(&b->sps, cs->policies.p[0]);
    const struct ts_span none = {NULL, 0};
    const struct mikey_tek_base base = {
        .prf = suite->prf, /* R152 */
        .rand_i = flags & MIKEY_FLAG_H ? b->csb.rand[MIKEY_RAND_I] : none,
        .rand_r = flags & MIKEY_FLAG_G ? b->csb.rand[MIKEY_RAND_R] : none,
    }; /* R155, R156, R222 */
    enum ts_err err =
        sp ? mikey_srtp_policy_read(sp, &out->policy) : TS_E_NOTFOUND;
    if (err)
        return err;
    out->key_len = out->policy.encr_key;
    out->salt_len = out->policy.salt;
    if (out->key_len > (suite->bits == 128 ? 16 : sizeof out->key) ||
        out->salt_len > sizeof out->salt)
        return TS_E_UNSUPPORTED; /* R279 */
    out->spi_len = cs->spi.n;
    memcpy(out->spi, cs->spi.p, cs->spi.n);
    return mikey_srtp_keys(&b->keys, cs->spi, cs->id, &base, out->key,
                           out->key_len, out->salt, out->salt_len);
}

enum ts_err mikey_bundle_srtp(const struct mikey_bundle *b, uint8_t cs,
                              struct mikey_srtp_key *out)
{
    struct mikey_cs found;
    *out = (struct mikey_srtp_key){0};
    enum ts_err err = mikey_cs_find(&b->map, cs, &found);
    if (!err)
        err = srtp_key(b, &found, out);
    if (err)
        ts_wipe(out, sizeof *out);
    return err;
}
