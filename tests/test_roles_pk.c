/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public-key variants (RFC 6043 4.2.1.3, 4.2.3.3) through the roles of
 * <mikey/mikey.h>, with a toy: a signature is an HMAC under the signer's name,
 * sealing is XOR.
 */
#include "tests/troupe.h"

#define TOY_SIGN 40
#define TOY_MARK "toy certificate of "

static struct troupe t;
static struct troupe_still still;

/* ---- the toy ---- */

static struct {
    enum ts_err sign, certify, verify, seal, open; /* what each gives */
    struct mikey_id known; /* for messages without CERT (R24, R110) */
    struct mikey_id certified;
    size_t env_n, open_n; /* length of the last envelope key, and to give */
    bool chash_seen;
    unsigned opened;
} toy;

static void toy_mac(struct ts_span who, const struct ts_span *parts, size_t n,
                    uint8_t mac[static TOY_SIGN])
{
    struct mikey_hmac h;
    memset(mac, 0x5a, TOY_SIGN); /* lint: a signature of a toy */
    mikey_hmac_key(&h, MIKEY_AUTH_SHA256, who);
    for (size_t k = 0; k < n; k++)
        mikey_hmac_add(&h, parts[k]);
    mikey_hmac_end(&h, mac, 32);
}

static enum ts_err toy_sign(void *arg, const struct ts_span *parts, size_t n,
                            uint8_t *sig)
{
    toy_mac(ts_span_str(arg), parts, n, sig);
    return toy.sign;
}

/* Whom a certificate names; with a chain each must name the one before. */
static struct ts_span named_by(const struct mikey_id *cert)
{
    const size_t n = strlen(TOY_MARK);
    if (cert->data.n < n)
        return ts_span("", 0);
    return ts_span(cert->data.p + n, cert->data.n - n);
}

static enum ts_err toy_certify(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    const struct troupe *all = arg;
    assert_int_equal(now, all->now.us / SECONDS);
    if (toy.certify)
        return toy.certify;
    *who =
        n ? (struct mikey_id){0, MIKEY_ID_URI, named_by(&cert[0])} : *claimed;
    if (!n &&
        (!toy.known.data.p ||
         (claimed->data.p && !ts_span_equal(claimed->data, toy.known.data))))
        return TS_E_MISSING;
    if (!n)
        *who = toy.known;
    if (claimed->data.p && !ts_span_equal(claimed->data, who->data))
        return TS_E_AUTH;
    for (size_t k = 1; k < n; k++) /* R27, R113 */
        if (cert[k].data.p[0] != 'C')
            return TS_E_AUTH;
    toy.certified = *who;
    return TS_OK;
}

static enum ts_err toy_verify(void *arg, uint8_t s_type,
                              const struct ts_span *parts, size_t n,
                              struct ts_span sig)
{
    uint8_t want[TOY_SIGN];
    (void)arg;
    if (toy.verify)
        return toy.verify;
    if (s_type != MIKEY_S_RSA)
        return TS_E_UNSUPPORTED;
    toy_mac(toy.certified.data, parts, n, want);
    return ts_equal(want, sizeof want, sig.p, sig.n) ? TS_OK : TS_E_AUTH;
}

static enum ts_err toy_seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    (void)arg;
    toy.env_n = env_key.n;
    memset(out, 0, 65); /* lint: a toy */
    out[0] = (uint8_t)env_key.n;
    for (size_t k = 0; k < env_key.n; k++)
        out[1 + k] = env_key.p[k] ^ 0x33;
    return toy.seal;
}

static enum ts_err toy_open(void *arg, const struct mikey_chash *chash,
                            struct ts_span sealed,
                            uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    toy.opened++;
    toy.chash_seen = chash != NULL;
    if (toy.open)
        return toy.open;
    *n = toy.open_n ? toy.open_n : sealed.p[0] % (MIKEY_KEY_MAX + 1);
    for (size_t k = 0; k < *n && k < MIKEY_KEY_MAX; k++)
        env_key[k] = sealed.p[1 + k] ^ 0x33;
    return TS_OK;
}

