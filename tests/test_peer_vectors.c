/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers of RFC 3830 against docs/vectors/, which an independent implementation
 * made: what Alice and Bob write is the vector octet for octet, what the other
 * one wrote there is taken, and both get its session keys. RSA is not done
 * here: signature and PKE are those of the vector, over the same input.
 */
#include "tests/duo.h"

#include <stdio.h>
#include <stdlib.h>

#define VECTORS  TEST_VECTORS "/../../docs/vectors/"
#define LONG_MAX 4096

struct octets {
    size_t n;
    uint8_t b[LONG_MAX];
};

/* One vector, and what its random source and RSA give. */
struct vector {
    json_t *json;
    struct octets message, input, signature, sealed, env_key;
    struct octets psk, rand, tgk, salt;
};

static struct duo d;
static struct vector v;
static struct octets out;

static struct ts_span view(const struct octets *o)
{
    return ts_span(o->b, o->n);
}

static struct octets hex(const json_t *value)
{
    struct octets o = {0};
    const char *text = json_string_value(value);
    for (; text && text[0] && text[1] && o.n < sizeof o.b; text += 2) {
        const char two[] = {text[0], text[1], 0};
        o.b[o.n++] = (uint8_t)strtoul(two, NULL, 16);
    }
    return o;
}

static const json_t *message(size_t i)
{
    return json_array_get(json_object_get(v.json, "messages"), i);
}

static struct octets input(const char *name)
{
    return hex(json_object_get(json_object_get(v.json, "inputs"), name));
}

/* ---- RSA and random numbers as the vector has them ---- */

static enum ts_err env_key_again(void *arg, uint8_t *buf, size_t n)
{
    const struct vector *vec = arg;
    if (n != vec->env_key.n)
        return TS_E_IO; /* all else is given */
    memcpy(buf, vec->env_key.b, n);
    return TS_OK;
}

static enum ts_err sign_again(void *arg, const struct ts_span *parts, size_t n,
                              uint8_t *sig)
{
    const struct vector *vec = arg;
    if (n != 1 || !ts_span_equal(parts[0], view(&vec->input)))
        return TS_E_AUTH;
    memcpy(sig, vec->signature.b, vec->signature.n);
    return TS_OK;
}

static enum ts_err verify_again(void *arg, uint8_t s_type,
                                const struct ts_span *parts, size_t n,
                                struct ts_span sig)
{
    const struct vector *vec = arg;
    (void)s_type;
    return n == 1 && ts_span_equal(parts[0], view(&vec->input)) &&
                   ts_span_equal(sig, view(&vec->signature))
               ? TS_OK
               : TS_E_AUTH;
}

static enum ts_err certify_all(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    (void)arg;
    (void)cert;
    (void)now;
    *who = *claimed;
    return n ? TS_OK : TS_E_MISSING;
}

static enum ts_err seal_again(void *arg, struct ts_span env_key, uint8_t *to)
{
    const struct vector *vec = arg;
    memcpy(to, vec->sealed.b, vec->sealed.n);
    return ts_span_equal(env_key, view(&vec->env_key)) ? TS_OK : TS_E_AUTH;
}

static enum ts_err open_again(void *arg, const struct mikey_chash *chash,
                              struct ts_span sealed,
                              uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    const struct vector *vec = arg;
    (void)chash;
    memcpy(env_key, vec->env_key.b, vec->env_key.n);
    *n = vec->env_key.n;
    return ts_span_equal(sealed, view(&vec->sealed)) ? TS_OK : TS_E_AUTH;
}

/* ---- the exchange ---- */

static void load(const char *name, unsigned bits)
{
    char path[512];
    snprintf(path, sizeof path, VECTORS "%s-%u.json", name, bits);
    v = (struct vector){.json = json_load_file(path, 0, NULL)};
    assert_non_null(v.json);
    v.message = hex(json_object_get(message(0), "octets"));
    v.psk = hex(json_object_get(json_object_get(message(0), "secrets"), "PSK"));
    v.env_key = input("env_key");
    v.rand = input("RAND");
    v.tgk = input("TGK");
    v.salt = input("master salt (in Key Data type 1)");
    duo_begin(&d, bits);
    d.alice.psk = d.bob.psk = view(&v.psk);
    d.session[0].ssrc = 0x11223344;
    d.session[1].ssrc = d.bobs[0].ssrc = 0x55667788;
    d.terms.csb = PAIR_CSB;
    d.terms.rand = view(&v.rand);
    d.terms.sdp_ids = ts_span(NULL, 0);
}

