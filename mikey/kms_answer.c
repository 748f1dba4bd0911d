/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The KMS of <mikey/mikey.h>. Public faults are told by their number; whoever
 * is not known, or not allowed, learns no more than that. (tessera-kmsd hides
 * the reason in time, too: kms/engine.h.)
 */
#include "mikey/kms.h"
#include "mikey/party.h"

#define LIFETIME 86400 /* seconds, where nothing is said */

static const struct ts_span none;

/** One message on its way through the KMS. */
struct ask {
    const struct mikey_kms *kms;
    const struct mikey_now *now;
    bool request;
    struct mikey_msg m;
    struct mikey_policy policy; /* of TP or TICKET */
    struct mikey_case c;
    struct mikey_user user;
    struct mikey_protect keys; /* valid when proven */
    bool proven;
    uint8_t no; /* of the Error */
};

static uint32_t skew_of(const struct mikey_kms *kms)
{
    return kms->skew ? kms->skew : MIKEY_SKEW;
}

static enum ts_err fail(struct ask *a, uint8_t no, enum ts_err err)
{
    a->no = no;
    return err;
}

/* ---- what everybody can see ---- */

static enum ts_err check_type(struct ask *a)
{
    uint8_t type = a->m.hdr.type;
    bool pk = type == MIKEY_REQUEST_INIT_PK || type == MIKEY_RESOLVE_INIT_PK;
    a->request = mikey_is_request_init(type);
    if (!a->request && !mikey_is_resolve_init(type))
        return fail(a, MIKEY_ERR_DT, TS_E_UNKNOWN);
    if (pk && !(a->kms->verifier && a->kms->opener))
        return fail(a, MIKEY_ERR_DT, TS_E_UNSUPPORTED);
    return mikey_init_check(&a->m, type, &a->no);
}

static bool kind_ok(const struct ask *a, struct mikey_kind kind)
{
    return mikey_kind_equal(kind, mikey_kind_base) ||
           mikey_type_find(a->kms->types, a->kms->n_types, kind);
}

static enum ts_err check_ticket(struct ask *a)
{
    const struct mikey_tp *tp = a->request ? &a->m.tp : &a->m.ticket.tp;
    uint16_t flags = tp->flags;
    bool tgk = false;
    if (!kind_ok(a, tp->kind))
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
    }
    if (!err && !mikey_flags_ok(flags, tgk))
        err = fail(a, MIKEY_ERR_TPPAR, TS_E_FORMAT); /* R217 */
    return err;
}

static enum ts_err check_public(struct ask *a)
{
    enum ts_err err = check_type(a);
    if (!err && mikey_now_check(a->now, skew_of(a->kms), a->m.t, true))
        err = fail(a, MIKEY_ERR_TS, TS_E_TIME);
    return err ? err : check_ticket(a);
}

/* ---- who it is ---- */

static const struct mikey_id *claimed(const struct ask *a)
{
    return &a->m.idr[a->request ? MIKEY_IDR_I : MIKEY_IDR_R];
}

static enum ts_err verify_psk(struct ask *a)
{
    static const uint8_t dummy[32];
    const struct mikey_id *id = &a->m.idr[MIKEY_IDR_PSK];
    if (!id->data.p)
        id = claimed(a); /* R20, R106 */
    enum ts_err err = a->kms->user(a->kms->arg, id, &a->user);
    if (err)
        return fail(a, MIKEY_ERR_UNSPECIFIED, err);
    struct ts_span psk = a->user.psk;
    bool known = psk.n >= 16 && psk.n <= MIKEY_KEY_MAX;
    if (!known)
        psk = ts_span(dummy, sizeof dummy);
    err = mikey_init_verify(&a->m, psk, a->user.self.data, a->kms->self.data,
                            &a->keys);
    a->proven = known && !err;
    if (!a->proven)
        mikey_protect_end(&a->keys);
    return a->proven ? TS_OK : fail(a, MIKEY_ERR_AUTH, TS_E_AUTH);
}

static enum ts_err verify_pk(struct ask *a)
{
    enum ts_err err = mikey_init_verify_pk(
        &a->m, a->kms->verifier, a->kms->opener, a->kms->self.data,
        a->now->us / 1000000, &a->user.self, &a->keys);
    a->proven = !err;
    if (!err)
        return TS_OK;
    return fail(a, err == TS_E_AUTH ? MIKEY_ERR_AUTH : MIKEY_ERR_CERT, err);
}

