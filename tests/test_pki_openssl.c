/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openssl verifies what we sign and opens what we seal, and the reverse.
 */
#include "unit.h"

#include <gnutls/crypto.h>

#include "base/secret.h"
#include "folder.h"
#include "papers.h"
#include "program.h"

static const struct ts_span text = {(const uint8_t *)"a message", 9};

static const struct kind {
    const char *key, *certs, *cert, *who;
    uint8_t s_type;
    enum mikey_gnutls_hash hash;
    const char *dgst; /* option of openssl dgst */
} kinds[] = {
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA, MIKEY_GNUTLS_DEFAULT, "-sha256"},
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA, MIKEY_GNUTLS_SHA1, "-sha1"},
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA, MIKEY_GNUTLS_SHA384, "-sha384"},
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA, MIKEY_GNUTLS_SHA512, "-sha512"},
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA_PSS, MIKEY_GNUTLS_DEFAULT, "-sha256"},
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA_PSS, MIKEY_GNUTLS_SHA384, "-sha384"},
    {"user.key", "alice.crt sub.crt", "alice.crt", "sip:alice@example.org",
     MIKEY_S_RSA_PSS, MIKEY_GNUTLS_SHA512, "-sha512"},
    {"pss.key", "dave.crt", "dave.crt", "sip:dave@example.org", MIKEY_S_RSA_PSS,
     MIKEY_GNUTLS_DEFAULT, "-sha256"},
    {"ec256.key", "bob.crt", "bob.crt", "sip:bob@example.org", MIKEY_S_ECDSA,
     MIKEY_GNUTLS_DEFAULT, "-sha256"},
    {"ec384.key", "carol.crt", "carol.crt", "tel:+49301234", MIKEY_S_ECDSA,
     MIKEY_GNUTLS_DEFAULT, "-sha384"},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

#define OPENSSL(...) PROGRAM("openssl", __VA_ARGS__)

static void need_openssl(void)
{
    if (OPENSSL("version") != 0) {
        print_message("openssl is not installed\n");
        skip();
    }
}

static const char *paper_path(const char *name)
{
    static char paths[2][512];
    static unsigned n;
    char *path = paths[n++ % 2];
    (void)snprintf(path, sizeof paths[0], "%s/%s", TEST_PKI, name);
    return path;
}

static void put(const char *name, struct ts_span s)
{
    int fd =
        open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, s.p, s.n), (ssize_t)s.n);
    (void)close(fd);
}

static struct ts_span got(const char *name, uint8_t *buf, size_t max)
{
    int fd = open(in_folder(name), O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, buf, max);
    (void)close(fd);
    assert_true(n >= 0);
    return ts_span(buf, (size_t)n);
}

/* Run openssl dgst with the padding of a kind. */
static int dgst(const struct kind *k, const char *what, const char *with,
                const char *how)
{
    const char *key = what[1] == 'v' ? in_folder(with) : paper_path(with);
    if (k->s_type != MIKEY_S_RSA_PSS)
        return OPENSSL("dgst", k->dgst, what, key, how, in_folder("sig"),
                       in_folder("text"));
    return OPENSSL("dgst", k->dgst, "-sigopt", "rsa_padding_mode:pss",
                   "-sigopt", "rsa_pss_saltlen:digest", what, key, how,
                   in_folder("sig"), in_folder("text"));
}

/* One of r and s as DER has it: no zeros before it. */
static gnutls_datum_t number(const uint8_t *p, size_t n)
{
    for (; n > 1 && *p == 0; p++)
        n--;
    return (gnutls_datum_t){(uint8_t *)(uintptr_t)p, (unsigned)n};
}

/* openssl has ECDSA signatures as DER, MIKEY as r and s. */
static void put_signature(const struct kind *k, struct ts_span sig)
{
    gnutls_datum_t der = {0};
    if (k->s_type == MIKEY_S_ECDSA) {
        const gnutls_datum_t r = number(sig.p, sig.n / 2);
        const gnutls_datum_t s = number(sig.p + sig.n / 2, sig.n / 2);
        assert_int_equal(gnutls_encode_rs_value(&der, &r, &s), 0);
        sig = ts_span(der.data, der.size);
    }
    put("sig", sig);
    gnutls_free(der.data);
}

static void pad(uint8_t *out, size_t width, gnutls_datum_t *v)
{
    size_t lead = 0;
    while (v->size - lead > width)
        lead++;
    const size_t n = v->size - lead;
    memset(out, 0, width);
    memcpy(out + width - n, v->data + lead, n);
    gnutls_free(v->data);
}

