/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Responder of <mikey/mikey.h>: an offer is checked as far as it can be,
 * its ticket resolved, the offer verified with what came of that, and answered.
 */
#include "mikey/bundle.h"
#include "mikey/srtp.h"

enum step { IDLE, OFFERED, ASKED, VERIFIED };

struct mikey_responder {
    const struct mikey_party *party;
    enum step step;
    struct mikey_buf offer;  /* TRANSFER_INIT */
    struct mikey_buf sent;   /* RESOLVE_INIT */
    struct mikey_buf ticket; /* TICKET payload, once it was resolved */
    struct ts_key env_key;
    /* from here on valid when VERIFIED */
    struct mikey_keys keys;     /* MPKi, [MPKr'], session keys */
    struct mikey_keys supplied; /* the Initiator's, of its KEMAC */
    struct mikey_name idr_r;    /* the modifier (R75, R77) */
    uint8_t rand_kms[255];
    size_t rand_kms_n;
    struct mikey_refusal refusal;
};

enum { BUFFERS = 3 };

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
    *r = (struct mikey_responder){
        .party = party, .offer = buf[0], .sent = buf[1], .ticket = buf[2]};
    return r;
}

void mikey_responder_wipe(struct mikey_responder *r)
{
    if (r)
        ts_wipe(r, sizeof *r);
}

const struct mikey_refusal *
mikey_responder_refusal(const struct mikey_responder *r)
{
    return &r->refusal;
}

static enum ts_err read_offer(const struct mikey_responder *r,
                              struct mikey_msg *m)
{
    if (r->step == IDLE)
        return TS_E_STATE;
    return mikey_msg_read(mikey_buf_span(&r->offer), m, NULL);
}

/* ---- the offer (4.2.2.2) ---- */

/* Who may resolve it: us, or a group or domain that the party takes for us. */
static bool is_for_us(const struct mikey_party *party,
                      const struct mikey_policy *p)
{
    for (size_t i = 0; i < p->n_responders; i++)
        if (mikey_party_same(party, &p->responder[i], &party->self))
            return true;
    return false;
}

/* With forking the one who calls is the one who asked for the ticket; without,
 * it may have been passed on in a group (R250). */
static bool is_callers(const struct mikey_party *party,
                       const struct mikey_msg *m, const struct mikey_policy *p)
{
    const struct mikey_id *caller = &m->idr[MIKEY_IDR_I];
    if (!(m->ticket.tp.flags & MIKEY_FLAG_I) || !caller->data.p)
        return true;
    return mikey_party_same(party, &p->initiator, caller);
}

static bool can_open(const struct mikey_party *party, const struct mikey_tp *tp)
{
    return mikey_type_find(party->types, party->n_types, tp->kind) ||
           (party->tpk.p && mikey_kind_equal(tp->kind, mikey_kind_base));
}

/* R62, R63: refused without asking the KMS. */
static enum ts_err check_offer(const struct mikey_party *party,
                               const struct mikey_now *now,
                               const struct mikey_msg *m,
                               struct mikey_policy *p, uint8_t *no)
{
    const uint32_t skew = mikey_party_skew(party);
    enum ts_err err = mikey_transfer_check(m, p, no);
    if (err)
        return err; /* R62, R63 */
    *no = MIKEY_ERR_TS;
    err = mikey_now_check(now, skew, m->t, false);
    if (err)
        return err; /* R63: replay, or a clock that is off */
    *no = MIKEY_ERR_TPPAR;
    if (mikey_policy_valid(p, now->us / 1000000, skew))
        return TS_E_EXPIRED; /* R62, R232, R233 */
    if (!is_for_us(party, p))
        return TS_E_DENIED; /* R62 */
    if (!is_callers(party, m, p))
        return TS_E_DENIED; /* R282 */
    return TS_OK;
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
        .n_sessions = m->hdr.n_cs,
        .n_policies = m->n_sp,
        .sdp_ids = m->sdp_ids,
        .needs_kms = m->ticket.tp.flags & MIKEY_FLAG_E ||
                     !can_open(party, &m->ticket.tp), /* R3, R90, R219 */
    };
    mikey_ticket_tell(&m->ticket.tp, p, 0, &o->ticket);
}

