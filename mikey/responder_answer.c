/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Responder's part of the Transfer: an answer to an offer that was
 * verified, or an Error.
 */
#include "mikey/responder_state.h"

static const struct ts_span none;

/* ---- the answer (4.2.2.3) ---- */

/* R69: a session without SPI uses the first session key there is. */
static struct ts_span first_spi(const struct mikey_responder *r,
                                const struct mikey_answer *a)
{
    for (size_t i = 0; i < r->keys.n; i++)
        if (r->keys.k[i].type != MIKEY_MPK)
            return r->keys.k[i].spi;
    if (r->supplied.n)
        return r->supplied.k[0].spi;
    return a->n_keys ? a->keys[0].spi : none; /* R249 */
}

/* Our policies: with numbers of their own. */
static enum ts_err check_policies(const struct mikey_msg *m,
                                  const struct mikey_answer *a)
{
    if (a->n_policies && !a->policy_no)
        return TS_E_RANGE;
    for (size_t i = 0; i < a->n_policies; i++)
        for (size_t k = 0; k < m->n_sp; k++)
            if (m->sp[k].no == a->policy_no[i])
                return TS_E_EXISTS; /* R79 */
    return TS_OK;
}

/* Whether M allows our keys is asked where the message is built. */
static enum ts_err check_answer(const struct mikey_responder *r,
                                const struct mikey_msg *m,
                                const struct mikey_answer *a)
{
    enum ts_err err =
        mikey_keys_ours(a->keys, a->n_keys, mikey_suite_prf(m->hdr.prf),
                        MIKEY_KEYS_MAX - r->keys.n);
    return err ? err : check_policies(m, a);
}

/* R74, R221; as long as the longest key at least (R272). */
static enum ts_err draw_rand(const struct mikey_responder *r, uint16_t flags,
                             const struct mikey_answer *a,
                             uint8_t rand[static MIKEY_RAND_MAX], size_t *n)
{
    size_t longest = MIKEY_RAND_LEN, len = mikey_longest(r->keys.k, r->keys.n);
    longest = len > longest ? len : longest;
    len = mikey_longest(r->supplied.k, r->supplied.n);
    longest = len > longest ? len : longest;
    len = mikey_longest(a->keys, a->n_keys);
    longest = len > longest ? len : longest;
    *n = flags & MIKEY_FLAG_G ? longest : 0; /* R74, R139, R221, R275 */
    return mikey_party_random(r->party, rand, *n);
}

/* Without forking IDRr may be left out: the one called is meant then. */
static bool omits_self(const struct mikey_responder *r, uint16_t flags)
{
    return r->party->omit & MIKEY_OMIT(MIKEY_IDR_R) && !(flags & MIKEY_FLAG_I);
}

static struct ts_span write_map(const struct mikey_responder *r,
                                const struct mikey_msg *m,
                                const struct mikey_answer *a,
                                struct ts_writer *scratch, unsigned *n)
{
    struct mikey_sps set;
    const struct mikey_answering answering = {.party = r->party,
                                              .side = MIKEY_RESPONDER,
                                              .known = &set,
                                              .offer = &m->hdr,
                                              .ours = a->session,
                                              .n_ours = a->n_sessions,
                                              .spi = first_spi(r, a)};
    mikey_responder_policies(m, &set);
    return mikey_put_answer(scratch, &answering, n);
}

static enum ts_err build_answer(const struct mikey_responder *r,
                                const struct mikey_now *now,
                                const struct mikey_msg *m,
                                const struct mikey_answer *a,
                                const struct ts_key *mpk, struct ts_writer *w)
{
    const uint16_t flags = m->ticket.tp.flags;
    uint8_t rand[MIKEY_RAND_MAX];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer scratch = mikey_buf_writer(&r->scratch);
    unsigned n_cs;
    size_t n = 0;
    enum ts_err err = check_answer(r, m, a);
    if (err)
        return err;
    struct ts_span map = write_map(r, m, a, &scratch, &n_cs);
    err = scratch.err ? scratch.err
                      : mikey_sps_write(a->policy, a->policy_no, a->n_policies,
                                        &scratch, sp);
    if (!err)
        err = draw_rand(r, flags, a, rand, &n);
    if (err)
        return err;
    struct mikey_answer_new in = {
        .init = m,
        .suite = mikey_suite_prf(m->hdr.prf),
        .t = mikey_now_t(now), /* R72, R73 */
        .rand_r = ts_span(rand, n),
        .idr_r = mikey_name_id(&r->idr_r),               /* R75 */
        .rand_kms = ts_span(r->rand_kms, r->rand_kms_n), /* R77 */
        .n_cs = (uint8_t)n_cs,                           /* R71 */
        .map = map,
        .sp = sp,
        .n_sp = a->n_policies, /* R78 */
        .mpk = mpk,
        .keys = a->keys, /* R81 */
        .n_keys = a->n_keys,
    };
    if (omits_self(r, flags))
        in.idr_r.data = none;
    mikey_build_transfer_resp(w, &in);
    return w->err;
}

