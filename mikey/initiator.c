/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Initiator of <mikey/mikey.h>: a ticket first, asked for or made, then
 * offers with it, and a bundle for each answer.
 */
#include "mikey/initiator_state.h"
#include "mikey/kms.h"

enum { BUFFERS = 4 };

size_t mikey_initiator_size(size_t max)
{
    return sizeof(struct mikey_initiator) + BUFFERS * max;
}

struct mikey_initiator *mikey_initiator_init(void *mem, size_t n,
                                             const struct mikey_party *party)
{
    struct mikey_buf buf[BUFFERS];
    if (!mikey_party_ok(party) ||
        !mikey_cut(mem, n, sizeof(struct mikey_initiator), buf, BUFFERS))
        return NULL;
    struct mikey_initiator *i = mem;
    *i = (struct mikey_initiator){.party = party,
                                  .suite = mikey_party_suite(party),
                                  .sent = buf[0],
                                  .ticket = buf[1],
                                  .offered = buf[2],
                                  .scratch = buf[3]};
    return i;
}

void mikey_initiator_wipe(struct mikey_initiator *i)
{
    if (i)
        ts_wipe(i, sizeof *i); /* the buffers hold no key in clear */
}

const struct mikey_refusal *
mikey_initiator_refusal(const struct mikey_initiator *i)
{
    return &i->refusal;
}

/* ---- the ticket that is wanted ---- */

static uint16_t wish_flags(const struct mikey_wish *wish)
{
    const uint16_t flags =
        wish->flags ? wish->flags
                    : MIKEY_FLAGS_USUAL;    /* R174, R283, R284: I, not J */
    return flags & (uint16_t)~MIKEY_FLAG_K; /* R225 */
}

static bool wants_tgk(const struct mikey_wish *wish)
{
    bool tgk = !wish->keys; /* R37 */
    for (size_t k = 0; k < wish->n_keys; k++)
        tgk = tgk || mikey_is_tgk(&wish->keys[k]);
    return tgk;
}

/* Lengths that the keys of the ticket must leave room for: two MPKs. */
#define KEYS_BYTES (MIKEY_KEYS_BYTES - 2 * (5 + 32 + 1))

/* A blank would not be written: for fewer, or for every application. */
static bool has_names(const struct mikey_id *id, size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (!id[k].data.p || id[k].data.n == 0)
            return false;
    return true;
}

static enum ts_err check_wish(const struct mikey_suite *suite,
                              const struct mikey_wish *wish, uint16_t flags)
{
    if (wish->n_responders == 0 || wish->n_responders > MIKEY_RESPONDERS_MAX ||
        wish->n_apps > MIKEY_APPS_MAX ||
        !has_names(wish->responder, wish->n_responders) ||
        !has_names(wish->app, wish->n_apps))
        return TS_E_RANGE;
    if (wish->start > MIKEY_TIME_MAX || wish->end > MIKEY_TIME_MAX)
        return TS_E_RANGE; /* R232, R233 */
    if (wish->end && wish->end < wish->start)
        return TS_E_RANGE;
    if (!mikey_flags_ok(flags, wants_tgk(wish)))
        return TS_E_RANGE; /* R217 */
    for (size_t k = 0; k < wish->n_keys; k++)
        if (wish->keys[k].salt.n > MIKEY_SALT_MAX)
            return TS_E_RANGE;
    if (mikey_keys_bytes(wish->keys, wish->n_keys) > KEYS_BYTES)
        return TS_E_RANGE;
    return mikey_keys_ours(wish->keys, wish->n_keys, suite, MIKEY_WANT_MAX);
}

static void wish_policy(const struct mikey_party *party,
                        const struct mikey_wish *wish, struct mikey_policy *p)
{
    *p = (struct mikey_policy){
        .kms = party->kms,
        .initiator = party->self,
        .has_start = wish->start,
        .has_end = wish->end,
        .has_rekey = wish->rekey,
        .start = wish->start,
        .end = wish->end,
        .rekey = wish->rekey,
        .n_responders = wish->n_responders,
        .n_apps = wish->n_apps,
    };
    for (size_t k = 0; k < wish->n_responders; k++)
        p->responder[k] = wish->responder[k]; /* R240 */
    for (size_t k = 0; k < wish->n_apps; k++)
        p->app[k] = wish->app[k];
}

