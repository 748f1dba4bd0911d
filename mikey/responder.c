/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Responder of <mikey/mikey.h>: an offer is checked as far as it can be,
 * its ticket resolved, and the offer verified with what came of that.
 */
#include "mikey/responder_state.h"

enum { BUFFERS = 4 };

size_t mikey_responder_size(size_t max)
{
    return sizeof(struct mikey_responder) + BUFFERS * max;
}

struct mikey_responder *mikey_responder_init(void *mem, size_t n,
                                             const struct mikey_party *party)
{
    struct mikey_buf buf[BUFFERS];
    if (!mikey_party_ok(party) ||
        !mikey_cut(mem, n, sizeof(struct mikey_responder), buf, BUFFERS))
        return NULL;
    struct mikey_responder *r = mem;
    *r = (struct mikey_responder){.party = party,
                                  .offer = buf[0],
                                  .sent = buf[1],
                                  .ticket = buf[2],
                                  .scratch = buf[3]};
    return r;
}

void mikey_responder_wipe(struct mikey_responder *r)
{
    if (r)
        ts_wipe(r, sizeof *r); /* the buffers hold no key in clear */
}

const struct mikey_refusal *
mikey_responder_refusal(const struct mikey_responder *r)
{
    return &r->refusal;
}

enum ts_err mikey_responder_read(const struct mikey_responder *r,
                                 struct mikey_msg *m)
{
    if (r->step == MIKEY_IDLE)
        return TS_E_STATE;
    return mikey_msg_read(mikey_buf_span(&r->offer), m, NULL);
}

void mikey_responder_policies(const struct mikey_msg *m, struct mikey_sps *set)
{
    set->n = m->n_sp;
    for (size_t i = 0; i < m->n_sp; i++) {
        set->sp[i] = m->sp[i];
        set->ours[i] = false;
    }
}

/* ---- the offer (4.2.2.2) ---- */

/* Whether one of a list, or a group or wildcard in it, is this one. */
static bool is_named(const struct mikey_party *party,
                     const struct mikey_id *who, const struct mikey_id *list,
                     size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (mikey_party_same(party, &list[i], who))
            return true;
    return false;
}

/* With forking the one who calls is the one who asked for the ticket; without,
 * it may have been passed on in a group (R250). */
static bool is_callers(const struct mikey_party *party,
                       const struct mikey_msg *m, const struct mikey_policy *p)
{
    const struct mikey_id *caller = &m->idr[MIKEY_IDR_I];
    if (!(m->ticket.tp.flags & MIKEY_FLAG_I) || !caller->data.p ||
        !p->initiator.data.p)
        return true;
    return mikey_party_same(party, &p->initiator, caller);
}

/* A ticket key of ours, or code that knows this kind of ticket. */
static bool can_open(const struct mikey_party *party,
                     const struct mikey_ticket *t)
{
    struct mikey_base base;
    if (mikey_type_find(party->types, party->n_types, t->tp.kind))
        return true;
    if (!party->tpk.p || mikey_base_read(t, &base))
        return false;
    return !base.tpk_id.data.p || /* R298 */
           !party->tpk_id.n || ts_span_equal(base.tpk_id.data, party->tpk_id);
}

/* R62: the security policies, before the ticket is resolved. */
static enum ts_err check_policies(const struct mikey_party *party,
                                  const struct mikey_msg *m, uint8_t *no)
{
    struct mikey_sps set;
    const struct mikey_answering answering = {.party = party,
                                              .side = MIKEY_RESPONDER,
                                              .known = &set,
                                              .offer = &m->hdr};
    mikey_responder_policies(m, &set);
    *no = MIKEY_ERR_SPPAR;
    return mikey_answering_judge(&answering);
}

