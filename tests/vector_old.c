/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages of RFC 3830, 4650 and 4738 out of a vector. libmikey opens and
 * builds PSK and PK, and judges the others.
 */
#include "mikey/classic.h"
#include "tests/vector.h"

static const struct ts_span none;

/* 4.1.3, 4.1.4: the constants of the message keys. */
enum { ENCR = 0x150533E1, AUTH = 0x2D22AC75, SALT = 0x29B88916 };

bool vector_is_old(const struct vector_message *t)
{
    return t->m.hdr.type < MIKEY_REQUEST_INIT_PSK &&
           t->m.hdr.type != MIKEY_ERROR;
}

static bool is_init(uint8_t type)
{
    return type == MIKEY_PSK || type == MIKEY_PK || type == MIKEY_DH_INIT ||
           type == MIKEY_DHHMAC_INIT || type == MIKEY_RSA_R_I;
}

/* The I_MESSAGE with the RAND of the bundle; t itself if it begins one. */
static const struct vector_message *begins(const struct vector *v,
                                           const struct vector_message *t)
{
    for (const struct vector_message *b = v->msg; b <= t; b++)
        if (b->m.hdr.csb == t->m.hdr.csb && b->m.rand[0].p)
            return b;
    return t;
}

/* Of an update, and of the answer to one, the message that began all. */
static struct mikey_classic known(struct vector *v,
                                  const struct vector_message *t)
{
    const struct vector_message *init = is_init(t->m.hdr.type) ? t : t->init;
    const struct vector_message *first = begins(v, t);
    struct ts_span key = vector_key(v, t);
    return (struct mikey_classic){
        .secret = key,
        .first = first != init && first != t ? &first->m : NULL,
        .id_i = {0, MIKEY_ID_URI, t->ids.i},
        .id_r = {0, MIKEY_ID_URI, t->ids.r},
    };
}

/* --- opening --- */

static enum ts_err open_pk(struct vector *v, const struct vector_message *t,
                           const struct mikey_classic *x,
                           struct vector_opened *o)
{
    static struct mikey_classic_opened opened;
    struct vector_pk pk;
    v->pk(v, t, &pk);
    const struct mikey_classic_pk ops = {&pk.verifier, &pk.opener, VECTOR_NOW};
    enum ts_err err = mikey_classic_pk_open(x, &o->m, &ops, &opened);
    if (!err)
        mikey_keys_copy(&o->kemac, &opened.keys);
    return err;
}

static enum ts_err open_signed(struct vector *v, const struct vector_message *t,
                               const struct mikey_classic *x,
                               struct vector_opened *o)
{
    struct vector_pk pk;
    struct mikey_id who;
    v->pk(v, t, &pk);
    return mikey_classic_signed(x, t->init ? &t->init->m : NULL, &o->m,
                                &pk.verifier, VECTOR_NOW, &who);
}

enum ts_err vector_old_open(struct vector *v, const struct vector_message *t,
                            struct vector_opened *o)
{
    const struct mikey_classic x = known(v, t);
    const struct mikey_msg *init = t->init ? &t->init->m : NULL;
    o->proven = true;
    if (o->m.hdr.type != t->m.hdr.type)
        return TS_E_UNKNOWN;
    switch (t->m.hdr.type) {
    case MIKEY_PSK:
        return mikey_classic_psk_open(&x, &o->m, &o->kemac);
    case MIKEY_PK:
        return open_pk(v, t, &x, o);
    case MIKEY_PSK_VERIFY:
    case MIKEY_PK_VERIFY:
        return init ? mikey_classic_resp_open(&x, init, &o->m) : TS_E_INTERNAL;
    case MIKEY_DHHMAC_INIT:
    case MIKEY_DHHMAC_RESP:
        return mikey_dhhmac_verify(&x, init, &o->m);
    default:
        return open_signed(v, t, &x, o);
    }
}

/* --- keys --- */

