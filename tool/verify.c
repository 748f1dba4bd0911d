/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/verify.h"

#include <stdio.h>

#include "tool/put.h"

static const struct ts_span none;

/* --- results --- */

static json_t *note(struct mt_verify *v, const char *what)
{
    json_t *o = mt_object();
    mt_append(v->checks, o);
    mt_put_text(o, "what", what);
    return o;
}

void mt_checked(struct mt_verify *v, const char *what, const char *key,
                enum ts_err err)
{
    json_t *o = note(v, what);
    if (key)
        mt_put_text(o, "key", key);
    mt_put_bool(o, "holds", err == TS_OK);
    if (err == TS_OK) {
        v->held++;
        return;
    }
    mt_put_text(o, "why", ts_strerror(err));
    if (v->failed++ == 0)
        snprintf(v->why, sizeof v->why, "%s%s%s: %s", what,
                 key ? " under " : "", key ? key : "", ts_strerror(err));
}

void mt_unchecked(struct mt_verify *v, const char *what, const char *why)
{
    json_t *o = note(v, what);
    mt_put(o, "holds", json_null());
    mt_put_text(o, "why", why);
}

void mt_put_secret(struct mt_verify *v, json_t *object, const char *name,
                   struct ts_span key)
{
    if (v->show && key.n)
        mt_put_hex(object, name, key);
}

static json_t *key_of(struct mt_verify *v, const struct mikey_key *k)
{
    json_t *o = mt_object();
    mt_put_code(o, "Type", MT_KEY_TYPE, k->type);
    mt_put_number(o, "Key data len", k->key.n);
    mt_put_secret(v, o, "Key data", k->key);
    if (k->salt.p) {
        mt_put_number(o, "Salt len", k->salt.n);
        mt_put_secret(v, o, "Salt data", k->salt);
    }
    if (k->kv == MIKEY_KV_SPI)
        mt_put_hex(o, "SPI", k->spi);
    return o;
}

void mt_put_keys(struct mt_verify *v, json_t *object, const char *name,
                 const struct mikey_keys *keys)
{
    json_t *list = mt_array();
    for (size_t i = 0; i < keys->n; i++)
        mt_append(list, key_of(v, &keys->k[i]));
    mt_put(object, name, list);
}

/* --- what is known --- */

struct ts_span mt_identity(const struct mt_verify *v, enum mikey_id_role role)
{
    const struct mikey_names *ids = &v->known->ids;
    const struct ts_span known = role == MIKEY_IDR_I   ? ids->i
                                 : role == MIKEY_IDR_R ? ids->r
                                                       : ids->kms;
    struct ts_span said = v->m->idr[role].data;
    return said.p ? said : known;
}

static void set_key(struct ts_key *key, struct ts_span s)
{
    if (s.n == 0 || ts_key_set(key, s))
        key->len = 0;
}

/* The key of an exchange with the KMS, and its name. */
static struct ts_span exchange_key(const struct mt_verify *v, const char **name)
{
    const struct mt_known *k = v->known;
    *name = k->psk.p ? "PSK" : "env_key";
    return k->psk.p ? k->psk : k->env_key;
}

/* --- the ticket --- */

static void compare(struct mt_verify *v, const char *what, struct ts_span known,
                    const struct ts_key *derived)
{
    if (known.p)
        mt_checked(v, what, NULL,
                   ts_equal(known.p, known.n, derived->b, derived->len)
                       ? TS_OK
                       : TS_E_MISMATCH);
}

/* What the ticket key opens; gives MPKi and MPKr. */
static void verify_ticket(struct mt_verify *v, const struct mikey_ticket *t)
{
    static struct mikey_opened opened;
    struct mikey_base base;
    set_key(&v->mpk_i, v->known->mpk_i);
    set_key(&v->mpk_r, v->known->mpk_r);
    if (!mikey_kind_equal(t->tp.kind, mikey_kind_base))
        return;
    if (!v->known->tpk.p) {
        mt_unchecked(v, "MAC of the ticket", "TPK is not known");
        return;
    }
    enum ts_err err = mikey_base_read(t, &base);
    if (!err)
        err = mikey_base_open(t, &base, v->known->tpk, &opened);
    mt_checked(v, "MAC of the ticket", "TPK", err);
    if (!err) {
        json_t *o = mt_object();
        mt_put(v->out, "ticket", o);
        mt_put_keys(v, o, "keys", &opened.keys);
        mt_put_secret(v, o, "MPKi", ts_key_span(&opened.mpk_i));
        compare(v, "MPKi of the ticket", v->known->mpk_i, &opened.mpk_i);
        if (t->tp.flags & MIKEY_FLAG_I) {
            mt_put_secret(v, o, "MPKr", ts_key_span(&opened.mpk_r));
            compare(v, "MPKr of the ticket", v->known->mpk_r, &opened.mpk_r);
        }
        v->mpk_i = opened.mpk_i;
        v->mpk_r = opened.mpk_r;
    }
    mikey_opened_wipe(&opened);
}

