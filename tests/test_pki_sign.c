/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "papers.h"

static const struct ts_span parts[] = {
    {(const uint8_t *)"one ", 4}, {NULL, 0}, {(const uint8_t *)"two", 3}};
static const struct ts_span whole = {(const uint8_t *)"one two", 7};
#define PARTS parts, sizeof parts / sizeof parts[0]

/* Every kind of signature that a signer makes. */
static const struct kind {
    const char *key, *certs, *who;
    uint8_t s_type;
    enum mikey_gnutls_hash hash;
    size_t len;
} kinds[] = {
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA,
     MIKEY_GNUTLS_DEFAULT, 256},
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA,
     MIKEY_GNUTLS_SHA256, 256},
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA,
     MIKEY_GNUTLS_SHA384, 256},
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA,
     MIKEY_GNUTLS_SHA512, 256},
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA_PSS,
     MIKEY_GNUTLS_DEFAULT, 256},
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA_PSS,
     MIKEY_GNUTLS_SHA384, 256},
    {"user.key", "alice.crt sub.crt", "sip:alice@example.org", MIKEY_S_RSA_PSS,
     MIKEY_GNUTLS_SHA512, 256},
    {"pss.key", "dave.crt", "sip:dave@example.org", MIKEY_S_RSA_PSS,
     MIKEY_GNUTLS_DEFAULT, 256},
    {"pss.key", "dave.crt", "sip:dave@example.org", MIKEY_S_RSA_PSS,
     MIKEY_GNUTLS_SHA256, 256},
    {"ec256.key", "bob.crt", "sip:bob@example.org", MIKEY_S_ECDSA,
     MIKEY_GNUTLS_DEFAULT, 64},
    {"ec256.key", "bob.crt", "sip:bob@example.org", MIKEY_S_ECDSA,
     MIKEY_GNUTLS_SHA256, 64},
    {"ec384.key", "carol.crt", "tel:+49301234", MIKEY_S_ECDSA,
     MIKEY_GNUTLS_DEFAULT, 96},
    {"ec384.key", "carol.crt", "tel:+49301234", MIKEY_S_ECDSA,
     MIKEY_GNUTLS_SHA384, 96},
};
#define N_KINDS (sizeof kinds / sizeof kinds[0])

static struct mikey_signer signer_of(const struct kind *k)
{
    struct mikey_gnutls_key key = paper_key(k->key, k->certs);
    struct mikey_gnutls_signing how = {k->s_type, k->hash};
    struct mikey_signer s;
    OK(mikey_gnutls_signer(&key, &how, &s));
    assert_int_equal(s.s_type, k->s_type);
    assert_int_equal(s.len, k->len);
    return s;
}

/* A verifier for whom the certificates of a signer count. */
static struct mikey_verifier verifier_of(const struct mikey_signer *s,
                                         const char *who, bool sha1)
{
    struct mikey_gnutls_trust trust = paper_trust("ca.crt", NULL);
    struct mikey_id id = paper_id(who), found;
    struct mikey_verifier v;
    trust.sha1 = sha1;
    OK(mikey_gnutls_verifier(&trust, &v));
    OK(v.certify(v.arg, s->cert, s->n_cert, &id, PAPERS_NOW, &found));
    return v;
}

static void every_kind_of_signature_is_verified(void **state)
{
    (void)state;
    uint8_t sig[MIKEY_SIGN_MAX];
    for (size_t i = 0; i < N_KINDS; i++) {
        struct mikey_signer s = signer_of(&kinds[i]);
        struct mikey_verifier v = verifier_of(&s, kinds[i].who, false);
        OK(s.sign(s.arg, PARTS, sig));
        OK(v.verify(v.arg, s.s_type, &whole, 1, ts_span(sig, s.len)));
        OK(s.sign(s.arg, &whole, 1, sig));
        OK(v.verify(v.arg, s.s_type, PARTS, ts_span(sig, s.len)));
        mikey_gnutls_signer_free(&s);
        mikey_gnutls_verifier_free(&v);
    }
}