enum ts_err mikey_responder_offered(struct mikey_responder *r,
                                    const struct mikey_now *now,
                                    struct ts_span message,
                                    struct mikey_offered *offered,
                                    uint8_t *error)
{
    struct mikey_msg m;
    struct mikey_policy p;
    uint8_t no = MIKEY_ERR_UNSPECIFIED;
    r->step = IDLE;
    mikey_keys_wipe(&r->keys);
    mikey_keys_wipe(&r->supplied);
    enum ts_err err = mikey_buf_set(&r->offer, message);
    if (!err)
        err = mikey_msg_read(mikey_buf_span(&r->offer), &m, NULL);
    if (!err)
        err = check_offer(r->party, now, &m, &p, &no);
    if (error)
        *error = no;
    if (err)
        return err;
    tell(r->party, &m, &p, offered);
    r->step = OFFERED;
    return TS_OK;
}

enum ts_err mikey_responder_session(const struct mikey_responder *r, size_t nth,
                                    struct mikey_session *session)
{
    struct mikey_msg m;
    struct mikey_cs cs;
    enum ts_err err = read_offer(r, &m);
    if (err)
        return err;
    struct ts_reader map = ts_reader_span(m.hdr.map);
    if (nth >= m.hdr.n_cs)
        return TS_E_NOTFOUND;
    for (size_t i = 0; !err && i <= nth; i++)
        err = mikey_cs_read(&map, &cs);
    if (!err)
        *session = mikey_cs_session(&cs);
    return err;
}

static const struct mikey_sp *find_sp(const struct mikey_msg *m, uint8_t no)
{
    for (size_t i = 0; i < m->n_sp; i++)
        if (m->sp[i].no == no)
            return &m->sp[i];
    return NULL;
}

enum ts_err mikey_responder_policy(const struct mikey_responder *r, uint8_t no,
                                   struct mikey_srtp_policy *policy)
{
    struct mikey_msg m;
    enum ts_err err = read_offer(r, &m);
    if (err)
        return err;
    const struct mikey_sp *sp = find_sp(&m, no);
    return sp ? mikey_srtp_policy_read(sp, policy) : TS_E_NOTFOUND;
}

/* ---- asking the KMS ---- */

static enum ts_err build_resolve(struct mikey_responder *r,
                                 const struct mikey_now *now,
                                 const struct mikey_msg *m)
{
    const struct mikey_party *party = r->party;
    const struct mikey_suite *ours = mikey_party_suite(party);
    const struct mikey_suite *theirs = mikey_suite_prf(m->hdr.prf);
    uint8_t rand[MIKEY_RAND_MAX];
    struct mikey_resolve_new in = {
        /* R276, R279: what protects the keys on their way is no weaker */
        .suite = theirs->bits > ours->bits ? theirs : ours,
        .t = mikey_now_t(now),
        .idr_r = party->self,
        .idr_kms = party->kms, /* R257: ours, whoever issued the ticket */
        .omit = party->omit,
        .ticket = &m->ticket, /* R256 */
    };
    enum ts_err err = mikey_party_credential(party, &r->env_key, &in.cred);
    size_t n = in.cred.key.n > MIKEY_RAND_LEN ? in.cred.key.n
                                              : MIKEY_RAND_LEN; /* R272 */
    if (!err)
        err = mikey_party_csb(party, &in.csb); /* R95 */
    if (!err)
        err = mikey_party_random(party, rand, n);
    if (err)
        return err;
    in.rand_r = ts_span(rand, n);
    struct ts_writer w = mikey_buf_writer(&r->sent);
    mikey_build_resolve_init(&w, &in);
    r->sent.n = w.err ? 0 : w.len;
    return w.err;
}

enum ts_err mikey_responder_resolve(struct mikey_responder *r,
                                    const struct mikey_now *now, uint8_t *out,
                                    size_t cap, size_t *n)
{
    struct mikey_msg m;
    if (r->step != OFFERED && r->step != ASKED)
        return TS_E_STATE; /* R63: not for an offer that was refused */
    enum ts_err err = read_offer(r, &m);
    if (!err)
        err = build_resolve(r, now, &m);
    if (!err)
        err = mikey_hand_out(mikey_buf_span(&r->sent), out, cap, n);
    r->step = err ? OFFERED : ASKED;
    return err;
}

