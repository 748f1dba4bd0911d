/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket Request at the KMS (RFC 6043 4.2.1.4, 4.2.1.5): which ticket is
 * granted, and making it.
 */
#include "kms/engine.h"

#define WANT_MAX 8 /* session keys in one ticket */
#define SPI_LEN  4
/* What the MPKs beside the session keys take in a KEMAC of ours at most. */
#define MPKS_BYTES (2 * (4 + 32 + 2))

/* Session keys that were asked for: types, lengths and SPIs count. */
static enum ts_err check_wanted(const struct kms_question *q,
                                struct mikey_keys *want)
{
    const struct mikey_suite *suite = mikey_suite_prf(q->m.hdr.prf);
    /* R279: no 128-bit algorithms with longer keys */
    size_t most = suite->bits == 128 ? 16 : TS_KEY_MAX;
    enum ts_err err = mikey_keys_read(q->policy.kemac.data, want);
    if (err)
        return err;
    if (want->n > WANT_MAX ||
        q->policy.kemac.data.n + MPKS_BYTES > MIKEY_KEYS_BYTES)
        return TS_E_UNSUPPORTED;
    for (size_t i = 0; i < want->n; i++) {
        const struct mikey_key *k = &want->k[i];
        if (k->type == MIKEY_MPK || k->kv != MIKEY_KV_SPI || k->spi.n == 0 ||
            k->key.n < 16 || k->key.n > most || k->salt.n > 32)
            return TS_E_UNSUPPORTED;
        for (size_t j = 0; j < i; j++)
            if (ts_span_equal(k->spi, want->k[j].spi))
                return TS_E_DUPLICATE; /* AMB 14 */
    }
    return TS_OK;
}

static bool has_tgk(const struct mikey_keys *keys)
{
    for (size_t i = 0; i < keys->n; i++)
        if (keys->k[i].type == MIKEY_TGK || keys->k[i].type == MIKEY_TGK_SALT)
            return true;
    return false;
}

/* R237: NULL encryption and NULL MAC; none asked for means one TGK (R37). */
static enum ts_err check_kemac(struct kms_question *q, bool *tgk)
{
    MIKEY_UNSET struct mikey_keys want;
    *tgk = true;
    if (!q->policy.has_kemac)
        return TS_OK;
    q->error = MIKEY_ERR_EA;
    if (q->policy.kemac.encr != MIKEY_ENCR_NULL)
        return TS_E_UNSUPPORTED;
    q->error = MIKEY_ERR_MAC;
    if (q->policy.kemac.mac_alg != MIKEY_AUTH_NULL)
        return TS_E_UNSUPPORTED;
    q->error = MIKEY_ERR_TPPAR;
    enum ts_err err = check_wanted(q, &want);
    *tgk = !err && has_tgk(&want);
    return err;
}

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
        err = check_kemac(q, &tgk);
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

/* The MPK and the session keys of a new ticket. */
struct fresh {
    size_t n;
    struct mikey_key k[1 + WANT_MAX];
    uint8_t spi[SPI_LEN];
    uint8_t bytes[TS_KEY_MAX + WANT_MAX * (TS_KEY_MAX + 32)];
};

static enum ts_err fresh_keys(struct kms_engine *e,
                              const struct kms_question *q, struct fresh *f)
{
    size_t len = mikey_suite_prf(q->m.tp.prf)->encr_key;
    MIKEY_UNSET struct mikey_keys want;
    uint8_t *p = f->bytes;

    if (q->policy.has_kemac) {
        enum ts_err err = mikey_keys_read(q->policy.kemac.data, &want);
        if (err)
            return err;
    } else { /* R37: a single TGK */
        want.n = 1;
        want.k[0] = (struct mikey_key){.type = MIKEY_TGK,
                                       .key = ts_span(NULL, len),
                                       .spi = ts_span(f->spi, SPI_LEN)};
    }
    f->k[0] = (struct mikey_key){
        .type = MIKEY_MPK, .key = ts_span(p, len), .spi = ts_span("\1", 1)};
    p += len;
    for (size_t i = 0; i < want.n; i++) {
        f->k[1 + i] = want.k[i];
        f->k[1 + i].key.p = p;
        f->k[1 + i].salt.p = p + want.k[i].key.n;
        p += want.k[i].key.n + want.k[i].salt.n;
    }
    f->n = 1 + want.n;
    enum ts_err err = kms_engine_random(e, f->spi, sizeof f->spi);
    if (!err)
        err = kms_engine_random(e, f->bytes, (size_t)(p - f->bytes));
    return err;
}

