/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Initiator's part of the Transfer: offers with the ticket in hand, and a
 * bundle for each answer.
 */
#include "mikey/bundle.h"
#include "mikey/initiator_state.h"
#include "mikey/session.h"

/* ---- what may be offered ---- */

static enum ts_err last_offer(const struct mikey_initiator *i,
                              struct mikey_msg *m)
{
    if (i->offered.n == 0)
        return TS_E_STATE;
    return mikey_msg_read(mikey_buf_span(&i->offered), m, NULL);
}

/* R251: the offer before, to another member of the group. */
static bool is_same_group(const struct mikey_msg *before,
                          const struct mikey_offer *offer)
{
    return offer->rand_i.n && offer->csb == before->hdr.csb &&
           ts_span_equal(offer->rand_i, before->rand[MIKEY_RAND_I]);
}

/* Whether RANDRr would make the keys of a group different (R251). */
static bool is_split(const struct mikey_initiator *i, const struct mikey_tp *tp,
                     const struct mikey_offer *offer)
{
    bool derived = false;
    for (size_t k = mikey_mpks(tp); k < i->keys.n; k++)
        derived = derived || !mikey_is_tek(&i->keys.k[k]);
    for (size_t k = 0; k < offer->n_keys; k++)
        derived = derived || !mikey_is_tek(&offer->keys[k]);
    return offer->rand_i.n && derived && tp->flags & MIKEY_FLAG_G;
}

static enum ts_err check_offer(const struct mikey_initiator *i,
                               const struct mikey_now *now,
                               const struct mikey_tp *tp,
                               const struct mikey_policy *p,
                               const struct mikey_offer *offer)
{
    struct mikey_msg before;
    if (last_offer(i, &before) == TS_OK && !(tp->flags & MIKEY_FLAG_J) &&
        !is_same_group(&before, offer))
        return TS_E_DENIED; /* R173, R224 */
    if (mikey_policy_valid(p, now->us / 1000000, mikey_party_skew(i->party)))
        return TS_E_EXPIRED;
    if (is_split(i, tp, offer))
        return TS_E_DENIED; /* R251 */
    return TS_OK;
}

/* Our keys: sendable, and with SPIs that no key of the ticket has. */
static enum ts_err check_keys(const struct mikey_initiator *i,
                              const struct mikey_offer *offer)
{
    const size_t room = MIKEY_KEYS_MAX - i->keys.n;
    const size_t bytes = mikey_keys_bytes(offer->keys, offer->n_keys);
    enum ts_err err =
        mikey_keys_ours(offer->keys, offer->n_keys, i->suite, room);
    if (!err && i->keys.len + bytes > MIKEY_KEYS_BYTES)
        err = TS_E_RANGE;
    for (size_t k = 0; !err && k < offer->n_keys; k++)
        if (mikey_keys_find(&i->keys, offer->keys[k].spi))
            err = TS_E_EXISTS; /* AMB 14 */
    return err;
}

/* A session: its policies are ours. With F=0 nobody will complete it. */
static enum ts_err check_session(const struct mikey_initiator *i,
                                 const struct mikey_offer *offer, bool alone,
                                 const struct mikey_session *s)
{
    for (size_t k = 0; k < s->policies.n; k++)
        if (s->policies.p[k] >= offer->n_policies || s->prot != MIKEY_PROT_SRTP)
            return TS_E_RANGE; /* R203 */
    if (!alone)
        return TS_OK;
    if (s->policies.n == 0 || s->spi.n == 0 ||
        (s->prot == MIKEY_PROT_SRTP && !s->known))
        return TS_E_MISSING; /* R204, R207: only where an answer comes */
    for (size_t k = 0; k < offer->n_keys; k++)
        if (ts_span_equal(offer->keys[k].spi, s->spi))
            return TS_OK;
    return mikey_keys_find(&i->keys, s->spi) ? TS_OK : TS_E_NOTFOUND;
}

static enum ts_err check_content(const struct mikey_initiator *i,
                                 const struct mikey_tp *tp,
                                 const struct mikey_offer *offer)
{
    const bool alone = !(tp->flags & MIKEY_FLAG_F);
    if (!offer->to.data.p || offer->to.data.n > MIKEY_ID_MAX ||
        offer->n_sessions > 255)
        return TS_E_RANGE;
    enum ts_err err = check_keys(i, offer);
    for (size_t k = 0; !err && k < offer->n_sessions; k++)
        err = check_session(i, offer, alone, &offer->session[k]);
    return err;
}

/* ---- the offer ---- */