/* Vr under MPKr. */
static void verify_vr(struct mt_verify *v, const struct mikey_ticket *t)
{
    MIKEY_UNSET struct mikey_prf prf;
    if (!(t->tp.flags & MIKEY_FLAG_I) || !mikey_suite_prf(t->tp.prf))
        return;
    if (v->mpk_r.len == 0) {
        mt_unchecked(v, "Vr", "MPKr is not known, nor TPK");
        return;
    }
    mikey_prf_key(&prf, t->tp.prf, ts_key_span(&v->mpk_r));
    mt_checked(
        v, "Vr", "MPKr",
        mikey_init_data_verify(t->init, &prf, mikey_suite_prf(t->tp.prf)));
    mikey_prf_wipe(&prf);
}

/* Vi is a copy of V. */
static bool verify_vi(struct mt_verify *v)
{
    struct mikey_v vi, vr;
    enum ts_err err = mikey_init_data_read(v->m->ticket.init, &vi, &vr);
    if (!err && !ts_span_equal(vi.mac, v->m->v.mac))
        err = TS_E_MISMATCH;
    mt_checked(v, "Vi", NULL, err);
    if (!err)
        v->held--; /* a copy proves nothing without V */
    return err == TS_OK;
}

/* --- Request and Resolve --- */

static void verify_init_pk(struct mt_verify *v, enum mikey_id_role role)
{
    struct mt_pk pk;
    struct ts_key env_key;
    const struct mikey_id claimed = {(uint8_t)role, MIKEY_ID_URI,
                                     mt_identity(v, role)};
    const struct mikey_id *sent = &v->m->idr[role];
    mt_pk_begin(&pk, v, sent->data.p ? sent : &claimed);
    mt_verify_sign(v, &pk, sent->data.p ? sent : &claimed, claimed.data,
                   mt_identity(v, MIKEY_IDR_KMS));
    mt_verify_pke(v, &pk, &env_key);
    ts_key_wipe(&env_key);
    mt_pk_end(&pk);
}

static void verify_init(struct mt_verify *v)
{
    const struct mikey_msg *m = v->m;
    bool request = mikey_is_request_init(m->hdr.type);
    enum mikey_id_role role = request ? MIKEY_IDR_I : MIKEY_IDR_R;
    struct mikey_protect keys;
    uint8_t no;
    enum ts_err err = mikey_init_check(m, (enum mikey_type)m->hdr.type, &no);
    if (err) {
        mt_checked(v, "form", NULL, err);
        return;
    }
    if (m->has_ticket) {
        verify_ticket(v, &m->ticket);
        verify_vr(v, &m->ticket);
    }
    if (m->has_sign) {
        verify_init_pk(v, role);
    } else if (v->known->psk.p) {
        mt_checked(v, "V", "PSK",
                   mikey_init_verify(m, v->known->psk, mt_identity(v, role),
                                     mt_identity(v, MIKEY_IDR_KMS), &keys));
        mikey_protect_end(&keys);
    } else {
        mt_unchecked(v, "V", "PSK is not known");
    }
}

static void verify_reply(struct mt_verify *v)
{
    static struct mikey_reply reply;
    const char *name;
    struct ts_span key = exchange_key(v, &name);
    if (v->m->has_ticket)
        verify_ticket(v, &v->m->ticket);
    if (!key.p || !v->init) {
        mt_unchecked(v, "V",
                     key.p ? "needs --init, the message it answers"
                           : "neither PSK nor env_key is known");
        return;
    }
    enum ts_err err = mikey_reply_open(v->init, v->m->raw, key, &reply);
    mt_checked(v, err && err != TS_E_AUTH ? "V and KEMAC" : "V", name, err);
    if (!err)
        mt_put_keys(v, v->out, "KEMAC", &reply.keys);
    mikey_keys_wipe(&reply.keys);
}

/* --- Transfer --- */

static void put_kemac(struct mt_verify *v, const struct mikey_keys *keys)
{
    if (v->m->has_kemac)
        mt_put_keys(v, v->out, "KEMAC", keys);
}

