/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of a bundle (RFC 6043 5.2), by either side.
 */
#include "mikey/bundle_state.h"

static const struct ts_span none;

static enum mikey_side other(enum mikey_side side)
{
    return side == MIKEY_INITIATOR ? MIKEY_RESPONDER : MIKEY_INITIATOR;
}

/* ---- time ---- */

static struct mikey_time later_of(struct mikey_time a, struct mikey_time b)
{
    return mikey_time_later(a, b) ? a : b;
}

/* What is below a microsecond says whose it is: bundles of one offer may have
 * the same keys, and be updated at once. Never whole seconds: those are of an
 * NTP-UTC-32, whose last bit is another one. */
static enum ts_err fine_t(bool responder, unsigned slot,
                          struct mikey_time floor, struct mikey_time *t)
{
    const uint64_t step = 2 * MIKEY_SLOTS, own = 2 * slot + responder;
    t->value -= t->value % step;
    t->value += own;
    if (!mikey_time_later(*t, floor))
        t->value += step;
    if ((uint32_t)t->value == 0)
        t->value += step;
    return mikey_time_later(*t, floor) ? TS_OK : TS_E_RANGE;
}

/*
 * R160, and more: above every T of this bundle, whoever sent it, and above
 * that of a message that is answered. Both sides encrypt with the same keys,
 * and T is all that tells their IVs apart; so its last bit tells the side, in
 * case both write at once.
 */
static enum ts_err next_t(const struct mikey_bundle *b,
                          const struct mikey_now *now, struct mikey_time floor,
                          struct mikey_time *t)
{
    const bool responder = b->side == MIKEY_RESPONDER;
    floor = later_of(floor, later_of(b->last, b->own));
    enum ts_err err = mikey_now_after(now, floor, t); /* of the same clock */
    const bool seconds = t->type == MIKEY_NTP_UTC_32;
    if (err)
        return err;
    if (!seconds && t->type != MIKEY_COUNTER)
        return fine_t(responder, b->slot, floor, t);
    if ((t->value >> (seconds ? 32 : 0) & 1) != responder)
        err = mikey_time_after(*t, t);
    return err;
}

/* T of a message that came, in answer to what was sent at floor. */
static enum ts_err check_t(const struct mikey_bundle *b,
                           const struct mikey_now *now, struct mikey_time t,
                           struct mikey_time floor)
{
    if (!mikey_time_alike(t, floor))
        return TS_E_TIME;
    if (!mikey_time_later(t, floor) || t.value == b->own.value)
        return TS_E_REPLAY; /* R160 */
    return mikey_now_check(now, mikey_party_skew(b->party), t, true);
}

/* ---- what changes ---- */

/* A copy of what an update may change, so that it is taken whole or not at
 * all. Policies go behind those that there are, until it is decided. */
struct change {
    struct mikey_keys keys;
    uint64_t keyed_at[MIKEY_KEYS_MAX];
    size_t n_old;          /* of keys: known before */
    size_t n_sp, params_n; /* to go back to */
};

static void change_begin(const struct mikey_bundle *b, struct change *c)
{
    mikey_keys_copy(&c->keys, &b->keys);
    memcpy(c->keyed_at, b->keyed_at, sizeof c->keyed_at);
    c->n_old = c->keys.n;
    c->n_sp = b->sps.n;
    c->params_n = b->params.n;
}

static void change_drop(struct mikey_bundle *b, struct change *c)
{
    b->sps.n = c->n_sp;
    b->params.n = c->params_n;
    mikey_keys_wipe(&c->keys);
}

static bool in_use(const struct mikey_bundle *b, const struct mikey_key *k)
{
    struct ts_reader r = ts_reader_span(b->map.map);
    struct mikey_cs cs;
    for (unsigned i = 0; i < b->map.n_cs && !mikey_cs_read(&r, &cs); i++)
        if (ts_span_equal(cs.spi, k->spi))
            return true;
    return false;
}