/* ---- asking the KMS ---- */

static void build_request(const struct mikey_initiator *i,
                          const struct mikey_now *now,
                          const struct mikey_wish *wish,
                          const struct mikey_fresh_init *fresh,
                          struct ts_writer *w)
{
    const struct mikey_party *party = i->party;
    struct mikey_policy policy;
    const struct mikey_request_new in = {
        .suite = i->suite,
        .csb = fresh->csb, /* R8 */
        .t = mikey_now_t(now),
        .rand_i = fresh->rand_view,
        .idr_i = party->self,
        .idr_kms = party->kms,
        .omit = party->omit, /* R17, R19, R24 */
        .kind = wish->kind,
        .flags = wish_flags(wish),
        .policy = &policy,
        .want = wish->keys,
        .n_want = wish->n_keys,
        .cred = fresh->cred,
    };
    wish_policy(party, wish, &policy);
    mikey_build_request_init(w, &in);
}

enum ts_err mikey_initiator_request(struct mikey_initiator *i,
                                    const struct mikey_now *now,
                                    const struct mikey_wish *wish, uint8_t *out,
                                    size_t cap, size_t *n)
{
    struct mikey_fresh_init fresh;
    struct ts_writer w = ts_writer_init(out, cap);
    const uint16_t flags = wish_flags(wish);
    enum ts_err err = check_wish(i->suite, wish, flags);
    if (!err)
        err = mikey_party_draw(i->party, i->suite, &fresh);
    if (err)
        return err;
    build_request(i, now, wish, &fresh, &w);
    err = w.err ? w.err
                : mikey_buf_set(&i->sent, ts_written(&w)); /* R49: a new one */
    if (!err) {
        i->env_key = fresh.env_key;
        i->must = wish->must ? wish->must : flags;
        i->asked = true;
        *n = w.len;
    }
    ts_key_wipe(&fresh.env_key);
    return err;
}

static bool is_named(const struct mikey_party *party,
                     const struct mikey_id *who, const struct mikey_id *list,
                     size_t n)
{
    for (size_t k = 0; k < n; k++)
        if (mikey_party_same(party, &list[k], who))
            return true;
    return false;
}

/* For those and only those that were asked for. */
static enum ts_err check_whom(const struct mikey_initiator *i,
                              const struct mikey_policy *asked,
                              const struct mikey_policy *p)
{
    for (size_t k = 0; k < asked->n_responders; k++)
        if (!is_named(i->party, &asked->responder[k], p->responder,
                      p->n_responders))
            return TS_E_MISMATCH; /* R47: somebody was left out */
    for (size_t k = 0; k < p->n_responders; k++)
        if (!is_named(i->party, &p->responder[k], asked->responder,
                      asked->n_responders))
            return TS_E_MISMATCH; /* R47: somebody else got in */
    if (asked->n_apps && !p->n_apps)
        return TS_E_MISMATCH; /* R47: all applications would do */
    for (size_t k = 0; asked->n_apps && k < p->n_apps; k++)
        if (!is_named(i->party, &p->app[k], asked->app, asked->n_apps))
            return TS_E_MISMATCH; /* R47: another application */
    return TS_OK;
}

/* What the KMS was asked for, read back from the REQUEST_INIT (R47). */
static enum ts_err check_asked(const struct mikey_initiator *i,
                               const struct mikey_msg *sent,
                               const struct mikey_policy *p)
{
    struct mikey_policy asked;
    enum ts_err err = mikey_policy_read(sent->tp.data, &asked);
    if (!err)
        err = check_whom(i, &asked, p);
    if (err)
        return err;
    if (asked.has_end && !(p->has_end && p->end <= asked.end))
        return TS_E_MISMATCH; /* R47: it would be good for longer */
    if (asked.has_rekey && !(p->has_rekey && p->rekey <= asked.rekey))
        return TS_E_MISMATCH; /* R47: keys would be used for longer */
    return TS_OK;
}

