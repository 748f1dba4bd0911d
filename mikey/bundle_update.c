/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of a bundle (RFC 6043 5.2), by either side.
 */
#include "mikey/bundle_state.h"
#include "mikey/srtp.h"

static const struct ts_span none;

static enum mikey_side other(enum mikey_side side)
{
    return side == MIKEY_INITIATOR ? MIKEY_RESPONDER : MIKEY_INITIATOR;
}

/* T of a message that came. */
static enum ts_err check_t(const struct mikey_bundle *b,
                           const struct mikey_now *now, struct mikey_time t,
                           struct mikey_time last)
{
    if (t.value <= last.value)
        return TS_E_REPLAY; /* R160 */
    return mikey_now_check(now, mikey_party_skew(b->party), t, true);
}

/* ---- what changes ---- */

/* A copy of all that an update may change, so that it is taken whole or not
 * at all. The buffers are the bundle's: their contents only grow, or are kept
 * aside in old. */
struct change {
    struct mikey_keys keys;
    size_t n_sp, params_n; /* to go back to */
};

static void change_begin(const struct mikey_bundle *b, struct change *c)
{
    mikey_keys_copy(&c->keys, &b->keys);
    c->n_sp = b->n_sp;
    c->params_n = b->params.n;
}

/* Policies and keys of one message, ours or the other one's. */
static enum ts_err change_add(struct mikey_bundle *b, struct change *c,
                              const struct mikey_msg *m,
                              const struct mikey_keys *more, bool ours)
{
    enum ts_err err = mikey_bundle_policies(b, m, ours);
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
        b->n_sp = c->n_sp;
        b->params.n = c->params_n;
    } else {
        if (c->keys.n != b->keys.n)
            b->keyed_at = now->us / 1000000; /* R234 */
        mikey_keys_copy(&b->keys, &c->keys);
        b->last = last->t;
    }
    mikey_keys_wipe(&c->keys);
    return err;
}

/* ---- starting one ---- */

static struct ts_span write_map(const struct mikey_bundle *b,
                                const struct mikey_update *u,
                                struct ts_writer *w)
{
    uint8_t data[10];
    if (!u->session)
        return mikey_buf_span(&b->map);
    for (size_t i = 0; i < u->n_sessions; i++) {
        const struct mikey_cs cs = mikey_session_cs(&u->session[i], data);
        mikey_put_cs(w, &cs);
    }
    return ts_written(w);
}

static enum ts_err build(struct mikey_bundle *b, const struct mikey_now *now,
                         const struct mikey_update *u)
{
    uint8_t params[1024], map[2048];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    if (u->n_sessions > 254 || (u->n_policies && !u->policy_no))
        return TS_E_RANGE;
    const struct mikey_update_new in = {
        .from = b->side,
        .want_response = u->want_answer,    /* R161 */
        .t = mikey_now_after(now, b->last), /* R160 */
        .n_cs = u->session ? (uint8_t)u->n_sessions : b->n_cs,
        .map = write_map(b, u, &map_w),
        .omit = b->party->omit,
        .sp = sp,
        .n_sp = u->n_policies,
        .new_keys = u->keys,
        .n_keys = u->n_keys,
    };
    enum ts_err err = map_w.err ? TS_E_RANGE
                                : mikey_policies(u->policy, u->policy_no,
                                                 u->n_policies, &params_w, sp);
    if (err)
        return err;
    struct ts_writer w = mikey_buf_writer(&b->pending);
    mikey_build_update(&w, &b->csb, &in);
    b->pending.n = w.err ? 0 : w.len;
    return w.err;
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

/* In force at once, or a look at whether it could be: SPIs that are taken and
 * policies that contradict are found before anything is sent. */
static enum ts_err try_own(struct mikey_bundle *b, const struct mikey_now *now,
                           bool keep)
{
    struct mikey_msg m;
    struct mikey_keys ours;
    struct change c;
    enum ts_err err = mikey_msg_read(mikey_buf_span(&b->pending), &m, NULL);
    if (err)
        return err;
    change_begin(b, &c);
    err = own_keys(b, &m, &ours);
    if (!err)
        err = change_add(b, &c, &m, &ours, true);
    mikey_keys_wipe(&ours);
    if (keep)
        return change_end(b, &c, err, &m, now);
    b->n_sp = c.n_sp; /* not yet: the answer will say */
    b->params.n = c.params_n;
    mikey_keys_wipe(&c.keys);
    if (!err)
        b->last = m.t;
    return err;
}

enum ts_err mikey_bundle_update(struct mikey_bundle *b,
                                const struct mikey_now *now,
                                const struct mikey_update *update, uint8_t *out,
                                size_t cap, size_t *n)
{
    if (b->waiting)
        return TS_E_STATE;
    enum ts_err err = build(b, now, update);
    if (!err && b->pending.n > cap)
        err = TS_E_SPACE;
    if (!err)
        err = try_own(b, now, !update->want_answer);
    if (!err)
        err = mikey_hand_out(mikey_buf_span(&b->pending), out, cap, n);
    b->waiting = !err && update->want_answer;
    return err;
}

void mikey_bundle_abandon(struct mikey_bundle *b)
{
    b->waiting = false;
}

/* ---- taking one ---- */

/* Session Data and SPI that this session has already. */
static void complete(const struct mikey_bundle *b, struct mikey_cs *cs)
{
    const struct mikey_hdr hdr = {.n_cs = b->n_cs,
                                  .map_type = MIKEY_MAP_GENERIC,
                                  .map = mikey_buf_span(&b->map)};
    struct mikey_cs old;
    if (cs->policies.n > 1)
        cs->policies.n = 1; /* R68, R199 */
    if (mikey_cs_find(&hdr, cs->id, &old))
        return;
    if (cs->policies.n == 0)
        cs->policies = old.policies; /* R200 */
    if (cs->session.n == 0) {
        cs->session = old.session; /* R69 */
        cs->s = old.s;
    }
    if (cs->spi.n == 0)
        cs->spi = old.spi; /* R69 */
}

static struct ts_span answer_map(const struct mikey_bundle *b,
                                 const struct mikey_hdr *hdr,
                                 struct ts_writer *w)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    if (hdr->n_cs == 0)
        return mikey_buf_span(&b->map);
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        struct mikey_cs cs;
        if (mikey_cs_read(&r, &cs))
            break;
        complete(b, &cs);
        mikey_put_cs(w, &cs);
    }
    return ts_written(w);
}

