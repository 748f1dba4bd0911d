/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of each message against those that the vector gives.
 */
#include <nettle/aes.h>

#include "base/msan.h"
#include "tests/vector.h"

static const struct ts_span none;

const json_t *vector_member(const struct vector_message *t, const char *name)
{
    const json_t *value = json_object_get(t->json, name);
    return json_is_null(value) ? NULL : value;
}

/* A value that must be there on both sides, or on none. */
static enum ts_err both(struct vector *v, bool ours, const json_t *theirs,
                        const char *what)
{
    return ours == (theirs != NULL)
               ? TS_OK
               : vector_say(v, TS_E_MISMATCH, "%s on one side only", what);
}

/* --- MAC, signature, KEMAC --- */

static enum ts_err check_mac(struct vector *v, const struct vector_message *t,
                             struct vector_opened *o)
{
    const json_t *mac = vector_member(t, "mac");
    uint8_t key[MIKEY_MAC_MAX], value[MIKEY_MAC_MAX];
    enum ts_err err = both(v, o->m.has_v, mac, "mac");
    if (err || !mac)
        return err;
    const struct mikey_suite *suite = o->guard.suite;
    struct mikey_hmac h;
    mikey_protect_auth_key(&o->guard, key);
    mikey_hmac_key(&h, suite->auth, ts_span(key, suite->auth_key));
    mikey_hmac_add(&h, vector_get(v, mac, "input"));
    mikey_hmac_end(&h, value, suite->mac);
    err = vector_same(v, ts_span(key, suite->auth_key), mac, "auth_key");
    if (!err)
        err = vector_same(v, o->m.v.mac, mac, "value");
    return err ? err : vector_same(v, ts_span(value, suite->mac), mac, "value");
}

static enum ts_err check_signature(struct vector *v,
                                   const struct vector_message *t,
                                   const struct vector_opened *o)
{
    const json_t *signature = vector_member(t, "signature");
    enum ts_err err = both(v, o->m.has_sign, signature, "signature");
    if (err || !signature)
        return err;
    if (json_integer_value(json_object_get(signature, "S type")) !=
        o->m.sign.type)
        return vector_say(v, TS_E_MISMATCH, "S type");
    return vector_same(v, o->m.sign.data, signature, "value");
}

enum ts_err vector_same_iv(struct vector *v, const json_t *kemac,
                           const struct mikey_cipher *c, size_t key_len,
                           uint32_t csb, uint64_t t)
{
    struct ts_span iv = vector_get(v, kemac, "IV");
    uint8_t stream[16] = {0}, want[16];
    union {
        struct aes128_ctx k128;
        struct aes256_ctx k256;
    } aes;
    if (!iv.p)
        return TS_OK; /* AES-KW has none */
    mikey_aes_cm(ts_span(c->key, key_len), c->salt, csb, t, stream, 16);
    if (key_len == 16) {
        aes128_set_encrypt_key(&aes.k128, c->key);
        aes128_encrypt(&aes.k128, 16, want, iv.p);
    } else {
        aes256_set_encrypt_key(&aes.k256, c->key);
        aes256_encrypt(&aes.k256, 16, want, iv.p);
    }
    ts_msan_out(want, sizeof want);
    return iv.n == 16 && memcmp(stream, want, 16) == 0
               ? TS_OK
               : vector_say(v, TS_E_MISMATCH, "IV");
}

/* encr_key, salt_key, IV and plain text of a KEMAC of message or ticket. */
static enum ts_err check_cipher(struct vector *v, const json_t *given,
                                struct mikey_protect *guard,
                                const struct mikey_kemac *kemac,
                                struct mikey_time t,
                                const struct mikey_keys *keys)
{
    struct mikey_cipher c;
    size_t len = guard->suite->encr_key;
    size_t salt = kemac->encr == MIKEY_ENCR_AES_KW_128 ? MIKEY_KW_SALT_LEN
                                                       : MIKEY_SALT_LEN;
    mikey_protect_cipher(guard, &c);
    enum ts_err err = vector_same(v, ts_span(c.key, len), given, "encr_key");
    if (!err)
        err = vector_same(v, ts_span(c.salt, salt), given, "salt_key");
    if (!err)
        err = vector_same_iv(v, given, &c, len, guard->csb, t.value);
    return err ? err
               : vector_same(v, ts_span(keys->plain, keys->len), given,
                             "plain");
}