/* RANDRi and CSB ID: the caller's, for a group, or new ones (R171). */
static enum ts_err draw_offer(const struct mikey_initiator *i,
                              const struct mikey_offer *offer,
                              uint8_t rand[static 255], size_t *n,
                              uint32_t *csb)
{
    size_t longest = mikey_longest(i->keys.k, i->keys.n);
    size_t ours = mikey_longest(offer->keys, offer->n_keys);
    longest = ours > longest ? ours : longest;
    *n = longest > MIKEY_RAND_LEN ? longest : MIKEY_RAND_LEN; /* R272 */
    *csb = offer->csb;
    enum ts_err err = TS_OK;
    if (offer->rand_i.n) {
        if (offer->rand_i.n > 255 || offer->rand_i.n < longest)
            return TS_E_RANGE; /* R272 */
        *n = offer->rand_i.n;
        memcpy(rand, offer->rand_i.p, *n); /* R251 */
    } else {
        err = mikey_party_random(i->party, rand, *n); /* R171 */
    }
    return err || offer->csb ? err : mikey_party_csb(i->party, csb); /* R51 */
}

/* Whether T must be above that of the offer before. To a group it must, since
 * keys and IV are the same but for it. To others as well, for an offer to the
 * group may come again; but for a clock that was set back by more than anybody
 * allows, or it would keep us out until it is there again. */
static bool t_must_grow(const struct mikey_initiator *i,
                        const struct mikey_now *now,
                        const struct mikey_msg *before,
                        const struct mikey_offer *offer)
{
    return is_same_group(before, offer) ||
           mikey_time_check(before->t, now->us, mikey_party_skew(i->party)) ==
               TS_OK;
}

static enum ts_err offer_t(const struct mikey_initiator *i,
                           const struct mikey_now *now,
                           const struct mikey_offer *offer,
                           struct mikey_time *t)
{
    struct mikey_msg before;
    *t = mikey_now_t(now);
    if (last_offer(i, &before) || !mikey_time_alike(before.t, *t) ||
        !t_must_grow(i, now, &before, offer))
        return TS_OK;
    return mikey_now_after(now, before.t, t); /* R171 */
}

static enum ts_err build_offer(const struct mikey_initiator *i,
                               const struct mikey_now *now,
                               const struct mikey_ticket *t,
                               const struct mikey_offer *offer,
                               struct ts_writer *w)
{
    uint8_t rand[255];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer scratch = mikey_buf_writer(&i->scratch);
    struct ts_key mpk_i, mpk_r = {0};
    struct mikey_transfer_new in = {
        .suite = i->suite,
        .n_cs = (uint8_t)offer->n_sessions,
        .map = mikey_put_sessions(&scratch, offer->session, offer->n_sessions),
        .idr_i = i->party->self,
        .idr_r = offer->to,
        .omit = i->party->omit, /* R55, R56 */
        .sp = sp,
        .n_sp = offer->n_policies, /* R57, R87 */
        .ticket = t,
        .sdp_ids = offer->sdp_ids,
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
        .keys = offer->keys,
        .n_keys = offer->n_keys,
    };
    size_t n = 0;
    enum ts_err err = scratch.err
                          ? scratch.err
                          : mikey_sps_write(offer->policy, NULL,
                                            offer->n_policies, &scratch, sp);
    if (!err)
        err = offer_t(i, now, offer, &in.t);
    if (!err)
        err = draw_offer(i, offer, rand, &n, &in.csb);
    in.rand_i = ts_span(rand, n);
    if (!err)
        err = ts_key_set(&mpk_i, i->keys.k[0].key); /* R40 */
    if (!err && t->tp.flags & MIKEY_FLAG_I)
        err = ts_key_set(&mpk_r, i->keys.k[1].key);
    if (err)
        return err;
    mikey_build_transfer_init(w, &in);
    ts_key_wipe(&mpk_i);
    ts_key_wipe(&mpk_r);
    return w->err;
}

enum ts_err mikey_initiator_transfer(struct mikey_initiator *i,
                                     const struct mikey_now *now,
                                     const struct mikey_offer *offer,
                                     uint8_t *out, size_t cap, size_t *n)
{
    struct mikey_ticket t;
    struct mikey_policy p;
    struct mikey_msg m;
    struct ts_writer w = ts_writer_init(out, cap);
    if (!mikey_initiator_read(i, &t, &p))
        return TS_E_STATE;
    enum ts_err err = check_offer(i, now, &t.tp, &p, offer);
    if (!err)
        err = check_content(i, &t.tp, offer);
    if (!err)
        err = build_offer(i, now, &t, offer, &w);
    if (!err && mikey_msg_read(ts_written(&w), &m, NULL))
        err = TS_E_RANGE; /* two sessions of one CS ID */
    if (!err)
        err = mikey_buf_set(&i->offered, ts_written(&w));
    if (err)
        return err;
    *n = w.len;
    return mikey_name_set(&i->to, offer->to); /* its length was checked */
}

