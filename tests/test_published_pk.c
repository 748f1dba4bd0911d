/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public-key messages of docs/vectors/ with real keys: signatures and
 * certificates by pki/, on the keys in reference/testkeys/. Signatures that
 * are the same each time are compared octet for octet, the others verified.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pki/gnutls.h"
#include "tests/unit.h"
#include "tests/vector.h"

#define PEM_MAX 16384
#define PAPERS  8
#define MESSAGE 8192
#define SIGNED  24 /* messages with a SIGN in the vectors below */

/* A file of reference/testkeys/: a private key, then its certificates. */
struct paper {
    char name[32];
    size_t n;
    uint8_t pem[PEM_MAX];
};

static struct vector v;
static struct paper paper[PAPERS];
static size_t n_papers;

static struct ts_span read_paper(const char *name)
{
    char path[512];
    for (size_t i = 0; i < n_papers; i++)
        if (strcmp(paper[i].name, name) == 0)
            return ts_span(paper[i].pem, paper[i].n);
    assert_true(n_papers < PAPERS);
    struct paper *p = &paper[n_papers];
    snprintf(path, sizeof path, "%s/%s", TEST_KEYS, name);
    snprintf(p->name, sizeof p->name, "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, p->pem, sizeof p->pem);
    (void)close(fd);
    assert_in_range(n, 1, sizeof p->pem - 1);
    p->n = (size_t)n;
    n_papers++;
    return ts_span(p->pem, p->n);
}

static const char *secret(const struct vector_message *t, const char *name)
{
    return json_string_value(
        json_object_get(json_object_get(t->json, "secrets"), name));
}

/* --- the operations, in place of those that compare --- */

static struct mikey_verifier verifier;

static void begin_verifier(void)
{
    const struct mikey_gnutls_trust trust = {.cas = read_paper("root.pem"),
                                             .sha1 = true};
    const struct mikey_id kms = {0, MIKEY_ID_URI,
                                 ts_span_str("sip:kms@example.com")};
    OK(mikey_gnutls_verifier(&trust, &verifier));
    OK(mikey_gnutls_verifier_know(&verifier, &kms, read_paper("kms-rsa.pem")));
}

static void verify_for_real(struct vector *vec, const struct vector_message *t,
                            struct vector_pk *pk)
{
    vector_pk(vec, t, pk);
    pk->verifier = verifier;
}

static void must(size_t i, enum ts_err err, const char *what)
{
    if (err == TS_E_NOMEM)
        OK(err);
    if (err)
        fail_msg("%s, message %zu, %s: %s (%s): %s", v.name, i, v.msg[i].name,
                 what, ts_errname(err), v.why);
}

/* --- signing again --- */

static enum mikey_gnutls_hash hash_of(const struct vector_message *t)
{
    const char *hash = json_string_value(
        json_object_get(json_object_get(t->json, "signature"), "hash"));
    return strcmp(hash, "SHA-1") == 0 ? MIKEY_GNUTLS_SHA1
                                      : MIKEY_GNUTLS_DEFAULT;
}

static struct mikey_signer signer;

static void sign_for_real(struct vector *vec, const struct vector_message *t,
                          struct vector_pk *pk)
{
    verify_for_real(vec, t, pk);
    const struct mikey_id *cert = pk->signer.cert;
    size_t n_cert = pk->signer.n_cert;
    assert_int_equal(n_cert ? signer.n_cert : 0, n_cert);
    for (size_t i = 0; i < n_cert; i++)
        assert_true(ts_span_equal(cert[i].data, signer.cert[i].data));
    pk->signer = signer;
}

/* The same message, signed by us: RSA PKCS#1 v1.5 gives the same octets, the
 * others a signature that verifies like the published one. */
static void build_again(size_t i, struct vector_opened *o)
{
    static uint8_t buf[MESSAGE];
    const struct vector_message *t = &v.msg[i];
    const struct mikey_gnutls_key key = {.key = read_paper(secret(t, "signer")),
                                         .certs =
                                             read_paper(secret(t, "signer"))};
    const struct mikey_gnutls_signing how = {t->m.sign.type, hash_of(t)};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    OK(mikey_gnutls_signer(&key, &how, &signer));
    v.pk = sign_for_real;
    enum ts_err err = vector_build(&v, t, o, &w);
    v.pk = verify_for_real;
    mikey_gnutls_signer_free(&signer);
    must(i, err, "built");
    struct ts_span made = ts_written(&w);
    size_t same =
        t->m.sign.type == MIKEY_S_RSA ? t->raw.n : t->raw.n - t->m.sign.data.n;
    assert_int_equal(made.n, t->raw.n);
    assert_memory_equal(made.p, t->raw.p, same);
    must(i, vector_open(&v, t, made, o), "opened anew");
}

/* --- one vector --- */

/* PKE: RSA PKCS#1 v1.5 by the key that the vector names. */
static void open_envelope(const struct vector_message *t)
{
    const char *file = secret(t, "kms key");
    const struct mikey_chash *chash = t->m.chash.data.p ? &t->m.chash : NULL;
    struct mikey_opener opener;
    uint8_t env_key[MIKEY_KEY_MAX];
    size_t n;
    if (!t->m.has_pke || strstr(v.name, "pss"))
        return; /* RSAES-OAEP, which GnuTLS has from 3.8.4 on only */
    struct ts_span pem = read_paper(file ? file : secret(t, "peer key"));
    const struct mikey_gnutls_key key = {.key = pem, .certs = pem};
    OK(mikey_gnutls_opener(&key, 1, 0, &opener));
    enum ts_err err =
        opener.open(opener.arg, chash, t->m.pke.data, env_key, &n);
    mikey_gnutls_opener_free(&opener);
    OK(err);
    OK(vector_same(&v, ts_span(env_key, n), json_object_get(t->json, "secrets"),
                   "env_key"));
}

static void refuse_changes(size_t i, struct vector_opened *o)
{
    static uint8_t buf[MESSAGE];
    const struct vector_message *t = &v.msg[i];
    memcpy(buf, t->raw.p, t->raw.n);
    for (size_t at = 0; at < t->raw.n; at += 97) {
        buf[at] ^= 0x10;
        enum ts_err err = vector_open(&v, t, ts_span(buf, t->raw.n), o);
        if (err == TS_E_NOMEM)
            OK(err);
        if (!err)
            fail_msg("%s, message %zu: octet %zu changed, and taken", v.name, i,
                     at);
        buf[at] ^= 0x10;
    }
}

static size_t check_vector(const char *name)
{
    static struct vector_opened o;
    char path[512];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/%s.json", TEST_PUBLISHED, name);
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    if (vector_load(&v, json))
        fail_msg("%s: %s", name, v.why);
    v.pk = verify_for_real;
    for (size_t i = 0; i < v.n; i++) {
        const struct vector_message *t = &v.msg[i];
        if (!t->m.has_sign)
            continue;
        must(i, vector_open(&v, t, t->raw, &o), "opened");
        open_envelope(t);
        if (!vector_bends(t))
            build_again(i, &o);
        refuse_changes(i, &o);
        n++;
    }
    json_decref(json);
    return n;
}

static void signatures_and_envelopes_hold_with_real_keys(void **state)
{
    static const char *const names[] = {
        "errors-128",         "errors-256",         "mode1-pk-128",
        "mode1-pk-256",       "mode1-pk-pss-128",   "mode1-pk-pss-256",
        "mode1-pk-ecdsa-128", "mode1-pk-ecdsa-256", "rfc3830-pk-128",
        "rfc3830-pk-256",     "rfc3830-dh-128",     "rfc3830-rsar-128",
        "rfc3830-rsar-256",
    };
    size_t n = 0;
    (void)state;
    begin_verifier();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        n += check_vector(names[i]);
    mikey_gnutls_verifier_free(&verifier);
    assert_int_equal(n, SIGNED);
}

UNIT_MAIN(cmocka_unit_test(signatures_and_envelopes_hold_with_real_keys))