/* ---- verifying the offer ---- */

static struct mikey_names names_of(const struct mikey_responder *r,
                                   const struct mikey_policy *p)
{
    return (struct mikey_names){.i = p->initiator.data,    /* R55 */
                                .r = r->party->self.data}; /* R56 */
}

/* R133, R134; what the ticket gave stands in r->keys. */
static enum ts_err verify(struct mikey_responder *r, const struct mikey_msg *m)
{
    struct mikey_policy p;
    struct ts_key mpk_i;
    enum ts_err err = mikey_policy_read(m->ticket.tp.data, &p);
    if (!err)
        err = ts_key_set(&mpk_i, r->keys.k[0].key);
    if (err)
        return err;
    const struct mikey_names names = names_of(r, &p);
    err = mikey_transfer_verify(m, &mpk_i, &names, &r->supplied); /* R125 */
    ts_key_wipe(&mpk_i);
    if (!err)
        err = mikey_buf_set(&r->ticket, m->ticket.body);
    if (err) {
        mikey_keys_wipe(&r->keys);
        mikey_keys_wipe(&r->supplied);
        return err;
    }
    r->ticket.p[0] = MIKEY_LAST;
    r->step = VERIFIED;
    return TS_OK;
}

static enum ts_err keep_modifier(struct mikey_responder *r,
                                 const struct mikey_id *id, struct ts_span rand)
{
    r->rand_kms_n = rand.n;
    if (rand.n)
        memcpy(r->rand_kms, rand.p, rand.n);
    return mikey_name_set(&r->idr_r, *id);
}

/* R273: RANDRkms as long as the keys that it forked. */
static enum ts_err check_modifier(const struct mikey_reply *reply)
{
    struct ts_span rand = reply->msg.rand[MIKEY_RAND_KMS];
    for (size_t i = 1; reply->fork && i < reply->keys.n; i++) {
        const struct mikey_key *k = &reply->keys.k[i];
        if ((i == 1 || mikey_is_tgk(k)) && rand.n < k->key.n)
            return TS_E_FORMAT; /* R273 */
    }
    return TS_OK;
}

static enum ts_err take_reply(struct mikey_responder *r,
                              const struct mikey_reply *reply)
{
    const struct mikey_msg *m = &reply->msg;
    struct ts_span no_rand = {NULL, 0};
    enum ts_err err = check_modifier(reply);
    if (!err)
        err = keep_modifier(r, &m->idr[MIKEY_IDR_R],
                            reply->fork ? m->rand[MIKEY_RAND_KMS] : no_rand);
    if (!err)
        mikey_keys_copy(&r->keys, &reply->keys);
    return err;
}

enum ts_err mikey_responder_resolved(struct mikey_responder *r,
                                     const struct mikey_now *now,
                                     struct ts_span reply)
{
    struct mikey_msg sent, offer;
    struct mikey_reply rep;
    const struct mikey_party *party = r->party;
    if (r->step != ASKED)
        return TS_E_STATE;
    enum ts_err err = mikey_msg_read(mikey_buf_span(&r->sent), &sent, NULL);
    if (!err)
        err = read_offer(r, &offer);
    if (err)
        return TS_E_INTERNAL;
    struct ts_span key = party->signer ? ts_key_span(&r->env_key) : party->psk;
    err = mikey_reply_open(&sent, reply, key, &rep);
    if (err == TS_E_PEER)
        mikey_refusal_set(&r->refusal, &rep.msg,
                          mikey_error_verify(&sent, NULL, &rep.msg, key) ==
                              TS_OK);
    if (!err)
        err = mikey_now_check(now, mikey_party_skew(party), rep.msg.t, true);
    if (!err)
        err = take_reply(r, &rep);
    mikey_keys_wipe(&rep.keys);
    return err ? err : verify(r, &offer);
}