/* R62: the Ticket Policy. */
static enum ts_err check_ticket(const struct mikey_party *party,
                                const struct mikey_now *now,
                                const struct mikey_msg *m,
                                const struct mikey_policy *p, uint8_t *no)
{
    *no = MIKEY_ERR_TPPAR;
    if (mikey_policy_valid(p, now->us / 1000000, mikey_party_skew(party)))
        return TS_E_EXPIRED; /* R62, R232, R233 */
    if (!is_named(party, &party->self, p->responder, p->n_responders))
        return TS_E_DENIED; /* R62: not for us */
    if (party->app.data.p && p->n_apps &&
        !is_named(party, &party->app, p->app, p->n_apps))
        return TS_E_DENIED; /* R62: for other applications */
    if (!is_callers(party, m, p))
        return TS_E_DENIED; /* R282 */
    return TS_OK;
}

static bool names_fit(const struct mikey_msg *m, const struct mikey_policy *p)
{
    return m->idr[MIKEY_IDR_I].data.n <= MIKEY_ID_MAX &&
           m->idr[MIKEY_IDR_R].data.n <= MIKEY_ID_MAX &&
           (m->idr[MIKEY_IDR_I].data.p || p->initiator.data.n <= MIKEY_ID_MAX);
}

/* R62, R63: refused without asking the KMS. */
static enum ts_err check_offer(const struct mikey_party *party,
                               const struct mikey_now *now,
                               const struct mikey_msg *m,
                               struct mikey_policy *p, uint8_t *no)
{
    const bool known =
        m->has_ticket &&
        mikey_type_find(party->types, party->n_types, m->ticket.tp.kind);
    enum ts_err err = mikey_transfer_check_kind(m, known, p, no);
    if (err)
        return err; /* R62, R63, R229 */
    *no = MIKEY_ERR_TS;
    err = mikey_now_check(now, mikey_party_skew(party), m->t, false);
    if (err)
        return err; /* R63: replay, or a clock that is off */
    *no = MIKEY_ERR_ID;
    if (!names_fit(m, p))
        return TS_E_UNSUPPORTED;
    err = check_ticket(party, now, m, p, no);
    return err ? err : check_policies(party, m, no);
}

static void tell(const struct mikey_party *party, const struct mikey_msg *m,
                 const struct mikey_policy *p, struct mikey_offered *o)
{
    *o = (struct mikey_offered){
        .initiator = m->idr[MIKEY_IDR_I],
        .called = m->idr[MIKEY_IDR_R],
        .bits = mikey_suite_prf(m->hdr.prf)->bits,
        .csb = m->hdr.csb,
        .t = m->t,
        .tag = m->v.mac,
        .n_sessions = m->hdr.n_cs,
        .n_policies = m->n_sp,
        .sdp_ids = m->sdp_ids,
        .needs_kms = m->ticket.tp.flags & MIKEY_FLAG_E ||
                     !can_open(party, &m->ticket), /* R3, R90, R219 */
    };
    mikey_ticket_tell(&m->ticket.tp, m->ticket.data, p, 0, &o->ticket);
}

/* Keep it, and what it says out of what was kept. */
static enum ts_err take_offer(struct mikey_responder *r, struct ts_span message,
                              struct mikey_offered *offered)
{
    struct mikey_msg m;
    struct mikey_policy p;
    enum ts_err err = mikey_buf_set(&r->offer, message);
    if (err)
        return err;
    r->step = MIKEY_OFFERED;
    r->refused = false;
    mikey_keys_wipe(&r->keys);
    mikey_keys_wipe(&r->supplied);
    err = mikey_responder_read(r, &m);
    if (!err)
        err = mikey_policy_read(m.ticket.tp.data, &p);
    if (!err)
        tell(r->party, &m, &p, offered);
    return err; /* OK: it was read before */
}

enum ts_err mikey_responder_offered(struct mikey_responder *r,
                                    const struct mikey_now *now,
                                    struct ts_span message,
                                    struct mikey_offered *offered,
                                    uint8_t *error)
{
    struct mikey_msg m;
    struct mikey_policy p;
    bool hdr_ok;
    uint8_t no = MIKEY_ERR_UNSPECIFIED;
    enum ts_err err = mikey_msg_read(message, &m, &hdr_ok);
    if (!err)
        err = check_offer(r->party, now, &m, &p, &no);
    if (!err) {
        no = MIKEY_ERR_UNSPECIFIED;
        err = take_offer(r, message, offered);
    }
    if (err) { /* what was in hand stays */
        r->refused = true;
        r->about = m.hdr;
        r->about.map = ts_span(NULL, 0);
        if (!hdr_ok)
            r->about.type = MIKEY_ERROR;
    }
    if (error)
        *error = no;
    return err;
}

