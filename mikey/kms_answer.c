/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KMS of <mikey/mikey_kms.h>. Public faults are told by their number;
 * whoever is not known, or not allowed, learns no more than that.
 * (tessera-kmsd hides the reason in time, too: kms/engine.h.)
 */
#include "mikey/kms_state.h"

#define LIFETIME 86400 /* seconds, where nothing is said */

static enum ts_err fail(struct mikey_ask *a, uint8_t no, enum ts_err err)
{
    a->no = no;
    return err;
}

/* ---- what everybody can see ---- */

static bool is_pk(const struct mikey_ask *a)
{
    return a->m.hdr.type == MIKEY_REQUEST_INIT_PK ||
           a->m.hdr.type == MIKEY_RESOLVE_INIT_PK;
}

static enum ts_err check_type(struct mikey_ask *a)
{
    const struct mikey_kms *kms = a->kms;
    const uint8_t type = a->m.hdr.type;
    a->request = mikey_is_request_init(type);
    if (!a->request && !mikey_is_resolve_init(type))
        return fail(a, MIKEY_ERR_DT, TS_E_UNKNOWN);
    if (is_pk(a) ? !(kms->verifier && kms->opener) : !kms->user)
        return fail(a, MIKEY_ERR_DT, TS_E_UNSUPPORTED);
    return mikey_init_check(&a->m, type, &a->no);
}

static const struct mikey_ticket_type *type_of(const struct mikey_ask *a)
{
    const struct mikey_tp *tp = a->request ? &a->m.tp : &a->m.ticket.tp;
    return mikey_type_find(a->kms->types, a->kms->n_types, tp->kind);
}

static enum ts_err check_ticket(struct mikey_ask *a)
{
    const struct mikey_tp *tp = a->request ? &a->m.tp : &a->m.ticket.tp;
    uint16_t flags = tp->flags;
    bool tgk = false;
    if (!mikey_kind_equal(tp->kind, mikey_kind_base) && !type_of(a))
        return fail(a, MIKEY_ERR_TICKET, TS_E_UNSUPPORTED);
    if (!mikey_suite_prf(tp->prf))
        return fail(a, MIKEY_ERR_PRF, TS_E_UNSUPPORTED);
    if (tp->prf > a->m.hdr.prf || (a->request && tp->prf != a->m.hdr.prf))
        return fail(a, MIKEY_ERR_TPPAR, TS_E_UNSUPPORTED); /* R278, R279 */
    enum ts_err err = mikey_policy_read(tp->data, &a->policy);
    if (err)
        return fail(a, MIKEY_ERR_TPPAR, err);
    if (a->request) {
        flags &= (uint16_t)~MIKEY_FLAG_K; /* R225 */
        err = mikey_wanted_check(a->policy.has_kemac ? &a->policy.kemac : NULL,
                                 mikey_suite_prf(tp->prf), &tgk, &a->no);
    } else if (a->policy.has_kemac) {
        err = fail(a, MIKEY_ERR_TPPAR, TS_E_FORMAT); /* R239 */
    }
    if (!err && !mikey_flags_ok(flags, tgk))
        err = fail(a, MIKEY_ERR_TPPAR, TS_E_FORMAT); /* R217 */
    return err;
}

/* T is of now. Whether a COUNTER is a new one is known to replay() only. */
static enum ts_err check_time(struct mikey_ask *a)
{
    const struct mikey_kms *kms = a->kms;
    const uint32_t skew = kms->skew ? kms->skew : MIKEY_SKEW;
    if (a->m.t.type == MIKEY_COUNTER && !kms->replay)
        return fail(a, MIKEY_ERR_TS, TS_E_TIME);
    if (mikey_now_check(a->now, skew, a->m.t, true))
        return fail(a, MIKEY_ERR_TS, TS_E_TIME);
    return TS_OK;
}

/* ---- who it is ---- */

const struct mikey_id *mikey_ask_claimed(const struct mikey_ask *a)
{
    return &a->m.idr[a->request ? MIKEY_IDR_I : MIKEY_IDR_R];
}

static enum ts_err verify_psk(struct mikey_ask *a)
{
    static const uint8_t dummy[32];
    const struct mikey_id *id = &a->m.idr[MIKEY_IDR_PSK];
    if (!id->data.p)
        id = mikey_ask_claimed(a); /* R20, R106 */
    enum ts_err err = a->kms->user(a->kms->arg, id, mikey_ask_claimed(a),
                                   &a->user); /* R270: by whatever name */
    if (err)
        return fail(a, MIKEY_ERR_UNSPECIFIED, err);
    struct ts_span psk = a->user.psk;
    bool known = psk.n >= 16 && psk.n <= MIKEY_KEY_MAX && /* R271 */
                 a->user.self.data.p;
    if (!known)
        psk = ts_span(dummy, sizeof dummy);
    err = mikey_init_verify(&a->m, psk, a->user.self.data, a->kms->self.data,
                            &a->keys);
    a->proven = known && !err;
    if (!a->proven)
        mikey_protect_end(&a->keys);
    return a->proven ? TS_OK : fail(a, MIKEY_ERR_AUTH, TS_E_AUTH); /* R177 */
}