/* Who would be let in to what was not asked for: to the choice of keys, and to
 * a wait for an answer that does not come. */
#define UNASKED (MIKEY_FLAG_F | MIKEY_FLAG_M)

static enum ts_err check_flags(const struct mikey_initiator *i, uint16_t asked,
                               const struct mikey_tp *granted)
{
    if ((i->must | MIKEY_FLAG_D) & ~granted->flags)
        return TS_E_UNSUPPORTED; /* R47: what we need */
    if (granted->flags & ~asked & UNASKED)
        return TS_E_UNSUPPORTED; /* R47: what we did not want */
    if (!mikey_kind_known(i->party->types, i->party->n_types, granted,
                          MIKEY_FLAG_N))
        return TS_E_UNSUPPORTED; /* R228 */
    return TS_OK;
}

/* What was granted is what we can use. */
static enum ts_err check_grant(const struct mikey_initiator *i,
                               const struct mikey_now *now,
                               const struct mikey_msg *sent,
                               const struct mikey_ticket *t,
                               const struct mikey_keys *keys)
{
    struct mikey_policy p;
    bool tgk = false;
    for (size_t k = mikey_mpks(&t->tp); k < keys->n; k++)
        tgk = tgk || mikey_is_tgk(&keys->k[k]);
    enum ts_err err = mikey_policy_read(t->tp.data, &p);
    if (err)
        return err;
    if (p.has_kemac)
        return TS_E_FORMAT; /* R239 */
    if (!mikey_flags_ok(t->tp.flags, tgk))
        return TS_E_FORMAT; /* R217 */
    if (t->tp.prf != i->suite->prf)
        return TS_E_FORMAT; /* R278 */
    if (!mikey_kind_equal(t->tp.kind, sent->tp.kind))
        return TS_E_UNSUPPORTED; /* R47 */
    err = check_flags(i, sent->tp.flags, &t->tp);
    if (err)
        return err;
    if (mikey_policy_valid(&p, now->us / 1000000, mikey_party_skew(i->party)))
        return TS_E_EXPIRED; /* R47, R232, R233 */
    if (p.initiator.data.p &&
        !mikey_party_same(i->party, &p.initiator, &i->party->self))
        return TS_E_MISMATCH; /* R47: not in our name */
    return check_asked(i, sent, &p);
}

/* R45: ticket and keys are ours. The payload stands alone from now on. */
static enum ts_err keep_ticket(struct mikey_initiator *i, struct ts_span body,
                               const struct mikey_keys *keys)
{
    if (body.n > i->ticket.cap)
        return TS_E_SPACE;
    mikey_keys_wipe(&i->keys);
    i->offered.n = 0; /* offers with the ticket before are over */
    i->ticket.n = body.n;
    memmove(i->ticket.p, body.p, body.n); /* may be the one in hand */
    i->ticket.p[0] = MIKEY_LAST;
    mikey_keys_copy(&i->keys, keys);
    return TS_OK;
}

static struct ts_span request_key(const struct mikey_initiator *i)
{
    return i->party->signer ? ts_key_span(&i->env_key) : i->party->psk;
}

enum ts_err mikey_initiator_granted(struct mikey_initiator *i,
                                    const struct mikey_now *now,
                                    struct ts_span reply)
{
    struct mikey_msg sent;
    struct mikey_reply r;
    if (!i->asked)
        return TS_E_STATE;
    enum ts_err err = mikey_msg_read(mikey_buf_span(&i->sent), &sent, NULL);
    if (err)
        return TS_E_INTERNAL;
    err = mikey_reply_open(&sent, reply, request_key(i), &r);
    if (err == TS_E_PEER)
        mikey_refusal_set(
            &i->refusal, &r.msg,
            mikey_error_verify(&sent, NULL, &r.msg, request_key(i)) == TS_OK);
    if (!err)
        err = mikey_now_check(now, mikey_party_skew(i->party), r.msg.t, true);
    if (!err)
        err = check_grant(i, now, &sent, &r.msg.ticket, &r.keys); /* R48 */
    if (!err)
        err = keep_ticket(i, r.msg.ticket.body, &r.keys); /* R45 */
    if (!err)
        i->asked = false; /* a reply is taken once */
    mikey_keys_wipe(&r.keys);
    return err;
}