enum ts_err mikey_responder_session(const struct mikey_responder *r, size_t nth,
                                    struct mikey_session *session)
{
    struct mikey_msg m;
    enum ts_err err = mikey_responder_read(r, &m);
    return err ? err : mikey_map_session(&m.hdr, nth, session);
}

enum ts_err mikey_responder_policy(const struct mikey_responder *r, uint8_t no,
                                   struct mikey_srtp_policy *policy)
{
    struct mikey_msg m;
    struct mikey_sps set;
    enum ts_err err = mikey_responder_read(r, &m);
    if (err)
        return err;
    mikey_responder_policies(&m, &set);
    const struct mikey_sp *sp = mikey_sps_find(&set, no);
    return sp ? mikey_srtp_policy_read(sp, policy) : TS_E_NOTFOUND;
}

/* ---- asking the KMS ---- */

/* R276, R279: what protects the keys on their way is no weaker than theirs. */
static const struct mikey_suite *resolve_suite(const struct mikey_party *party,
                                               const struct mikey_msg *m)
{
    const struct mikey_suite *ours = mikey_party_suite(party);
    const struct mikey_suite *theirs = mikey_suite_prf(m->hdr.prf);
    return theirs->bits > ours->bits ? theirs : ours;
}

enum ts_err mikey_responder_resolve(struct mikey_responder *r,
                                    const struct mikey_now *now, uint8_t *out,
                                    size_t cap, size_t *n)
{
    const struct mikey_party *party = r->party;
    struct mikey_msg m;
    struct mikey_fresh_init fresh;
    struct ts_writer w = ts_writer_init(out, cap);
    if (r->step != MIKEY_OFFERED && r->step != MIKEY_ASKED)
        return TS_E_STATE; /* R63: not for an offer that was refused */
    enum ts_err err = mikey_responder_read(r, &m);
    if (err)
        return TS_E_INTERNAL;
    const struct mikey_suite *suite = resolve_suite(party, &m);
    err = mikey_party_draw(party, suite, &fresh);
    if (err)
        return err;
    const struct mikey_resolve_new in = {
        .suite = suite,
        .csb = fresh.csb, /* R95 */
        .t = mikey_now_t(now),
        .rand_r = fresh.rand_view,
        .idr_r = party->self,
        .idr_kms = party->kms, /* R257: ours, whoever issued the ticket */
        .omit = party->omit,   /* R103, R105, R110 */
        .ticket = &m.ticket,   /* R256 */
        .cred = fresh.cred,
    };
    mikey_build_resolve_init(&w, &in);
    err = w.err ? w.err : mikey_buf_set(&r->sent, ts_written(&w));
    if (!err) {
        r->env_key = fresh.env_key;
        r->step = MIKEY_ASKED;
        r->refused = false;
        *n = w.len;
    }
    ts_key_wipe(&fresh.env_key);
    return err;
}

/* ---- verifying the offer ---- */

/* What the ticket gave, wherever it was opened. */
struct resolved {
    struct mikey_keys keys; /* MPKi, [MPKr'], session keys */
    struct mikey_id idr_r;  /* modifier; data.p NULL without forking */
    struct ts_span rand_kms;
};

/* R273: RANDRkms as long as the keys that it forked; and both are there. */
static enum ts_err check_modifier(const struct resolved *in, bool fork)
{
    if (!fork)
        return TS_OK;
    if (!in->idr_r.data.p || in->idr_r.data.n > MIKEY_ID_MAX ||
        !in->rand_kms.p || in->rand_kms.n > 255)
        return TS_E_FORMAT; /* R75, R77 */
    for (size_t i = 1; i < in->keys.n; i++) {
        const struct mikey_key *k = &in->keys.k[i];
        if ((i == 1 || mikey_is_tgk(k)) && in->rand_kms.n < k->key.n)
            return TS_E_FORMAT; /* R273 */
    }
    return TS_OK;
}