static void verify_transfer(struct mt_verify *v)
{
    static struct mikey_keys keys;
    const struct mikey_msg *m = v->m;
    const struct mikey_names names = {.i = mt_identity(v, MIKEY_IDR_I),
                                      .r = mt_identity(v, MIKEY_IDR_R)};
    static struct mikey_policy policy;
    uint8_t no;
    bool same = true;
    enum ts_err err = mikey_transfer_check(m, &policy, &no);
    if (err) {
        mt_checked(v, "form", NULL, err);
        return;
    }
    verify_ticket(v, &m->ticket);
    verify_vr(v, &m->ticket);
    if (m->ticket.tp.flags & MIKEY_FLAG_I)
        same = verify_vi(v);
    if (v->mpk_i.len == 0) {
        mt_unchecked(v, "V", "MPKi is not known, nor TPK");
    } else if (!same) {
        mt_unchecked(v, "V", "Vi is another one");
    } else {
        err = mikey_transfer_verify(m, &v->mpk_i, &names, &keys);
        mt_checked(v, "V", "MPKi", err);
        if (!err)
            put_kemac(v, &keys);
        mikey_keys_wipe(&keys);
    }
}

/* MPKi, or MPKr forked by what the answer says. */
static const char *answer_key(struct mt_verify *v, const struct mikey_msg *init,
                              const struct mikey_msg *answer,
                              struct ts_key *mpk)
{
    const struct mikey_tp *tp = &init->ticket.tp;
    MIKEY_UNSET struct mikey_prf prf;
    set_key(mpk, v->known->mpk);
    if (mpk->len)
        return "MPK";
    if (!(tp->flags & MIKEY_FLAG_I)) {
        *mpk = v->mpk_i;
        return "MPKi";
    }
    if (v->mpk_r.len == 0 || mikey_fork_check(answer) ||
        !mikey_suite_prf(tp->prf))
        return "MPKr'";
    mikey_prf_key(&prf, tp->prf, ts_key_span(&v->mpk_r));
    mikey_derive_fork(&prf, v->mpk_r.len, true, answer->idr[MIKEY_IDR_R].data,
                      answer->rand[MIKEY_RAND_KMS], mpk);
    mikey_prf_wipe(&prf);
    mt_put_secret(v, v->out, "MPKr'", ts_key_span(mpk));
    return "MPKr'";
}

static void verify_answer(struct mt_verify *v)
{
    static struct mikey_keys keys;
    struct ts_key mpk;
    if (!v->init || !v->init->has_ticket) {
        mt_unchecked(v, "V", "needs --init, the TRANSFER_INIT it answers");
        return;
    }
    verify_ticket(v, &v->init->ticket);
    const char *name = answer_key(v, v->init, v->m, &mpk);
    if (mpk.len == 0) {
        mt_unchecked(v, "V", "neither MPK, nor MPKi or MPKr, nor TPK is known");
        return;
    }
    enum ts_err err = mikey_answer_check(v->init, v->m);
    if (err)
        mt_checked(v, "form", NULL, err);
    else
        err = mikey_answer_verify(v->init, v->m, &mpk, &keys);
    if (v->failed == 0 || err == TS_E_AUTH)
        mt_checked(v, "V", name, err);
    if (!err)
        put_kemac(v, &keys);
    mikey_keys_wipe(&keys);
    ts_key_wipe(&mpk);
}

/* --- updates and Errors: under the keys of the bundle --- */

static void begin_protect(const struct mt_verify *v, struct mikey_protect *p)
{
    const struct mt_known *k = v->known;
    mikey_protect_begin(p, mikey_suite_prf(v->m->hdr.prf), k->protect,
                        k->selector, v->m->hdr.csb, k->rand_i, k->rand_r);
}

static void verify_update(struct mt_verify *v)
{
    static struct mikey_keys keys;
    bool response = v->m->hdr.type == MIKEY_TRANSFER_RESP;
    struct mikey_csb csb = {
        .flags = MIKEY_FLAG_L | MIKEY_FLAG_M, /* whose keys, is not known */
        .i = {0, MIKEY_ID_URI, mt_identity(v, MIKEY_IDR_I)},
        .r = {0, MIKEY_ID_URI, mt_identity(v, MIKEY_IDR_R)},
    };
    if (response && !v->init) {
        mt_unchecked(v, "V", "needs --init, the TRANSFER_INIT it answers");
        return;
    }
    begin_protect(v, &csb.keys);
    enum ts_err err = mikey_update_open(&csb, v->m, MIKEY_INITIATOR,
                                        response ? v->init->raw : none, &keys);
    mt_checked(v, "V", "protect", err);
    if (!err)
        put_kemac(v, &keys);
    mikey_keys_wipe(&keys);
    mikey_protect_end(&csb.keys);
}