static enum ts_err remove_key(struct mikey_keys *keys, size_t which)
{
    struct mikey_keys rest = {.n = 0}, kept = {.n = 0};
    for (size_t i = 0; i < keys->n; i++)
        if (i != which)
            rest.k[rest.n++] = keys->k[i];
    enum ts_err err = mikey_keys_join(&kept, &rest);
    mikey_keys_wipe(keys);
    mikey_keys_copy(keys, &kept);
    mikey_keys_wipe(&kept);
    return err;
}

/* Forget the oldest keys that no session uses, as far as new ones need it. Both
 * ends have the same keys in the same order, and so forget the same. */
static enum ts_err make_room(const struct mikey_bundle *b, struct change *c,
                             const struct mikey_keys *more)
{
    const size_t bytes = mikey_keys_bytes(more->k, more->n);
    size_t i = 0;
    while (c->keys.n + more->n > MIKEY_KEYS_MAX ||
           c->keys.len + bytes > MIKEY_KEYS_BYTES) {
        while (i < c->n_old && in_use(b, &c->keys.k[i]))
            i++;
        if (i == c->n_old)
            return TS_E_SPACE;
        enum ts_err err = remove_key(&c->keys, i);
        if (err)
            return err;
        c->n_old--;
        memmove(&c->keyed_at[i], &c->keyed_at[i + 1],
                (c->n_old - i) * sizeof c->keyed_at[0]);
    }
    return TS_OK;
}

/* Policies and keys of one message, ours or the other one's. */
static enum ts_err change_add(struct mikey_bundle *b, struct change *c,
                              const struct mikey_msg *m,
                              const struct mikey_keys *more, bool ours)
{
    enum ts_err err = mikey_bundle_policies(b, m, ours);
    if (!err)
        err = make_room(b, c, more);
    return err ? err : mikey_keys_join(&c->keys, more);
}

/* Take the map of the last message and all that was added, or go back. */
static enum ts_err change_end(struct mikey_bundle *b, struct change *c,
                              enum ts_err err, const struct mikey_msg *last,
                              const struct mikey_now *now)
{
    if (!err && last->hdr.n_cs)
        err = mikey_bundle_map(b, &last->hdr, &c->keys); /* R167 */
    if (err) {
        change_drop(b, c);
        return err;
    }
    for (size_t i = c->n_old; i < c->keys.n; i++)
        c->keyed_at[i] = now->us / 1000000; /* R234 */
    memcpy(b->keyed_at, c->keyed_at, sizeof b->keyed_at);
    mikey_keys_wipe(&b->keys);
    mikey_keys_copy(&b->keys, &c->keys);
    mikey_keys_wipe(&c->keys);
    b->last = b->own = later_of(last->t, b->own);
    return TS_OK;
}

/* ---- our messages ---- */

/* Our keys and policies, wherever they go. Whether L or M allows the keys is
 * asked where the message is built. */
static enum ts_err check_ours(const struct mikey_bundle *b,
                              const struct mikey_key *keys, size_t n_keys,
                              const uint8_t *no, size_t n_no)
{
    enum ts_err err =
        mikey_keys_ours(keys, n_keys, b->csb.keys.suite, MIKEY_KEYS_MAX);
    if (err)
        return err;
    if (!mikey_rands_ok(b->csb.rand[MIKEY_RAND_I], b->csb.rand[MIKEY_RAND_R],
                        keys, n_keys))
        return TS_E_RANGE; /* R272 */
    if (n_no && !no)
        return TS_E_RANGE;
    for (size_t i = 0; i < n_no; i++)
        if (mikey_sps_find(&b->sps, no[i]))
            return TS_E_EXISTS; /* R79 */
    return TS_OK;
}

/* Our own keys, out of the message that carries them. */
static enum ts_err own_keys(struct mikey_bundle *b, const struct mikey_msg *m,
                            struct mikey_keys *keys)
{
    keys->n = keys->len = 0;
    return m->has_kemac
               ? mikey_open_keys(&m->kemac, &b->csb.keys, m->t, 0, keys)
               : TS_OK;
}

/* What a message of ours adds. */
static enum ts_err add_own(struct mikey_bundle *b, struct change *c,
                           const struct mikey_msg *m)
{
    struct mikey_keys ours;
    enum ts_err err = own_keys(b, m, &ours);
    if (!err)
        err = change_add(b, c, m, &ours, true);
    mikey_keys_wipe(&ours);
    return err;
}