/* ECDSA leaves r or s a byte shorter once in 128 signatures. */
static void r_and_s_have_the_width_of_the_curve_always(void **state)
{
    (void)state;
    struct mikey_signer s = signer_of(&kinds[9]);
    struct mikey_verifier v = verifier_of(&s, kinds[9].who, false);
    unsigned shorter = 0;
    uint8_t sig[64];
    for (int i = 0; i < 3000 && shorter < 2; i++) {
        OK(s.sign(s.arg, PARTS, sig));
        if (sig[0] && sig[32])
            continue;
        shorter++;
        OK(v.verify(v.arg, MIKEY_S_ECDSA, PARTS, ts_span(sig, 64)));
    }
    assert_int_equal(shorter, 2);
    mikey_gnutls_signer_free(&s);
    mikey_gnutls_verifier_free(&v);
}

static void a_changed_part_or_signature_is_noticed(void **state)
{
    (void)state;
    const struct ts_span other = LITERAL("one twp"), less = LITERAL("one tw");
    uint8_t sig[MIKEY_SIGN_MAX + 1];
    for (size_t i = 0; i < N_KINDS; i++) {
        struct mikey_signer s = signer_of(&kinds[i]);
        struct mikey_verifier v = verifier_of(&s, kinds[i].who, false);
        struct ts_span made = ts_span(sig, s.len);
        OK(s.sign(s.arg, PARTS, sig));
        FAILS(TS_E_AUTH, v.verify(v.arg, s.s_type, &other, 1, made));
        FAILS(TS_E_AUTH, v.verify(v.arg, s.s_type, &less, 1, made));
        FAILS(TS_E_AUTH, v.verify(v.arg, s.s_type, NULL, 0, made));
        for (size_t at = 0; at < s.len; at += 13) {
            sig[at] ^= 4;
            FAILS(TS_E_AUTH, v.verify(v.arg, s.s_type, PARTS, made));
            sig[at] ^= 4;
        }
        OK(v.verify(v.arg, s.s_type, PARTS, made));
        mikey_gnutls_signer_free(&s);
        mikey_gnutls_verifier_free(&v);
    }
}

static void a_signature_of_another_length_is_refused(void **state)
{
    (void)state;
    static const size_t which[] = {0, 4, 9, 11};
    uint8_t sig[MIKEY_SIGN_MAX], longer[MIKEY_SIGN_MAX] = {0};
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        struct mikey_signer s = signer_of(&kinds[which[i]]);
        struct mikey_verifier v = verifier_of(&s, kinds[which[i]].who, false);
        OK(s.sign(s.arg, PARTS, sig));
        for (size_t n = 0; n < s.len; n++)
            FAILS(TS_E_AUTH, v.verify(v.arg, s.s_type, PARTS, ts_span(sig, n)));
        FAILS(TS_E_AUTH,
              v.verify(v.arg, s.s_type, PARTS, ts_span(sig, s.len + 1u)));
        /* the same number with a zero before it */
        memcpy(longer + 1, sig, s.len);
        FAILS(TS_E_AUTH,
              v.verify(v.arg, s.s_type, PARTS, ts_span(longer, s.len + 1u)));
        FAILS(TS_E_AUTH,
              v.verify(v.arg, s.s_type, PARTS, ts_span(longer, sizeof longer)));
        mikey_gnutls_signer_free(&s);
        mikey_gnutls_verifier_free(&v);
    }
}

static void zeros_and_ones_are_no_signature(void **state)
{
    (void)state;
    static const size_t which[] = {0, 4, 7, 9, 11};
    uint8_t zeros[MIKEY_SIGN_MAX] = {0}, ones[MIKEY_SIGN_MAX];
    memset(ones, 0xff, sizeof ones);
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        struct mikey_signer s = signer_of(&kinds[which[i]]);
        struct mikey_verifier v = verifier_of(&s, kinds[which[i]].who, true);
        FAILS(TS_E_AUTH,
              v.verify(v.arg, s.s_type, PARTS, ts_span(zeros, s.len)));
        FAILS(TS_E_AUTH,
              v.verify(v.arg, s.s_type, PARTS, ts_span(ones, s.len)));
        mikey_gnutls_signer_free(&s);
        mikey_gnutls_verifier_free(&v);
    }
}

static void the_s_type_must_fit_the_key(void **state)
{
    (void)state;
    uint8_t sig[MIKEY_SIGN_MAX];
    for (size_t i = 0; i < N_KINDS; i++) {
        struct mikey_signer s = signer_of(&kinds[i]);
        struct mikey_verifier v = verifier_of(&s, kinds[i].who, true);
        OK(s.sign(s.arg, PARTS, sig));
        for (uint8_t type = 0; type < 16; type++) {
            bool known = type == MIKEY_S_RSA || type == MIKEY_S_RSA_PSS ||
                         type == MIKEY_S_ECDSA;
            enum ts_err want = !known             ? TS_E_UNSUPPORTED
                               : type == s.s_type ? TS_OK
                                                  : TS_E_AUTH;
            FAILS(want, v.verify(v.arg, type, PARTS, ts_span(sig, s.len)));
        }
        mikey_gnutls_signer_free(&s);
        mikey_gnutls_verifier_free(&v);
    }
}