static enum ts_err check_kemac(struct vector *v, const struct vector_message *t,
                               struct vector_opened *o)
{
    const json_t *kemac = vector_member(t, "kemac");
    enum ts_err err = both(v, o->m.has_kemac, kemac, "kemac");
    return err || !kemac ? err
                         : check_cipher(v, kemac, &o->guard, &o->m.kemac,
                                        o->m.t, &o->kemac);
}

/* --- the ticket --- */

static enum ts_err check_halves(struct vector *v,
                                const struct vector_message *t,
                                const json_t *given,
                                const struct vector_opened *o)
{
    const json_t *secrets = json_object_get(t->json, "secrets");
    bool fork = o->m.ticket.tp.flags & MIKEY_FLAG_I;
    struct ts_span i = ts_key_span(&o->ticket.mpk_i);
    struct ts_span r = ts_key_span(&o->ticket.mpk_r);
    enum ts_err err = vector_same(v, i, given, "MPKi");
    if (!err)
        err = both(v, fork, vector_get(v, given, "MPKr").p ? given : NULL,
                   "MPKr");
    if (!err && fork)
        err = vector_same(v, r, given, "MPKr");
    if (!err && json_object_get(secrets, "MPKi"))
        err = vector_same(v, i, secrets, "MPKi");
    if (!err && json_object_get(secrets, "MPKr"))
        err = vector_same(v, r, secrets, "MPKr");
    return err;
}

static enum ts_err check_ticket(struct vector *v,
                                const struct vector_message *t,
                                struct vector_opened *o)
{
    const json_t *given = vector_member(t, "ticket");
    struct mikey_protect k5;
    uint8_t key[MIKEY_MAC_MAX];
    enum ts_err err = both(v, o->has_ticket, given, "ticket");
    if (err || !given)
        return err;
    const struct mikey_suite *suite = mikey_suite_prf(o->m.ticket.tp.prf);
    mikey_protect_begin(&k5, suite, vector_secret(v, t, "TPK"),
                        MIKEY_SEL_TICKET, 0xffffffff, o->base.rand, none);
    mikey_protect_auth_key(&k5, key);
    err = vector_same(v, ts_span(key, suite->auth_key), given, "auth_key");
    if (!err)
        err = vector_same(v, o->base.covered, given, "mac input");
    if (!err)
        err = check_cipher(v, given, &k5, &o->base.kemac, o->base.t,
                           &o->ticket.keys);
    return err ? err : check_halves(v, t, given, o);
}

/* K0: MPK of a TRANSFER_RESP is MPKr forked by what the message says. */
static enum ts_err check_fork(struct vector *v, const struct vector_message *t,
                              const struct vector_opened *o)
{
    const json_t *secrets = json_object_get(t->json, "secrets");
    struct ts_span mpk_r = vector_secret(v, t, "MPKr");
    struct mikey_prf prf;
    struct ts_key forked;
    if (t->m.hdr.type != MIKEY_TRANSFER_RESP || !mpk_r.p)
        return TS_OK;
    mikey_prf_key(&prf, t->init->m.ticket.tp.prf, mpk_r);
    mikey_derive_fork(&prf, mpk_r.n, true, o->m.idr[MIKEY_IDR_R].data,
                      o->m.rand[MIKEY_RAND_KMS], &forked);
    return vector_same(v, ts_key_span(&forked), secrets, "MPK");
}

/* --- session keys --- */