/* ---- making it (modes 3 and 4) ---- */

/* The ticket goes to scratch. */
static enum ts_err build_ticket(const struct mikey_initiator *i,
                                const struct mikey_ticket_new *in,
                                struct ts_span *ticket)
{
    struct ts_writer w = mikey_buf_writer(&i->scratch);
    struct mikey_build b = {&w, 0, 0};
    if (w.cap == 0) /* its first octet is named before it is written */
        return TS_E_SPACE;
    mikey_build_ticket(&b, in);
    *ticket = ts_written(&w);
    return w.err;
}

/* MPKi, [MPKr], session keys: what a KMS would have sent us. */
static enum ts_err reply_keys(const struct mikey_ticket_new *in,
                              struct mikey_keys *out)
{
    struct mikey_key keys[2 + MIKEY_WANT_MAX];
    struct ts_writer w = ts_writer_init(out->plain, sizeof out->plain);
    const bool fork = in->flags & MIKEY_FLAG_I;
    MIKEY_UNSET struct mikey_prf prf;
    struct ts_key mpk_i, mpk_r;
    mikey_prf_key(&prf, in->suite->prf, in->keys[0].key); /* R303 */
    mikey_derive_mpk(&prf, in->keys[0].key.n, in->rand, &mpk_i, &mpk_r);
    mikey_prf_wipe(&prf);
    size_t n =
        mikey_reply_keys(in->keys, in->n_keys, &mpk_i, &mpk_r, fork, keys);
    for (size_t k = 0; k < n; k++)
        mikey_put_key(&w, &keys[k], k + 1 == n);
    ts_key_wipe(&mpk_i);
    ts_key_wipe(&mpk_r);
    out->len = w.len;
    return w.err ? w.err : mikey_keys_parse(out, fork ? 2 : 1);
}

/* A ticket with fresh keys, and keys for us. */
static enum ts_err make(struct mikey_initiator *i, struct mikey_ticket_new *in,
                        const struct mikey_wish *wish)
{
    const struct mikey_party *party = i->party;
    struct mikey_fresh fresh;
    struct mikey_keys keys = {.n = 0};
    struct ts_span ticket;
    uint8_t rand[MIKEY_RAND_MAX];
    enum ts_err err = mikey_fresh_draw(&fresh, i->suite, wish->keys,
                                       wish->n_keys, party->random, party->arg);
    if (!err)
        err = mikey_party_random(party, rand, sizeof rand);
    if (!err) {
        in->keys = fresh.k;
        in->n_keys = fresh.n;
        in->rand = ts_span(rand, sizeof rand); /* R274 */
        err = build_ticket(i, in, &ticket);
    }
    if (!err)
        err = reply_keys(in, &keys);
    if (!err)
        err = keep_ticket(i, ticket, &keys);
    mikey_fresh_wipe(&fresh);
    mikey_keys_wipe(&keys);
    return err;
}

enum ts_err mikey_initiator_make(struct mikey_initiator *i,
                                 const struct mikey_now *now,
                                 const struct mikey_wish *wish)
{
    const struct mikey_party *party = i->party;
    const bool base =
        !wish->kind.type || mikey_kind_equal(wish->kind, mikey_kind_base);
    struct mikey_policy policy;
    struct mikey_ticket_new in = {
        .type = mikey_type_find(party->types, party->n_types, wish->kind),
        .suite = i->suite,
        .flags = (uint16_t)((wish_flags(wish) | MIKEY_FLAG_L) &
                            ~(MIKEY_FLAG_D | MIKEY_FLAG_K)),
        .policy = &policy,
        .tpk = party->tpk,
        .tpk_id = party->tpk_id,
        .t = mikey_now_t(now),
    };
    if (!in.type && !base)
        return TS_E_UNSUPPORTED;
    if (!in.type && !party->tpk.p)
        return TS_E_DENIED;
    enum ts_err err = check_wish(i->suite, wish, in.flags);
    if (err)
        return err;
    wish_policy(party, wish, &policy);
    return make(i, &in, wish); /* R1 */
}

