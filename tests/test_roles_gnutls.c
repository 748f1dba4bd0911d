/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public-key variants (RFC 6043 4.2.1.3, 4.2.3.3) through the roles of
 * <mikey/mikey.h>, with GnuTLS and real certificates.
 */
#include "tests/papers.h"
#include "tests/troupe.h"

static struct troupe t;
static struct mikey_signer alice, bob;
static struct mikey_sealer to_kms;
static struct mikey_verifier trust;
static struct mikey_opener opener;

/* Who calls, and whom: key, certificates, S type, and who that is. */
struct person {
    const char *key, *certs, *uri;
    uint8_t s_type;
};

static const struct person rsa = {"user.key", "alice.crt sub.crt",
                                  "sip:alice@example.org", MIKEY_S_RSA};
static const struct person rsa_pss = {"user.key", "alice.crt sub.crt",
                                      "sip:alice@example.org", MIKEY_S_RSA_PSS};
static const struct person ecdsa_256 = {"ec256.key", "bob.crt",
                                        "sip:bob@example.org", MIKEY_S_ECDSA};
static const struct person ecdsa_384 = {"ec384.key", "carol.crt",
                                        "tel:+49301234", MIKEY_S_ECDSA};
static const struct person pss_key = {"pss.key", "dave.crt",
                                      "sip:dave@example.org", MIKEY_S_RSA_PSS};

static void set_signer(struct mikey_signer *s, struct mikey_party *party,
                       const struct person *who)
{
    const struct mikey_gnutls_key key = paper_key(who->key, who->certs);
    const struct mikey_gnutls_signing how = {who->s_type, MIKEY_GNUTLS_DEFAULT};
    mikey_gnutls_signer_free(s);
    OK(mikey_gnutls_signer(&key, &how, s));
    party->self = paper_id(who->uri);
    party->signer = s;
    party->sealer = &to_kms;
    party->psk.p = NULL;
    party->kms = t.kms.self;
}

/* A KMS with a certificate, and two users with theirs. */
static void set(const struct person *caller, const struct person *callee)
{
    const struct mikey_gnutls_key key = paper_key("kms.key", "kms.crt");
    troupe_begin(&t, 256);
    if (!to_kms.arg)
        OK(mikey_gnutls_sealer(papers("kms.crt"), MIKEY_GNUTLS_SHA256,
                               &to_kms));
    if (!opener.arg)
        OK(mikey_gnutls_opener(&key, 1, 0, &opener));
    if (!trust.arg) {
        struct mikey_gnutls_trust ca = paper_trust("ca.crt", "ca.crl sub.crl");
        OK(mikey_gnutls_verifier(&ca, &trust));
    }
    t.kms.self = paper_id("sip:kms.example.org");
    t.kms.verifier = &trust;
    t.kms.opener = &opener;
    t.kms.user = NULL;
    t.kms.decide = NULL;
    set_signer(&alice, &t.alice, caller);
    set_signer(&bob, &t.bob->party, callee);
    t.responder = t.offer.to = t.bob->party.self;
    t.i = mikey_initiator_init(t.mem_i, TROUPE_MEM, &t.alice);
    t.bob->r = mikey_responder_init(t.bob->mem_r, TROUPE_MEM, &t.bob->party);
    assert_non_null(t.i);
    assert_non_null(t.bob->r);
}

static int end(void **state)
{
    (void)state;
    mikey_gnutls_signer_free(&alice);
    mikey_gnutls_signer_free(&bob);
    mikey_gnutls_sealer_free(&to_kms);
    mikey_gnutls_opener_free(&opener);
    mikey_gnutls_verifier_free(&trust);
    return 0;
}

static uint8_t error_no(const struct troupe_message *m)
{
    struct mikey_msg read = troupe_read(m);
    assert_int_equal(read.hdr.type, MIKEY_ERROR);
    return read.err[0];
}

/* R25-R27, R111-R113: a chain, one certificate in each payload. */
static void every_kind_of_signature_does_for_a_call(void **state)
{
    (void)state;
    const struct person *all[] = {&rsa, &rsa_pss, &ecdsa_256, &ecdsa_384,
                                  &pss_key};
    for (size_t k = 0; k < 5; k++) {
        set(all[k], all[(k + 2) % 5]);
        troupe_call(&t);
        troupe_same_keys(&t, 1, NULL);
        struct mikey_msg m = troupe_read(&t.request);
        assert_int_equal(m.sign.type, all[k]->s_type);
        assert_int_equal(m.n_cert, k < 2 ? 2 : 1);
        assert_int_equal(m.chash.func, MIKEY_HASH_SHA256);
        m = troupe_read(&t.bob->resolve);
        assert_int_equal(m.sign.type, all[(k + 2) % 5]->s_type);
    }
}