/* ---- starting one ---- */

static enum ts_err build(struct mikey_bundle *b, const struct mikey_now *now,
                         const struct mikey_update *u)
{
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer w = mikey_buf_writer(&b->pending);
    struct ts_writer scratch = mikey_buf_writer(&b->scratch);
    struct mikey_update_new in = {
        .from = b->side,
        .want_response = u->want_answer, /* R161 */
        .n_cs = b->map.n_cs,
        .map = b->map.map,
        .omit = b->party->omit,
        .sp = sp,
        .n_sp = u->n_policies,
        .new_keys = u->keys, /* R165 */
        .n_keys = u->n_keys,
    };
    if (u->n_sessions > 255)
        return TS_E_RANGE;
    if (u->session) {
        in.n_cs = (uint8_t)u->n_sessions;
        in.map = mikey_put_sessions(&scratch, u->session, u->n_sessions);
    }
    enum ts_err err = scratch.err
                          ? scratch.err
                          : mikey_sps_write(u->policy, u->policy_no,
                                            u->n_policies, &scratch, sp);
    if (!err)
        err = next_t(b, now, b->last, &in.t); /* R160 */
    if (err)
        return err;
    mikey_build_update(&w, &b->csb, &in);
    b->pending.n = w.err ? 0 : w.len;
    return w.err;
}

/* R203: the policies that our sessions name. */
static enum ts_err check_numbers(const struct mikey_bundle *b,
                                 const struct mikey_hdr *hdr)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    struct mikey_cs cs;
    for (unsigned i = 0; i < hdr->n_cs && !mikey_cs_read(&r, &cs); i++)
        for (size_t k = 0; k < cs.policies.n; k++) {
            const struct mikey_sp *sp =
                mikey_sps_find(&b->sps, cs.policies.p[k]);
            if (!sp || sp->prot != cs.prot)
                return TS_E_MISMATCH; /* R203 */
        }
    return TS_OK;
}

/* In force at once, or a look at whether it could be: SPIs that are taken and
 * policies that contradict are found before anything is sent. */
static enum ts_err try_own(struct mikey_bundle *b, const struct mikey_now *now,
                           const struct mikey_msg *m, bool keep)
{
    struct change c;
    change_begin(b, &c);
    enum ts_err err = add_own(b, &c, m);
    if (!err)
        err = check_numbers(b, &m->hdr);
    if (keep)
        return change_end(b, &c, err, m, now);
    change_drop(b, &c); /* not yet: the answer will say */
    return err;
}

enum ts_err mikey_bundle_update(struct mikey_bundle *b,
                                const struct mikey_now *now,
                                const struct mikey_update *update, uint8_t *out,
                                size_t cap, size_t *n)
{
    struct mikey_msg m;
    if (b->waiting)
        return TS_E_STATE;
    enum ts_err err = check_ours(b, update->keys, update->n_keys,
                                 update->policy_no, update->n_policies);
    if (!err)
        err = build(b, now, update);
    if (!err && b->pending.n > cap)
        err = TS_E_SPACE;
    if (!err && mikey_msg_read(mikey_buf_span(&b->pending), &m, NULL))
        err = TS_E_RANGE; /* two sessions of one CS ID, a number twice */
    if (!err)
        err = try_own(b, now, &m, !update->want_answer);
    if (err)
        return err;
    b->last = later_of(b->last, b->own);
    b->own = m.t;
    b->waiting = update->want_answer;
    return mikey_hand_out(mikey_buf_span(&b->pending), out, cap, n);
}

void mikey_bundle_abandon(struct mikey_bundle *b)
{
    b->waiting = false;
}

/* ---- taking one ---- */

/* R69: a session that has no key yet takes the first new one. */
static struct ts_span first_spi(const struct mikey_bundle *b,
                                const struct mikey_keys *theirs,
                                const struct mikey_answer *a)
{
    if (theirs->n)
        return theirs->k[0].spi;
    if (a->n_keys)
        return a->keys[0].spi;
    return b->keys.n ? b->keys.k[0].spi : none;
}

