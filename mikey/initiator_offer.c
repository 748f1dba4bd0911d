/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Initiator's part of the Transfer: offers with the ticket in hand, and a
 * bundle for each answer.
 */
#include "mikey/bundle.h"
#include "mikey/initiator_state.h"
#include "mikey/srtp.h"

static enum ts_err check_offer(const struct mikey_initiator *i,
                               const struct mikey_now *now,
                               const struct mikey_ticket *t,
                               const struct mikey_policy *p)
{
    if (i->used && !(t->tp.flags & MIKEY_FLAG_J))
        return TS_E_DENIED; /* R173, R224 */
    if (mikey_policy_valid(p, now->us / 1000000, mikey_party_skew(i->party)))
        return TS_E_EXPIRED;
    return TS_OK;
}

static struct ts_span write_map(struct ts_writer *w,
                                const struct mikey_session *s, size_t n)
{
    uint8_t data[10];
    for (size_t k = 0; k < n; k++) {
        const struct mikey_cs cs = mikey_session_cs(&s[k], data);
        mikey_put_cs(w, &cs);
    }
    return ts_written(w);
}

/* RANDRi and CSB ID: the caller's, for a group, or new ones (R171). */
static enum ts_err draw_offer(const struct mikey_initiator *i,
                              const struct mikey_offer *offer,
                              uint8_t rand[static 255], size_t *n,
                              uint32_t *csb)
{
    size_t longest = mikey_longest(i->keys.k, i->keys.n); /* R272 */
    *n = longest > MIKEY_RAND_LEN ? longest : MIKEY_RAND_LEN;
    *csb = offer->csb;
    enum ts_err err = TS_OK;
    if (offer->rand_i.n) {
        if (offer->rand_i.n > 255 || offer->rand_i.n < longest)
            return TS_E_RANGE; /* R272 */
        *n = offer->rand_i.n;
        memcpy(rand, offer->rand_i.p, *n); /* R251 */
    } else {
        err = mikey_party_random(i->party, rand, *n);
    }
    return err || offer->csb ? err : mikey_party_csb(i->party, csb); /* R51 */
}

static enum ts_err build_offer(struct mikey_initiator *i,
                               const struct mikey_now *now,
                               const struct mikey_ticket *t,
                               const struct mikey_offer *offer)
{
    uint8_t rand[255], params[1024], map[2048];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    struct ts_key mpk_i, mpk_r = {0};
    struct mikey_transfer_new in = {
        .suite = i->suite,
        .t = mikey_now_t(now),
        .n_cs = (uint8_t)offer->n_sessions,
        .map = write_map(&map_w, offer->session, offer->n_sessions),
        .idr_i = i->party->self,
        .idr_r = offer->to,
        .omit = i->party->omit,
        .sp = sp,
        .n_sp = offer->n_policies,
        .ticket = t,
        .sdp_ids = offer->sdp_ids,
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
        .keys = offer->keys,
        .n_keys = offer->n_keys,
    };
    size_t n;
    if (map_w.err || offer->n_sessions > 254)
        return TS_E_RANGE;
    enum ts_err err =
        mikey_policies(offer->policy, NULL, offer->n_policies, &params_w, sp);
    if (!err)
        err = draw_offer(i, offer, rand, &n, &in.csb);
    if (err)
        return err;
    in.rand_i = ts_span(rand, n);
    err = ts_key_set(&mpk_i, i->keys.k[0].key);
    if (!err && t->tp.flags & MIKEY_FLAG_I)
        err = ts_key_set(&mpk_r, i->keys.k[1].key);
    struct ts_writer w = mikey_buf_writer(&i->offered);
    if (!err)
        mikey_build_transfer_init(&w, &in);
    ts_key_wipe(&mpk_i);
    ts_key_wipe(&mpk_r);
    i->offered.n = err || w.err ? 0 : w.len;
    return err ? err : w.err;
}

enum ts_err mikey_initiator_transfer(struct mikey_initiator *i,
                                     const struct mikey_now *now,
                                     const struct mikey_offer *offer,
                                     uint8_t *out, size_t cap, size_t *n)
{
    struct mikey_ticket t;
    struct mikey_policy p;
    struct mikey_msg m;
    if (!mikey_initiator_read(i, &t, &p))
        return TS_E_STATE;
    enum ts_err err = check_offer(i, now, &t, &p);
    if (!err)
        err = mikey_name_set(&i->to, offer->to);
    if (!err)
        err = build_offer(i, now, &t, offer);
    if (!err) /* what cannot be read back (two sessions of one CS ID) */
        err = mikey_msg_read(mikey_buf_span(&i->offered), &m, NULL);
    if (!err)
        err = mikey_hand_out(mikey_buf_span(&i->offered), out, cap, n);
    if (!err)
        i->used = true;
    return err;
}

enum ts_err mikey_initiator_rand(const struct mikey_initiator *i,
                                 struct ts_span *rand_i, uint32_t *csb)
{
    struct mikey_msg m;
    if (i->offered.n == 0 ||
        mikey_msg_read(mikey_buf_span(&i->offered), &m, NULL))
        return TS_E_STATE;
    *rand_i = m.rand[MIKEY_RAND_I];
    *csb = m.hdr.csb;
    return TS_OK;
}