static enum ts_err verify_pk(struct mikey_ask *a)
{
    enum ts_err err = mikey_init_verify_pk(
        &a->m, a->kms->verifier, a->kms->opener, a->kms->self.data,
        a->now->us / 1000000, &a->user.self, &a->keys);
    a->proven = !err;
    if (!err)
        return TS_OK;
    return fail(a, err == TS_E_AUTH ? MIKEY_ERR_AUTH : MIKEY_ERR_CERT, err);
}

enum ts_err mikey_ask_verify(struct mikey_ask *a)
{
    enum ts_err err = check_type(a);
    if (!err)
        err = check_time(a);
    if (!err)
        err = check_ticket(a);
    if (!err)
        err = is_pk(a) ? verify_pk(a) : verify_psk(a); /* R4, R91 */
    return err;
}

enum ts_err mikey_ask_replay(struct mikey_ask *a)
{
    if (a->kms->replay && a->kms->replay(a->kms->arg, a->m.raw, a->m.t))
        return fail(a, MIKEY_ERR_TS, TS_E_REPLAY);
    return TS_OK;
}

/* ---- whether it may ---- */

static bool same(struct mikey_id a, struct mikey_id b)
{
    return a.type == b.type && ts_span_equal(a.data, b.data);
}

/* A user is who it says; but a KMS resolves for another: for the user that it
 * names (R259). */
enum ts_err mikey_ask_honest(struct mikey_ask *a)
{
    const struct mikey_id *kms = &a->m.idr[MIKEY_IDR_KMS];
    const struct mikey_id *self = mikey_ask_claimed(a);
    bool good = !self->data.p || same(*self, a->user.self);
    if (a->user.is_kms)
        good = !a->request && self->data.p;
    if (kms->data.p && !same(*kms, a->kms->self))
        good = false;
    return good ? TS_OK : fail(a, MIKEY_ERR_UNSPECIFIED, TS_E_DENIED);
}

static bool may_resolve(const struct mikey_case *c)
{
    for (size_t i = 0; i < c->ticket.n_responders; i++)
        if (same(c->responder[i], c->who))
            return true;
    return false;
}

/* Where the owner says nothing: a ticket for whomever, keys for whom it
 * names. */
static enum ts_err decide(const struct mikey_ask *a, struct mikey_case *c)
{
    if (a->kms->decide)
        return a->kms->decide(a->kms->arg, c); /* R268, R269, R281 */
    return !c->resolve || may_resolve(c) ? TS_OK : TS_E_DENIED;
}

static void ask_times(const struct mikey_ask *a, struct mikey_case *c)
{
    const uint64_t now = a->now->us / 1000000;
    const uint32_t life = a->kms->lifetime ? a->kms->lifetime : LIFETIME;
    c->start = c->ticket.start > now ? c->ticket.start : now;
    c->end = now + life;
    if (c->ticket.end && c->ticket.end < c->end)
        c->end = c->ticket.end;
}

/* R28, R114: authorised, or not. */
static enum ts_err judge(const struct mikey_ask *a, size_t n_keys,
                         struct mikey_case *c)
{
    const struct mikey_tp *tp = a->request ? &a->m.tp : &a->m.ticket.tp;
    *c = (struct mikey_case){
        .resolve = !a->request,
        .user = a->user.self,
        .is_kms = a->user.is_kms,
        .responder = a->policy.responder,
        .who = a->user.is_kms ? *mikey_ask_claimed(a) : a->user.self,
        .flags = (tp->flags & (uint16_t)~MIKEY_FLAG_K) | MIKEY_FLAG_D |
                 MIKEY_FLAG_E | MIKEY_FLAG_N | MIKEY_FLAG_O,
        .rekey = a->policy.has_rekey ? a->policy.rekey : 0,
        .tpk = a->tpk,
        .tpk_id = a->tpk_id,
    };
    mikey_ticket_tell(tp, a->request ? ts_span(NULL, 0) : a->m.ticket.data,
                      &a->policy, n_keys, &c->ticket);
    ask_times(a, c);
    return decide(a, c);
}

