/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each message of MIKEY-TICKET, written anew by libmikey's builders from what
 * was read and opened.
 */
#include "mikey/mikey.h"
#include "tests/vector.h"

static const struct ts_span none;

/* The identity as the message has it, else the one both sides know. */
static struct mikey_id id_of(const struct mikey_msg *m, unsigned role,
                             struct ts_span known)
{
    return m->idr[role].data.p ? m->idr[role]
                               : (struct mikey_id){0, MIKEY_ID_URI, known};
}

static unsigned omitted(const struct mikey_msg *m)
{
    unsigned omit = 0;
    for (unsigned role = MIKEY_IDR_I; role <= MIKEY_IDR_KMS; role++)
        if (!m->idr[role].data.p)
            omit |= MIKEY_OMIT(role);
    return omit;
}

/* --- what a Ticket Policy says that our builder cannot --- */

static const char odd_time[] =
    "TRs or TRe: we write NTP-UTC-32, of 1970 for what is before";

#define NTP_1970 2208988800u

static bool is_odd(const struct mikey_payload *p)
{
    uint64_t seconds = p->u.tr.t.value >> 32;
    if (p->type != MIKEY_TR)
        return false;
    if (p->u.tr.t.type != MIKEY_NTP_UTC_32)
        return true;
    return p->u.tr.role != MIKEY_TRR && seconds >> 31 && seconds < NTP_1970;
}

static bool has_odd_time(struct ts_span tp_data)
{
    struct mikey_chain c = mikey_chain_first(tp_data);
    struct mikey_payload p;
    while (mikey_chain_next(&c, &p))
        if (is_odd(&p))
            return true;
    return false;
}

const char *vector_bends_ticket(const struct mikey_ticket *ticket)
{
    bool base = mikey_kind_equal(ticket->tp.kind, mikey_kind_base);
    if (base && ticket->data.n > 2 && (ticket->data.p[1] || ticket->data.p[2]))
        return "THDR Data: we write none";
    return has_odd_time(ticket->tp.data) ? odd_time : NULL;
}

const char *vector_bends(const struct vector_message *t)
{
    const struct mikey_msg *m = &t->m;
    if (vector_is_old(t))
        return vector_old_bends(t);
    if (m->hdr.type == MIKEY_REQUEST_RESP)
        return vector_bends_ticket(&m->ticket);
    return m->has_tp && has_odd_time(m->tp.data) ? odd_time : NULL;
}

/* --- REQUEST_INIT, RESOLVE_INIT --- */

static struct mikey_credential credential(struct vector *v,
                                          const struct vector_message *t,
                                          const struct vector_pk *pk)
{
    struct mikey_credential cred = {
        .key = vector_key(v, t),
        .key_id = t->m.idr[MIKEY_IDR_PSK].data,
    };
    if (t->m.has_sign) {
        cred.signer = &pk->signer;
        cred.sealer = &pk->sealer;
    }
    return cred;
}

static enum ts_err build_request(struct vector *v,
                                 const struct vector_message *t,
                                 struct ts_writer *w)
{
    static struct mikey_keys want;
    const struct mikey_msg *m = &t->m;
    struct mikey_policy policy;
    struct vector_pk pk;
    enum ts_err err = mikey_policy_read(m->tp.data, &policy);
    if (!err && policy.has_kemac)
        err = mikey_wanted_read(&policy.kemac, &want);
    if (err)
        return err;
    v->pk(v, t, &pk);
    const struct mikey_request_new in = {
        .suite = mikey_suite_prf(m->hdr.prf),
        .csb = m->hdr.csb,
        .t = m->t,
        .rand_i = m->rand[MIKEY_RAND_I],
        .idr_i = id_of(m, MIKEY_IDR_I, t->ids.i),
        .idr_kms = id_of(m, MIKEY_IDR_KMS, t->ids.kms),
        .omit = omitted(m),
        .kind = m->tp.kind,
        .flags = m->tp.flags,
        .policy = &policy,
        .want = policy.has_kemac ? want.k : NULL,
        .n_want = policy.has_kemac ? want.n : 0,
        .cred = credential(v, t, &pk),
    };
    mikey_build_request_init(w, &in);
    return w->err;
}

