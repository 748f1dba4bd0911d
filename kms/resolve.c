/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket Resolve at the KMS (RFC 6043 4.2.3.4, 4.2.3.5). Whatever is wrong
 * with the ticket or its bearer, the work is done to the end on dummy keys and
 * the answer is the same Error 12; the reason goes to log and audit.
 */
#include "kms/engine.h"

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

/* R115: only the requester can have made Initiator Data. */
static void check_initiator(struct kms_question *q, struct mikey_prf *mpk_r)
{
    const struct mikey_ticket *t = &q->m.ticket;
    const struct mikey_suite *suite = mikey_suite_prf(t->tp.prf);
    if (mikey_init_data_verify(t->init, mpk_r, suite))
        refuse(q, "Initiator Data not authentic");
}

/* R127, R137, R150: fork the TGKs, in place. TEKs and GTGKs stay (R142). */
static void fork_tgks(struct mikey_opened *o, uint8_t prf_func,
                      struct ts_span id, struct ts_span rand)
{
    for (size_t i = 1; i < o->keys.n; i++) {
        struct mikey_key *k = &o->keys.k[i];
        MIKEY_UNSET struct mikey_prf prf;
        struct ts_key out;
        if (k->type != MIKEY_TGK && k->type != MIKEY_TGK_SALT)
            continue;
        mikey_prf_key(&prf, prf_func, k->key);
        mikey_derive_fork(&prf, k->key.n, false, id, rand, &out);
        memcpy(o->keys.plain + (k->key.p - o->keys.plain), out.b, out.len);
        ts_key_wipe(&out);
        mikey_prf_wipe(&prf);
    }
}

/* MPKr becomes MPKr', on the way Vr is checked with MPKr. */
static void fork_all(struct kms_question *q, struct mikey_opened *o,
                     struct ts_span id, struct ts_span rand)
{
    uint8_t func = q->m.ticket.tp.prf;
    MIKEY_UNSET struct mikey_prf prf;
    struct ts_key mpk_r1;
    mikey_prf_key(&prf, func, ts_key_span(&o->mpk_r));
    check_initiator(q, &prf);
    mikey_derive_fork(&prf, o->mpk_r.len, true, id, rand, &mpk_r1);
    mikey_prf_wipe(&prf);
    o->mpk_r = mpk_r1;
    ts_key_wipe(&mpk_r1);
    fork_tgks(o, func, id, rand);
}

static size_t reply_keys(const struct mikey_opened *o, bool fork,
                         struct mikey_key *k)
{
    size_t n = 0;
    k[n] = o->keys.k[0];
    k[n].spi = ts_span("\1", 1);
    k[n++].key = ts_key_span(&o->mpk_i); /* R123 */
    if (fork) {
        k[n] = o->keys.k[0];
        k[n].spi = ts_span("\2", 1);
        k[n++].key = ts_key_span(&o->mpk_r); /* R124 */
    }
    for (size_t i = 1; i < o->keys.n; i++)
        k[n++] = o->keys.k[i];
    return n;
}

static void build_reply(struct kms_engine *e, struct kms_question *q,
                        const struct mikey_opened *o,
                        const struct mikey_id *who, struct ts_span rand,
                        struct ts_writer *w)
{
    bool fork = q->m.ticket.tp.flags & MIKEY_FLAG_I;
    MIKEY_UNSET struct mikey_key keys[1 + MIKEY_KEYS_MAX];
    struct mikey_reply_new in = {
        .init = &q->m,
        .psk = &q->psk,
        .t = mikey_time_ntp(q->now), /* R119 */
        .idr_kms = {0, MIKEY_ID_URI, ts_span_str(e->identity)},
        .keys = keys,
        .n_keys = reply_keys(o, fork, keys),
    };
    if (fork) { /* R128, R129 */
        in.idr_r = *who;
        in.rand_kms = rand;
    }
    mikey_build_resolve_resp(w, &in);
}

/* R273: as long as the longest key that is forked */
static size_t rand_len(const struct mikey_opened *o)
{
    size_t n = 32;
    for (size_t i = 0; i < o->keys.n; i++)
        if (o->keys.k[i].key.n > n)
            n = o->keys.k[i].key.n;
    return n;
}

void kms_resolve(struct kms_engine *e, struct kms_question *q,
                 struct ts_writer *w)
{
    MIKEY_UNSET struct mikey_opened opened;
    uint8_t rand[TS_KEY_MAX];
    q->status = 200;
    open_ticket(e, q, &opened);
    const struct mikey_id *who = check_policy(e, q);
    struct ts_span id = who->data;
    size_t n = rand_len(&opened);
    if (id.n > MIKEY_ID_MAX) {
        refuse(q, "identity too long");
        id.n = MIKEY_ID_MAX;
    }
    if (kms_engine_random(e, rand, n)) {
        q->result = KMS_FAILED;
        q->reason = "no random numbers";
        q->status = 503;
    } else {
        if (q->m.ticket.tp.flags & MIKEY_FLAG_I)
            fork_all(q, &opened, id, ts_span(rand, n));
        build_reply(e, q, &opened, who, ts_span(rand, n), w);
        if (w->err)
            refuse(q, "reply too long");
    }
    mikey_opened_wipe(&opened);
}