/* Who the ends are: the one called where nobody says who answers (AMB 6). */
static enum ts_err name_ends(const struct mikey_responder *r,
                             struct mikey_ends *e)
{
    const struct mikey_id *caller = &e->init.idr[MIKEY_IDR_I];
    const struct mikey_id *called = &e->init.idr[MIKEY_IDR_R];
    struct mikey_policy p;
    enum ts_err err = mikey_policy_read(e->init.ticket.tp.data, &p);
    if (err)
        return err;
    e->i = caller->data.p ? *caller : p.initiator; /* R55 */
    if (!e->alone && !omits_self(r, e->init.ticket.tp.flags))
        e->r = mikey_name_id(&r->idr_r);
    else
        e->r = called->data.p ? *called : r->party->self; /* R56 */
    return TS_OK;
}

/* What we know of the Transfer when the answer is written. */
static enum ts_err end(const struct mikey_responder *r,
                       const struct mikey_answer *a, struct mikey_ends *e)
{
    struct mikey_keys ours = {.n = 0};
    enum ts_err err = name_ends(r, e);
    mikey_keys_copy(&e->keys, &r->keys);
    if (!err)
        err = mikey_keys_join(&e->keys, &r->supplied);
    for (size_t i = 0; !e->alone && i < a->n_keys && i < MIKEY_KEYS_MAX; i++)
        ours.k[ours.n++] = a->keys[i];
    return err ? err : mikey_keys_join(&e->keys, &ours);
}

enum ts_err mikey_responder_answer(struct mikey_responder *r,
                                   const struct mikey_now *now,
                                   const struct mikey_answer *answer,
                                   uint8_t *out, size_t cap, size_t *n,
                                   void *mem, size_t mem_n,
                                   struct mikey_bundle **bundle)
{
    static const struct mikey_answer nothing;
    const struct mikey_answer *a = answer ? answer : &nothing;
    struct mikey_ends e = {.side = MIKEY_RESPONDER, .party = r->party};
    struct ts_writer w = ts_writer_init(out, cap);
    *n = 0;
    if (r->step != MIKEY_VERIFIED)
        return TS_E_STATE;
    if (mikey_responder_read(r, &e.init))
        return TS_E_INTERNAL;
    const uint16_t flags = e.init.ticket.tp.flags;
    e.alone = !(flags & MIKEY_FLAG_F);        /* R65, R220 */
    const bool fork = flags & MIKEY_FLAG_I && /* R126, R138, R144 */
                      !e.alone;               /* R164 */
    enum ts_err err = ts_key_set(&e.mpk, r->keys.k[fork ? 1 : 0].key);
    if (!err && !e.alone)
        err = build_answer(r, now, &e.init, a, &e.mpk, &w); /* R65 */
    if (!err && !e.alone && mikey_msg_read(ts_written(&w), &e.resp, NULL))
        err = TS_E_RANGE; /* two sessions of one CS ID, a number twice */
    if (!err)
        err = end(r, a, &e);
    if (!err && !e.alone) /* nobody counts the others that answer */
        e.slot = (unsigned)e.resp.v.mac.p[0] << 8 | e.resp.v.mac.p[1];
    if (!err)
        err = mikey_bundle_begin(&e, now, mem, mem_n, bundle);
    if (!err) {
        *n = w.len;
        r->step = MIKEY_ANSWERED;
        r->refused = false;
    }
    mikey_ends_wipe(&e);
    return err;
}

/* ---- Error ---- */

enum ts_err mikey_responder_refuse(const struct mikey_responder *r,
                                   const struct mikey_now *now,
                                   const uint8_t *no, size_t n_no,
                                   const struct mikey_srtp_policy *policy,
                                   size_t n_policies, uint8_t *out, size_t cap,
                                   size_t *n)
{
    struct mikey_msg m;
    struct mikey_protect keys;
    struct mikey_refuse in = {.about = &r->about,
                              .t = mikey_now_t(now),
                              .no = no,
                              .n_no = n_no,
                              .policy = policy,
                              .n_policies = n_policies,
                              .scratch = &r->scratch};
    if (!r->refused) {
        if (r->step == MIKEY_ANSWERED)
            return TS_E_STATE;
        enum ts_err err = mikey_responder_read(r, &m);
        if (err)
            return err;
        in.about = &m.hdr;
    }
    if (!r->refused && r->step == MIKEY_VERIFIED) {          /* R181 */
        mikey_protect_of(&m, NULL, r->keys.k[0].key, &keys); /* R187 */
        in.auth = &keys;
    }
    enum ts_err err = mikey_refuse_write(&in, out, cap, n);
    if (in.auth)
        mikey_protect_end(&keys);
    return err;
}