/* R4, R91: whoever sent it, it is certain who that is. */
static enum ts_err verify(struct ask *a)
{
    bool pk = a->m.hdr.type == MIKEY_REQUEST_INIT_PK ||
              a->m.hdr.type == MIKEY_RESOLVE_INIT_PK;
    return pk ? verify_pk(a) : verify_psk(a);
}

/* ---- whether it may ---- */

static bool same(struct mikey_id a, struct mikey_id b)
{
    return a.type == b.type && ts_span_equal(a.data, b.data);
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
static enum ts_err decide(const struct ask *a, struct mikey_case *c)
{
    if (a->kms->decide)
        return a->kms->decide(a->kms->arg, c);
    return !c->resolve || may_resolve(c) ? TS_OK : TS_E_DENIED;
}

static void ask_times(const struct ask *a, struct mikey_case *c)
{
    uint64_t now = a->now->us / 1000000;
    uint32_t life = a->kms->lifetime ? a->kms->lifetime : LIFETIME;
    c->start = c->ticket.start > now ? c->ticket.start : now;
    c->end = now + life;
    if (c->ticket.end && c->ticket.end < c->end)
        c->end = c->ticket.end;
}

/* What the message says of its sender must be true; but a KMS resolves for
 * another: for the user that it names (R259). */
static bool is_honest(const struct ask *a)
{
    const struct mikey_id *kms = &a->m.idr[MIKEY_IDR_KMS];
    const struct mikey_id *self = claimed(a);
    if (kms->data.p && !same(*kms, a->kms->self))
        return false;
    if (a->user.is_kms)
        return !a->request && self->data.p;
    return !self->data.p || same(*self, a->user.self);
}

/* R28, R114: authorised, or not. */
static enum ts_err judge(struct ask *a)
{
    const struct mikey_tp *tp = a->request ? &a->m.tp : &a->m.ticket.tp;
    struct mikey_case *c = &a->c;
    *c = (struct mikey_case){
        .resolve = !a->request,
        .user = a->user.self,
        .is_kms = a->user.is_kms,
        .responder = a->policy.responder,
        .who = a->user.is_kms ? *claimed(a) : a->user.self,
        .flags = (tp->flags & (uint16_t)~MIKEY_FLAG_K) | MIKEY_FLAG_D |
                 MIKEY_FLAG_E | MIKEY_FLAG_N | MIKEY_FLAG_O,
        .tpk = a->kms->tpk,
        .tpk_id = a->kms->tpk_id,
    };
    mikey_ticket_tell(tp, &a->policy, 0, &c->ticket);
    ask_times(a, c);
    if (!is_honest(a))
        return TS_E_DENIED;
    return decide(a, c);
}

/* ---- grant ---- */

static enum ts_err grant_policy(const struct ask *a, struct mikey_policy *p,
                                uint16_t *flags)
{
    const uint16_t asked = a->m.tp.flags & (uint16_t)~MIKEY_FLAG_K;
    *p = a->policy;
    *flags = a->c.flags & (uint16_t)~MIKEY_FLAG_K;
    p->has_kemac = false;        /* R239 */
    p->initiator = a->user.self; /* R15 */
    if (a->m.idr[MIKEY_IDR_I].data.p)
        p->initiator = a->m.idr[MIKEY_IDR_I];
    if (!p->kms.data.p)
        p->kms = a->kms->self;
    p->has_start = p->has_end = true;
    p->start = a->c.start;
    p->end = a->c.end;
    if (p->end < p->start)
        return TS_E_EXPIRED;
    if (*flags != asked || p->start != a->policy.start ||
        p->end != a->policy.end)
        *flags |= MIKEY_FLAG_K;
    return TS_OK;
}

static enum ts_err draw(const struct ask *a, struct mikey_keys *want,
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
static enum ts_err grant(struct ask *a, struct ts_writer *w)
{
    const struct mikey_kms *kms = a->kms;
    struct mikey_policy policy;
    struct mikey_keys want;
    struct mikey_fresh fresh;
    uint8_t rand[MIKEY_RAND_MAX];
    uint16_t flags;
    enum ts_err err = grant_policy(a, &policy, &flags);
    if (!err)
        err = kms->random(kms->arg, rand, sizeof rand);
    if (!err)
        err = draw(a, &want, &fresh);
    if (err)
        return err;
    const struct mikey_grant in = {
        .init = &a->m,
        .psk = &a->keys,
        .t = mikey_now_t(a->now), /* R33, R34 */
        .idr_kms = kms->self,
        .suite = mikey_suite_prf(a->m.tp.prf),
        .flags = flags,
        .policy = &policy,
        .tpk = a->c.tpk,
        .tpk_id = a->c.tpk_id,
        .rand = ts_span(rand, sizeof rand), /* R274 */
        .fresh = &fresh,
    };
    mikey_kms_grant(w, &in);
    mikey_fresh_wipe(&fresh);
    return w->err;
}

/* ---- resolve ---- */

static enum ts_err open_ticket(const struct ask *a, struct mikey_opened *o)
{
    const struct mikey_kms *kms = a->kms;
    const struct mikey_ticket *t = &a->m.ticket;
    struct ts_span tpk = kms->tpk;
    struct mikey_base base;
    enum ts_err found = TS_OK;
    if (kms->ticket_key && mikey_base_read(t, &base) == TS_OK)
        found = kms->ticket_key(kms->arg, base.tpk_id.data, &tpk);
    if (found || tpk.n < 16 || tpk.n > MIKEY_KEY_MAX)
        tpk = ts_span("0123456789abcdef", 16); /* opens nothing */
    enum ts_err err = mikey_ticket_open(t, kms->types, kms->n_types, tpk, o);
    return found ? found : err;
}

static enum ts_err resolve(struct ask *a, struct ts_writer *w)
{
    const struct mikey_kms *kms = a->kms;
    struct mikey_opened opened;
    uint8_t rand[MIKEY_RAND_MAX];
    enum ts_err err = open_ticket(a, &opened);
    if (!err && mikey_policy_valid(&a->policy, a->now->us / 1000000, 0))
        err = TS_E_EXPIRED;
    if (!err && a->c.who.data.n > MIKEY_ID_MAX)
        err = TS_E_UNSUPPORTED;
    size_t n = mikey_kms_rand_len(&opened);
    if (!err)
        err = kms->random(kms->arg, rand, n);
    if (!err) {
        const struct mikey_resolve in = {
            .init = &a->m,
            .psk = &a->keys,
            .t = mikey_now_t(a->now), /* R119, R120 */
            .idr_kms = kms->self,
            .opened = &opened,
            .who = a->c.who,
            .rand_kms = ts_span(rand, n),
        };
        err = mikey_kms_resolve(w, &in);
    }
    mikey_opened_wipe(&opened);
    return err ? err : w->err;
}

/* ---- the answer ---- */

/* 5.4: with V once it is certain whom we speak to. */
static void refuse(struct ask *a, struct ts_writer *w)
{
    const struct mikey_error_new in = {
        .about = &a->m.hdr,
        .t = mikey_now_t(a->now), /* R185, R186 */
        .no = {a->no},
        .n_no = 1,
        .auth = a->proven ? &a->keys : NULL,
    };
    a->keys.selector = MIKEY_SEL_INIT; /* R187 */
    w->len = 0;
    w->err = TS_OK;
    mikey_build_error(w, &in);
}

/* Everything up to the decision; on failure a->no says what to tell. */
static enum ts_err hear(struct ask *a, struct ts_span message)
{
    enum ts_err err = check_public(a);
    if (!err)
        err = verify(a);
    if (!err && a->kms->replay && a->kms->replay(a->kms->arg, message, a->m.t))
        err = fail(a, MIKEY_ERR_TS, TS_E_REPLAY);
    return err;
}

/* Begin with a message; false when not even HDR can be read. */
static bool begin(struct ask *a, const struct mikey_kms *kms,
                  const struct mikey_now *now, struct ts_span message,
                  enum ts_err *err)
{
    bool hdr_ok;
    a->kms = kms;
    a->now = now;
    a->proven = false;
    a->user = (struct mikey_user){.psk = none};
    a->no = MIKEY_ERR_UNSPECIFIED; /* R175, R176 */
    *err = mikey_msg_read(message, &a->m, &hdr_ok);
    return hdr_ok && a->m.hdr.type != MIKEY_ERROR;
}

static enum ts_err end(struct ask *a, enum ts_err err, struct ts_writer *w,
                       size_t *n)
{
    if (err)
        refuse(a, w);
    if (a->proven)
        mikey_protect_end(&a->keys);
    *n = w->err ? 0 : w->len;
    return err;
}

enum ts_err mikey_kms_answer(const struct mikey_kms *kms,
                             const struct mikey_now *now,
                             struct ts_span message, uint8_t *out, size_t cap,
                             size_t *n)
{
    struct ts_writer w = ts_writer_init(out, cap);
    struct ask a;
    enum ts_err err;
    *n = 0;
    if (!begin(&a, kms, now, message, &err))
        return err ? err : TS_E_UNKNOWN;
    if (!err)
        err = hear(&a, message);
    if (!err) {
        a.no = MIKEY_ERR_UNSPECIFIED; /* whatever is wrong from here on */
        err = judge(&a);              /* R28 */
    }
    if (!err)
        err = a.request ? grant(&a, &w) : resolve(&a, &w); /* R29, R114 */
    return end(&a, err, &w, n);
}

/* ---- between two KMSs (section 10) ---- */

enum ts_err mikey_kms_forward(const struct mikey_kms *kms,
                              const struct mikey_now *now,
                              struct ts_span message,
                              const struct mikey_party *as, uint8_t *out,
                              size_t cap, size_t *n)
{
    struct ts_writer w = ts_writer_init(out, cap);
    struct ask a;
    struct ts_key env_key;
    uint8_t rand[MIKEY_RAND_MAX];
    enum ts_err err;
    *n = 0;
    if (!begin(&a, kms, now, message, &err))
        return err ? err : TS_E_UNKNOWN;
    if (!err)
        err = hear(&a, message);
    if (!err && (a.request || !is_honest(&a)))
        err = TS_E_DENIED;
    if (a.proven)
        mikey_protect_end(&a.keys);
    struct mikey_resolve_new in = {
        .suite = mikey_suite_prf(a.m.hdr.prf),
        .t = mikey_now_t(now),
        .rand_r = ts_span(rand, sizeof rand),
        .idr_r = claimed(&a)->data.p ? *claimed(&a) : a.user.self, /* R259 */
        .idr_kms = as->kms,
        .ticket = &a.m.ticket, /* R259 */
    };
    if (!err && as->signer)
        err = TS_E_UNSUPPORTED; /* its envelope key would have to be kept */
    if (!err)
        err = mikey_party_credential(as, &env_key, &in.cred);
    if (!err)
        err = mikey_party_csb(as, &in.csb);
    if (!err)
        err = mikey_party_random(as, rand, sizeof rand);
    if (err)
        return err;
    mikey_build_resolve_init(&w, &in);
    *n = w.err ? 0 : w.len;
    return w.err;
}

/* The other KMS's keys, and its modifier, under the user's key. */
static enum ts_err pass_on(struct ask *a, const struct mikey_party *as,
                           struct ts_span sent, struct ts_span reply,
                           struct ts_writer *w)
{
    struct mikey_msg ours;
    struct mikey_reply r;
    enum ts_err err = mikey_msg_read(sent, &ours, NULL);
    if (err)
        return err;
    err = mikey_reply_open(&ours, reply, as->psk, &r);
    if (!err)
        err = mikey_now_check(a->now, mikey_party_skew(as), r.msg.t, true);
    if (!err) {
        const struct mikey_reply_new in = {
            .init = &a->m,
            .psk = &a->keys,
            .t = mikey_now_t(a->now),
            .idr_kms = a->kms->self,
            .keys = r.keys.k,
            .n_keys = r.keys.n,
            .idr_r = r.msg.idr[MIKEY_IDR_R], /* unchanged, or the fork of
                                                I and R would differ */
            .rand_kms = r.msg.rand[MIKEY_RAND_KMS],
        };
        mikey_build_resolve_resp(w, &in);
        err = w->err;
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
    struct ts_writer w = ts_writer_init(out, cap);
    struct ask a;
    enum ts_err err;
    *n = 0;
    if (!begin(&a, kms, now, message, &err))
        return err ? err : TS_E_UNKNOWN;
    if (!err)
        err = check_public(&a);
    if (!err)
        err = verify(&a); /* it was not here before: forward() asked that */
    if (!err && (a.request || !is_honest(&a)))
        err = TS_E_DENIED;
    if (!err) {
        a.no = MIKEY_ERR_UNSPECIFIED;
        err = pass_on(&a, as, sent, reply, &w);
    }
    return end(&a, err, &w, n);
}