static const struct mikey_id alice_certs[] = {
    {0,
     MIKEY_CERT_X509,
     {(const uint8_t *)TOY_MARK "sip:alice@example.org",
      sizeof TOY_MARK "sip:alice@example.org" - 1}},
    {0, MIKEY_CERT_X509, {(const uint8_t *)"CA", 2}},
    {0, MIKEY_CERT_X509, {(const uint8_t *)"CA of the CA", 12}}};
static const struct mikey_id bob_cert = {
    0,
    MIKEY_CERT_X509,
    {(const uint8_t *)TOY_MARK "sip:bob@example.org",
     sizeof TOY_MARK "sip:bob@example.org" - 1}};
static char alices_name[] = "sip:alice@example.org",
            bobs_name[] = "sip:bob@example.org";

static struct mikey_signer alice_signs, bob_signs;
static struct mikey_sealer to_kms;
static const struct mikey_verifier trust = {&t, toy_certify, toy_verify};
static const struct mikey_opener kms_opens = {NULL, toy_open};

static void begin_bits(unsigned bits)
{
    troupe_begin(&t, bits);
    memset(&toy, 0, sizeof toy); /* lint: a toy */
    alice_signs = (struct mikey_signer){alices_name, MIKEY_S_RSA, TOY_SIGN,
                                        alice_certs, 3,           toy_sign};
    bob_signs = (struct mikey_signer){bobs_name, MIKEY_S_RSA, TOY_SIGN,
                                      &bob_cert, 1,           toy_sign};
    to_kms = (struct mikey_sealer){NULL, 65, {0, {NULL, 0}}, toy_seal};
    t.alice.signer = &alice_signs;
    t.bob->party.signer = &bob_signs;
    t.alice.sealer = t.bob->party.sealer = &to_kms;
    t.alice.psk.p = t.bob->party.psk.p = NULL;
    t.kms.verifier = &trust;
    t.kms.opener = &kms_opens;
    t.kms.user = NULL;
    t.i = mikey_initiator_init(t.mem_i, TROUPE_MEM, &t.alice);
    t.bob->r = mikey_responder_init(t.bob->mem_r, TROUPE_MEM, &t.bob->party);
}

static int begin(void **state)
{
    (void)state;
    begin_bits(256);
    return 0;
}

static uint8_t error_no(const struct troupe_message *m)
{
    struct mikey_msg read = troupe_read(m);
    assert_int_equal(read.hdr.type, MIKEY_ERROR);
    return read.err[0];
}

/* ---- whole calls ---- */

/* R5, R23, R25-R27, R92, R109, R111-R113, R188: certificates and signatures. */
static void key_pairs_do_as_well_as_shared_keys(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128)
        for (unsigned forked = 0; forked < 2; forked++) {
            begin_bits(bits);
            troupe_mode(&t, 1, forked ? MIKEY_FLAG_I : 0);
            troupe_call(&t);
            troupe_same_keys(&t, 1, NULL);
            assert_int_equal(toy.env_n, bits / 8); /* AMB 11 */
            struct mikey_msg m = troupe_read(&t.request);
            assert_int_equal(m.hdr.type, MIKEY_REQUEST_INIT_PK);
            assert_int_equal(m.n_cert, 3); /* R25: one in each payload */
            for (size_t k = 0; k < 3; k++)
                assert_true(ts_span_equal(m.cert[k].data, alice_certs[k].data));
            assert_true(ts_span_equal(m.idr[MIKEY_IDR_I].data,
                                      t.alice.self.data)); /* R23 */
            assert_true(m.has_sign && m.has_pke && !m.has_v);
            assert_null(m.idr[MIKEY_IDR_PSK].data.p);
            m = troupe_read(&t.bob->resolve);
            assert_int_equal(m.hdr.type, MIKEY_RESOLVE_INIT_PK);
            assert_int_equal(m.n_cert, 1);
            assert_true(ts_span_equal(m.cert[0].data, bob_cert.data));
            assert_true(ts_span_equal(m.idr[MIKEY_IDR_R].data,
                                      t.bob->party.self.data)); /* R109 */
        }
}