/* MPKi and the session keys; without forking there is nothing else. */
static enum ts_err keep_opened(struct mikey_responder *r,
                               const struct mikey_opened *o)
{
    memcpy(r->keys.plain, o->keys.plain, o->keys.len);
    mikey_keys_copy(&r->keys, &o->keys);
    memcpy(r->keys.plain + (r->keys.k[0].key.p - r->keys.plain), o->mpk_i.b,
           o->mpk_i.len);
    r->rand_kms_n = 0;
    return mikey_name_set(&r->idr_r, r->party->self);
}

enum ts_err mikey_responder_open(struct mikey_responder *r,
                                 const struct mikey_now *now)
{
    const struct mikey_party *party = r->party;
    struct mikey_msg m;
    struct mikey_opened opened;
    (void)now;
    if (r->step != OFFERED)
        return TS_E_STATE;
    enum ts_err err = read_offer(r, &m);
    if (err)
        return err;
    if (m.ticket.tp.flags & MIKEY_FLAG_E)
        return TS_E_DENIED; /* R219 */
    if (!can_open(party, &m.ticket.tp))
        return TS_E_NOTFOUND;
    err = mikey_ticket_open(&m.ticket, party->types, party->n_types, party->tpk,
                            &opened);
    if (!err)
        err = keep_opened(r, &opened);
    mikey_opened_wipe(&opened);
    return err ? err : verify(r, &m);
}

/* The same ticket as the one that was kept, whatever Initiator Data it has. */
static bool same_ticket(const struct mikey_ticket *t, struct ts_span held)
{
    struct mikey_payload p;
    struct mikey_chain c = mikey_chain_init(held, MIKEY_TICKET);
    if (!mikey_chain_next(&c, &p))
        return false;
    const struct mikey_ticket *old = &p.u.ticket;
    return ts_span_equal(
        ts_span(t->body.p + 1, t->body.n - 1 - t->init.n - 2),
        ts_span(old->body.p + 1, old->body.n - 1 - old->init.n - 2));
}

enum ts_err mikey_responder_reuse(struct mikey_responder *r,
                                  const struct mikey_now *now,
                                  const struct mikey_held *held)
{
    struct mikey_msg m;
    (void)now;
    if (r->step != OFFERED)
        return TS_E_STATE;
    enum ts_err err = read_offer(r, &m);
    if (err)
        return err;
    if (!(m.ticket.tp.flags & MIKEY_FLAG_J))
        return TS_E_DENIED; /* R224 */
    if (!same_ticket(&m.ticket, held->ticket))
        return TS_E_MISMATCH;
    if (held->keys.n > sizeof r->keys.plain || held->rand_kms.n > 255)
        return TS_E_SPACE;
    r->keys.len = held->keys.n;
    memcpy(r->keys.plain, held->keys.p, held->keys.n);
    err = mikey_keys_parse(&r->keys, m.ticket.tp.flags & MIKEY_FLAG_I ? 2 : 1);
    if (!err)
        err = keep_modifier(r, &held->idr_r, held->rand_kms); /* R172 */
    return err ? err : verify(r, &m);
}

enum ts_err mikey_responder_hold(const struct mikey_responder *r,
                                 struct mikey_held *held)
{
    if (r->step != VERIFIED)
        return TS_E_STATE;
    *held = (struct mikey_held){
        .ticket = mikey_buf_span(&r->ticket),
        .keys = ts_span(r->keys.plain, r->keys.len),
        .idr_r = mikey_name_id(&r->idr_r),
        .rand_kms = ts_span(r->rand_kms_n ? r->rand_kms : NULL, r->rand_kms_n),
    };
    return TS_OK;
}

/* ---- the answer (4.2.2.3) ---- */

/* R201: the first of the suggested policies that will do. */
static void choose_policy(const struct mikey_party *party,
                          const struct mikey_msg *m, struct mikey_cs *cs)
{
    for (size_t i = 0; i < cs->policies.n; i++) {
        const struct mikey_sp *sp = find_sp(m, cs->policies.p[i]);
        struct mikey_srtp_policy p;
        if (!sp || sp->prot != cs->prot)
            continue; /* R203 */
        if (cs->prot == MIKEY_PROT_SRTP &&
            (mikey_srtp_policy_read(sp, &p) ||
             (party->acceptable && !party->acceptable(party->arg, &p))))
            continue;
        cs->policies = ts_span(cs->policies.p + i, 1); /* R68, R199 */
        return;
    }
    cs->policies.n = 0;
}