static struct ts_span keep(struct vector *v, struct ts_span s)
{
    uint8_t *at = v->mem + v->used;
    if (!s.p || s.n > sizeof v->mem - v->used)
        return none;
    memcpy(at, s.p, s.n);
    v->used += s.n;
    return ts_span(at, s.n);
}

/* The number of a kind of key as the vectors name it; -1: none. */
static int kind_of(const char *name)
{
    static const char *const kinds[] = {"TGK",      "TGK+SALT", "TEK",
                                        "TEK+SALT", "GTGK",     "GTGK+SALT"};
    for (int i = 0; name && i < 6; i++)
        if (strcmp(kinds[i], name) == 0)
            return i;
    return -1;
}

/* A key out of the vector; false: it is none. */
static bool read_key(struct vector *v, const json_t *one, struct mikey_key *k)
{
    int kind = kind_of(json_string_value(json_object_get(one, "type")));
    *k = (struct mikey_key){
        .type = (uint8_t)kind,
        .kv = MIKEY_KV_SPI,
        .key = vector_get(v, one, "key"),
        .salt = vector_get(v, one, "salt"),
        .spi = vector_get(v, one, "SPI"),
    };
    return kind >= 0 && k->key.p && k->spi.p;
}

static bool same_key(const struct mikey_key *a, const struct mikey_key *b)
{
    return a->type == b->type && ts_span_equal(a->key, b->key) &&
           ts_span_equal(a->salt, b->salt) && ts_span_equal(a->spi, b->spi);
}

static const struct mikey_key *in_pool(const struct vector *v,
                                       const struct mikey_key *k)
{
    for (size_t i = 0; i < v->n_pool; i++)
        if (same_key(&v->pool[i], k))
            return &v->pool[i];
    return NULL;
}

static bool in_vector(struct vector *v, const struct vector_message *t,
                      const struct mikey_key *k)
{
    const json_t *keys = json_object_get(t->json, "keys");
    size_t mark = v->used;
    bool found = false;
    for (size_t i = 0; i < json_array_size(keys) && !found; i++) {
        struct mikey_key one;
        found = read_key(v, json_array_get(keys, i), &one) && same_key(&one, k);
    }
    v->used = mark;
    return found;
}

enum ts_err vector_learn(struct vector *v, const struct vector_message *t,
                         const struct mikey_keys *keys, bool told)
{
    for (size_t i = 0; i < keys->n; i++) {
        const struct mikey_key *k = &keys->k[i];
        if (k->type == MIKEY_MPK)
            continue;
        if (told && !in_vector(v, t, k))
            return vector_say(v, TS_E_MISMATCH, "key %zu is not in keys", i);
        if (in_pool(v, k))
            continue;
        if (v->n_pool == VECTOR_KEYS)
            return vector_say(v, TS_E_SPACE, "too many keys");
        struct mikey_key *to = &v->pool[v->n_pool++];
        *to = *k;
        to->key = keep(v, k->key);
        to->salt = keep(v, k->salt);
        to->spi = keep(v, k->spi);
    }
    return TS_OK;
}

/* TRANSFER_RESP: the ticket's keys as both ends use them (K0), and I's. */
static enum ts_err learn_answered(struct vector *v,
                                  const struct vector_message *t,
                                  const struct vector_opened *o)
{
    static struct vector_opened first;
    const struct mikey_tp *tp = &t->init->m.ticket.tp;
    enum ts_err err = vector_open(v, t->init, t->init->raw, &first);
    if (err || !first.has_ticket)
        return vector_say(v, err, "its TRANSFER_INIT");
    if (tp->flags & MIKEY_FLAG_I)
        mikey_keys_fork(&first.ticket.keys, tp->prf, o->m.idr[MIKEY_IDR_R].data,
                        o->m.rand[MIKEY_RAND_KMS]);
    err = vector_learn(v, t, &first.ticket.keys, true);
    return err ? err : vector_learn(v, t, &first.kemac, true);
}