static enum ts_err keep(struct mikey_responder *r, const struct resolved *in,
                        const struct mikey_msg *m,
                        const struct mikey_keys *supplied)
{
    const bool fork = m->ticket.tp.flags & MIKEY_FLAG_I;
    enum ts_err err =
        mikey_name_set(&r->idr_r, fork ? in->idr_r : r->party->self);
    if (!err)
        err = mikey_buf_set(&r->ticket, m->ticket.body);
    if (err)
        return err;
    r->ticket.p[0] = MIKEY_LAST;
    r->rand_kms_n = fork ? in->rand_kms.n : 0;
    if (r->rand_kms_n)
        memmove(r->rand_kms, in->rand_kms.p, r->rand_kms_n);
    mikey_keys_copy(&r->keys, &in->keys);
    mikey_keys_copy(&r->supplied, supplied);
    r->step = MIKEY_VERIFIED;
    r->refused = false;
    return TS_OK;
}

/* R133, R134. Nothing of the Responder changes before all is well. */
static enum ts_err verify(struct mikey_responder *r, const struct mikey_msg *m,
                          const struct resolved *in)
{
    const bool fork = m->ticket.tp.flags & MIKEY_FLAG_I;
    const bool mutual = m->ticket.tp.flags & MIKEY_FLAG_G; /* ours is longer */
    struct mikey_keys supplied;
    struct mikey_policy p;
    struct ts_key mpk_i;
    supplied.n = supplied.len = 0;
    enum ts_err err = mikey_policy_read(m->ticket.tp.data, &p);
    if (!err)
        err = mikey_keys_fit(&in->keys, &m->ticket.tp); /* R217, R279 */
    if (!err)
        err = check_modifier(in, fork);
    if (!err && !mutual &&
        !mikey_rands_ok(m->rand[MIKEY_RAND_I], ts_span(NULL, 0), in->keys.k,
                        in->keys.n))
        err = TS_E_FORMAT; /* R272 */
    if (!err)
        err = ts_key_set(&mpk_i, in->keys.k[0].key);
    if (err)
        return err;
    const struct mikey_names names = {.i = p.initiator.data,     /* R55 */
                                      .r = r->party->self.data}; /* R56 */
    err = mikey_transfer_verify(m, &mpk_i, &names, &supplied);   /* R125 */
    ts_key_wipe(&mpk_i);
    if (!err)
        err = keep(r, in, m, &supplied);
    mikey_keys_wipe(&supplied);
    return err;
}

static struct ts_span request_key(const struct mikey_responder *r)
{
    return r->party->signer ? ts_key_span(&r->env_key) : r->party->psk;
}

static void take_error(struct mikey_responder *r, const struct mikey_msg *sent,
                       const struct mikey_msg *error)
{
    bool proven = mikey_error_verify(sent, NULL, error, request_key(r)) ==
                  TS_OK; /* R187 */
    mikey_refusal_set(&r->refusal, error, proven);
}

enum ts_err mikey_responder_resolved(struct mikey_responder *r,
                                     const struct mikey_now *now,
                                     struct ts_span reply)
{
    struct mikey_msg sent, offer;
    struct mikey_reply rep;
    struct resolved in;
    if (r->step != MIKEY_ASKED)
        return TS_E_STATE;
    enum ts_err err = mikey_msg_read(mikey_buf_span(&r->sent), &sent, NULL);
    if (!err)
        err = mikey_responder_read(r, &offer);
    if (err)
        return TS_E_INTERNAL;
    err = mikey_reply_open(&sent, reply, request_key(r), &rep);
    if (err == TS_E_PEER)
        take_error(r, &sent, &rep.msg);
    if (!err)
        err = mikey_now_check(now, mikey_party_skew(r->party), rep.msg.t, true);
    if (!err) {
        mikey_keys_copy(&in.keys, &rep.keys);
        in.idr_r = rep.msg.idr[MIKEY_IDR_R];
        in.rand_kms = rep.msg.rand[MIKEY_RAND_KMS];
        err = verify(r, &offer, &in);
        mikey_keys_wipe(&in.keys);
    }
    mikey_keys_wipe(&rep.keys);
    return err;
}

