/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "papers.h"

#define CERTS_MAX 10

/* Unix seconds: in the middle of 2001 and of 2023; one after all periods. */
#define IN_2001 993000000u
#define IN_2023 1687000000u
#define IN_2100 4110000000u

/* CERT payloads with the certificates of some files. */
struct payloads {
    struct mikey_id cert[CERTS_MAX];
    size_t n;
};

static struct payloads certs(const char *a, const char *b, const char *c)
{
    struct payloads p = {0};
    const char *const names[] = {a, b, c};
    for (size_t i = 0; i < 3 && names[i]; i++)
        p.cert[p.n++] = paper_cert(names[i]);
    return p;
}

static struct mikey_verifier trusting(const char *cas, const char *crls)
{
    struct mikey_gnutls_trust trust = paper_trust(cas, crls);
    struct mikey_verifier v;
    OK(mikey_gnutls_verifier(&trust, &v));
    return v;
}

/* What certify() says; it must name nobody where it refuses. */
static enum ts_err certify(struct mikey_verifier *v, struct payloads p,
                           const char *claimed, uint64_t now)
{
    struct mikey_id id = paper_id(claimed), who;
    enum ts_err err = v->certify(v->arg, p.cert, p.n, &id, now, &who);
    if (err)
        assert_null(who.data.p);
    else if (claimed)
        assert_true(ts_span_equal(who.data, id.data));
    return err;
}

#define ALICE   "sip:alice@example.org"
#define CHAIN   certs("alice.crt", "sub.crt", NULL)
#define ONE(it) certs(it, NULL, NULL)

/* --- paths --- */