static enum ts_err learn_all(struct vector *v, const struct vector_message *t,
                             const struct vector_opened *o)
{
    uint8_t type = t->m.hdr.type;
    bool transfer = type == MIKEY_TRANSFER_INIT && t->m.has_ticket;
    /* R can read nothing of it yet if the KMS must be asked */
    bool closed = transfer && t->m.ticket.tp.flags & MIKEY_FLAG_E;
    enum ts_err err = TS_OK;
    if (o->has_ticket)
        err =
            vector_learn(v, t, &o->ticket.keys,
                         mikey_is_resolve_init(type) || (transfer && !closed));
    if (!err && type == MIKEY_TRANSFER_RESP && !vector_is_update(t))
        err = learn_answered(v, t, o);
    return err ? err : vector_learn(v, t, &o->kemac, !closed);
}

/* What the vector says its receiver knows are keys that we opened, too; but
 * for the TGK of a Diffie-Hellman exchange, which libmikey only judges. */
static enum ts_err check_known(struct vector *v, const struct vector_message *t)
{
    const json_t *keys = json_object_get(t->json, "keys");
    if (t->m.hdr.type == MIKEY_DH_RESP || t->m.hdr.type == MIKEY_DHHMAC_RESP)
        return TS_OK;
    for (size_t i = 0; i < json_array_size(keys); i++) {
        size_t mark = v->used;
        struct mikey_key k;
        bool good = read_key(v, json_array_get(keys, i), &k) && in_pool(v, &k);
        v->used = mark;
        if (!good)
            return vector_say(v, TS_E_MISMATCH, "keys[%zu] was never seen", i);
    }
    return TS_OK;
}

enum ts_err vector_check(struct vector *v, const struct vector_message *t,
                         struct vector_opened *o)
{
    enum ts_err err = vector_open(v, t, t->raw, o);
    if (err)
        return vector_say(v, err, "refused: %s", ts_strerror(err));
    err = check_signature(v, t, o);
    if (!err && vector_is_old(t)) {
        err = vector_old_check(v, t, o);
        return err ? err : check_known(v, t);
    }
    if (!err)
        err = check_mac(v, t, o);
    if (!err)
        err = check_kemac(v, t, o);
    if (!err)
        err = check_ticket(v, t, o);
    if (!err)
        err = check_fork(v, t, o);
    if (!err)
        err = learn_all(v, t, o);
    return err ? err : check_known(v, t);
}

/* --- crypto sessions --- */

/* The SP of that number, in the last message of the bundle that has one. */
static enum ts_err find_policy(const struct vector *v, uint32_t csb, uint8_t no,
                               struct mikey_srtp_policy *p)
{
    for (size_t i = v->n; i-- > 0;) {
        const struct mikey_msg *m = &v->msg[i].m;
        for (size_t k = 0; k < m->n_sp; k++)
            if (m->hdr.csb == csb && m->hdr.type != MIKEY_ERROR &&
                m->sp[k].no == no)
                return mikey_srtp_policy_read(&m->sp[k], p);
    }
    return TS_E_NOTFOUND;
}

static struct ts_span rand_of_answer(const struct vector *v, uint32_t csb)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->msg[i].m.hdr.csb == csb &&
            v->msg[i].m.hdr.type == MIKEY_TRANSFER_RESP &&
            v->msg[i].m.rand[MIKEY_RAND_R].p)
            return v->msg[i].m.rand[MIKEY_RAND_R];
    return none;
}

/* Of mode1-no-response the TRANSFER_INIT tells nobody any key. */
static const json_t *last_keys(const struct vector *v)
{
    const json_t *keys = NULL;
    for (size_t i = v->n; i-- > 0 && json_array_size(keys) == 0;)
        keys = json_object_get(v->msg[i].json, "keys");
    return keys;
}

