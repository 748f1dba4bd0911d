/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket Resolve at the KMS (RFC 6043 4.2.3.4, 4.2.3.5). Whatever is wrong
 * with the ticket or its bearer, the work is done to the end on dummy keys and
 * the answer is the same Error 12; the reason goes to log and audit.
 */
#include "kms/engine.h"

#include "mikey/kms.h"

static void refuse(struct kms_question *q, const char *reason)
{
    if (q->result == KMS_REFUSED)
        return; /* the first reason stands */
    q->result = KMS_REFUSED;
    q->reason = reason;
}

enum ts_err kms_resolve_check(const struct kms_engine *e,
                              struct kms_question *q)
{
    const struct mikey_tp *tp = &q->m.ticket.tp;
    (void)e;
    q->error = MIKEY_ERR_TICKET;
    if (!mikey_kind_equal(tp->kind, mikey_kind_base))
        return TS_E_UNSUPPORTED;
    q->error = MIKEY_ERR_PRF;
    if (!mikey_suite_prf(tp->prf))
        return TS_E_UNSUPPORTED;
    q->error = MIKEY_ERR_TPPAR;
    if (tp->prf == MIKEY_PRF_SHA256 && q->m.hdr.prf != tp->prf)
        return TS_E_UNSUPPORTED; /* R279: too weak for the ticket's keys */
    if (!mikey_flags_ok(tp->flags, false))
        return TS_E_FORMAT;
    enum ts_err err = mikey_policy_read(tp->data, &q->policy);
    q->has_policy = !err;
    return err;
}

/* Ticket Data, its MAC and keys: dummy keys when anything is wrong. */
static void open_ticket(struct kms_engine *e, struct kms_question *q,
                        struct mikey_opened *opened)
{
    static const uint8_t dummy[KMS_TICKETKEY_LEN];
    const struct mikey_ticket *t = &q->m.ticket;
    struct mikey_base base;
    const struct kms_tpk *tpk = NULL;

    if (mikey_base_read(t, &base)) {
        refuse(q, "ticket not well-formed");
        base.rand = ts_span(dummy, sizeof dummy);
    } else {
        tpk = kms_keyring_find(&e->ring, base.tpk_id.data);
        if (!tpk)
            refuse(q, "foreign ticket");
    }
    struct ts_span key =
        tpk ? ts_key_span(&tpk->key) : ts_span(dummy, sizeof dummy);
    if (mikey_base_open(t, &base, key, opened)) {
        refuse(q, "ticket altered");
        q->has_policy = false; /* for the record: nobody vouches for it */
    }
}

/* The one in the ticket whom the authenticated user is, else nobody. */
static const struct mikey_id *find_responder(const struct kms_question *q)
{
    for (size_t i = 0; i < q->policy.n_responders; i++)
        if (kms_is_user(q, &q->policy.responder[i]))
            return &q->policy.responder[i];
    return NULL;
}

static const struct mikey_id *check_policy(const struct kms_engine *e,
                                           struct kms_question *q)
{
    const struct mikey_id *who = find_responder(q);
    if (!(q->m.ticket.tp.flags & MIKEY_FLAG_D) || !kms_is_us(e, &q->policy.kms))
        refuse(q, "ticket of another KMS");
    if (mikey_policy_valid(&q->policy, q->now / 1000000, 0))
        refuse(q, "ticket expired or not yet valid");
    if (!who)
        refuse(q, "wrong receiver");
    return who ? who : &q->policy.responder[0];
}

static void build_reply(struct kms_engine *e, struct kms_question *q,
                        struct mikey_opened *opened, const struct mikey_id *who,
                        struct ts_span rand, struct ts_writer *w)
{
    const struct mikey_resolve in = {
        .init = &q->m,
        .psk = &q->psk,
        .t = mikey_time_ntp(q->now), /* R119 */
        .idr_kms = {0, MIKEY_ID_URI, ts_span_str(e->identity)},
        .opened = opened,
        .who = *who, /* R128, R129 */
        .rand_kms = rand,
    };
    if (mikey_kms_resolve(w, &in))
        refuse(q, "Initiator Data not authentic"); /* R115 */
    if (w->err)
        refuse(q, "reply too long");
}

void kms_resolve(struct kms_engine *e, struct kms_question *q,
                 struct ts_writer *w)
{
    MIKEY_UNSET struct mikey_opened opened;
    uint8_t rand[TS_KEY_MAX];
    q->status = 200;
    open_ticket(e, q, &opened);
    const struct mikey_id *who = check_policy(e, q);
    struct mikey_id fork_for = *who;
    size_t n = mikey_kms_rand_len(&opened);
    if (fork_for.data.n > MIKEY_ID_MAX) {
        refuse(q, "identity too long");
        fork_for.data.n = MIKEY_ID_MAX;
    }
    if (kms_engine_random(e, rand, n)) {
        q->result = KMS_FAILED;
        q->reason = "no random numbers";
        q->status = 503;
    } else {
        build_reply(e, q, &opened, &fork_for, ts_span(rand, n), w);
    }
    mikey_opened_wipe(&opened);
}