/* A message key by the label of RFC 3830: no selector, no lengths. */
static struct ts_key message_key(struct vector *v,
                                 const struct vector_message *t,
                                 uint32_t constant, size_t n)
{
    uint8_t label[9 + 255];
    struct ts_writer w = ts_writer_init(label, sizeof label);
    struct mikey_prf prf;
    struct ts_key key = {.len = (uint8_t)n};
    ts_put_u32(&w, constant);
    ts_put_u8(&w, 0xff);
    ts_put_u32(&w, t->m.hdr.csb);
    ts_put_span(&w, begins(v, t)->m.rand[0]);
    mikey_prf_key(&prf, t->m.hdr.prf, vector_key(v, t));
    mikey_prf(&prf, ts_written(&w), key.b, n);
    return key;
}

static enum ts_err check_mac(struct vector *v, const struct vector_message *t)
{
    const json_t *mac = vector_member(t, "mac");
    const struct mikey_suite *suite = mikey_suite_prf(t->m.hdr.prf);
    struct ts_span value = t->m.has_v ? t->m.v.mac : t->m.kemac.mac;
    struct mikey_hmac h;
    uint8_t ours[MIKEY_MAC_MAX];
    if (!mac)
        return value.n ? vector_say(v, TS_E_MISMATCH, "a MAC") : TS_OK;
    struct ts_key key = message_key(v, t, AUTH, suite->auth_key);
    mikey_hmac_key(&h, suite->auth, ts_key_span(&key));
    mikey_hmac_add(&h, vector_get(v, mac, "input"));
    mikey_hmac_end(&h, ours, suite->mac);
    enum ts_err err = vector_same(v, ts_key_span(&key), mac, "auth_key");
    if (!err)
        err = vector_same(v, value, mac, "value");
    return err ? err : vector_same(v, ts_span(ours, suite->mac), mac, "value");
}

/* The keys behind the identity that the public-key methods put first. */
static enum ts_err read_keys(const struct vector_message *t,
                             struct mikey_keys *keys)
{
    struct ts_span plain = ts_span(keys->plain, keys->len);
    if (t->m.hdr.type != MIKEY_PSK) {
        struct mikey_chain c = mikey_chain_init(plain, MIKEY_ID);
        struct mikey_payload p;
        if (!mikey_chain_next(&c, &p))
            return TS_E_FORMAT;
        plain = ts_span(c.r.p, ts_reader_left(&c.r));
    }
    return mikey_keys_read(plain, keys);
}

static enum ts_err check_kemac(struct vector *v, const struct vector_message *t,
                               struct vector_opened *o)
{
    const json_t *given = vector_member(t, "kemac");
    const struct mikey_suite *suite = mikey_suite_prf(t->m.hdr.prf);
    static struct mikey_keys keys;
    if (!given)
        return o->kemac.n ? vector_say(v, TS_E_MISMATCH, "keys") : TS_OK;
    struct ts_key key = message_key(v, t, ENCR, suite->encr_key);
    struct ts_key salt = message_key(v, t, SALT, MIKEY_SALT_LEN);
    struct mikey_cipher c;
    memcpy(c.key, key.b, key.len);
    memcpy(c.salt, salt.b, salt.len);
    keys.len = t->m.kemac.data.n;
    if (keys.len > sizeof keys.plain)
        return vector_say(v, TS_E_SPACE, "KEMAC");
    memcpy(keys.plain, t->m.kemac.data.p, keys.len);
    mikey_aes_cm(ts_key_span(&key), c.salt, t->m.hdr.csb, t->m.t.value,
                 keys.plain, keys.len);
    enum ts_err err =
        vector_same_iv(v, given, &c, key.len, t->m.hdr.csb, t->m.t.value);
    if (!err)
        err = vector_same(v, ts_key_span(&key), given, "encr_key");
    if (!err)
        err = vector_same(v, ts_key_span(&salt), given, "salt_key");
    if (!err)
        err = vector_same(v, ts_span(keys.plain, keys.len), given, "plain");
    if (!err && o->kemac.n) /* of RSA-R libmikey decrypts nothing */
        err = vector_same(v, ts_span(o->kemac.plain, o->kemac.len), given,
                          "plain");
    if (!err)
        err = vector_say(v, read_keys(t, &keys), "Key Data");
    return err ? err : vector_learn(v, t, &keys, true);
}