/* The one key that the session uses, as the bundle would have it. */
static enum ts_err pick(struct vector *v, struct ts_span spi,
                        struct mikey_keys *keys)
{
    const json_t *given = last_keys(v);
    keys->n = 0;
    for (size_t i = 0; i < json_array_size(given); i++)
        if (read_key(v, json_array_get(given, i), &keys->k[0]) &&
            ts_span_equal(keys->k[0].spi, spi)) {
            keys->n = 1;
            return TS_OK;
        }
    return TS_E_NOTFOUND;
}

static enum ts_err check_session(struct vector *v,
                                 const struct vector_message *last,
                                 const struct mikey_tek_base *base,
                                 const json_t *want)
{
    static struct mikey_keys keys;
    uint8_t id = (uint8_t)json_integer_value(json_object_get(want, "CS ID"));
    uint8_t key[32], salt[MIKEY_SALT_LEN];
    struct mikey_cs cs;
    struct mikey_srtp_policy policy;
    enum ts_err err = mikey_cs_find(&last->m.hdr, id, &cs);
    if (!err && cs.policies.n != 1)
        err = TS_E_FORMAT;
    if (!err)
        err = find_policy(v, last->m.hdr.csb, cs.policies.p[0], &policy);
    if (!err)
        err = pick(v, cs.spi, &keys);
    if (!err && (policy.encr_key > sizeof key || policy.salt > sizeof salt))
        err = TS_E_RANGE;
    if (!err)
        err = mikey_srtp_keys(&keys, cs.spi, id, base, key, policy.encr_key,
                              salt, policy.salt);
    if (err)
        return vector_say(v, err, "session %u: %s", id, ts_strerror(err));
    err = vector_same(v, cs.spi, want, "SPI");
    if (!err)
        err = vector_same(v, ts_span(key, policy.encr_key), want, "key");
    return err ? err : vector_same(v, ts_span(salt, policy.salt), want, "salt");
}

/* The last message of a bundle: its map and keys are those in force. */
static const struct vector_message *last_of_bundle(const struct vector *v)
{
    for (size_t i = v->n; i-- > 0;)
        if (v->msg[i].m.hdr.n_cs && v->msg[i].m.hdr.type != MIKEY_ERROR)
            return &v->msg[i];
    return NULL;
}

static enum ts_err old_session(struct vector *v,
                               const struct vector_message *last,
                               const json_t *want)
{
    const json_t *keys = last_keys(v);
    struct mikey_key k;
    if (!read_key(v, json_array_get(keys, json_array_size(keys) - 1), &k))
        return vector_say(v, TS_E_FORMAT, "no key for the sessions");
    return vector_old_session(v, last, &k, want);
}

static struct mikey_tek_base tek_base(const struct vector *v,
                                      const struct vector_message *last)
{
    const struct vector_message *first = vector_transfer_of(v, last);
    const struct mikey_msg *m = first ? &first->m : &last->m;
    uint16_t flags = m->ticket.tp.flags;
    return (struct mikey_tek_base){
        .prf = m->hdr.prf,
        .rand_i = flags & MIKEY_FLAG_H ? m->rand[MIKEY_RAND_I] : none,
        .rand_r = flags & MIKEY_FLAG_G ? rand_of_answer(v, m->hdr.csb) : none,
    };
}

enum ts_err vector_sessions(struct vector *v)
{
    const json_t *sessions = json_object_get(v->json, "sessions");
    const struct vector_message *last = last_of_bundle(v);
    size_t n = json_array_size(sessions);
    if (n == 0)
        return TS_OK; /* as where the KMS refused */
    if (!last || n != last->m.hdr.n_cs)
        return vector_say(v, TS_E_MISMATCH, "number of sessions");
    const struct mikey_tek_base base = tek_base(v, last);
    for (size_t i = 0; i < n; i++) {
        const json_t *want = json_array_get(sessions, i);
        size_t mark = v->used;
        enum ts_err err = vector_is_old(last)
                              ? old_session(v, last, want)
                              : check_session(v, last, &base, want);
        v->used = mark;
        if (err)
            return err;
    }
    return TS_OK;
}