/* What the caller says of a session takes the place of what was offered. */
static void apply(const struct mikey_session *s, uint8_t data[static 10],
                  struct mikey_cs *cs)
{
    const struct mikey_cs ours = mikey_session_cs(s, data);
    if (ours.policies.n)
        cs->policies = ours.policies; /* R202 */
    if (ours.session.n) {
        cs->session = ours.session; /* R69, R70 */
        cs->s = ours.s;
    }
    if (ours.spi.n)
        cs->spi = ours.spi; /* R70 */
}

static const struct mikey_session *find_session(const struct mikey_answer *a,
                                                uint8_t id)
{
    for (size_t i = 0; a && i < a->n_sessions; i++)
        if (a->session[i].cs == id)
            return &a->session[i];
    return NULL;
}

/* R69: a session without SPI uses the first session key there is. */
static struct ts_span first_spi(const struct mikey_responder *r,
                                const struct mikey_answer *a)
{
    for (size_t i = 0; i < r->keys.n; i++)
        if (r->keys.k[i].type != MIKEY_MPK)
            return r->keys.k[i].spi;
    if (r->supplied.n)
        return r->supplied.k[0].spi;
    return a && a->n_keys ? a->keys[0].spi : ts_span(NULL, 0);
}

/* The map of the answer: each session complete; gives their number. */
static unsigned write_map(const struct mikey_responder *r,
                          const struct mikey_msg *m,
                          const struct mikey_answer *a, struct ts_writer *w)
{
    struct ts_reader map = ts_reader_span(m->hdr.map);
    uint8_t data[10];
    struct mikey_cs cs;
    unsigned n = 0;
    for (; n < m->hdr.n_cs && !mikey_cs_read(&map, &cs); n++) {
        const struct mikey_session *s = find_session(a, cs.id);
        choose_policy(r->party, m, &cs);
        if (s)
            apply(s, data, &cs);
        if (cs.spi.n == 0)
            cs.spi = first_spi(r, a);
        mikey_put_cs(w, &cs);
    }
    for (size_t i = 0; a && i < a->n_sessions; i++) { /* R71: added ones */
        if (mikey_cs_find(&m->hdr, a->session[i].cs, &cs) == TS_OK)
            continue;
        const struct mikey_cs added = mikey_session_cs(&a->session[i], data);
        mikey_put_cs(w, &added);
        n++;
    }
    return n;
}

static enum ts_err build_answer(const struct mikey_responder *r,
                                const struct mikey_now *now,
                                const struct mikey_msg *m,
                                const struct mikey_answer *a,
                                const struct ts_key *mpk, struct ts_writer *w)
{
    static const struct mikey_answer nothing;
    const uint16_t flags = m->ticket.tp.flags;
    uint8_t rand[MIKEY_RAND_MAX], params[1024], map[4096];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    unsigned n_cs = write_map(r, m, a, &map_w);
    a = a ? a : &nothing;
    if (map_w.err || n_cs > 254 || (a->n_policies && !a->policy_no))
        return TS_E_RANGE;
    enum ts_err err =
        mikey_policies(a->policy, a->policy_no, a->n_policies, &params_w, sp);
    size_t n = mikey_longest(r->keys.k, r->keys.n); /* R272 */
    n = flags & MIKEY_FLAG_G ? (n > MIKEY_RAND_LEN ? n : MIKEY_RAND_LEN)
                             : 0; /* R221 */
    if (!err)
        err = mikey_party_random(r->party, rand, n); /* R74 */
    if (err)
        return err;
    const struct mikey_answer_new in = {
        .init = m,
        .suite = mikey_suite_prf(m->hdr.prf),
        .t = mikey_now_t(now),
        .rand_r = ts_span(rand, n),
        .idr_r = mikey_name_id(&r->idr_r),               /* R75 */
        .rand_kms = ts_span(r->rand_kms, r->rand_kms_n), /* R77 */
        .n_cs = (uint8_t)n_cs,
        .map = ts_written(&map_w),
        .sp = sp,
        .n_sp = a->n_policies,
        .mpk = mpk,
        .keys = a->keys,
        .n_keys = a->n_keys,
    };
    mikey_build_transfer_resp(w, &in);
    return w->err;
}

