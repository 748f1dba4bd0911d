/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each message of MIKEY-TICKET, opened by the function that its receiver
 * calls.
 */
#include "tests/vector.h"

static const struct ts_span none;

/* The ticket as its resolver opens it; with key forking Initiator Data, too. */
static enum ts_err open_ticket(struct vector *v, const struct vector_message *t,
                               struct vector_opened *o)
{
    const struct mikey_ticket *ticket = &o->m.ticket;
    struct ts_span tpk = vector_secret(v, t, "TPK");
    struct mikey_prf prf;
    if (!o->m.has_ticket || !tpk.p)
        return TS_OK;
    enum ts_err err = mikey_base_read(ticket, &o->base);
    if (!err)
        err = mikey_base_open(ticket, &o->base, tpk, &o->ticket);
    if (err)
        return err;
    o->has_ticket = true;
    if (!(ticket->tp.flags & MIKEY_FLAG_I) ||
        o->m.hdr.type == MIKEY_REQUEST_RESP)
        return ticket->init.n ? TS_E_FORMAT : TS_OK;
    mikey_prf_key(&prf, ticket->tp.prf, ts_key_span(&o->ticket.mpk_r));
    return mikey_init_data_verify(ticket->init, &prf,
                                  mikey_suite_prf(ticket->tp.prf));
}

/* What is asked for: the KMS reads it before it decides. */
static enum ts_err read_wish(const struct mikey_msg *m)
{
    const struct mikey_suite *suite = mikey_suite_prf(m->tp.prf);
    struct mikey_policy policy;
    uint8_t no;
    bool tgk;
    if (!suite || m->tp.prf != m->hdr.prf) /* as mikey_kms_answer() */
        return TS_E_UNSUPPORTED;
    enum ts_err err = mikey_policy_read(m->tp.data, &policy);
    return err ? err
               : mikey_wanted_check(policy.has_kemac ? &policy.kemac : NULL,
                                    suite, &tgk, &no);
}

static enum ts_err open_init(struct vector *v, const struct vector_message *t,
                             struct vector_opened *o)
{
    enum mikey_type type = (enum mikey_type)t->m.hdr.type;
    bool request = mikey_is_request_init(t->m.hdr.type);
    uint8_t no;
    enum ts_err err = mikey_init_check(&o->m, type, &no);
    if (!err && request)
        err = read_wish(&o->m);
    if (err)
        return err;
    if (type == MIKEY_REQUEST_INIT_PK || type == MIKEY_RESOLVE_INIT_PK) {
        struct vector_pk pk;
        struct mikey_id who;
        v->pk(v, t, &pk);
        err = mikey_init_verify_pk(&o->m, &pk.verifier, &pk.opener, t->ids.kms,
                                   VECTOR_NOW, &who, &o->guard);
    } else {
        err = mikey_init_verify(&o->m, vector_key(v, t),
                                request ? t->ids.i : t->ids.r, t->ids.kms,
                                &o->guard);
    }
    o->has_guard = o->proven = !err;
    return err ? err : open_ticket(v, t, o);
}

static enum ts_err open_reply(struct vector *v, const struct vector_message *t,
                              struct vector_opened *o)
{
    static struct mikey_reply reply;
    struct ts_span key = vector_key(v, t);
    enum ts_err err = mikey_reply_open(&t->init->m, o->m.raw, key, &reply);
    if (err)
        return err;
    mikey_keys_copy(&o->kemac, &reply.keys);
    mikey_protect_of(&t->init->m, &o->m, key, &o->guard);
    o->has_guard = o->proven = true;
    return open_ticket(v, t, o);
}

static enum ts_err open_transfer(struct vector *v,
                                 const struct vector_message *t,
                                 struct vector_opened *o)
{
    struct mikey_policy policy;
    struct ts_key mpk_i = vector_ts_key(vector_key(v, t));
    uint8_t no;
    enum ts_err err = mikey_transfer_check(&o->m, &policy, &no);
    if (!err)
        err = mikey_transfer_verify(&o->m, &mpk_i, &t->ids, &o->kemac);
    if (err)
        return err;
    mikey_protect_of(&o->m, NULL, ts_key_span(&mpk_i), &o->guard);
    o->has_guard = o->proven = true;
    return open_ticket(v, t, o);
}

static enum ts_err open_answer(struct vector *v, const struct vector_message *t,
                               struct vector_opened *o)
{
    struct ts_key mpk = vector_ts_key(vector_key(v, t));
    enum ts_err err = mikey_answer_check(&t->init->m, &o->m);
    if (!err)
        err = mikey_answer_verify(&t->init->m, &o->m, &mpk, &o->kemac);
    if (err)
        return err;
    mikey_protect_of(&t->init->m, &o->m, ts_key_span(&mpk), &o->guard);
    o->has_guard = o->proven = true;
    return TS_OK;
}