static struct ts_span got_signature(const struct kind *k, size_t len,
                                    uint8_t buf[MIKEY_SIGN_MAX])
{
    gnutls_datum_t der, r = {0}, s = {0};
    struct ts_span sig = got("sig", buf, MIKEY_SIGN_MAX);
    if (k->s_type != MIKEY_S_ECDSA)
        return sig;
    der = (gnutls_datum_t){buf, (unsigned)sig.n};
    assert_int_equal(gnutls_decode_rs_value(&der, &r, &s), 0);
    pad(buf, len / 2, &r);
    pad(buf + len / 2, len / 2, &s);
    return ts_span(buf, len);
}

static struct mikey_signer signer_of(const struct kind *k)
{
    const struct mikey_gnutls_key key = paper_key(k->key, k->certs);
    const struct mikey_gnutls_signing how = {k->s_type, k->hash};
    struct mikey_signer s;
    OK(mikey_gnutls_signer(&key, &how, &s));
    return s;
}

static void openssl_verifies_what_we_sign(void **state)
{
    (void)state;
    uint8_t sig[MIKEY_SIGN_MAX];
    need_openssl();
    put("text", text);
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        struct mikey_signer s = signer_of(k);
        OK(s.sign(s.arg, &text, 1, sig));
        put_signature(k, ts_span(sig, s.len));
        assert_int_equal(OPENSSL("x509", "-in", paper_path(k->cert), "-noout",
                                 "-pubkey", "-out", in_folder("pub")),
                         0);
        assert_int_equal(dgst(k, "-verify", "pub", "-signature"), 0);
        sig[s.len - 1] ^= 1;
        put_signature(k, ts_span(sig, s.len));
        assert_int_equal(dgst(k, "-verify", "pub", "-signature"), 1);
        mikey_gnutls_signer_free(&s);
    }
}

static void we_verify_what_openssl_signs(void **state)
{
    (void)state;
    struct mikey_gnutls_trust trust = paper_trust("ca.crt", NULL);
    struct mikey_verifier v;
    uint8_t buf[MIKEY_SIGN_MAX];
    need_openssl();
    trust.sha1 = true;
    OK(mikey_gnutls_verifier(&trust, &v));
    put("text", text);
    for (size_t i = 0; i < N_KINDS; i++) {
        const struct kind *k = &kinds[i];
        const struct mikey_id claimed = paper_id(k->who);
        struct mikey_signer s = signer_of(k);
        struct mikey_id who;
        OK(v.certify(v.arg, s.cert, s.n_cert, &claimed, PAPERS_NOW, &who));
        assert_int_equal(dgst(k, "-sign", k->key, "-out"), 0);
        OK(v.verify(v.arg, k->s_type, &text, 1, got_signature(k, s.len, buf)));
        mikey_gnutls_signer_free(&s);
    }
    mikey_gnutls_verifier_free(&v);
}

static void envelope_keys_cross_over(void **state)
{
    (void)state;
    const struct mikey_gnutls_key key = paper_key("kms.key", "kms.crt");
    const struct ts_span env = LITERAL("an envelope key of 32 bytes long");
    uint8_t sealed[MIKEY_PKE_MAX], plain[MIKEY_KEY_MAX + 1];
    struct mikey_sealer s;
    struct mikey_opener o;
    size_t n;
    need_openssl();
    OK(mikey_gnutls_sealer(papers("kms.crt"), 0, &s));
    OK(mikey_gnutls_opener(&key, 1, 0, &o));
    OK(s.seal(s.arg, env, sealed));
    put("pke", ts_span(sealed, s.len));
    assert_int_equal(OPENSSL("pkeyutl", "-decrypt", "-inkey",
                             paper_path("kms.key"), "-in", in_folder("pke"),
                             "-out", in_folder("env")),
                     0);
    assert_true(ts_span_equal(got("env", plain, sizeof plain), env));
    assert_int_equal(OPENSSL("pkeyutl", "-encrypt", "-certin", "-inkey",
                             paper_path("kms.crt"), "-in", in_folder("env"),
                             "-out", in_folder("pke")),
                     0);
    OK(o.open(o.arg, &s.chash, got("pke", sealed, sizeof sealed), plain, &n));
    assert_true(ts_equal(plain, n, env.p, env.n));
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_opener_free(&o);
}

UNIT_MAIN(cmocka_unit_test_setup(openssl_verifies_what_we_sign, folder_fresh),
          cmocka_unit_test_setup(we_verify_what_openssl_signs, folder_fresh),
          cmocka_unit_test_setup(envelope_keys_cross_over, folder_fresh))