/* An envelope key is bound to nobody: whoever sends another's again has an
 * answer under the same keys, where T is all that tells the IVs apart. A second
 * is too long for that. */
struct mikey_time mikey_ask_t(const struct mikey_ask *a)
{
    struct mikey_now now = *a->now;
    if (is_pk(a) && now.ts_type == MIKEY_NTP_UTC_32)
        now.ts_type = MIKEY_NTP_UTC; /* R33 */
    return mikey_now_t(&now);
}

/* ---- grant ---- */

/* What was asked for, as far as it was decided so. Its KEMAC is not written
 * into a ticket. */
static enum ts_err grant_policy(const struct mikey_ask *a,
                                const struct mikey_case *c,
                                struct mikey_policy *p, uint16_t *flags)
{
    const uint16_t asked = a->m.tp.flags & (uint16_t)~MIKEY_FLAG_K;
    const struct mikey_policy *want = &a->policy;
    *p = *want;
    *flags = c->flags & (uint16_t)~MIKEY_FLAG_K;
    p->initiator = a->user.self; /* R15 */
    p->kms = a->kms->self;
    p->has_start = p->has_end = true;
    p->start = c->start;
    p->end = c->end;
    p->has_rekey = c->rekey;
    p->rekey = c->rekey;
    if (p->end < p->start)
        return TS_E_EXPIRED;
    if (p->end > MIKEY_TIME_MAX)
        return TS_E_RANGE; /* R232, R233 */
    if (*flags != asked || p->start != want->start || p->end != want->end ||
        p->rekey != want->rekey || !want->kms.data.p ||
        !same(want->kms, p->kms) || !want->initiator.data.p ||
        !same(want->initiator, p->initiator))
        *flags |= MIKEY_FLAG_K;
    return TS_OK;
}

static enum ts_err draw(const struct mikey_ask *a, struct mikey_keys *want,
                        struct mikey_fresh *fresh)
{
    const struct mikey_suite *suite = mikey_suite_prf(a->m.tp.prf);
    const struct mikey_kms *kms = a->kms;
    if (!a->policy.has_kemac)
        return mikey_fresh_draw(fresh, suite, NULL, 0, kms->random, kms->arg);
    enum ts_err err = mikey_wanted_read(&a->policy.kemac, want);
    return err ? err
               : mikey_fresh_draw(fresh, suite, want->k, want->n, kms->random,
                                  kms->arg);
}

/* R29: the ticket, and the keys in it. */
static enum ts_err grant(struct mikey_ask *a)
{
    const struct mikey_kms *kms = a->kms;
    struct mikey_case c;
    struct mikey_policy policy;
    struct mikey_keys want;
    struct mikey_fresh fresh;
    uint8_t rand[MIKEY_RAND_MAX];
    uint16_t flags;
    fresh.len = 0;
    enum ts_err err = judge(a, 0, &c); /* R28 */
    if (!err)
        err = grant_policy(a, &c, &policy, &flags);
    if (!err)
        err = kms->random(kms->arg, rand, sizeof rand);
    if (!err)
        err = draw(a, &want, &fresh);
    if (!err) {
        const struct mikey_grant in = {
            .init = &a->m,
            .psk = &a->keys,
            .t = mikey_ask_t(a), /* R33, R34 */
            .idr_kms = kms->self,
            .type = type_of(a),
            .suite = mikey_suite_prf(a->m.tp.prf),
            .flags = flags,
            .policy = &policy,
            .tpk = c.tpk,
            .tpk_id = c.tpk_id,
            .rand = ts_span(rand, sizeof rand), /* R274 */
            .fresh = &fresh,
        };
        mikey_kms_grant(&a->w, &in);
        err = a->w.err;
    }
    mikey_fresh_wipe(&fresh);
    return err;
}

/* ---- resolve ---- */

/* Who made it is who holds the key that opens it, whatever is in it; so that
 * is for the owner to see. Another kind's keys are known to its type only. */
static enum ts_err open_ticket(struct mikey_ask *a, struct mikey_opened *o)
{
    const struct mikey_kms *kms = a->kms;
    const struct mikey_ticket *t = &a->m.ticket;
    struct mikey_base base;
    if (type_of(a)) {
        a->tpk = a->tpk_id = ts_span(NULL, 0);
    } else if (kms->ticket_key) {
        enum ts_err err = mikey_base_read(t, &base);
        if (!err)
            err = kms->ticket_key(kms->arg, base.tpk_id.data, &a->tpk);
        if (err)
            return err;
        a->tpk_id = base.tpk_id.data;
    }
    if (!type_of(a) && (a->tpk.n < 16 || a->tpk.n > MIKEY_KEY_MAX))
        return TS_E_NOTFOUND; /* R271 */
    return mikey_ticket_open(t, kms->types, kms->n_types, a->tpk, o);
}