/* ---- answers ---- */

/* R273: as long as the keys that it forks. */
static enum ts_err check_rand_kms(const struct mikey_initiator *i,
                                  struct ts_span rand)
{
    for (size_t k = 1; k < i->keys.n; k++) {
        const struct mikey_key *key = &i->keys.k[k];
        if ((k == 1 || mikey_is_tgk(key)) && rand.n < key->key.n)
            return TS_E_FORMAT; /* R273 */
    }
    return TS_OK;
}

/* MPK of the answer and session keys, forked for whoever answered. */
static enum ts_err fork_for(const struct mikey_initiator *i,
                            const struct mikey_msg *init,
                            const struct mikey_msg *m, struct ts_key *mpk,
                            struct mikey_keys *keys)
{
    const struct mikey_tp *tp = &init->ticket.tp;
    struct ts_span id = m->idr[MIKEY_IDR_R].data;
    struct ts_span rand = m->rand[MIKEY_RAND_KMS];
    struct mikey_prf prf;
    mikey_keys_copy(keys, &i->keys);
    if (!(tp->flags & MIKEY_FLAG_I))
        return ts_key_set(mpk, keys->k[0].key);
    enum ts_err err = check_rand_kms(i, rand);
    if (err)
        return err;
    mikey_prf_key(&prf, tp->prf, keys->k[1].key);                   /* R218 */
    mikey_derive_fork(&prf, keys->k[1].key.n, true, id, rand, mpk); /* R137 */
    mikey_prf_wipe(&prf);
    mikey_keys_fork(keys, tp->prf, id, rand); /* R137, R141, R150 */
    return TS_OK;
}

static enum ts_err open_answer(struct mikey_initiator *i,
                               const struct mikey_now *now,
                               struct mikey_ends *e)
{
    const struct mikey_msg *init = &e->init, *m = &e->resp;
    struct mikey_keys theirs;
    theirs.n = theirs.len = 0;
    enum ts_err err = mikey_answer_check(init, m);
    if (err == TS_E_PEER)
        mikey_refusal_set(&i->refusal, m,
                          mikey_error_verify(init, NULL, m, i->keys.k[0].key) ==
                              TS_OK);
    if (err)
        return err;
    err = fork_for(i, init, m, &e->mpk, &e->keys);
    if (!err)
        err = mikey_answer_verify(init, m, &e->mpk, &theirs); /* R41 */
    if (!err)
        err = mikey_now_check(now, mikey_party_skew(i->party), m->t, true);
    if (!err)
        err = mikey_ends_own_keys(e); /* R58 */
    if (!err)
        err = mikey_keys_join(&e->keys, &theirs); /* R81 */
    mikey_keys_wipe(&theirs);
    return err;
}

/* Whom the bundle is with: the one who answered, else the one called. */
static void name_ends(const struct mikey_initiator *i, struct mikey_ends *e)
{
    const struct mikey_id *who = &e->resp.idr[MIKEY_IDR_R];
    e->i = i->party->self;
    e->r = !e->alone && who->data.p ? *who : mikey_name_id(&i->to);
}

enum ts_err mikey_initiator_answered(struct mikey_initiator *i,
                                     const struct mikey_now *now,
                                     struct ts_span answer, void *mem,
                                     size_t mem_n, struct mikey_bundle **bundle)
{
    struct mikey_ends e = {.side = MIKEY_INITIATOR, .party = i->party};
    if (i->offered.n == 0)
        return TS_E_STATE;
    enum ts_err err =
        mikey_msg_read(mikey_buf_span(&i->offered), &e.init, NULL);
    if (err)
        return TS_E_INTERNAL;
    if (!(e.init.ticket.tp.flags & MIKEY_FLAG_F))
        return TS_E_STATE; /* R220 */
    err = mikey_msg_read(answer, &e.resp, NULL);
    if (!err)
        err = open_answer(i, now, &e);
    name_ends(i, &e);
    if (!err)
        err = mikey_bundle_begin(&e, now, mem, mem_n, bundle);
    mikey_ends_wipe(&e);
    return err;
}

enum ts_err mikey_initiator_unanswered(struct mikey_initiator *i,
                                       const struct mikey_now *now, void *mem,
                                       size_t mem_n,
                                       struct mikey_bundle **bundle)
{
    struct mikey_ends e = {
        .side = MIKEY_INITIATOR, .party = i->party, .alone = true};
    if (i->offered.n == 0)
        return TS_E_STATE;
    enum ts_err err =
        mikey_msg_read(mikey_buf_span(&i->offered), &e.init, NULL);
    if (err)
        return TS_E_INTERNAL;
    if (e.init.ticket.tp.flags & MIKEY_FLAG_F)
        return TS_E_STATE; /* R220 */
    err = ts_key_set(&e.mpk, i->keys.k[0].key);
    mikey_keys_copy(&e.keys, &i->keys);
    name_ends(i, &e);
    if (!err)
        err = mikey_ends_own_keys(&e);
    if (!err)
        err = mikey_bundle_begin(&e, now, mem, mem_n, bundle);
    mikey_ends_wipe(&e);
    return err;
}