static enum ts_err verify_v(const struct mt_verify *v, struct mikey_protect *p)
{
    MIKEY_UNSET struct mikey_hmac h;
    mikey_protect_auth(p, &h);
    enum ts_err err = mikey_v_verify(v->m, p->suite, &h, none, none);
    ts_wipe(&h, sizeof h);
    return err;
}

static bool is_initial(const struct mikey_msg *m)
{
    return mikey_is_request_init(m->hdr.type) ||
           mikey_is_resolve_init(m->hdr.type) ||
           m->hdr.type == MIKEY_TRANSFER_INIT;
}

/* The key of the message that an Error is about, and its name. */
static const char *error_key(struct mt_verify *v, const struct mikey_msg *init,
                             const struct mikey_msg *resp, struct ts_key *key)
{
    const char *name = "MPKi";
    if (init->hdr.type != MIKEY_TRANSFER_INIT) {
        set_key(key, exchange_key(v, &name));
    } else if (resp) {
        name = answer_key(v, init, resp, key);
    } else {
        *key = v->mpk_i;
    }
    return name;
}

static void verify_error_v(struct mt_verify *v)
{
    const struct mikey_msg *init = v->init, *resp = NULL;
    struct mikey_protect p;
    struct ts_key key;
    if (v->known->protect.p) {
        begin_protect(v, &p);
        mt_checked(v, "V", "protect", verify_v(v, &p));
        mikey_protect_end(&p);
        return;
    }
    if (init && (init->hdr.type == MIKEY_PSK || init->hdr.type == MIKEY_PK)) {
        mt_verify_old_error(v, init);
        return;
    }
    if (init && !is_initial(init)) {
        resp = init;
        init = v->first;
    }
    if (!init || !is_initial(init)) {
        mt_unchecked(
            v, "V",
            resp ? "needs --first, the message that the response answers"
                 : "needs --init, the message it is about");
        return;
    }
    if (init->has_ticket)
        verify_ticket(v, &init->ticket);
    const char *name = error_key(v, init, resp, &key);
    if (key.len)
        mt_checked(v, "V", name,
                   mikey_error_verify(init, resp, v->m, ts_key_span(&key)));
    else
        mt_unchecked(v, "V", "the key of the message in error is not known");
    ts_key_wipe(&key);
}

static void verify_error(struct mt_verify *v)
{
    const struct mikey_id claimed = {0, MIKEY_ID_URI,
                                     v->known->ids.kms.p ? v->known->ids.kms
                                                         : v->known->ids.i};
    struct mt_pk pk;
    if (v->m->has_sign) {
        mt_pk_begin(&pk, v, &claimed);
        mt_verify_sign(v, &pk, &claimed, none, none);
        mt_pk_end(&pk);
    } else if (v->m->has_v) {
        verify_error_v(v);
    } else {
        mt_unchecked(v, "V", "there is none: only a hint");
    }
}

/* --- by type --- */

static void verify_by_type(struct mt_verify *v)
{
    const struct mikey_msg *m = v->m;
    bool update = v->known->protect.p != NULL;
    switch (m->hdr.type) {
    case MIKEY_REQUEST_INIT_PSK:
    case MIKEY_REQUEST_INIT_PK:
    case MIKEY_RESOLVE_INIT_PSK:
    case MIKEY_RESOLVE_INIT_PK:
        verify_init(v);
        break;
    case MIKEY_REQUEST_RESP:
    case MIKEY_RESOLVE_RESP:
        verify_reply(v);
        break;
    case MIKEY_TRANSFER_INIT:
        if (m->has_ticket && !update)
            verify_transfer(v);
        else if (update)
            verify_update(v);
        else
            mt_unchecked(v, "V", "of an update: \"protect\" must be known");
        break;
    case MIKEY_TRANSFER_RESP:
        if (update)
            verify_update(v);
        else
            verify_answer(v);
        break;
    case MIKEY_ERROR:
        verify_error(v);
        break;
    default:
        if (m->hdr.type < MIKEY_REQUEST_INIT_PSK)
            mt_verify_old(v);
        else
            mt_unchecked(v, "message", "of a type that is not known");
    }
}

json_t *mt_verify(struct mt_verify *v)
{
    v->out = mt_object();
    v->checks = mt_array();
    mt_put_code(v->out, "message", MT_DATA_TYPE, v->m->hdr.type);
    mt_put(v->out, "checks", v->checks);
    if (!mikey_suite_prf(v->m->hdr.prf))
        mt_checked(v, "PRF", NULL, TS_E_UNSUPPORTED);
    else
        verify_by_type(v);
    mt_put_bool(v->out, "holds", v->held && !v->failed);
    ts_key_wipe(&v->mpk_i);
    ts_key_wipe(&v->mpk_r);
    return v->out;
}