static enum ts_err build_resolve(struct vector *v,
                                 const struct vector_message *t,
                                 struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    struct vector_pk pk;
    v->pk(v, t, &pk);
    const struct mikey_resolve_new in = {
        .suite = mikey_suite_prf(m->hdr.prf),
        .csb = m->hdr.csb,
        .t = m->t,
        .rand_r = m->rand[MIKEY_RAND_R],
        .idr_r = id_of(m, MIKEY_IDR_R, t->ids.r),
        .idr_kms = id_of(m, MIKEY_IDR_KMS, t->ids.kms),
        .omit = omitted(m),
        .ticket = &m->ticket,
        .cred = credential(v, t, &pk),
    };
    mikey_build_resolve_init(w, &in);
    return w->err;
}

/* --- REQUEST_RESP, RESOLVE_RESP, the ticket --- */

/* The owner of another kind of ticket: its Ticket Data are the vector's. */
static enum ts_err data_again(void *arg, struct ts_span policy,
                              struct ts_span keys, struct ts_span rand,
                              uint8_t *data, size_t cap, size_t *n)
{
    const struct ts_span *again = arg;
    (void)policy;
    (void)keys;
    (void)rand;
    *n = again->n;
    if (*n > cap)
        return TS_E_SPACE;
    memcpy(data, again->p, *n);
    return TS_OK;
}

struct other {
    struct mikey_ticket_type type;
    struct ts_span data;
};

/* What such a ticket has in it is not for us to know. */
static void some_keys(struct mikey_ticket_new *in)
{
    static const uint8_t zeros[MIKEY_KEY_MAX];
    static const struct mikey_key keys[] = {
        {.type = MIKEY_MPK, .key = {zeros, 16}},
        {.type = MIKEY_TGK, .key = {zeros, 16}}};
    in->rand = ts_span(zeros, sizeof zeros);
    in->keys = keys;
    in->n_keys = 2;
}

static void ticket_again(struct vector *v, const struct vector_message *t,
                         const struct vector_opened *o, struct other *other,
                         struct mikey_ticket_new *in)
{
    *in = (struct mikey_ticket_new){
        .suite = v->suite,
        .flags = o->m.ticket.tp.flags,
    };
    if (!o->has_ticket) {
        other->data = o->m.ticket.data;
        other->type = (struct mikey_ticket_type){.kind = o->m.ticket.tp.kind,
                                                 .arg = &other->data,
                                                 .make = data_again};
        in->type = &other->type;
        some_keys(in);
        return;
    }
    in->tpk = vector_secret(v, t, "TPK");
    in->tpk_id = o->base.tpk_id.data;
    in->t = o->base.t;
    in->rand = o->base.rand;
    in->keys = o->ticket.keys.k;
    in->n_keys = o->ticket.keys.n;
}

enum ts_err vector_build_ticket(struct vector *v,
                                const struct vector_message *t,
                                const struct vector_opened *o,
                                struct ts_writer *w)
{
    struct mikey_ticket_new in;
    struct other other;
    struct mikey_policy policy;
    struct mikey_build b = {w, w->len, w->len};
    enum ts_err err = mikey_policy_read(o->m.ticket.tp.data, &policy);
    if (err)
        return err;
    ts_put_u8(w, 0); /* names the payload */
    ticket_again(v, t, o, &other, &in);
    in.policy = &policy;
    mikey_build_ticket(&b, &in);
    return w->err;
}

static enum ts_err build_reply(struct vector *v, const struct vector_message *t,
                               const struct vector_opened *o,
                               struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    const bool request = m->hdr.type == MIKEY_REQUEST_RESP;
    struct mikey_ticket_new ticket;
    struct other other;
    struct mikey_policy policy;
    struct mikey_protect psk;
    mikey_protect_of(&t->init->m, NULL, vector_key(v, t), &psk);
    psk.suite = v->suite;
    const struct mikey_reply_new in = {
        .init = &t->init->m,
        .psk = &psk,
        .t = m->t,
        .idr_kms = m->idr[MIKEY_IDR_KMS],
        .keys = o->kemac.k,
        .n_keys = o->kemac.n,
        .ticket = &ticket,
        .idr_r = m->idr[MIKEY_IDR_R],
        .rand_kms = m->rand[MIKEY_RAND_KMS],
    };
    if (!request) {
        mikey_build_resolve_resp(w, &in);
        return w->err;
    }
    enum ts_err err = mikey_policy_read(m->ticket.tp.data, &policy);
    if (err)
        return err;
    ticket_again(v, t, o, &other, &ticket);
    ticket.policy = &policy;
    mikey_build_request_resp(w, &in);
    return w->err;
}

/* --- Transfer --- */