/* R36, R43: the Resolve of a strong ticket has a strong envelope key, also of
 * a party that is content with less. */
static void the_envelope_key_is_as_strong_as_the_exchange(void **state)
{
    (void)state;
    t.bob->party.bits = 128;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    assert_int_equal(toy.env_n, 32);
    assert_int_equal(troupe_read(&t.bob->resolve).hdr.prf, MIKEY_PRF_SHA256);
}

/* 1.2: each exchange its own variant. */
static void one_may_have_a_key_pair_and_the_other_a_shared_key(void **state)
{
    (void)state;
    static struct troupe other;
    troupe_begin(&other, 256);
    t.kms.user = other.kms.user;
    t.bob->party.signer = NULL;
    t.bob->party.psk = other.bob->party.psk;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    assert_int_equal(troupe_read(&t.bob->resolve).hdr.type,
                     MIKEY_RESOLVE_INIT_PSK);
}

/* R24, R110: whoever knows the certificate needs none. */
static void certificates_may_be_left_out(void **state)
{
    (void)state;
    alice_signs.n_cert = 0;
    OK(troupe_request(&t));
    FAILS(TS_E_MISSING, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_CERT);
    toy.known = t.alice.self;
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    t.alice.omit = 1u << MIKEY_IDR_I;
    OK(troupe_request(&t));
    assert_null(troupe_read(&t.request).idr[MIKEY_IDR_I].data.p);
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    bob_signs.n_cert = 0;
    t.bob->party.omit = 1u << MIKEY_IDR_R;
    OK(troupe_resolve(&t));
    assert_null(troupe_read(&t.bob->resolve).idr[MIKEY_IDR_R].data.p);
    toy.known = t.bob->party.self;
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
}

static void a_chash_names_the_key_of_the_kms(void **state)
{
    (void)state;
    static const uint8_t hash[32] = {1, 2, 3};
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    assert_false(toy.chash_seen);
    to_kms.chash = (struct mikey_chash){MIKEY_HASH_SHA256, ts_span(hash, 32)};
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    assert_true(toy.chash_seen);
    assert_true(
        ts_span_equal(troupe_read(&t.request).chash.data, ts_span(hash, 32)));
}

/* ---- whoever signs ---- */

/* R4, R91, R177: a certificate of somebody else, a signature of another. */
static void nobody_signs_for_another(void **state)
{
    (void)state;
    t.alice.signer = &bob_signs; /* Bob's certificate, Alice's IDRi */
    OK(troupe_request(&t));
    FAILS(TS_E_AUTH, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_AUTH);
    assert_false(troupe_read(&t.granted).has_v);
    assert_int_equal(toy.opened, 0); /* what is not signed is not decrypted */
    t.alice.signer = &alice_signs;
    alice_signs.arg = bobs_name; /* Bob's signature */
    OK(troupe_request(&t));
    FAILS(TS_E_AUTH, troupe_grant(&t));
    alice_signs.arg = alices_name;
    alice_signs.s_type = MIKEY_S_ECCSI;
    OK(troupe_request(&t));
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    alice_signs.s_type = MIKEY_S_RSA;
    struct mikey_id chain[] = {alice_certs[0], alice_certs[0]}; /* R27 */
    alice_signs.cert = chain;
    alice_signs.n_cert = 2;
    OK(troupe_request(&t));
    FAILS(TS_E_AUTH, troupe_grant(&t));
    assert_int_equal(toy.opened, 0);
}