enum ts_err mikey_initiator_rand(const struct mikey_initiator *i,
                                 struct ts_span *rand_i, uint32_t *csb)
{
    struct mikey_msg m;
    enum ts_err err = last_offer(i, &m);
    if (err)
        return err;
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
    MIKEY_UNSET struct mikey_prf prf;
    mikey_keys_copy(keys, &i->keys);
    if (!(tp->flags & MIKEY_FLAG_I))
        return ts_key_set(mpk, keys->k[0].key);
    enum ts_err err = check_rand_kms(i, rand);
    if (err)
        return err;
    mikey_prf_key(&prf, tp->prf, keys->k[1].key);                   /* R218 */
    mikey_derive_fork(&prf, keys->k[1].key.n, true, id, rand, mpk); /* R137 */
    mikey_prf_wipe(&prf);
    mikey_keys_fork(keys, tp->prf, id, rand); /* R137, R141, R150, R151 */
    return TS_OK;
}

static void take_error(struct mikey_initiator *i, const struct mikey_msg *init,
                       const struct mikey_msg *error)
{
    bool proven = mikey_error_verify(init, NULL, error, i->keys.k[0].key) ==
                  TS_OK; /* R187 */
    mikey_refusal_set(&i->refusal, error, proven);
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
        take_error(i, init, m);
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
    e->r =
        !e->alone && who->data.p ? *who : mikey_name_id(&i->to); /* R76, R190 */
}

enum ts_err mikey_initiator_answered(struct mikey_initiator *i,
                                     const struct mikey_now *now,
                                     struct ts_span answer, void *mem,
                                     size_t mem_n, struct mikey_bundle **bundle)
{
    struct mikey_ends e = {
        .side = MIKEY_INITIATOR, .party = i->party, .slot = i->n_bundles};
    enum ts_err err = last_offer(i, &e.init);
    if (err)
        return err;
    if (!(e.init.ticket.tp.flags & MIKEY_FLAG_F))
        return TS_E_STATE; /* R220 */
    err = mikey_msg_read(answer, &e.resp, NULL);
    if (!err)
        err = open_answer(i, now, &e);
    if (!err) {
        name_ends(i, &e);
        err = mikey_bundle_begin(&e, now, mem, mem_n, bundle);
        if (!err)
            i->n_bundles++;
    }
    mikey_ends_wipe(&e);
    return err;
}

enum ts_err mikey_initiator_unanswered(struct mikey_initiator *i,
                                       const struct mikey_now *now, void *mem,
                                       size_t mem_n,
                                       struct mikey_bundle **bundle)
{
    struct mikey_ends e = {.side = MIKEY_INITIATOR,
                           .party = i->party,
                           .slot = i->n_bundles,
                           .alone = true};
    enum ts_err err = last_offer(i, &e.init);
    if (err)
        return err;
    if (e.init.ticket.tp.flags & MIKEY_FLAG_F)
        return TS_E_STATE; /* R220 */
    err = ts_key_set(&e.mpk, i->keys.k[0].key);
    mikey_keys_copy(&e.keys, &i->keys);
    name_ends(i, &e);
    if (!err)
        err = mikey_ends_own_keys(&e); /* R58 */
    if (!err)
        err = mikey_bundle_begin(&e, now, mem, mem_n, bundle);
    if (!err)
        i->n_bundles++;
    mikey_ends_wipe(&e);
    return err;
}

/* ---- Error about an answer ---- */

/* K2 of an answer that verifies; false for any other message. */
static bool answer_keys(const struct mikey_initiator *i,
                        const struct mikey_msg *init, const struct mikey_msg *m,
                        struct mikey_protect *keys)
{
    struct ts_key mpk = {0};
    struct mikey_keys forked = {.n = 0};
    bool good = mikey_answer_check(init, m) == TS_OK &&
                fork_for(i, init, m, &mpk, &forked) == TS_OK &&
                mikey_answer_verify(init, m, &mpk, NULL) == TS_OK;
    if (good)
        mikey_protect_of(init, m, ts_key_span(&mpk), keys); /* R187 */
    ts_key_wipe(&mpk);
    mikey_keys_wipe(&forked);
    return good;
}

enum ts_err mikey_initiator_refuse(const struct mikey_initiator *i,
                                   const struct mikey_now *now,
                                   struct ts_span answer, const uint8_t *no,
                                   size_t n_no,
                                   const struct mikey_srtp_policy *policy,
                                   size_t n_policies, uint8_t *out, size_t cap,
                                   size_t *n)
{
    struct mikey_msg init, m;
    struct mikey_protect keys;
    bool hdr_ok;
    enum ts_err err = last_offer(i, &init);
    if (err)
        return err;
    err = mikey_msg_read(answer, &m, &hdr_ok);
    if (!hdr_ok)
        return err;
    const bool proven = !err && answer_keys(i, &init, &m, &keys); /* R181 */
    const struct mikey_refuse in = {.about = &m.hdr,
                                    .t = mikey_now_t(now),
                                    .no = no,
                                    .n_no = n_no,
                                    .policy = policy,
                                    .n_policies = n_policies,
                                    .scratch = &i->scratch,
                                    .auth = proven ? &keys : NULL};
    err = mikey_refuse_write(&in, out, cap, n);
    if (proven)
        mikey_protect_end(&keys);
    return err;
}