static void sha1_counts_only_where_it_is_allowed(void **state)
{
    (void)state;
    const struct kind old = {
        "user.key",  "alice.crt sub.crt", "sip:alice@example.org",
        MIKEY_S_RSA, MIKEY_GNUTLS_SHA1,   256};
    struct mikey_signer s = signer_of(&old);
    struct mikey_verifier no = verifier_of(&s, old.who, false);
    struct mikey_verifier yes = verifier_of(&s, old.who, true);
    uint8_t sig[MIKEY_SIGN_MAX];
    OK(s.sign(s.arg, PARTS, sig));
    FAILS(TS_E_UNSUPPORTED,
          no.verify(no.arg, MIKEY_S_RSA, PARTS, ts_span(sig, s.len)));
    OK(yes.verify(yes.arg, MIKEY_S_RSA, PARTS, ts_span(sig, s.len)));
    sig[9] ^= 1;
    FAILS(TS_E_AUTH,
          no.verify(no.arg, MIKEY_S_RSA, PARTS, ts_span(sig, s.len)));
    FAILS(TS_E_AUTH,
          yes.verify(yes.arg, MIKEY_S_RSA, PARTS, ts_span(sig, s.len)));
    mikey_gnutls_signer_free(&s);
    mikey_gnutls_verifier_free(&no);
    mikey_gnutls_verifier_free(&yes);
}

static void what_a_key_cannot_do_makes_no_signer(void **state)
{
    (void)state;
    static const struct {
        const char *key, *certs;
        uint8_t s_type;
        enum mikey_gnutls_hash hash;
    } never[] = {
        {"user.key", "alice.crt", MIKEY_S_ECDSA, MIKEY_GNUTLS_DEFAULT},
        {"user.key", "alice.crt", MIKEY_S_ECCSI, MIKEY_GNUTLS_DEFAULT},
        {"user.key", "alice.crt", 3, MIKEY_GNUTLS_DEFAULT},
        {"user.key", "alice.crt", MIKEY_S_RSA_PSS, MIKEY_GNUTLS_SHA1},
        {"pss.key", "dave.crt", MIKEY_S_RSA, MIKEY_GNUTLS_DEFAULT},
        {"pss.key", "dave.crt", MIKEY_S_RSA_PSS, MIKEY_GNUTLS_SHA512},
        {"weak.key", "weak.crt", MIKEY_S_RSA_PSS, MIKEY_GNUTLS_SHA512},
        {"ec256.key", "bob.crt", MIKEY_S_RSA, MIKEY_GNUTLS_DEFAULT},
        {"ec256.key", "bob.crt", MIKEY_S_ECDSA, MIKEY_GNUTLS_SHA384},
        {"ec384.key", "carol.crt", MIKEY_S_ECDSA, MIKEY_GNUTLS_SHA256},
        {"ec384.key", "carol.crt", MIKEY_S_ECDSA, MIKEY_GNUTLS_SHA1},
    };
    struct mikey_signer s;
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        struct mikey_gnutls_key key = paper_key(never[i].key, never[i].certs);
        struct mikey_gnutls_signing how = {never[i].s_type, never[i].hash};
        FAILS(TS_E_UNSUPPORTED, mikey_gnutls_signer(&key, &how, &s));
        assert_null(s.arg);
    }
}

static enum ts_err try_signer(const char *key_file, const char *certs)
{
    static const struct mikey_gnutls_signing how = {MIKEY_S_RSA, 0};
    struct mikey_gnutls_key key = paper_key(key_file, certs);
    struct mikey_signer s;
    enum ts_err err = mikey_gnutls_signer(&key, &how, &s);
    mikey_gnutls_signer_free(&s);
    return err;
}

