/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Initiator of <mikey/mikey.h>: a ticket first, asked for or made, then
 * offers with it, and a bundle for each answer.
 */
#include "mikey/initiator_state.h"
#include "mikey/kms.h"

enum { BUFFERS = 3 };

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
                                  .offered = buf[2]};
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
    return wish->flags ? wish->flags : MIKEY_FLAGS_USUAL;
}

static enum ts_err wish_policy(const struct mikey_party *party,
                               const struct mikey_wish *wish,
                               struct mikey_policy *p)
{
    if (wish->n_responders == 0 || wish->n_responders > MIKEY_RESPONDERS_MAX ||
        wish->n_apps > MIKEY_APPS_MAX)
        return TS_E_RANGE;
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
    return TS_OK;
}

/* A new ticket takes the place of the one in hand. */
static void forget_ticket(struct mikey_initiator *i)
{
    mikey_keys_wipe(&i->keys);
    i->ticket.n = i->offered.n = 0;
    i->used = false;
}

/* ---- asking the KMS ---- */

static enum ts_err build_request(struct mikey_initiator *i,
                                 const struct mikey_now *now,
                                 const struct mikey_wish *wish,
                                 const struct mikey_policy *policy)
{
    const struct mikey_party *party = i->party;
    uint8_t rand[MIKEY_RAND_MAX];
    struct mikey_request_new in = {
        .suite = i->suite,
        .t = mikey_now_t(now),
        .idr_i = party->self,
        .idr_kms = party->kms,
        .omit = party->omit,
        .kind = wish->kind,
        .flags = wish_flags(wish),
        .policy = policy,
        .want = wish->keys,
        .n_want = wish->n_keys,
    };
    enum ts_err err = mikey_party_credential(party, &i->env_key, &in.cred);
    size_t n = in.cred.key.n > MIKEY_RAND_LEN ? in.cred.key.n
                                              : MIKEY_RAND_LEN; /* R272 */
    if (!err)
        err = mikey_party_csb(party, &in.csb); /* R8 */
    if (!err)
        err = mikey_party_random(party, rand, n);
    if (err)
        return err;
    in.rand_i = ts_span(rand, n);
    struct ts_writer w = mikey_buf_writer(&i->sent);
    mikey_build_request_init(&w, &in);
    i->sent.n = w.err ? 0 : w.len;
    return w.err;
}

enum ts_err mikey_initiator_request(struct mikey_initiator *i,
                                    const struct mikey_now *now,
                                    const struct mikey_wish *wish, uint8_t *out,
                                    size_t cap, size_t *n)
{
    struct mikey_policy policy;
    i->asked = false;
    if (!mikey_flags_ok(wish_flags(wish) & (uint16_t)~MIKEY_FLAG_K, false))
        return TS_E_RANGE;
    enum ts_err err = wish_policy(i->party, wish, &policy);
    if (!err)
        err = build_request(i, now, wish, &policy);
    if (!err)
        err = mikey_hand_out(mikey_buf_span(&i->sent), out, cap, n);
    i->asked = !err;
    return err;
}

/* What the KMS was asked for, read back from the REQUEST_INIT (R47). */
static enum ts_err check_asked(const struct mikey_initiator *i,
                               const struct mikey_msg *sent,
                               const struct mikey_policy *granted)
{
    struct mikey_policy asked;
    enum ts_err err = mikey_policy_read(sent->tp.data, &asked);
    if (err)
        return err;
    for (size_t a = 0; a < asked.n_responders; a++) {
        bool found = false;
        for (size_t g = 0; g < granted->n_responders; g++)
            found = found || mikey_party_same(i->party, &asked.responder[a],
                                              &granted->responder[g]);
        if (!found)
            return TS_E_MISMATCH; /* R47: the ticket is for somebody else */
    }
    return TS_OK;
}

/* Flags that must not change: who resolves, whether there is an answer. */
static const uint16_t kept =
    MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_F | MIKEY_FLAG_I | MIKEY_FLAG_N;

