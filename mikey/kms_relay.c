/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between two KMSs (RFC 6043 section 10): a user's RESOLVE_INIT goes on to the
 * KMS that can open its ticket, as a RESOLVE_INIT of our own, and the
 * answer comes back under the user's key.
 */
#include "mikey/kms_state.h"

static bool same_id(struct mikey_id a, struct mikey_id b)
{
    return a.type == b.type && ts_span_equal(a.data, b.data);
}

/* R259: the user, as the other KMS gets to know it. */
static struct mikey_id user_of(const struct mikey_ask *a)
{
    const struct mikey_id *claimed = mikey_ask_claimed(a);
    return claimed->data.p ? *claimed : a->user.self;
}

/* A user of ours that resolves a ticket; one KMS does not go by another. */
static enum ts_err hear(struct mikey_ask *a)
{
    enum ts_err err = mikey_ask_verify(a);
    if (!err)
        err = mikey_ask_honest(a);
    if (!err && (a->request || a->user.is_kms)) {
        a->no = MIKEY_ERR_UNSPECIFIED;
        err = TS_E_DENIED;
    }
    return err;
}

/* Under a key that both KMSs share. */
static enum ts_err forward(struct mikey_ask *a, const struct mikey_party *as)
{
    struct mikey_fresh_init fresh;
    const struct mikey_suite *suite = mikey_suite_prf(a->m.hdr.prf);
    if (!mikey_party_ok(as))
        return TS_E_RANGE;
    if (as->signer)
        return TS_E_UNSUPPORTED; /* its envelope key would have to be kept */
    enum ts_err err = mikey_party_draw(as, suite, &fresh);
    if (err)
        return err;
    const struct mikey_resolve_new in = {
        .suite = suite,
        .csb = fresh.csb,
        .t = mikey_now_t(a->now),
        .rand_r = fresh.rand_view,
        .idr_r = user_of(a), /* R259 */
        .idr_kms = as->kms,
        .omit = as->omit & ~MIKEY_OMIT(MIKEY_IDR_R),
        .ticket = &a->m.ticket, /* R259 */
        .cred = fresh.cred,
    };
    mikey_build_resolve_init(&a->w, &in); /* R253, R254, R258 */
    return a->w.err;
}

enum ts_err mikey_kms_forward(const struct mikey_kms *kms,
                              const struct mikey_now *now,
                              struct ts_span message,
                              const struct mikey_party *as, uint8_t *out,
                              size_t cap, size_t *n)
{
    struct mikey_ask a;
    enum ts_err err = mikey_ask_begin(&a, kms, now, message, out, cap);
    if (!err)
        err = hear(&a);
    if (!err)
        err = mikey_ask_replay(&a);
    if (!err) {
        a.no = MIKEY_ERR_UNSPECIFIED;
        err = forward(&a, as);
    }
    return mikey_ask_end(&a, err, n);
}

/* What we sent was about this user and this ticket, or the keys of one would
 * come to another. */
static bool belongs(const struct mikey_ask *a, const struct mikey_msg *sent)
{
    return mikey_is_resolve_init(sent->hdr.type) && sent->has_ticket &&
           same_id(sent->idr[MIKEY_IDR_R], user_of(a)) &&
           ts_span_equal(
               ts_span(sent->ticket.body.p + 1, sent->ticket.body.n - 1),
               ts_span(a->m.ticket.body.p + 1, a->m.ticket.body.n - 1));
}

/* The other KMS's keys, and its modifier, under the user's key. */
static enum ts_err pass_on(struct mikey_ask *a, const struct mikey_party *as,
                           struct ts_span sent, struct ts_span reply)
{
    struct mikey_msg ours;
    struct mikey_reply r;
    if (!mikey_party_ok(as) || !as->psk.p)
        return TS_E_RANGE;
    if (mikey_msg_read(sent, &ours, NULL) || !belongs(a, &ours))
        return TS_E_MISMATCH;
    enum ts_err err = mikey_reply_open(&ours, reply, as->psk, &r);
    if (!err)
        err = mikey_now_check(a->now, mikey_party_skew(as), r.msg.t, true);
    if (!err) {
        const struct mikey_reply_new in = {
            .init = &a->m,
            .psk = &a->keys,
            .t = mikey_ask_t(a),
            .idr_kms = a->kms->self,
            .keys = r.keys.k,
            .n_keys = r.keys.n,
            .idr_r = r.msg.idr[MIKEY_IDR_R], /* unchanged, or the fork of
                                                I and R would differ */
            .rand_kms = r.msg.rand[MIKEY_RAND_KMS],
        };
        mikey_build_resolve_resp(&a->w, &in);
        err = a->w.err;
    }
    mikey_keys_wipe(&r.keys);
    return err;
}

enum ts_err mikey_kms_pass_on(const struct mikey_kms *kms,
                              const struct mikey_now *now,
                              struct ts_span message,
                              const struct mikey_party *as, struct ts_span sent,
                              struct ts_span reply, uint8_t *out, size_t cap,
                              size_t *n)
{
    struct mikey_ask a;
    enum ts_err err = mikey_ask_begin(&a, kms, now, message, out, cap);
    if (!err)
        err = hear(&a); /* whether it was here before, forward() has asked */
    if (!err) {
        a.no = MIKEY_ERR_UNSPECIFIED;
        err = pass_on(&a, as, sent, reply); /* R255 */
    }
    return mikey_ask_end(&a, err, n);
}