/* Nothing in a ticket is believed before its MAC: the owner judges last. */
static enum ts_err may(const struct mikey_ask *a, const struct mikey_opened *o,
                       struct mikey_id *who)
{
    struct mikey_case c;
    if (mikey_policy_valid(&a->policy, a->now->us / 1000000, 0))
        return TS_E_EXPIRED;
    enum ts_err err = judge(a, o->keys.n - 1, &c); /* R114 */
    *who = c.who;
    if (!err && (!who->data.p || !who->data.n || who->data.n > MIKEY_ID_MAX))
        err = TS_E_UNSUPPORTED;
    return err;
}

static enum ts_err resolve(struct mikey_ask *a)
{
    const struct mikey_kms *kms = a->kms;
    struct mikey_opened opened;
    struct mikey_id who;
    uint8_t rand[MIKEY_RAND_MAX];
    size_t n = 0;
    opened.keys.n = opened.keys.len = 0;
    enum ts_err err = open_ticket(a, &opened);
    if (!err)
        err = may(a, &opened, &who);
    if (!err) {
        n = mikey_kms_rand_len(&opened);
        err = kms->random(kms->arg, rand, n);
    }
    if (!err) {
        const struct mikey_resolve in = {
            .init = &a->m,
            .psk = &a->keys,
            .t = mikey_ask_t(a), /* R119, R120 */
            .idr_kms = kms->self,
            .opened = &opened,
            .who = who,
            .rand_kms = ts_span(rand, n),
        };
        err = mikey_kms_resolve(&a->w, &in);
    }
    mikey_opened_wipe(&opened);
    return err ? err : a->w.err;
}

/* ---- the answer ---- */

/* 5.4: with V once it is certain whom we speak to. */
static void refuse(struct mikey_ask *a)
{
    const struct mikey_error_new in = {
        .about = &a->m.hdr,
        .t = mikey_now_t(a->now), /* R185, R186 */
        .no = {a->no},
        .n_no = 1,
        .auth = a->proven ? &a->keys : NULL, /* R178, R179 */
    };
    ts_wipe(a->w.buf, a->w.len);
    a->w.len = 0;
    a->w.err = TS_OK;
    a->keys.selector = MIKEY_SEL_INIT; /* R187 */
    mikey_build_error(&a->w, &in);
}

enum ts_err mikey_ask_begin(struct mikey_ask *a, const struct mikey_kms *kms,
                            const struct mikey_now *now, struct ts_span message,
                            uint8_t *out, size_t cap)
{
    bool hdr_ok;
    a->kms = kms;
    a->now = now;
    a->request = a->proven = false;
    a->user = (struct mikey_user){.is_kms = false};
    a->tpk = kms->tpk;
    a->tpk_id = kms->tpk_id;
    a->no = MIKEY_ERR_UNSPECIFIED; /* R175, R176 */
    a->w = ts_writer_init(out, cap);
    enum ts_err err = mikey_msg_read(message, &a->m, &hdr_ok);
    if (hdr_ok && a->m.hdr.type == MIKEY_ERROR)
        err = TS_E_UNKNOWN;
    if (!hdr_ok || a->m.hdr.type == MIKEY_ERROR)
        ts_writer_fail(&a->w, err); /* no answer to that */
    return err;
}

enum ts_err mikey_ask_end(struct mikey_ask *a, enum ts_err err, size_t *n)
{
    const bool silent = a->w.err && a->w.len == 0 && !a->proven;
    if (err && !silent)
        refuse(a);
    if (a->proven)
        mikey_protect_end(&a->keys);
    *n = a->w.err ? 0 : a->w.len;
    return err;
}

enum ts_err mikey_kms_answer(const struct mikey_kms *kms,
                             const struct mikey_now *now,
                             struct ts_span message, uint8_t *out, size_t cap,
                             size_t *n)
{
    struct mikey_ask a;
    enum ts_err err = mikey_ask_begin(&a, kms, now, message, out, cap);
    if (!err)
        err = mikey_ask_verify(&a);
    if (!err)
        err = mikey_ask_replay(&a);
    if (!err)
        err = mikey_ask_honest(&a);
    if (!err) {
        a.no = MIKEY_ERR_UNSPECIFIED; /* whatever is wrong from here on */
        err = a.request ? grant(&a) : resolve(&a); /* R11, R29, R98, R114 */
    }
    return mikey_ask_end(&a, err, n);
}