static enum ts_err build_answer(struct mikey_bundle *b,
                                const struct mikey_now *now,
                                const struct mikey_msg *m, struct ts_writer *w)
{
    uint8_t map[4096];
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    const struct mikey_update_new in = {
        .from = b->side,
        .response = true,
        .init = m->raw,
        .t = mikey_now_after(now, m->t), /* R160 */
        .n_cs = m->hdr.n_cs ? m->hdr.n_cs : b->n_cs,
        .map = answer_map(b, &m->hdr, &map_w),
        .omit = b->party->omit,
    };
    if (map_w.err)
        return TS_E_SPACE;
    mikey_build_update(w, &b->csb, &in);
    return w->err;
}

/* Their TRANSFER_INIT: what it brings, and our answer if it wants one. */
static enum ts_err take_init(struct mikey_bundle *b,
                             const struct mikey_now *now,
                             const struct mikey_msg *m, uint8_t *answer,
                             size_t cap, size_t *n)
{
    struct mikey_keys theirs;
    struct change c;
    struct mikey_msg resp;
    const struct mikey_msg *last = m;
    struct ts_writer w = ts_writer_init(answer, cap);
    enum ts_err err =
        mikey_update_open(&b->csb, m, other(b->side), none, &theirs);
    if (!err)
        err = check_t(b, now, m->t, b->last);
    change_begin(b, &c);
    if (!err)
        err = change_add(b, &c, m, &theirs, false);
    if (!err && m->hdr.v) { /* R161 */
        err = build_answer(b, now, m, &w);
        if (!err)
            err = mikey_msg_read(ts_written(&w), &resp, NULL);
        last = &resp;
    }
    mikey_keys_wipe(&theirs);
    err = change_end(b, &c, err, err ? m : last, now);
    if (!err)
        *n = w.len;
    return err;
}

/* The answer to our update. */
static enum ts_err take_answer(struct mikey_bundle *b,
                               const struct mikey_now *now,
                               const struct mikey_msg *m)
{
    struct mikey_msg init;
    struct mikey_keys ours, theirs;
    struct change c;
    if (!b->waiting)
        return TS_E_STATE;
    if (mikey_msg_read(mikey_buf_span(&b->pending), &init, NULL))
        return TS_E_INTERNAL;
    enum ts_err err =
        mikey_update_open(&b->csb, m, other(b->side), init.raw, &theirs);
    if (!err)
        err = check_t(b, now, m->t, init.t);
    change_begin(b, &c);
    ours.n = ours.len = 0;
    if (!err)
        err = own_keys(b, &init, &ours);
    if (!err)
        err = change_add(b, &c, &init, &ours, true);
    if (!err)
        err = change_add(b, &c, m, &theirs, false);
    mikey_keys_wipe(&ours);
    mikey_keys_wipe(&theirs);
    err = change_end(b, &c, err, m, now);
    if (!err)
        b->waiting = false;
    return err;
}

/* An Error about our update; only one that is proven ends it. */
static enum ts_err take_error(struct mikey_bundle *b, const struct mikey_msg *m)
{
    struct mikey_hmac h;
    if (m->hdr.csb != b->csb.keys.csb || m->n_err == 0)
        return TS_E_MISMATCH; /* R183 */
    mikey_protect_auth(&b->csb.keys, &h);
    if (mikey_v_verify(m, b->csb.keys.suite, &h, none, none) == TS_OK)
        b->waiting = false; /* R187 */
    ts_wipe(&h, sizeof h);
    return TS_E_PEER;
}

enum ts_err mikey_bundle_receive(struct mikey_bundle *b,
                                 const struct mikey_now *now,
                                 struct ts_span message, uint8_t *answer,
                                 size_t cap, size_t *n)
{
    struct mikey_msg m;
    *n = 0;
    enum ts_err err = mikey_msg_read(message, &m, NULL);
    if (err)
        return err;
    switch (m.hdr.type) {
    case MIKEY_TRANSFER_INIT:
        return b->waiting ? TS_E_STATE : take_init(b, now, &m, answer, cap, n);
    case MIKEY_TRANSFER_RESP:
        return take_answer(b, now, &m);
    case MIKEY_ERROR:
        return take_error(b, &m);
    default:
        return TS_E_UNKNOWN;
    }
}