/* ---- the ticket in hand ---- */

bool mikey_initiator_read(const struct mikey_initiator *i,
                          struct mikey_ticket *t, struct mikey_policy *p)
{
    struct mikey_payload payload;
    struct mikey_chain c =
        mikey_chain_init(mikey_buf_span(&i->ticket), MIKEY_TICKET);
    if (i->ticket.n == 0 || !mikey_chain_next(&c, &payload))
        return false;
    *t = payload.u.ticket;
    return mikey_policy_read(t->tp.data, p) == TS_OK;
}

/* R252: forked keys are of no use to anybody but who asked for the ticket. */
static bool is_ours(const struct mikey_initiator *i, const struct mikey_tp *tp,
                    const struct mikey_policy *p, const struct mikey_held *held)
{
    if (!(tp->flags & MIKEY_FLAG_I))
        return true; /* R250 */
    if (held->rand_kms.n)
        return false; /* MPKr' and TGK', of a Responder */
    return !p->initiator.data.p ||
           mikey_party_same(i->party, &p->initiator, &i->party->self);
}

static enum ts_err check_held(const struct mikey_initiator *i,
                              const struct mikey_now *now,
                              const struct mikey_tp *tp,
                              const struct mikey_held *held)
{
    struct mikey_policy p;
    enum ts_err err = mikey_policy_read(tp->data, &p);
    if (err)
        return err;
    if (!mikey_flags_ok(tp->flags, false) || p.has_kemac)
        return TS_E_FORMAT;
    if (!is_ours(i, tp, &p, held))
        return TS_E_DENIED; /* R252 */
    if (tp->prf != i->suite->prf)
        return TS_E_UNSUPPORTED;
    if (!mikey_kind_known(i->party->types, i->party->n_types, tp, MIKEY_FLAG_N))
        return TS_E_UNSUPPORTED; /* R228 */
    if (mikey_policy_valid(&p, now->us / 1000000, mikey_party_skew(i->party)))
        return TS_E_EXPIRED;
    return TS_OK;
}

enum ts_err mikey_initiator_adopt(struct mikey_initiator *i,
                                  const struct mikey_now *now,
                                  const struct mikey_held *held)
{
    struct mikey_payload payload;
    struct mikey_keys keys;
    struct mikey_chain c = mikey_chain_init(held->ticket, MIKEY_TICKET);
    if (!mikey_chain_next(&c, &payload) || payload.next != MIKEY_LAST ||
        mikey_chain_end(&c))
        return TS_E_FORMAT;
    const struct mikey_tp *tp = &payload.u.ticket.tp;
    enum ts_err err = check_held(i, now, tp, held);
    if (err)
        return err;
    err = mikey_keys_take(&keys, held->keys, mikey_mpks(tp));
    if (!err)
        err = mikey_keys_fit(&keys, tp); /* R217, R279 */
    if (!err)
        err = keep_ticket(i, held->ticket, &keys);
    mikey_keys_wipe(&keys);
    return err;
}

enum ts_err mikey_initiator_ticket(const struct mikey_initiator *i,
                                   struct mikey_ticket_info *info)
{
    struct mikey_ticket t;
    struct mikey_policy p;
    if (!mikey_initiator_read(i, &t, &p))
        return TS_E_STATE;
    mikey_ticket_tell(&t.tp, t.data, &p, i->keys.n - mikey_mpks(&t.tp), info);
    return TS_OK;
}

enum ts_err mikey_initiator_hold(const struct mikey_initiator *i,
                                 struct mikey_held *held)
{
    if (i->ticket.n == 0)
        return TS_E_STATE;
    *held = (struct mikey_held){
        .ticket = mikey_buf_span(&i->ticket),
        .keys = ts_span(i->keys.plain, i->keys.len),
    };
    return TS_OK;
}