static void a_chain_to_a_trusted_ca_counts(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    OK(certify(&v, certs("alice.crt", "sub.crt", "ca.crt"), ALICE, PAPERS_NOW));
    OK(certify(&v, ONE("bob.crt"), "sip:bob@example.org", PAPERS_NOW));
    OK(certify(&v, ONE("carol.crt"), "tel:+49301234", PAPERS_NOW));
    OK(certify(&v, ONE("dave.crt"), "sip:dave@example.org", PAPERS_NOW));
    OK(certify(&v, ONE("nousage.crt"), "sip:nousage@example.org", PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    assert_null(v.arg);
    mikey_gnutls_verifier_free(&v);
    mikey_gnutls_verifier_free(NULL);
}

static void a_missing_or_misplaced_certificate_breaks_the_chain(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_AUTH, certify(&v, ONE("alice.crt"), ALICE, PAPERS_NOW));
    /* R26, R112: own first; R27, R113: each certifies the one before */
    FAILS(TS_E_AUTH,
          certify(&v, certs("sub.crt", "alice.crt", NULL), ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("alice.crt", "ca.crt", "sub.crt"), ALICE,
                             PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("alice.crt", "alice.crt", "sub.crt"),
                             ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("alice.crt", "sub.crt", "bob.crt"),
                             ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("alice.crt", "sub.crt", "forger.crt"),
                             ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("bob.crt", "sub.crt", NULL),
                             "sip:bob@example.org", PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void a_stranger_is_refused(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_AUTH, certify(&v, ONE("stranger.crt"), ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("stranger.crt", "ca.crt", NULL), ALICE,
                             PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("forger.crt", NULL);
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, certs("alice.crt", "sub.crt", "ca.crt"), ALICE,
                             PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void who_is_no_ca_certifies_nobody(void **state)
{
    (void)state;
    const char *mallory = "sip:mallory@example.org";
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_AUTH, certify(&v, certs("fake.crt", "alice.crt", "sub.crt"),
                             mallory, PAPERS_NOW));
    /* sub may have no CA below it */
    FAILS(TS_E_AUTH, certify(&v, certs("deep.crt", "sub2.crt", "sub.crt"),
                             "sip:deep@example.org", PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("alice.crt", NULL);
    FAILS(TS_E_AUTH, certify(&v, ONE("fake.crt"), mallory, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void a_certificate_can_be_trusted_itself(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("stranger.crt", NULL);
    OK(certify(&v, ONE("stranger.crt"), ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("alice.crt", NULL);
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, IN_2023));
    mikey_gnutls_verifier_free(&v);
    v = trusting("sub.crt", NULL);
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    OK(certify(&v, ONE("alice.crt"), ALICE, PAPERS_NOW));
    OK(certify(&v, certs("alice.crt", "sub.crt", "ca.crt"), ALICE, PAPERS_NOW));
    /* R27, R113: also behind what is trusted */
    FAILS(TS_E_AUTH, certify(&v, certs("alice.crt", "sub.crt", "bob.crt"),
                             ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void the_period_is_that_of_the_callers_clock(void **state)
{
    (void)state;
    const char *past = "sip:past@example.org";
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, IN_2023));
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, IN_2100));
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, 0));
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, UINT64_MAX));
    FAILS(TS_E_EXPIRED, certify(&v, ONE("past.crt"), past, PAPERS_NOW));
    OK(certify(&v, ONE("past.crt"), past, IN_2001));
    /* both ends count: 2024-01-01 to 2099-12-31 */
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, 1704067199));
    OK(certify(&v, CHAIN, ALICE, 1704067200));
    OK(certify(&v, CHAIN, ALICE, 4102358400));
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, 4102358401));
    mikey_gnutls_verifier_free(&v);
}

static void a_renewed_ca_stands_beside_its_old_certificate(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("oldca.crt", NULL);
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("oldca.crt ca.crt", NULL);
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("forger.crt ca.crt weakca.crt", NULL);
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

/* --- keys, uses, algorithms --- */

static void weak_keys_and_old_hashes_are_refused(void **state)
{
    (void)state;
    const char *weak = "sip:weak@example.org";
    struct mikey_gnutls_trust trust = paper_trust("ca.crt weakca.crt", NULL);
    struct mikey_verifier v;
    OK(mikey_gnutls_verifier(&trust, &v));
    FAILS(TS_E_AUTH, certify(&v, ONE("weak.crt"), weak, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, ONE("weakling.crt"), ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, ONE("sha1.crt"), ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    trust.rsa_bits = 1024;
    trust.sha1 = true;
    OK(mikey_gnutls_verifier(&trust, &v));
    OK(certify(&v, ONE("weak.crt"), weak, PAPERS_NOW));
    OK(certify(&v, ONE("weakling.crt"), ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, ONE("sha1.crt"), ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    trust.rsa_bits = 2049;
    OK(mikey_gnutls_verifier(&trust, &v));
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void a_key_without_an_s_type_is_unsupported(void **state)
{
    (void)state;
    const struct ts_span text = LITERAL("x");
    uint8_t sig[132] = {0};
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_UNSUPPORTED,
          certify(&v, ONE("erin.crt"), "sip:erin@example.org", PAPERS_NOW));
    FAILS(TS_E_STATE,
          v.verify(v.arg, MIKEY_S_ECDSA, &text, 1, ts_span(sig, sizeof sig)));
    mikey_gnutls_verifier_free(&v);
}

static void the_certificate_must_be_one_for_signing(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    struct payloads p = CHAIN;
    FAILS(TS_E_AUTH,
          certify(&v, ONE("encr.crt"), "sip:encr@example.org", PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, ONE("critical.crt"), ALICE, PAPERS_NOW));
    p.cert[0].type = p.cert[1].type = MIKEY_CERT_X509_SIGN;
    OK(certify(&v, p, ALICE, PAPERS_NOW));
    for (uint8_t type = MIKEY_CERT_X509_URL; type < 8; type++) {
        if (type == MIKEY_CERT_X509_SIGN)
            continue;
        p.cert[0].type = type;
        FAILS(TS_E_UNSUPPORTED, certify(&v, p, ALICE, PAPERS_NOW));
        p.cert[0].type = MIKEY_CERT_X509;
        p.cert[1].type = type;
        FAILS(TS_E_UNSUPPORTED, certify(&v, p, ALICE, PAPERS_NOW));
        p.cert[1].type = MIKEY_CERT_X509;
    }
    mikey_gnutls_verifier_free(&v);
}

/* --- names --- */

static void the_claimed_identity_must_be_in_the_certificate(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    OK(certify(&v, CHAIN, "sip:alice@EXAMPLE.org;lr", PAPERS_NOW));
    OK(certify(&v, CHAIN, "sip:%61lice@example.org", PAPERS_NOW));
    OK(certify(&v, ONE("carol.crt"), "tel:+49-30-1234", PAPERS_NOW));
    OK(certify(&v, ONE("carol.crt"), "sip:+49301234@x;user=phone", PAPERS_NOW));
    OK(certify(&v, ONE("two.crt"), "sip:two@example.org", PAPERS_NOW));
    OK(certify(&v, ONE("two.crt"), "sip:2@example.org", PAPERS_NOW));
    static const char *const others[] = {"sip:bob@example.org",
                                         "sip:Alice@example.org",
                                         "sip:alice@example.com",
                                         "sip:alice@example.or",
                                         "sip:alice@example.org:5060",
                                         "sip:",
                                         "sip:example.org"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        FAILS(TS_E_AUTH, certify(&v, CHAIN, others[i], PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, ONE("noname.crt"), ALICE, PAPERS_NOW));
    /* sips is another identity */
    struct mikey_id id = paper_id(ALICE), who;
    id.data = LITERAL("sips:alice@example.org");
    FAILS(TS_E_AUTH, v.certify(v.arg, CHAIN.cert, 2, &id, PAPERS_NOW, &who));
    id.data = LITERAL("");
    FAILS(TS_E_AUTH, v.certify(v.arg, CHAIN.cert, 2, &id, PAPERS_NOW, &who));
    mikey_gnutls_verifier_free(&v);
}

static void a_nai_is_compared_with_mail_names(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    OK(certify(&v, CHAIN, "alice@Example.org", PAPERS_NOW));
    OK(certify(&v, CHAIN, "alice@eXample.ORG", PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, CHAIN, "Alice@Example.org", PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, CHAIN, "alice@example.com", PAPERS_NOW));
    FAILS(TS_E_AUTH,
          certify(&v, ONE("bob.crt"), "bob@example.org", PAPERS_NOW));
    /* the same octets as another type of identity */
    struct mikey_id id = paper_id(ALICE), who;
    id.type = MIKEY_ID_NAI;
    FAILS(TS_E_AUTH, v.certify(v.arg, CHAIN.cert, 2, &id, PAPERS_NOW, &who));
    id.type = MIKEY_ID_BYTES;
    FAILS(TS_E_AUTH, v.certify(v.arg, CHAIN.cert, 2, &id, PAPERS_NOW, &who));
    mikey_gnutls_verifier_free(&v);
}

static void without_a_claim_the_only_uri_of_the_certificate_counts(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    struct mikey_id id = paper_id(NULL), who;
    struct payloads p = CHAIN;
    OK(v.certify(v.arg, p.cert, p.n, &id, PAPERS_NOW, &who));
    assert_int_equal(who.type, MIKEY_ID_URI);
    assert_true(ts_span_equal(who.data, ts_span_str(ALICE)));
    FAILS(TS_E_AUTH, certify(&v, ONE("two.crt"), NULL, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, ONE("noname.crt"), NULL, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void a_long_claim_is_refused_or_equal(void **state)
{
    (void)state;
    static char text[70000];
    struct mikey_verifier v = trusting("ca.crt", NULL);
    memset(text, 'x', sizeof text - 1);
    memcpy(text, ALICE ";", sizeof ALICE);
    OK(certify(&v, CHAIN, text, PAPERS_NOW)); /* the same identity */
    memset(text + 4, 'x', sizeof text - 5);
    FAILS(TS_E_AUTH, certify(&v, CHAIN, text, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

/* --- certificates known beforehand --- */

static enum ts_err know(struct mikey_verifier *v, const char *who,
                        const char *names)
{
    struct mikey_id id = paper_id(who);
    return mikey_gnutls_verifier_know(v, &id, papers(names));
}

static void a_message_without_cert_needs_a_known_one(void **state)
{
    (void)state;
    const struct payloads none = {0};
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_MISSING, certify(&v, none, ALICE, PAPERS_NOW));
    FAILS(TS_E_MISSING, certify(&v, none, NULL, PAPERS_NOW));
    OK(know(&v, ALICE, "alice.crt sub.crt")); /* R24, R110 */
    OK(know(&v, "bob@example.org", "bob.crt"));
    OK(certify(&v, none, ALICE, PAPERS_NOW));
    /* a port is part of the identity */
    FAILS(TS_E_MISSING,
          certify(&v, none, "sip:alice@example.org:5060", PAPERS_NOW));
    OK(certify(&v, none, "sip:alice@EXAMPLE.ORG;x=y", PAPERS_NOW));
    OK(certify(&v, none, "bob@Example.org", PAPERS_NOW));
    FAILS(TS_E_MISSING, certify(&v, none, "sip:bob@example.org", PAPERS_NOW));
    FAILS(TS_E_MISSING, certify(&v, none, NULL, PAPERS_NOW));
    /* a certificate in the message goes first */
    FAILS(TS_E_AUTH, certify(&v, ONE("bob.crt"), ALICE, PAPERS_NOW));
    FAILS(TS_E_EXPIRED, certify(&v, none, ALICE, IN_2023));
    mikey_gnutls_verifier_free(&v);
}

static void known_certificates_are_checked_and_replaced(void **state)
{
    (void)state;
    const struct payloads none = {0};
    struct mikey_verifier v = trusting("ca.crt", NULL);
    OK(know(&v, ALICE, "stranger.crt"));
    FAILS(TS_E_AUTH, certify(&v, none, ALICE, PAPERS_NOW));
    OK(know(&v, "sip:alice@Example.ORG", "alice.crt sub.crt"));
    OK(certify(&v, none, ALICE, PAPERS_NOW));
    FAILS(TS_E_FORMAT, know(&v, ALICE, "user.key"));
    FAILS(TS_E_RANGE, know(&v, NULL, "alice.crt"));
    OK(certify(&v, none, ALICE, PAPERS_NOW));
    OK(know(&v, ALICE, "encr.crt"));
    FAILS(TS_E_AUTH, certify(&v, none, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

/* --- hostile payloads --- */

static void a_certificate_cut_short_or_with_something_behind_it(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    struct payloads p = CHAIN;
    const struct ts_span whole = p.cert[0].data;
    uint8_t longer[4096] = {0};
    for (size_t n = 0; n < whole.n; n++) {
        p.cert[0].data.n = n;
        FAILS(TS_E_AUTH, certify(&v, p, ALICE, PAPERS_NOW));
    }
    memcpy(longer, whole.p, whole.n);
    p.cert[0].data = ts_span(longer, whole.n);
    OK(certify(&v, p, ALICE, PAPERS_NOW));
    p.cert[0].data.n++;
    FAILS(TS_E_AUTH, certify(&v, p, ALICE, PAPERS_NOW));
    /* R25, R111: one certificate in each payload */
    memcpy(longer + whole.n, paper_der("sub.crt").p, paper_der("sub.crt").n);
    p.cert[0].data.n = whole.n + paper_der("sub.crt").n;
    FAILS(TS_E_AUTH, certify(&v, p, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void every_changed_octet_is_noticed(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    struct payloads p = ONE("bob.crt");
    uint8_t copy[4096];
    const size_t n = p.cert[0].data.n;
    memcpy(copy, p.cert[0].data.p, n);
    p.cert[0].data.p = copy;
    for (size_t i = 0; i < n; i++) {
        copy[i] ^= 0x11;
        enum ts_err err = certify(&v, p, "sip:bob@example.org", PAPERS_NOW);
        FAILS(TS_E_AUTH, err == TS_E_UNSUPPORTED ? TS_E_AUTH : err);
        copy[i] ^= 0x11;
    }
    OK(certify(&v, p, "sip:bob@example.org", PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void too_many_and_too_large_certificates_are_not_looked_at(void **state)
{
    (void)state;
    static uint8_t large[65535];
    struct mikey_verifier v = trusting("ca.crt", NULL);
    struct payloads p = {0};
    p.cert[p.n++] = paper_cert("alice.crt");
    p.cert[p.n++] = paper_cert("sub.crt");
    while (p.n < 8)
        p.cert[p.n++] = paper_cert("ca.crt");
    OK(certify(&v, p, ALICE, PAPERS_NOW));
    p.cert[p.n++] = paper_cert("ca.crt");
    FAILS(TS_E_UNSUPPORTED, certify(&v, p, ALICE, PAPERS_NOW));
    p = CHAIN;
    p.cert[0].data = ts_span(large, sizeof large);
    FAILS(TS_E_UNSUPPORTED, certify(&v, p, ALICE, PAPERS_NOW));
    p.cert[0].data = ts_span(large, 8192);
    FAILS(TS_E_AUTH, certify(&v, p, ALICE, PAPERS_NOW));
    p.cert[0].data = papers("alice.crt"); /* PEM is not DER */
    FAILS(TS_E_AUTH, certify(&v, p, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void nothing_is_verified_for_whom_nothing_was_certified(void **state)
{
    (void)state;
    const struct ts_span text = LITERAL("x");
    uint8_t sig[256] = {0};
    struct mikey_verifier v = trusting("ca.crt", NULL);
    FAILS(TS_E_STATE, v.verify(v.arg, 0, &text, 1, ts_span(sig, sizeof sig)));
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, v.verify(v.arg, 0, &text, 1, ts_span(sig, sizeof sig)));
    FAILS(TS_E_AUTH, certify(&v, CHAIN, "sip:x@y", PAPERS_NOW));
    FAILS(TS_E_STATE, v.verify(v.arg, 0, &text, 1, ts_span(sig, sizeof sig)));
    mikey_gnutls_verifier_free(&v);
}

/* --- making one --- */

static void what_cannot_be_read_makes_no_verifier(void **state)
{
    (void)state;
    struct mikey_gnutls_trust trust = paper_trust("ca.crt", "ca.crl");
    const struct mikey_gnutls_trust good = trust;
    struct mikey_verifier v;
    OK(mikey_gnutls_verifier(&trust, &v));
    mikey_gnutls_verifier_free(&v);
    trust.cas = ts_span(NULL, 0);
    FAILS(TS_E_MISSING, mikey_gnutls_verifier(&trust, &v));
    trust.cas = papers("ca.crl");
    FAILS(TS_E_FORMAT, mikey_gnutls_verifier(&trust, &v));
    trust.cas = LITERAL("nothing");
    FAILS(TS_E_FORMAT, mikey_gnutls_verifier(&trust, &v));
    trust = good;
    trust.crls = papers("ca.crt");
    FAILS(TS_E_FORMAT, mikey_gnutls_verifier(&trust, &v));
    trust.crls = LITERAL("nothing");
    FAILS(TS_E_FORMAT, mikey_gnutls_verifier(&trust, &v));
    trust.crls = papers("ca.crl partial.crl");
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_verifier(&trust, &v));
    trust = good;
    trust.rsa_bits = 1023;
    FAILS(TS_E_RANGE, mikey_gnutls_verifier(&trust, &v));
    trust.rsa_bits = 8193;
    FAILS(TS_E_RANGE, mikey_gnutls_verifier(&trust, &v));
    assert_null(v.arg);
}

/* --- revocation --- */

#define REVOKED    certs("revoked.crt", "sub.crt", NULL)
#define REVOKED_ID "sip:revoked@example.org"

static void a_revoked_certificate_is_refused(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", "ca.crl sub.crl");
    FAILS(TS_E_AUTH, certify(&v, REVOKED, REVOKED_ID, PAPERS_NOW));
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    FAILS(TS_E_AUTH, certify(&v, REVOKED, REVOKED_ID, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("ca.crt", "nosub.crl");
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    OK(certify(&v, ONE("bob.crt"), "sip:bob@example.org", PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void crls_are_replaced_in_service(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", NULL);
    OK(certify(&v, REVOKED, REVOKED_ID, PAPERS_NOW));
    OK(mikey_gnutls_verifier_crls(&v, papers("sub.crl")));
    FAILS(TS_E_AUTH, certify(&v, REVOKED, REVOKED_ID, PAPERS_NOW));
    /* what cannot be used changes nothing */
    FAILS(TS_E_FORMAT, mikey_gnutls_verifier_crls(&v, papers("ca.crt")));
    FAILS(TS_E_UNSUPPORTED,
          mikey_gnutls_verifier_crls(&v, papers("partial.crl")));
    FAILS(TS_E_AUTH, certify(&v, REVOKED, REVOKED_ID, PAPERS_NOW));
    OK(mikey_gnutls_verifier_crls(&v, ts_span(NULL, 0)));
    OK(certify(&v, REVOKED, REVOKED_ID, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void an_outdated_crl_lets_nobody_through(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", "stale.crl");
    FAILS(TS_E_EXPIRED, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    OK(certify(&v, CHAIN, ALICE, 1706000000)); /* 2024-01-23 */
    mikey_gnutls_verifier_free(&v);
    v = trusting("ca.crt", "stale.crl ca.crl");
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void a_forged_crl_lets_nobody_through(void **state)
{
    (void)state;
    struct mikey_verifier v = trusting("ca.crt", "forged.crl");
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    v = trusting("ca.crt", "sha1.crl");
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
    /* beside the true one it is another CA's of the same name */
    v = trusting("ca.crt", "forged.crl ca.crl");
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

static void crls_can_be_required(void **state)
{
    (void)state;
    struct mikey_gnutls_trust trust = paper_trust("ca.crt", "ca.crl");
    struct mikey_verifier v;
    trust.need_crls = true;
    OK(mikey_gnutls_verifier(&trust, &v));
    FAILS(TS_E_AUTH, certify(&v, CHAIN, ALICE, PAPERS_NOW));
    OK(certify(&v, ONE("bob.crt"), "sip:bob@example.org", PAPERS_NOW));
    OK(mikey_gnutls_verifier_crls(&v, papers("ca.crl sub.crl")));
    OK(certify(&v, CHAIN, ALICE, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

UNIT_MAIN(
    cmocka_unit_test(a_chain_to_a_trusted_ca_counts),
    cmocka_unit_test(a_missing_or_misplaced_certificate_breaks_the_chain),
    cmocka_unit_test(a_stranger_is_refused),
    cmocka_unit_test(who_is_no_ca_certifies_nobody),
    cmocka_unit_test(a_certificate_can_be_trusted_itself),
    cmocka_unit_test(the_period_is_that_of_the_callers_clock),
    cmocka_unit_test(a_renewed_ca_stands_beside_its_old_certificate),
    cmocka_unit_test(weak_keys_and_old_hashes_are_refused),
    cmocka_unit_test(a_key_without_an_s_type_is_unsupported),
    cmocka_unit_test(the_certificate_must_be_one_for_signing),
    cmocka_unit_test(the_claimed_identity_must_be_in_the_certificate),
    cmocka_unit_test(a_nai_is_compared_with_mail_names),
    cmocka_unit_test(without_a_claim_the_only_uri_of_the_certificate_counts),
    cmocka_unit_test(a_long_claim_is_refused_or_equal),
    cmocka_unit_test(a_message_without_cert_needs_a_known_one),
    cmocka_unit_test(known_certificates_are_checked_and_replaced),
    cmocka_unit_test(a_certificate_cut_short_or_with_something_behind_it),
    cmocka_unit_test(every_changed_octet_is_noticed),
    cmocka_unit_test(too_many_and_too_large_certificates_are_not_looked_at),
    cmocka_unit_test(nothing_is_verified_for_whom_nothing_was_certified),
    cmocka_unit_test(what_cannot_be_read_makes_no_verifier),
    cmocka_unit_test(a_revoked_certificate_is_refused),
    cmocka_unit_test(crls_are_replaced_in_service),
    cmocka_unit_test(an_outdated_crl_lets_nobody_through),
    cmocka_unit_test(a_forged_crl_lets_nobody_through),
    cmocka_unit_test(crls_can_be_required))