/* R47, R48: what was granted is what we can use. */
static enum ts_err check_grant(const struct mikey_initiator *i,
                               const struct mikey_now *now,
                               const struct mikey_msg *sent,
                               const struct mikey_ticket *t,
                               const struct mikey_keys *keys)
{
    struct mikey_policy p;
    const size_t first = t->tp.flags & MIKEY_FLAG_I ? 2 : 1;
    bool tgk = false;
    for (size_t k = first; k < keys->n; k++)
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
    if ((sent->tp.flags & kept) & ~t->tp.flags)
        return TS_E_UNSUPPORTED; /* R47 */
    if (mikey_policy_valid(&p, now->us / 1000000, mikey_party_skew(i->party)))
        return TS_E_EXPIRED; /* R47, R232, R233 */
    if (p.initiator.data.p &&
        !mikey_party_same(i->party, &p.initiator, &i->party->self))
        return TS_E_MISMATCH; /* R15: not in our name */
    return check_asked(i, sent, &p);
}

/* R45: ticket and keys are ours. The payload stands alone from now on. */
static enum ts_err keep_ticket(struct mikey_initiator *i, struct ts_span body,
                               const struct mikey_keys *keys)
{
    if (body.n > i->ticket.cap)
        return TS_E_SPACE;
    forget_ticket(i);
    enum ts_err err = mikey_buf_set(&i->ticket, body);
    if (err)
        return err;
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

/* Ticket Data of another kind, with keys as its owner packs them. */
static enum ts_err make_other(const struct mikey_ticket_type *type,
                              const struct mikey_ticket_new *in,
                              struct ts_span policy, uint8_t *data, size_t cap,
                              size_t *n)
{
    uint8_t chain[MIKEY_KEYS_BYTES];
    struct ts_writer w = ts_writer_init(chain, sizeof chain);
    for (size_t k = 0; k < in->n_keys; k++)
        mikey_put_key(&w, &in->keys[k], k + 1 == in->n_keys);
    enum ts_err err = w.err;
    if (!err)
        err = type->make(type->arg, policy, ts_written(&w), in->rand, data, cap,
                         n);
    ts_wipe(chain, sizeof chain);
    return err;
}

/* The policy as TICKET will show it: what another kind's Ticket Data binds. */
static struct ts_span policy_octets(struct ts_writer *w,
                                    const struct mikey_ticket_new *in)
{
    const struct mikey_tp tp = {
        .kind = in->kind, .prf = in->suite->prf, .flags = in->flags};
    struct mikey_build b = mikey_build_first(w);
    mikey_build_tp(&b, &tp, in->policy, NULL, 0);
    struct ts_span all = ts_written(w);
    return all.n ? ts_span(all.p + 1, all.n - 1) : all;
}

static enum ts_err write_ticket(struct mikey_initiator *i,
                                struct mikey_ticket_new *in)
{
    struct ts_writer w = mikey_buf_writer(&i->ticket);
    if (in->kind.type && !mikey_kind_equal(in->kind, mikey_kind_base)) {
        const struct mikey_ticket_type *type =
            mikey_type_find(i->party->types, i->party->n_types, in->kind);
        struct ts_writer scratch = mikey_buf_writer(&i->offered);
        struct ts_span policy = policy_octets(&scratch, in);
        size_t n = 0, room = i->sent.cap;
        if (!type)
            return TS_E_UNSUPPORTED;
        enum ts_err err =
            scratch.err ? scratch.err
                        : make_other(type, in, policy, i->sent.p, room, &n);
        if (err || n > room)
            return err ? err : TS_E_SPACE;
        in->data = ts_span(i->sent.p, n);
    }
    struct mikey_build b = {&w, 0, 0}; /* its one octet is next payload's */
    mikey_build_ticket(&b, in);
    i->ticket.n = w.err ? 0 : w.len;
    if (!w.err)
        i->ticket.p[0] = MIKEY_LAST;
    return w.err;
}

/* MPKi, [MPKr], session keys: what a KMS would have sent us. */
static enum ts_err keep_keys(struct mikey_initiator *i,
                             const struct mikey_ticket_new *in)
{
    struct mikey_key keys[2 + MIKEY_WANT_MAX];
    struct ts_writer w = ts_writer_init(i->keys.plain, sizeof i->keys.plain);
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
    i->keys.len = w.len;
    return w.err ? w.err : mikey_keys_parse(&i->keys, fork ? 2 : 1);
}

enum ts_err mikey_initiator_make(struct mikey_initiator *i,
                                 const struct mikey_now *now,
                                 const struct mikey_wish *wish)
{
    const struct mikey_party *party = i->party;
    struct mikey_policy policy;
    MIKEY_UNSET struct mikey_fresh fresh;
    uint8_t rand[MIKEY_RAND_MAX];
    struct mikey_ticket_new in = {
        .kind = wish->kind,
        .suite = i->suite,
        .flags = (uint16_t)((wish_flags(wish) | MIKEY_FLAG_L) &
                            ~(MIKEY_FLAG_D | MIKEY_FLAG_K)),
        .policy = &policy,
        .tpk = party->tpk,
        .tpk_id = party->tpk_id,
        .t = mikey_now_t(now),
        .rand = ts_span(rand, sizeof rand), /* R274 */
    };
    forget_ticket(i);
    i->asked = false;
    enum ts_err err = wish_policy(party, wish, &policy);
    if (err)
        return err;
    err = mikey_fresh_draw(&fresh, i->suite, wish->keys, wish->n_keys,
                           party->random, party->arg);
    in.keys = fresh.k;
    in.n_keys = fresh.n;
    if (!err)
        err = mikey_party_random(party, rand, sizeof rand);
    if (!err)
        err = write_ticket(i, &in);
    if (!err)
        err = keep_keys(i, &in);
    mikey_fresh_wipe(&fresh);
    if (err)
        forget_ticket(i);
    return err;
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

enum ts_err mikey_initiator_adopt(struct mikey_initiator *i,
                                  const struct mikey_now *now,
                                  const struct mikey_held *held)
{
    struct mikey_payload payload;
    struct mikey_policy p;
    struct mikey_keys keys;
    struct mikey_chain c = mikey_chain_init(held->ticket, MIKEY_TICKET);
    if (!mikey_chain_next(&c, &payload) || payload.next != MIKEY_LAST)
        return TS_E_FORMAT;
    enum ts_err err = mikey_chain_end(&c);
    const struct mikey_ticket *t = &payload.u.ticket;
    if (!err)
        err = mikey_policy_read(t->tp.data, &p);
    if (err)
        return err;
    if (held->rand_kms.p)
        return TS_E_DENIED; /* R252: MPKr' and TGK' are no use to others */
    if (t->tp.prf != i->suite->prf)
        return TS_E_UNSUPPORTED;
    if (mikey_policy_valid(&p, now->us / 1000000, mikey_party_skew(i->party)))
        return TS_E_EXPIRED;
    if (held->keys.n > sizeof keys.plain)
        return TS_E_SPACE;
    keys.len = held->keys.n;
    memcpy(keys.plain, held->keys.p, keys.len);
    err = mikey_keys_parse(&keys, t->tp.flags & MIKEY_FLAG_I ? 2 : 1);
    if (!err)
        err = keep_ticket(i, held->ticket, &keys);
    mikey_keys_wipe(&keys);
    return err;
}

static size_t mpks(const struct mikey_tp *tp)
{
    return tp->flags & MIKEY_FLAG_I ? 2 : 1;
}

enum ts_err mikey_initiator_ticket(const struct mikey_initiator *i,
                                   struct mikey_ticket_info *info)
{
    struct mikey_ticket t;
    struct mikey_policy p;
    if (!mikey_initiator_read(i, &t, &p))
        return TS_E_STATE;
    mikey_ticket_tell(&t.tp, &p, i->keys.n - mpks(&t.tp), info);
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