/* R22, R108: each octet, and the identities, are signed. */
static void an_altered_message_is_not_believed(void **state)
{
    (void)state;
    OK(troupe_request(&t));
    for (size_t k = 0; k < t.request.n; k++) {
        t.request.b[k] ^= 1;
        assert_int_not_equal(troupe_grant(&t), TS_OK);
        t.request.b[k] ^= 1;
    }
    OK(troupe_grant(&t));
    for (size_t k = 0; k < t.granted.n; k++) {
        t.granted.b[k] ^= 1;
        troupe_freeze(&t, &still);
        assert_int_not_equal(troupe_granted(&t), TS_OK);
        troupe_unchanged(&t, &still);
        t.granted.b[k] ^= 1;
    }
    OK(troupe_granted(&t));
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    for (size_t k = 0; k < t.bob->resolve.n; k++) {
        t.bob->resolve.b[k] ^= 1;
        assert_int_not_equal(troupe_resolve_at_kms(&t), TS_OK);
        t.bob->resolve.b[k] ^= 1;
    }
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
}

/* Each request has an envelope key of its own; an answer is to the last one. */
static void an_answer_is_under_the_key_that_was_sent(void **state)
{
    (void)state;
    static struct troupe_message first;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    first = t.granted;
    OK(troupe_request(&t));
    t.granted = first;
    FAILS(TS_E_MISMATCH, troupe_granted(&t)); /* another CSB ID */
    t.fails_from = t.draws + 1;
    FAILS(TS_E_IO, troupe_request(&t)); /* the one before still waits */
    t.fails_from = 0;
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
}

/* R179, R187: an Error is under the envelope key once that is known. */
static enum ts_err deny(void *arg, struct mikey_case *c)
{
    (void)arg;
    (void)c;
    return TS_E_DENIED;
}

static void an_error_is_under_the_envelope_key(void **state)
{
    (void)state;
    t.kms.decide = deny;
    OK(troupe_request(&t));
    FAILS(TS_E_DENIED, troupe_grant(&t));
    assert_true(troupe_read(&t.granted).has_v);
    FAILS(TS_E_PEER, troupe_granted(&t));
    assert_true(mikey_initiator_refusal(t.i)->proven);
    t.granted.b[t.granted.n - 1] ^= 1;
    FAILS(TS_E_PEER, troupe_granted(&t));
    assert_false(mikey_initiator_refusal(t.i)->proven);
}

/* R179: whoever has a key pair may sign an Error. */
static void an_error_may_be_signed(void **state)
{
    (void)state;
    OK(troupe_request(&t));
    const struct mikey_msg m = troupe_read(&t.request);
    const struct mikey_error_new in = {.about = &m.hdr,
                                       .t = mikey_now_t(&t.now),
                                       .no = {MIKEY_ERR_CERT},
                                       .n_no = 1,
                                       .signer = &bob_signs};
    struct ts_writer w = ts_writer_init(t.granted.b, TROUPE_MAX);
    mikey_build_error(&w, &in);
    t.granted.n = w.len;
    const struct mikey_msg error = troupe_read(&t.granted);
    const size_t at = mikey_at(&error, error.sign.data);
    const struct ts_span part = ts_span(t.granted.b, at);
    toy.certified = t.bob->party.self;
    OK(toy_verify(NULL, error.sign.type, &part, 1, error.sign.data));
    assert_int_equal(at + error.sign.data.n, t.granted.n);
    FAILS(TS_E_PEER, troupe_granted(&t)); /* a hint, to those who do not look */
    assert_false(mikey_initiator_refusal(t.i)->proven);
}

/* ---- tables that fail ---- */