static void key_and_certificates_must_belong_together(void **state)
{
    (void)state;
    OK(try_signer("user.key", "alice.crt"));
    OK(try_signer("user.key", "alice.crt sub.crt ca.crt"));
    FAILS(TS_E_MISMATCH, try_signer("sub.key", "alice.crt"));
    FAILS(TS_E_MISMATCH, try_signer("weak.key", "alice.crt"));
    FAILS(TS_E_MISMATCH, try_signer("ec256.key", "alice.crt"));
    FAILS(TS_E_MISMATCH, try_signer("pss.key", "alice.crt"));
    /* R26, R27, R113 */
    FAILS(TS_E_ORDER, try_signer("user.key", "alice.crt ca.crt"));
    FAILS(TS_E_ORDER, try_signer("user.key", "alice.crt ca.crt sub.crt"));
    FAILS(TS_E_ORDER, try_signer("user.key", "sub.crt alice.crt"));
    FAILS(TS_E_ORDER, try_signer("user.key", "fake.crt alice.crt"));
}

static void each_certificate_becomes_a_payload_own_first(void **state)
{
    (void)state;
    struct mikey_signer s = signer_of(&kinds[0]);
    assert_int_equal(s.n_cert, 2); /* R25, R111 */
    assert_int_equal(s.cert[0].type, MIKEY_CERT_X509);
    assert_true(ts_span_equal(s.cert[0].data, paper_der("alice.crt")));
    assert_true(ts_span_equal(s.cert[1].data, paper_der("sub.crt")));
    mikey_gnutls_signer_free(&s);
    assert_null(s.arg);
    assert_int_equal(s.n_cert, 0);
    mikey_gnutls_signer_free(&s);
    mikey_gnutls_signer_free(NULL);
}

static void certificates_come_as_der_too(void **state)
{
    (void)state;
    static const struct mikey_gnutls_signing how = {MIKEY_S_RSA, 0};
    struct mikey_gnutls_key key = paper_key("user.key", "alice.crt");
    struct mikey_signer s;
    key.certs = paper_der("alice.crt");
    OK(mikey_gnutls_signer(&key, &how, &s));
    assert_true(ts_span_equal(s.cert[0].data, paper_der("alice.crt")));
    mikey_gnutls_signer_free(&s);
}

static void garbage_is_no_key_and_no_certificate(void **state)
{
    (void)state;
    static const struct mikey_gnutls_signing how = {MIKEY_S_RSA, 0};
    const struct mikey_gnutls_key good = paper_key("user.key", "alice.crt");
    struct mikey_gnutls_key key = good;
    struct mikey_signer s;
    key.certs = papers("user.key");
    FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
    key.certs = LITERAL("nothing");
    FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
    key.certs = LITERAL("");
    FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
    key = good;
    key.key = papers("alice.crt");
    FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
    key.key = LITERAL("nothing");
    FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
    key.key = ts_span(NULL, 0);
    FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
    key.key = good.key;
    /* up to the line that ends it */
    for (key.key.n = 1; key.key.n < good.key.n - 40; key.key.n += 97)
        FAILS(TS_E_FORMAT, mikey_gnutls_signer(&key, &how, &s));
}

static void a_chain_has_eight_certificates_at_most(void **state)
{
    (void)state;
    FAILS(TS_E_RANGE,
          try_signer("user.key", "alice.crt sub.crt ca.crt ca.crt ca.crt "
                                 "ca.crt ca.crt ca.crt ca.crt"));
    OK(try_signer("user.key", "alice.crt sub.crt ca.crt ca.crt ca.crt "
                              "ca.crt ca.crt ca.crt"));
}

UNIT_MAIN(cmocka_unit_test(every_kind_of_signature_is_verified),
          cmocka_unit_test(r_and_s_have_the_width_of_the_curve_always),
          cmocka_unit_test(a_changed_part_or_signature_is_noticed),
          cmocka_unit_test(a_signature_of_another_length_is_refused),
          cmocka_unit_test(zeros_and_ones_are_no_signature),
          cmocka_unit_test(the_s_type_must_fit_the_key),
          cmocka_unit_test(sha1_counts_only_where_it_is_allowed),
          cmocka_unit_test(what_a_key_cannot_do_makes_no_signer),
          cmocka_unit_test(key_and_certificates_must_belong_together),
          cmocka_unit_test(each_certificate_becomes_a_payload_own_first),
          cmocka_unit_test(certificates_come_as_der_too),
          cmocka_unit_test(garbage_is_no_key_and_no_certificate),
          cmocka_unit_test(a_chain_has_eight_certificates_at_most))