/* MPKi in place of the MPK, and the session keys. */
static void take_opened(const struct mikey_opened *o, struct resolved *in)
{
    mikey_keys_copy(&in->keys, &o->keys);
    memcpy(in->keys.plain + (in->keys.k[0].key.p - in->keys.plain), o->mpk_i.b,
           o->mpk_i.len); /* R304: as long */
    in->idr_r.data = in->rand_kms = ts_span(NULL, 0);
}

enum ts_err mikey_responder_open(struct mikey_responder *r,
                                 const struct mikey_now *now)
{
    const struct mikey_party *party = r->party;
    struct mikey_msg m;
    struct mikey_opened opened;
    struct resolved in;
    (void)now;
    if (r->step != MIKEY_OFFERED && r->step != MIKEY_ASKED)
        return TS_E_STATE;
    if (mikey_responder_read(r, &m))
        return TS_E_INTERNAL;
    if (m.ticket.tp.flags & MIKEY_FLAG_E)
        return TS_E_DENIED; /* R219 */
    if (!can_open(party, &m.ticket))
        return TS_E_NOTFOUND;
    enum ts_err err = mikey_ticket_open(&m.ticket, party->types, party->n_types,
                                        party->tpk, &opened); /* R2, R89 */
    if (!err) {
        take_opened(&opened, &in);
        err = verify(r, &m, &in);
        mikey_keys_wipe(&in.keys);
    }
    mikey_opened_wipe(&opened);
    return err;
}

/* ---- a ticket that was resolved before (5.3) ---- */

/* From Ticket Type to Ticket Data: what is the same in each offer with it. */
static struct ts_span core(const struct mikey_ticket *t)
{
    return ts_span(t->body.p + 1, t->body.n - 1 - t->init.n - 2);
}

static bool same_ticket(const struct mikey_ticket *t, struct ts_span held)
{
    struct mikey_payload p;
    struct mikey_chain c = mikey_chain_init(held, MIKEY_TICKET);
    return mikey_chain_next(&c, &p) &&
           ts_span_equal(core(t), core(&p.u.ticket));
}

enum ts_err mikey_responder_reuse(struct mikey_responder *r,
                                  const struct mikey_now *now,
                                  const struct mikey_held *held)
{
    struct mikey_msg m;
    struct resolved in = {.idr_r = held->idr_r, .rand_kms = held->rand_kms};
    (void)now;
    if (r->step != MIKEY_OFFERED && r->step != MIKEY_ASKED)
        return TS_E_STATE;
    if (mikey_responder_read(r, &m))
        return TS_E_INTERNAL;
    if (!(m.ticket.tp.flags & MIKEY_FLAG_J))
        return TS_E_DENIED; /* R224 */
    if (!same_ticket(&m.ticket, held->ticket))
        return TS_E_MISMATCH;
    enum ts_err err = mikey_keys_take(&in.keys, held->keys,
                                      m.ticket.tp.flags & MIKEY_FLAG_I ? 2 : 1);
    if (!err)
        err = verify(r, &m, &in); /* R172 */
    mikey_keys_wipe(&in.keys);
    return err;
}

enum ts_err mikey_responder_hold(const struct mikey_responder *r,
                                 struct mikey_held *held)
{
    if (r->step != MIKEY_VERIFIED && r->step != MIKEY_ANSWERED)
        return TS_E_STATE;
    *held = (struct mikey_held){
        .ticket = mikey_buf_span(&r->ticket),
        .keys = ts_span(r->keys.plain, r->keys.len),
        .idr_r = mikey_name_id(&r->idr_r),
        .rand_kms = ts_span(r->rand_kms_n ? r->rand_kms : NULL, r->rand_kms_n),
    };
    return TS_OK;
}