static void whatever_the_tables_say_is_passed_on(void **state)
{
    (void)state;
    toy.sign = TS_E_IO;
    troupe_freeze(&t, &still);
    FAILS(TS_E_IO, troupe_request(&t));
    toy.sign = TS_OK;
    toy.seal = TS_E_NOTFOUND;
    FAILS(TS_E_NOTFOUND, troupe_request(&t));
    toy.seal = TS_OK;
    alice_signs.len = MIKEY_SIGN_MAX + 1;
    FAILS(TS_E_RANGE, troupe_request(&t));
    alice_signs.len = TOY_SIGN;
    to_kms.len = MIKEY_PKE_MAX + 1;
    FAILS(TS_E_RANGE, troupe_request(&t));
    to_kms.len = 65;
    troupe_unchanged(&t, &still);
    OK(troupe_request(&t));
    toy.certify = TS_E_EXPIRED;
    FAILS(TS_E_EXPIRED, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_CERT);
    toy.certify = TS_OK;
    toy.verify = TS_E_AUTH;
    FAILS(TS_E_AUTH, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_AUTH);
    toy.verify = TS_OK;
    toy.open = TS_E_NOTFOUND;
    FAILS(TS_E_NOTFOUND, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_CERT);
    assert_false(troupe_read(&t.granted).has_v);
    toy.open = TS_OK;
    toy.open_n = 15; /* R271 */
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    toy.open_n = 16; /* what cannot be decrypted is some key */
    OK(troupe_grant(&t));
    FAILS(TS_E_AUTH, troupe_granted(&t));
    toy.open_n = 0;
    t.kms.opener = NULL;
    FAILS(TS_E_UNSUPPORTED, troupe_grant(&t));
    assert_int_equal(error_no(&t.granted), MIKEY_ERR_DT);
}

/* R33: an envelope key is bound to nobody. Bob sends Alice's again, with her
 * CSB ID and RANDRi, and has an answer under the same keys: but not with the
 * same IV, or he reads hers with what he knows of his own. */
static void an_envelope_key_sent_again_gives_no_keystream(void **state)
{
    (void)state;
    static struct troupe_message hers;
    struct mikey_policy policy = {.n_responders = 1,
                                  .responder = {t.bob->party.self}};
    OK(troupe_request(&t));
    const struct mikey_msg init = troupe_read(&t.request);
    const struct mikey_request_new again = {
        .suite = mikey_suite_bits(256),
        .csb = init.hdr.csb,
        .t = mikey_now_t(&t.now),
        .rand_i = init.rand[MIKEY_RAND_I],
        .idr_i = t.bob->party.self,
        .idr_kms = t.kms.self,
        .flags = init.tp.flags,
        .policy = &policy,
        .cred = {.key = ts_key_span(&t.i->env_key),
                 .signer = &bob_signs,
                 .sealer = &to_kms}};
    static struct troupe_message his;
    struct ts_writer w = ts_writer_init(his.b, TROUPE_MAX);
    mikey_build_request_init(&w, &again);
    his.n = w.len;
    for (uint8_t type = MIKEY_NTP_UTC; type <= MIKEY_NTP_UTC_32; type++) {
        if (type == MIKEY_COUNTER)
            continue; /* never the same, as its owner says */
        t.now.ts_type = type;
        OK(troupe_grant(&t));
        hers = t.granted;
        t.now.us += 1;
        OK(mikey_kms_answer(&t.kms, &t.now, troupe_view(&his), t.granted.b,
                            TROUPE_MAX, &t.granted.n));
        assert_int_not_equal(troupe_read(&hers).t.value,
                             troupe_read(&t.granted).t.value);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(key_pairs_do_as_well_as_shared_keys),
          TEST(the_envelope_key_is_as_strong_as_the_exchange),
          TEST(one_may_have_a_key_pair_and_the_other_a_shared_key),
          TEST(certificates_may_be_left_out),
          TEST(a_chash_names_the_key_of_the_kms),
          TEST(nobody_signs_for_another),
          TEST(an_altered_message_is_not_believed),
          TEST(an_answer_is_under_the_key_that_was_sent),
          TEST(an_error_is_under_the_envelope_key),
          TEST(an_error_may_be_signed),
          TEST(an_envelope_key_sent_again_gives_no_keystream),
          TEST(whatever_the_tables_say_is_passed_on))