static enum ts_err build_answer(struct mikey_bundle *b,
                                const struct mikey_now *now,
                                const struct mikey_msg *m,
                                const struct mikey_answer *a,
                                struct ts_span spi, struct ts_writer *w)
{
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer scratch = mikey_buf_writer(&b->scratch);
    const struct mikey_answering answering = {
        .party = b->party,
        .side = b->side,
        .known = &b->sps,
        .offer = m->hdr.n_cs ? &m->hdr : &b->map,
        .old = &b->map,
        .ours = a->session,
        .n_ours = a->n_sessions,
        .spi = spi,
    };
    struct mikey_update_new in = {
        .from = b->side,
        .response = true,
        .init = m->raw,
        .omit = b->party->omit,
        .sp = sp,
        .n_sp = a->n_policies,
        .new_keys = a->keys,
        .n_keys = a->n_keys,
    };
    unsigned n_cs;
    in.map = mikey_put_answer(&scratch, &answering, &n_cs);
    in.n_cs = (uint8_t)n_cs;
    enum ts_err err = scratch.err
                          ? scratch.err
                          : mikey_sps_write(a->policy, a->policy_no,
                                            a->n_policies, &scratch, sp);
    if (!err)
        err = next_t(b, now, m->t, &in.t);
    if (err)
        return err;
    mikey_build_update(w, &b->csb, &in);
    return w->err;
}

/* Our answer, and what it adds. */
static enum ts_err answer_init(struct mikey_bundle *b, struct change *c,
                               const struct mikey_now *now,
                               const struct mikey_msg *m,
                               const struct mikey_answer *a, struct ts_span spi,
                               struct ts_writer *w, struct mikey_msg *resp)
{
    const struct mikey_answering answering = {
        .party = b->party, .side = b->side, .known = &b->sps, .offer = &m->hdr};
    enum ts_err err = mikey_answering_judge(&answering);
    if (!err)
        err = check_ours(b, a->keys, a->n_keys, a->policy_no, a->n_policies);
    if (!err)
        err = build_answer(b, now, m, a, spi, w);
    if (!err && mikey_msg_read(ts_written(w), resp, NULL))
        err = TS_E_RANGE;
    return err ? err : add_own(b, c, resp);
}

/* Their TRANSFER_INIT: what it brings, and our answer if it wants one. */
static enum ts_err take_init(struct mikey_bundle *b,
                             const struct mikey_now *now,
                             const struct mikey_msg *m,
                             const struct mikey_answer *a, struct ts_writer *w)
{
    struct mikey_keys theirs;
    struct change c;
    struct mikey_msg resp;
    const struct mikey_msg *last = m;
    enum ts_err err =
        mikey_update_open(&b->csb, m, other(b->side), none, &theirs);
    if (!err)
        err = check_t(b, now, m->t, b->last);
    change_begin(b, &c);
    if (!err)
        err = change_add(b, &c, m, &theirs, false);
    if (!err && m->hdr.v) { /* R161 */
        err = answer_init(b, &c, now, m, a, first_spi(b, &theirs, a), w, &resp);
        last = &resp;
    }
    mikey_keys_wipe(&theirs);
    return change_end(b, &c, err, last, now);
}

/* An answer leaves nothing open, and names one policy each. */
static enum ts_err check_answer(const struct mikey_hdr *init,
                                const struct mikey_hdr *hdr)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    struct mikey_cs cs;
    if (init->n_cs && !hdr->n_cs)
        return TS_E_MISSING; /* R69 */
    for (unsigned i = 0; i < hdr->n_cs && !mikey_cs_read(&r, &cs); i++)
        if (cs.policies.n != 1)
            return TS_E_FORMAT; /* R68, R199 */
    return TS_OK;
}

/* The answer to our update. */
static enum ts_err take_answer(struct mikey_bundle *b,
                               const struct mikey_now *now,
                               const struct mikey_msg *m)
{
    struct mikey_msg init;
    struct mikey_keys theirs;
    struct change c;
    if (!b->waiting)
        return TS_E_STATE;
    if (mikey_msg_read(mikey_buf_span(&b->pending), &init, NULL))
        return TS_E_INTERNAL;
    enum ts_err err =
        mikey_update_open(&b->csb, m, other(b->side), init.raw, &theirs);
    if (!err)
        err = check_t(b, now, m->t, init.t);
    if (!err)
        err = check_answer(&init.hdr, &m->hdr);
    change_begin(b, &c);
    if (!err)
        err = add_own(b, &c, &init);
    if (!err)
        err = change_add(b, &c, m, &theirs, false);
    mikey_keys_wipe(&theirs);
    err = change_end(b, &c, err, m, now);
    if (!err)
        b->waiting = false;
    return err;
}