/* What we know of the Transfer when the answer is written. */
static enum ts_err end(const struct mikey_responder *r,
                       const struct mikey_answer *a, struct mikey_ends *e)
{
    struct mikey_keys ours = {.n = 0};
    struct mikey_policy p;
    const struct mikey_id *caller = &e->init.idr[MIKEY_IDR_I];
    enum ts_err err = mikey_policy_read(e->init.ticket.tp.data, &p);
    e->i = caller->data.p ? *caller : p.initiator; /* R55 */
    e->r = mikey_name_id(&r->idr_r);
    mikey_keys_copy(&e->keys, &r->keys);
    if (!err)
        err = mikey_keys_join(&e->keys, &r->supplied);
    for (size_t i = 0; a && i < a->n_keys && i < MIKEY_KEYS_MAX; i++)
        ours.k[ours.n++] = a->keys[i];
    return err ? err : mikey_keys_join(&e->keys, &ours);
}

enum ts_err mikey_responder_answer(struct mikey_responder *r,
                                   const struct mikey_now *now,
                                   const struct mikey_answer *answer,
                                   uint8_t *out, size_t cap, size_t *n,
                                   void *mem, size_t mem_n,
                                   struct mikey_bundle **bundle)
{
    struct mikey_ends e = {.side = MIKEY_RESPONDER, .party = r->party};
    struct ts_writer w = ts_writer_init(out, cap);
    *n = 0;
    if (r->step != VERIFIED)
        return TS_E_STATE;
    enum ts_err err = read_offer(r, &e.init);
    if (err)
        return TS_E_INTERNAL;
    const uint16_t flags = e.init.ticket.tp.flags;
    e.alone = !(flags & MIKEY_FLAG_F); /* R65, R220 */
    err = ts_key_set(&e.mpk, r->keys.k[flags & MIKEY_FLAG_I ? 1 : 0].key);
    if (!err && !e.alone)
        err = build_answer(r, now, &e.init, answer, &e.mpk, &w); /* R65 */
    if (!err && !e.alone)
        err = mikey_msg_read(ts_written(&w), &e.resp, NULL);
    if (!err)
        err = end(r, e.alone ? NULL : answer, &e);
    if (!err)
        err = mikey_bundle_begin(&e, now, mem, mem_n, bundle);
    if (!err) {
        *n = w.len;
        r->step = IDLE;
    }
    mikey_ends_wipe(&e);
    return err;
}

/* ---- Error ---- */

enum ts_err mikey_responder_refuse(const struct mikey_responder *r,
                                   const struct mikey_now *now,
                                   const uint8_t *no, size_t n_no,
                                   const struct mikey_srtp_policy *policy,
                                   size_t n_policies, uint8_t *out, size_t cap,
                                   size_t *n)
{
    struct mikey_hdr hdr;
    struct mikey_msg m;
    struct mikey_protect keys;
    uint8_t params[1024];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_reader reader = ts_reader_span(mikey_buf_span(&r->offer));
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    struct ts_writer w = ts_writer_init(out, cap);
    if (n_no == 0 || n_no > MIKEY_ERR_MAX)
        return TS_E_RANGE;
    enum ts_err err = mikey_hdr_read(&reader, &hdr);
    if (!err && hdr.type == MIKEY_ERROR)
        err = TS_E_STATE; /* never about an Error */
    if (!err)
        err = mikey_policies(policy, NULL, n_policies, &params_w, sp);
    if (err)
        return err;
    struct mikey_error_new in = {.about = &hdr,
                                 .t = mikey_now_t(now), /* R185 */
                                 .n_no = n_no,
                                 .sp = sp,
                                 .n_sp = n_policies}; /* R182 */
    memcpy(in.no, no, n_no);
    if (r->step == VERIFIED && read_offer(r, &m) == TS_OK) { /* R181 */
        mikey_protect_of(&m, NULL, r->keys.k[0].key, &keys); /* R187 */
        in.auth = &keys;
    }
    mikey_build_error(&w, &in);
    if (in.auth)
        mikey_protect_end(&keys);
    *n = w.err ? 0 : w.len;
    return w.err;
}