enum ts_err vector_old_check(struct vector *v, const struct vector_message *t,
                             struct vector_opened *o)
{
    enum ts_err err = check_mac(v, t);
    return err ? err : check_kemac(v, t, o);
}

/* --- crypto sessions --- */

enum ts_err vector_old_session(struct vector *v,
                               const struct vector_message *last,
                               const struct mikey_key *k, const json_t *want)
{
    const struct vector_message *first = begins(v, last);
    const struct mikey_classic_label label = mikey_classic_label_of(&first->m);
    uint8_t id = (uint8_t)json_integer_value(json_object_get(want, "CS ID"));
    struct mikey_srtp_policy policy;
    struct mikey_cs cs;
    struct ts_key key, salt;
    enum ts_err err = mikey_classic_cs(&last->m.hdr, id, &cs);
    if (!err)
        err = mikey_classic_policy(&first->m, &cs, &policy);
    if (!err)
        err = mikey_classic_session(&label, k, id, &policy, &key, &salt);
    if (err)
        return vector_say(v, err, "session %u: %s", id, ts_strerror(err));
    err = vector_same(v, ts_key_span(&key), want, "key");
    if (!err)
        err = vector_same(v, ts_key_span(&salt), want, "salt");
    return err ? err : vector_same(v, k->spi, want, "SPI");
}

/* --- building --- */

static enum ts_err build_init(struct vector *v, const struct vector_message *t,
                              const struct vector_opened *o,
                              struct ts_writer *w)
{
    const struct mikey_msg *m = &t->m;
    const struct mikey_classic x = known(v, t);
    struct vector_pk pk;
    struct mikey_form form;
    enum ts_err err = mikey_classic_check(m, x.first, &form, NULL);
    if (err)
        return err;
    v->pk(v, t, &pk);
    const struct mikey_classic_new in = {
        .suite = mikey_suite_prf(m->hdr.prf),
        .csb = m->hdr.csb,
        .rand = m->rand[0],
        .first = x.first,
        .want_response = m->hdr.v,
        .t = m->t,
        .map_type = m->hdr.map_type,
        .n_cs = m->hdr.n_cs,
        .map = m->hdr.map,
        .id_i = form.id_i,
        .id_r = form.id_r,
        .sp = m->sp,
        .n_sp = m->n_sp,
        .sdp_ids = m->sdp_ids,
        .encr = m->kemac.encr,
        .mac = m->kemac.mac_alg,
        .keys = o->kemac.k,
        .n_keys = o->kemac.n,
        .secret = x.secret,
        .signer = &pk.signer,
        .sealer = &pk.sealer,
        .cache = m->pke.c,
    };
    if (m->hdr.type == MIKEY_PK)
        mikey_build_classic_pk(w, &in);
    else
        mikey_build_classic_psk(w, &in);
    return w->err;
}

static enum ts_err build_resp(struct vector *v, const struct vector_message *t,
                              struct ts_writer *w)
{
    const struct mikey_classic x = known(v, t);
    struct mikey_form form;
    enum ts_err err = mikey_classic_check(&t->m, false, &form, NULL);
    if (err)
        return err;
    mikey_build_classic_resp(w, &x, &t->init->m, form.id_r,
                             t->m.hdr.map.n ? t->m.hdr.map : none);
    return w->err;
}

const char *vector_old_bends(const struct vector_message *t)
{
    return t->m.hdr.type > MIKEY_PK_VERIFY ? "judged only: no builder" : NULL;
}

enum ts_err vector_old_build(struct vector *v, const struct vector_message *t,
                             const struct vector_opened *o, struct ts_writer *w)
{
    if (vector_old_bends(t)) {
        ts_put_span(w, t->raw);
        return w->err;
    }
    return is_init(t->m.hdr.type) ? build_init(v, t, o, w)
                                  : build_resp(v, t, w);
}