/* KEMAC of REQUEST_RESP: MPKi, MPKr if I=1 (R38, R39), session keys. */
static size_t reply_keys(const struct fresh *f, const struct ts_key *mpk_i,
                         const struct ts_key *mpk_r, bool fork,
                         struct mikey_key *k)
{
    size_t n = 0;
    k[n] = f->k[0];
    k[n++].key = ts_key_span(mpk_i);
    if (fork) {
        k[n] = f->k[0];
        k[n].spi = ts_span("\2", 1);
        k[n++].key = ts_key_span(mpk_r);
    }
    for (size_t i = 1; i < f->n; i++)
        k[n++] = f->k[i];
    return n;
}

static void build_grant(struct kms_engine *e, struct kms_question *q,
                        const struct kms_tpk *tpk, struct fresh *f,
                        struct ts_span rand, struct ts_writer *w)
{
    uint16_t flags = grant(e, q);
    const struct mikey_suite *suite = mikey_suite_prf(q->m.tp.prf);
    MIKEY_UNSET struct mikey_prf prf;
    struct ts_key mpk_i, mpk_r;
    MIKEY_UNSET struct mikey_key keys[2 + WANT_MAX];
    const struct mikey_ticket_new ticket = {
        .suite = suite,
        .flags = flags,
        .policy = &q->policy,
        .tpk = ts_key_span(&tpk->key),
        .tpk_id = ts_span(tpk->id, sizeof tpk->id),
        .t = mikey_time_ntp(q->now),
        .rand = rand,
        .keys = f->k,
        .n_keys = f->n,
    };
    mikey_prf_key(&prf, suite->prf, f->k[0].key);
    mikey_derive_mpk(&prf, f->k[0].key.n, rand, &mpk_i, &mpk_r);
    mikey_prf_wipe(&prf);
    const struct mikey_reply_new in = {
        .init = &q->m,
        .psk = &q->psk,
        .t = mikey_time_ntp(q->now), /* R33 */
        .idr_kms = {0, MIKEY_ID_URI, ts_span_str(e->identity)},
        .keys = keys,
        .n_keys = reply_keys(f, &mpk_i, &mpk_r, flags & MIKEY_FLAG_I, keys),
        .ticket = &ticket,
    };
    mikey_build_request_resp(w, &in);
    ts_key_wipe(&mpk_i);
    ts_key_wipe(&mpk_r);
}

/* TP may name initiator and KMS, but only the right ones. */
static bool policy_is_ours(const struct kms_engine *e,
                           const struct kms_question *q)
{
    const struct mikey_policy *p = &q->policy;
    return (!p->initiator.data.p || kms_is_user(q, &p->initiator)) &&
           kms_is_us(e, &p->kms);
}

void kms_issue(struct kms_engine *e, struct kms_question *q,
               struct ts_writer *w)
{
    MIKEY_UNSET struct fresh f;
    uint8_t rand[KMS_TICKETKEY_LEN]; /* as long as TPK and MPK: R274 */
    const struct kms_tpk *tpk = kms_keyring_use(&e->ring);
    q->status = 200;
    if (!tpk || kms_engine_random(e, rand, sizeof rand) ||
        fresh_keys(e, q, &f)) {
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
    ts_wipe(f.bytes, sizeof f.bytes);
    if (w->err && q->result == KMS_GRANTED) {
        q->result = KMS_REFUSED;
        q->reason = "reply too long";
    }
}