/* ---- Error ---- */

static bool verifies(struct mikey_bundle *b, const struct mikey_msg *m,
                     struct ts_span tail1, struct ts_span tail2)
{
    struct mikey_hmac h;
    mikey_protect_auth(&b->csb.keys, &h); /* R187 */
    bool good = mikey_v_verify(m, b->csb.keys.suite, &h, tail1, tail2) == TS_OK;
    ts_wipe(&h, sizeof h);
    return good;
}

/* An Error about a message of ours; only one that is proven, and of now, ends
 * our update. */
static enum ts_err take_error(struct mikey_bundle *b,
                              const struct mikey_now *now,
                              const struct mikey_msg *m)
{
    if (m->hdr.csb != b->csb.keys.csb || m->hdr.prf != b->csb.keys.suite->prf ||
        m->n_err == 0)
        return TS_E_MISMATCH; /* R183 */
    bool proven =
        m->has_t && verifies(b, m, none, none) &&
        mikey_now_check(now, mikey_party_skew(b->party), m->t, true) == TS_OK;
    mikey_refusal_set(&b->refusal, m, proven);
    if (proven)
        b->waiting = false;
    return TS_E_PEER;
}

enum ts_err mikey_bundle_receive(struct mikey_bundle *b,
                                 const struct mikey_now *now,
                                 struct ts_span message,
                                 const struct mikey_answer *ours, uint8_t *out,
                                 size_t cap, size_t *n)
{
    static const struct mikey_answer nothing;
    struct mikey_msg m;
    struct ts_writer w = ts_writer_init(out, cap);
    *n = 0;
    enum ts_err err = mikey_msg_read(message, &m, NULL);
    if (err)
        return err;
    switch (m.hdr.type) {
    case MIKEY_TRANSFER_INIT:
        if (b->waiting)
            return TS_E_STATE;
        err = take_init(b, now, &m, ours ? ours : &nothing, &w);
        if (!err)
            *n = w.len;
        return err;
    case MIKEY_TRANSFER_RESP:
        return take_answer(b, now, &m);
    case MIKEY_ERROR:
        return take_error(b, now, &m);
    default:
        return TS_E_UNKNOWN;
    }
}

const struct mikey_refusal *mikey_bundle_refusal(const struct mikey_bundle *b)
{
    return &b->refusal;
}

/* Whether a message is of the other end, or at least of one of us two. */
static bool is_proven(struct mikey_bundle *b, const struct mikey_msg *m)
{
    if (m->hdr.csb != b->csb.keys.csb)
        return false;
    if (m->hdr.type == MIKEY_TRANSFER_INIT)
        return verifies(b, m, b->csb.i.data, b->csb.r.data);
    return m->hdr.type == MIKEY_TRANSFER_RESP &&
           verifies(b, m, mikey_buf_span(&b->pending), none);
}

enum ts_err
mikey_bundle_refuse(struct mikey_bundle *b, const struct mikey_now *now,
                    struct ts_span message, const uint8_t *no, size_t n_no,
                    const struct mikey_srtp_policy *policy, size_t n_policies,
                    uint8_t *out, size_t cap, size_t *n)
{
    struct mikey_msg m;
    bool hdr_ok;
    enum ts_err err = mikey_msg_read(message, &m, &hdr_ok);
    if (!hdr_ok)
        return err;
    struct mikey_refuse in = {.about = &m.hdr,
                              .t = mikey_now_t(now), /* R185 */
                              .no = no,
                              .n_no = n_no,
                              .policy = policy,
                              .n_policies = n_policies,
                              .scratch = &b->scratch};
    if (!err && is_proven(b, &m)) /* R181 */
        in.auth = &b->csb.keys;
    return mikey_refuse_write(&in, out, cap, n);
}