/* R4, R177: a certificate that is revoked, or names somebody else. */
static void a_certificate_that_does_not_count_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct person who;
        enum ts_err wanted;
        uint8_t no;
    } bad[] = {
        {{"user.key", "revoked.crt sub.crt", "sip:revoked@example.org",
          MIKEY_S_RSA},
         TS_E_AUTH,
         MIKEY_ERR_AUTH},
        {{"user.key", "alice.crt sub.crt", "sip:mallory@example.org",
          MIKEY_S_RSA},
         TS_E_AUTH,
         MIKEY_ERR_AUTH},
        {{"user.key", "stranger.crt", "sip:alice@example.org", MIKEY_S_RSA},
         TS_E_AUTH,
         MIKEY_ERR_AUTH},
        {{"user.key", "alice.crt", "sip:alice@example.org", MIKEY_S_RSA},
         TS_E_AUTH,
         MIKEY_ERR_AUTH}, /* without what certifies it */
        {{"user.key", "past.crt", "sip:past@example.org", MIKEY_S_RSA},
         TS_E_EXPIRED,
         MIKEY_ERR_CERT},
        {{"user.key", "noname.crt", "sip:alice@example.org", MIKEY_S_RSA},
         TS_E_AUTH,
         MIKEY_ERR_AUTH},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        set(&bad[k].who, &ecdsa_256);
        OK(troupe_request(&t));
        FAILS(bad[k].wanted, troupe_grant(&t));
        assert_int_equal(error_no(&t.granted), bad[k].no);
        assert_false(troupe_read(&t.granted).has_v);
        set(&rsa, &bad[k].who);
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        OK(troupe_offered(&t));
        OK(troupe_resolve(&t));
        FAILS(bad[k].wanted, troupe_resolve_at_kms(&t));
        assert_int_equal(error_no(&t.bob->resolved), bad[k].no);
    }
}

/* R22, R108 */
static void a_signature_is_over_all_of_the_message(void **state)
{
    (void)state;
    set(&ecdsa_256, &rsa);
    OK(troupe_request(&t));
    for (size_t k = 10; k < t.request.n; k += 7) {
        t.request.b[k] ^= 1;
        assert_int_not_equal(troupe_grant(&t), TS_OK);
        t.request.b[k] ^= 1;
    }
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
}

/* R24, R110: the KMS knows the certificates. */
static void a_certificate_that_is_known_need_not_be_sent(void **state)
{
    (void)state;
    set(&ecdsa_256, &ecdsa_384);
    struct mikey_signer bare = alice;
    bare.n_cert = 0;
    t.alice.signer = &bare;
    OK(troupe_request(&t));
    FAILS(TS_E_MISSING, troupe_grant(&t));
    const struct mikey_id id = t.alice.self;
    OK(mikey_gnutls_verifier_know(&trust, &id, papers("bob.crt")));
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
}

/* The envelope key is for one KMS: another one cannot open it. */
static void another_kms_opens_nothing(void **state)
{
    (void)state;
    set(&ecdsa_256, &rsa);
    mikey_gnutls_sealer_free(&to_kms);
    OK(mikey_gnutls_sealer(papers("kms2.crt"), MIKEY_GNUTLS_SHA256, &to_kms));
    OK(troupe_request(&t));
    FAILS(TS_E_NOTFOUND, troupe_grant(&t)); /* by its CHASH */
    to_kms.chash.data.p = NULL;
    OK(troupe_request(&t));
    OK(troupe_grant(&t)); /* under some key */
    FAILS(TS_E_AUTH, troupe_granted(&t));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, NULL, end)

UNIT_MAIN(TEST(every_kind_of_signature_does_for_a_call),
          TEST(a_certificate_that_does_not_count_is_refused),
          TEST(a_signature_is_over_all_of_the_message),
          TEST(a_certificate_that_is_known_need_not_be_sent),
          TEST(another_kms_opens_nothing))