/* Message i is what was written, and is kept for the other one to take. */
static void is_message(size_t i, const uint8_t *b, size_t n)
{
    out = hex(json_object_get(message(i), "octets"));
    SAME(ts_span(b, n), view(&out));
}

static void check_sessions(void)
{
    const json_t *all = json_object_get(v.json, "sessions");
    struct mikey_srtp_key got;
    assert_true(json_array_size(all) > 0);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *s = json_array_get(all, i);
        const struct octets key = hex(json_object_get(s, "key"));
        const struct octets salt = hex(json_object_get(s, "salt"));
        duo_same_keys(
            &d, (uint8_t)json_integer_value(json_object_get(s, "CS ID")), &got);
        SAME(ts_span(got.key, got.key_len), view(&key));
        SAME(ts_span(got.salt, got.salt_len), view(&salt));
    }
}

static void answer(size_t i)
{
    static uint8_t buf[LONG_MAX];
    size_t n;
    OK(mikey_peer_answer(d.b, d.bobs, d.n_bobs, buf, sizeof buf, &n));
    is_message(i, buf, n);
    OK(duo_answered(&d, view(&out)));
}

static void offer(void)
{
    static uint8_t buf[LONG_MAX];
    size_t n;
    const struct mikey_key k = {
        .type = MIKEY_TGK_SALT, .key = view(&v.tgk), .salt = view(&v.salt)};
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(mikey_peer_offer(d.a, &d.now, &d.terms, buf, sizeof buf, &n));
    is_message(0, buf, n);
    OK(duo_offered(&d, view(&out)));
    answer(1);
}

/* A session more, with nothing left open. */
static void update(void)
{
    const struct mikey_srtp_policy *policy = d.terms.policy;
    duo_later(&d);
    d.session[1].known = d.session[2].known = true;
    d.session[2].ssrc = 0x99aabbcc;
    d.terms.session = d.session;
    d.terms.n_sessions = 3;
    d.terms.policy = policy;
    d.terms.n_policies = 1;
    OK(duo_update(&d));
    is_message(2, d.init.b, d.init.n);
    OK(duo_updated(&d, view(&out)));
    answer(3);
}

static void psk_vectors_are_written_and_taken(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        load("rfc3830-psk", bits);
        d.alice.random = d.bob.random = env_key_again; /* none is drawn */
        d.alice.arg = d.bob.arg = &v;
        d.alice.acceptable = d.bob.acceptable = NULL;
        offer();
        update();
        check_sessions();
        json_decref(v.json);
    }
}

static void pk_vectors_are_written_and_taken(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct mikey_msg m;
        load("rfc3830-pk", bits);
        const json_t *signature = json_object_get(message(0), "signature");
        OK(mikey_msg_read(view(&v.message), &m, NULL));
        v.input = hex(json_object_get(signature, "input"));
        v.signature = hex(json_object_get(signature, "value"));
        v.sealed.n = m.pke.data.n;
        memcpy(v.sealed.b, m.pke.data.p, m.pke.data.n);
        const struct mikey_signer signer = {
            &v,     m.sign.type, (uint16_t)v.signature.n,
            m.cert, m.n_cert,    sign_again};
        const struct mikey_sealer sealer = {&v, (uint16_t)v.sealed.n, m.chash,
                                            seal_again};
        const struct mikey_verifier verifier = {&v, certify_all, verify_again};
        const struct mikey_opener opener = {&v, open_again};
        d.alice.psk.n = d.bob.psk.n = 0;
        d.alice.random = d.bob.random = env_key_again;
        d.alice.arg = d.bob.arg = &v;
        d.alice.acceptable = d.bob.acceptable = NULL;
        d.alice.signer = &signer;
        d.alice.sealer = &sealer;
        d.bob.verifier = &verifier;
        d.bob.opener = &opener;
        d.terms.cache = m.pke.c;
        duo_again(&d);
        offer();
        check_sessions();
        json_decref(v.json);
    }
}

UNIT_MAIN(cmocka_unit_test(psk_vectors_are_written_and_taken),
          cmocka_unit_test(pk_vectors_are_written_and_taken))