static enum ts_err open_update(struct vector *v, const struct vector_message *t,
                               struct vector_opened *o)
{
    struct mikey_csb csb;
    vector_csb(v, t, &csb);
    enum ts_err err = mikey_update_open(
        &csb, &o->m, vector_side(t), t->init ? t->init->raw : none, &o->kemac);
    o->guard = csb.keys;
    o->has_guard = true;
    o->proven = !err;
    return err;
}

/* --- Error --- */

/* About a message of an update: under the keys of the bundle. */
static enum ts_err verify_in_bundle(struct vector *v,
                                    const struct vector_message *t,
                                    struct vector_opened *o)
{
    struct mikey_csb csb;
    struct mikey_hmac h;
    vector_csb(v, t, &csb);
    o->guard = csb.keys;
    mikey_protect_auth(&o->guard, &h);
    return mikey_v_verify(&o->m, o->guard.suite, &h, none, none);
}

static enum ts_err verify_error(struct vector *v,
                                const struct vector_message *t,
                                struct vector_opened *o)
{
    const struct vector_message *about = t->init;
    const struct mikey_msg *init = about->init ? &about->init->m : &about->m;
    const struct mikey_msg *resp = about->init ? &about->m : NULL;
    struct ts_span key = vector_key(v, t);
    if (vector_is_update(t))
        return verify_in_bundle(v, t, o);
    mikey_protect_of(init, resp, key, &o->guard);
    return mikey_error_verify(init, resp, &o->m, key);
}

/* Without a CERT: its receiver knows whom it asked. */
static enum ts_err verify_signed(struct vector *v,
                                 const struct vector_message *t,
                                 const struct mikey_msg *m)
{
    const char *from = json_string_value(json_object_get(t->json, "from"));
    struct mikey_id claimed = {0, MIKEY_ID_URI, t->ids.kms}, who;
    struct vector_pk pk;
    if (from && strncmp(from, "KMS", 3) != 0)
        claimed.data = vector_side(t) == MIKEY_INITIATOR ? t->ids.i : t->ids.r;
    v->pk(v, t, &pk);
    enum ts_err err = pk.verifier.certify(pk.verifier.arg, m->cert, m->n_cert,
                                          &claimed, VECTOR_NOW, &who);
    return err ? err : mikey_sign_verify(m, &pk.verifier, none, none);
}

static enum ts_err open_error(struct vector *v, const struct vector_message *t,
                              struct vector_opened *o)
{
    const struct mikey_hdr *about = &t->init->m.hdr;
    if (o->m.hdr.type != MIKEY_ERROR)
        return TS_E_UNKNOWN;
    if (o->m.hdr.csb != about->csb || o->m.hdr.prf != about->prf)
        return TS_E_MISMATCH; /* R183 */
    if (!o->m.has_t || !o->m.n_err)
        return TS_E_MISSING;
    if (t->m.has_sign) {
        o->proven = true;
        return verify_signed(v, t, &o->m);
    }
    o->has_guard = o->proven = t->m.has_v;
    return t->m.has_v ? verify_error(v, t, o) : TS_OK;
}

static enum ts_err open_by_type(struct vector *v,
                                const struct vector_message *t,
                                struct vector_opened *o)
{
    switch (t->m.hdr.type) {
    case MIKEY_REQUEST_INIT_PSK:
    case MIKEY_REQUEST_INIT_PK:
    case MIKEY_RESOLVE_INIT_PSK:
    case MIKEY_RESOLVE_INIT_PK:
        return open_init(v, t, o);
    case MIKEY_REQUEST_RESP:
    case MIKEY_RESOLVE_RESP:
        return t->init ? open_reply(v, t, o) : TS_E_INTERNAL;
    case MIKEY_TRANSFER_INIT:
        return vector_is_update(t) ? open_update(v, t, o)
                                   : open_transfer(v, t, o);
    case MIKEY_TRANSFER_RESP:
        if (!t->init)
            return TS_E_INTERNAL;
        return vector_is_update(t) ? open_update(v, t, o)
                                   : open_answer(v, t, o);
    case MIKEY_ERROR:
        return t->init ? open_error(v, t, o) : TS_E_INTERNAL;
    default:
        return vector_is_old(t) ? vector_old_open(v, t, o) : TS_E_INTERNAL;
    }
}

enum ts_err vector_open(struct vector *v, const struct vector_message *t,
                        struct ts_span raw, struct vector_opened *o)
{
    size_t mark = v->used;
    o->proven = o->has_guard = o->has_ticket = false;
    o->kemac.n = o->kemac.len = 0;
    enum ts_err err = mikey_msg_read(raw, &o->m, NULL);
    if (!err)
        err = open_by_type(v, t, o);
    if (err) /* on success the guard borrows RANDs */
        v->used = mark;
    return err;
}