static enum ts_err build_transfer(struct vector *v,
                                  const struct vector_message *t,
                                  const struct vector_opened *o,
                                  struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    const struct ts_key mpk_i = vector_ts_key(vector_key(v, t));
    const struct ts_key mpk_r = vector_ts_key(vector_secret(v, t, "MPKr"));
    const struct mikey_transfer_new in = {
        .suite = v->suite,
        .csb = m->hdr.csb,
        .t = m->t,
        .rand_i = m->rand[MIKEY_RAND_I],
        .n_cs = m->hdr.n_cs,
        .map = m->hdr.map,
        .idr_i = id_of(m, MIKEY_IDR_I, t->ids.i),
        .idr_r = id_of(m, MIKEY_IDR_R, t->ids.r),
        .omit = omitted(m),
        .sp = m->sp,
        .n_sp = m->n_sp,
        .ticket = &m->ticket,
        .sdp_ids = m->sdp_ids,
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
        .keys = o->kemac.k,
        .n_keys = o->kemac.n,
    };
    mikey_build_transfer_init(w, &in);
    return w->err;
}

static enum ts_err build_answer(struct vector *v,
                                const struct vector_message *t,
                                const struct vector_opened *o,
                                struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    const struct ts_key mpk = vector_ts_key(vector_key(v, t));
    const struct mikey_answer_new in = {
        .init = &t->init->m,
        .suite = v->suite,
        .t = m->t,
        .rand_r = m->rand[MIKEY_RAND_R],
        .idr_r = m->idr[MIKEY_IDR_R],
        .rand_kms = m->rand[MIKEY_RAND_KMS],
        .n_cs = m->hdr.n_cs,
        .map = m->hdr.map,
        .sp = m->sp,
        .n_sp = m->n_sp,
        .mpk = &mpk,
        .keys = o->kemac.k,
        .n_keys = o->kemac.n,
    };
    mikey_build_transfer_resp(w, &in);
    return w->err;
}

static enum ts_err build_update(struct vector *v,
                                const struct vector_message *t,
                                const struct vector_opened *o,
                                struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    struct mikey_csb csb;
    const struct mikey_update_new in = {
        .from = vector_side(t),
        .response = t->init != NULL,
        .init = t->init ? t->init->raw : none,
        .want_response = m->hdr.v,
        .t = m->t,
        .n_cs = m->hdr.n_cs,
        .map = m->hdr.map,
        .omit = t->init ? 0 : omitted(m),
        .sp = m->sp,
        .n_sp = m->n_sp,
        .new_keys = o->kemac.k,
        .n_keys = o->kemac.n,
    };
    vector_csb(v, t, &csb);
    csb.keys.suite = v->suite;
    csb.i = id_of(m, MIKEY_IDR_I, t->ids.i);
    csb.r = id_of(m, MIKEY_IDR_R, t->ids.r);
    mikey_build_update(w, &csb, &in);
    return w->err;
}

static enum ts_err build_error(struct vector *v, const struct vector_message *t,
                               struct vector_opened *o, struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    struct vector_pk pk;
    struct mikey_error_new in = {
        .about = &t->init->m.hdr,
        .t = m->t,
        .n_no = m->n_err,
        .sp = m->sp,
        .n_sp = m->n_sp,
        .auth = o->has_guard ? &o->guard : NULL,
        .signer = m->has_sign ? &pk.signer : NULL,
    };
    memcpy(in.no, m->err, m->n_err);
    v->pk(v, t, &pk);
    mikey_build_error(w, &in);
    return w->err;
}

enum ts_err vector_build(struct vector *v, const struct vector_message *t,
                         struct vector_opened *o, struct ts_writer *w)
{
    switch (t->m.hdr.type) {
    case MIKEY_REQUEST_INIT_PSK:
    case MIKEY_REQUEST_INIT_PK:
        return build_request(v, t, w);
    case MIKEY_RESOLVE_INIT_PSK:
    case MIKEY_RESOLVE_INIT_PK:
        return build_resolve(v, t, w);
    case MIKEY_REQUEST_RESP:
    case MIKEY_RESOLVE_RESP:
        return build_reply(v, t, o, w);
    case MIKEY_TRANSFER_INIT:
        return vector_is_update(t) ? build_update(v, t, o, w)
                                   : build_transfer(v, t, o, w);
    case MIKEY_TRANSFER_RESP:
        return vector_is_update(t) ? build_update(v, t, o, w)
                                   : build_answer(v, t, o, w);
    case MIKEY_ERROR:
        return build_error(v, t, o, w);
    default:
        return vector_is_old(t) ? vector_old_build(v, t, o, w) : TS_E_INTERNAL;
    }
}
