/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket Request at the KMS (RFC 6043 4.2.1.4, 4.2.1.5): which ticket is
 * granted, and making it.
 */
#include "kms/engine.h"

#include "mikey/kms.h"

/* Only what kms_resolve() can fork with later is granted. */
static enum ts_err check_responders(const struct mikey_policy *p)
{
    struct ts_identity id;
    for (size_t i = 0; i < p->n_responders; i++)
        if (p->responder[i].data.n > MIKEY_ID_MAX ||
            ts_identity(p->responder[i].data, &id))
            return TS_E_FORMAT;
    return TS_OK;
}

/* A period that has an end to come, and a start that we may promise. */
static enum ts_err check_times(const struct kms_engine *e,
                               const struct kms_question *q)
{
    const struct mikey_policy *p = &q->policy;
    uint64_t now = q->now / 1000000;
    if (p->has_end && (p->end < now || (p->has_start && p->end < p->start)))
        return TS_E_FORMAT;
    if (p->has_start && p->start >= now + e->policy.max_lifetime)
        return TS_E_UNSUPPORTED;
    return TS_OK;
}

enum ts_err kms_issue_check(const struct kms_engine *e, struct kms_question *q)
{
    const struct mikey_tp *tp = &q->m.tp;
    uint16_t flags = tp->flags & (uint16_t)~MIKEY_FLAG_K; /* R225 */
    bool tgk;
    q->error = MIKEY_ERR_TICKET;
    if (!mikey_kind_equal(tp->kind, mikey_kind_base))
        return TS_E_UNSUPPORTED;
    q->error = MIKEY_ERR_PRF;
    if (!mikey_suite_prf(tp->prf))
        return TS_E_UNSUPPORTED;
    q->error = MIKEY_ERR_TPPAR;
    if (tp->prf != q->m.hdr.prf)
        return TS_E_UNSUPPORTED; /* R278: one suite for message and ticket */
    enum ts_err err = mikey_policy_read(tp->data, &q->policy);
    if (!err)
        err = check_responders(&q->policy);
    if (!err) {
        q->has_policy = true;
        err =
            mikey_wanted_check(q->policy.has_kemac ? &q->policy.kemac : NULL,
                               mikey_suite_prf(q->m.hdr.prf), &tgk, &q->error);
    }
    if (err)
        return err;
    if (!mikey_flags_ok(flags, tgk))
        return TS_E_FORMAT;
    if (e->policy.forking == KMS_FORKING_REQUIRED && !(flags & MIKEY_FLAG_I))
        return TS_E_UNSUPPORTED;
    return check_times(e, q);
}

/* Flags as asked for, within our policy; mode 1 only. */
static uint16_t grant_flags(const struct kms_engine *e, uint16_t asked)
{
    uint16_t f = asked & (uint16_t)~MIKEY_FLAG_K;
    f |= MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_N | MIKEY_FLAG_O;
    if (e->policy.forking == KMS_FORKING_NO)
        f &= (uint16_t)~MIKEY_FLAG_I;
    if (!e->policy.reuse)
        f &= (uint16_t)~MIKEY_FLAG_J;
    return f;
}

/* As asked for, but not before now and not beyond the longest lifetime. */
static void grant_times(const struct kms_engine *e, uint64_t now,
                        struct mikey_policy *p)
{
    uint64_t start = p->has_start && p->start > now ? p->start : now;
    uint64_t end = now + e->policy.max_lifetime;
    if (p->has_end && p->end < end)
        end = p->end;
    p->start = start;
    p->end = end;
    p->has_start = p->has_end = true;
}

/* R29: the granted policy, and whether it differs from the desired (K). */
static uint16_t grant(const struct kms_engine *e, struct kms_question *q)
{
    struct mikey_policy *p = &q->policy;
    const bool timed = p->has_start && p->has_end;
    const uint64_t start = p->start, end = p->end;
    uint16_t want = q->m.tp.flags & (uint16_t)~MIKEY_FLAG_K;
    uint16_t flags = grant_flags(e, want);
    grant_times(e, q->now / 1000000, p);
    if (!p->kms.data.p)
        p->kms = (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(e->identity)};
    if (q->m.idr[MIKEY_IDR_I].data.p)
        p->initiator = q->m.idr[MIKEY_IDR_I]; /* R15 */
    else
        p->initiator = (struct mikey_id){
            0, MIKEY_ID_URI, ts_span(q->user->identity, q->user->identity_len)};
    if (flags != want || !timed || start != p->start || end != p->end)
        flags |= MIKEY_FLAG_K;
    return flags;
}

static void build_grant(struct kms_engine *e, struct kms_question *q,
                        const struct kms_tpk *tpk,
                        const struct mikey_fresh *fresh, struct ts_span rand,
                        struct ts_writer *w)
{
    const struct mikey_grant in = {
        .init = &q->m,
        .psk = &q->psk,
        .t = mikey_time_ntp(q->now), /* R33 */
        .idr_kms = {0, MIKEY_ID_URI, ts_span_str(e->identity)},
        .suite = mikey_suite_prf(q->m.tp.prf),
        .flags = grant(e, q),
        .policy = &q->policy,
        .tpk = ts_key_span(&tpk->key),
        .tpk_id = ts_span(tpk->id, sizeof tpk->id),
        .rand = rand,
        .fresh = fresh,
    };
    mikey_kms_grant(w, &in);
}

static enum ts_err pool(void *engine, uint8_t *buf, size_t n)
{
    return kms_engine_random(engine, buf, n);
}

/* TP may name initiator and KMS, but only the right ones. */
static bool policy_is_ours(const struct kms_engine *e,
                           const struct kms_question *q)
{
    const struct mikey_policy *p = &q->policy;
    return (!p->initiator.data.p || kms_is_user(q, &p->initiator)) &&
           kms_is_us(e, &p->kms);
}

/* The keys that were asked for; f's SPIs are views of want. */
static enum ts_err draw(struct kms_engine *e, const struct kms_question *q,
                        const struct mikey_suite *suite,
                        struct mikey_keys *want, struct mikey_fresh *f)
{
    if (!q->policy.has_kemac)
        return mikey_fresh_draw(f, suite, NULL, 0, pool, e);
    enum ts_err err = mikey_wanted_read(&q->policy.kemac, want);
    return err ? err : mikey_fresh_draw(f, suite, want->k, want->n, pool, e);
}

void kms_issue(struct kms_engine *e, struct kms_question *q,
               struct ts_writer *w)
{
    const struct mikey_suite *suite = mikey_suite_prf(q->m.tp.prf);
    MIKEY_UNSET struct mikey_keys want;
    MIKEY_UNSET struct mikey_fresh f;
    uint8_t rand[KMS_TICKETKEY_LEN]; /* as long as TPK and MPK: R274 */
    const struct kms_tpk *tpk = kms_keyring_use(&e->ring);
    q->status = 200;
    if (!tpk || kms_engine_random(e, rand, sizeof rand) ||
        draw(e, q, suite, &want, &f)) {
        q->result = KMS_FAILED;
        q->reason = tpk ? "no random numbers" : "no ticket key in use";
        q->status = 503;
        return;
    }
    if (q->result == KMS_GRANTED && !policy_is_ours(e, q)) {
        q->result = KMS_REFUSED;
        q->reason = "another's identity in the ticket policy";
    }
    build_grant(e, q, tpk, &f, ts_span(rand, sizeof rand), w);
    mikey_fresh_wipe(&f);
    if (w->err && q->result == KMS_GRANTED) {
        q->result = KMS_REFUSED;
        q->reason = "reply too long";
    }
}
