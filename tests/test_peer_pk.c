/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830 with public keys (3.2), through <mikey/rfc3830.h>:
 * offers, updates with and without a cached envelope key, and what is refused.
 */
#include "tests/duo.h"

static struct duo d;
static struct mikey_srtp_key one;
static const struct mikey_key tgk = {.type = MIKEY_TGK_SALT};
static const struct ts_span none;

static int begin(void **state)
{
    (void)state;
    duo_begin_pk(&d, 128);
    return 0;
}

static uint8_t type_of(const struct bytes *b)
{
    struct mikey_msg m;
    pair_read(b, &m);
    return m.hdr.type;
}

/* ---- an exchange ---- */

static void an_offer_and_its_answer_give_the_same_keys(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        for (unsigned answer = 0; answer < 2; answer++) {
            duo_begin_pk(&d, bits);
            d.terms.want_answer = answer;
            duo_call(&d);
            assert_int_equal(type_of(&d.init), MIKEY_PK);
            duo_same_keys(&d, 1, NULL);
            duo_same_keys(&d, 2, NULL);
            assert_true(d.proposal.certified);
            SAME(d.proposal.from.data, d.pair.alice.data);
            SAME(mikey_peer_id(d.b).data, d.pair.alice.data);
            SAME(mikey_peer_id(d.a).data, d.pair.bob.data);
        }
    }
}

/* Whoever has a certificate that we believe, by the name in it. */
static void a_certificate_names_who_calls(void **state)
{
    (void)state;
    d.bob.peer.data.p = NULL;
    d.alice.omit = 1u << MIKEY_IDR_I;
    duo_call(&d);
    SAME(mikey_peer_id(d.b).data, d.pair.alice.data);
    duo_same_keys(&d, 1, NULL);
    d.alice.omit |= 1u << MIKEY_IDR_R;
    duo_again(&d);
    duo_call(&d);
    SAME(mikey_peer_id(d.b).data, d.pair.alice.data);
    duo_later(&d);
    duo_renew(&d);
    d.pair.signer.n_cert = 0; /* who would it be? */
    duo_again(&d);
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    OK(duo_offer(&d));
    FAILS(TS_E_MISSING, duo_offered(&d, span_of(&d.init)));
    d.bob.peer = d.pair.alice;
    OK(duo_offered(&d, span_of(&d.init)));
}

static void a_peer_may_have_both_methods(void **state)
{
    (void)state;
    d.alice.psk = d.bob.psk = ts_key_span(&d.pair.psk);
    duo_again(&d);
    duo_call(&d);
    assert_int_equal(type_of(&d.init), MIKEY_PK);
    d.alice.signer = NULL;
    duo_again(&d);
    duo_call(&d);
    assert_int_equal(type_of(&d.init), MIKEY_PSK);
    assert_false(d.proposal.certified);
    d.bob.psk = none; /* which has to be there */
    duo_again(&d);
    OK(duo_offer(&d));
    FAILS(TS_E_RANGE, duo_offered(&d, span_of(&d.init)));
    struct mikey_peer *a = d.a;
    d.a = d.b; /* who can only answer */
    FAILS(TS_E_DENIED, duo_offer(&d));
    d.a = a;
}

/* ---- what is refused ---- */

static void no_octet_can_be_changed(void **state)
{
    struct duo_held held;
    (void)state;
    OK(duo_offer(&d));
    duo_hold(d.b, &held);
    for (size_t i = 0; i < 8 * d.init.n; i++) {
        struct bytes c = d.init;
        c.b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(duo_offered(&d, span_of(&c)), TS_OK);
        assert_int_not_equal(duo_offered(&d, ts_span(d.init.b, i / 8)), TS_OK);
    }
    duo_unchanged(d.b, &held);
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    duo_hold(d.a, &held);
    for (size_t i = 0; i < 8 * d.resp.n; i++) {
        struct bytes c = d.resp;
        c.b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(duo_answered(&d, span_of(&c)), TS_OK);
    }
    duo_unchanged(d.a, &held);
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

static void the_wrong_peer_is_refused(void **state)
{
    static char eve[] = "sip:eve@example.com";
    struct duo_held held;
    (void)state;
    OK(duo_offer(&d));
    duo_hold(d.b, &held);
    d.bob.peer = d.pair.eve;
    FAILS(TS_E_MISMATCH, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_ID);
    d.bob.peer = d.pair.alice;
    d.bob.peer.type = MIKEY_ID_NAI; /* of that name, but another one's */
    FAILS(TS_E_MISMATCH, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_ID);
    d.bob.peer = d.pair.alice;
    d.pair.bobs_key.arg = eve; /* another private key */
    FAILS(TS_E_AUTH, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_AUTH);
    d.pair.bobs_key.arg = d.pair.to_bob.arg;
    d.now.us %= 1000000; /* at a time when no certificate is valid */
    d.bob.skew = UINT32_MAX;
    FAILS(TS_E_EXPIRED, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_CERT);
    duo_unchanged(d.b, &held);

    duo_begin_pk(&d, 128);
    d.pair.signer.arg = eve; /* with Alice's certificate */
    OK(duo_offer(&d));
    FAILS(TS_E_AUTH, duo_offered(&d, span_of(&d.init)));
    d.bob.verifier = NULL;
    d.bob.opener = NULL;
    FAILS(TS_E_UNSUPPORTED, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_DT);
}

static enum ts_err no_card(void *arg, const struct ts_span *parts, size_t n,
                           uint8_t *sig)
{
    (void)arg;
    (void)parts;
    (void)n;
    (void)sig;
    return TS_E_IO;
}

static enum ts_err no_seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    (void)arg;
    (void)env_key;
    (void)out;
    return TS_E_EXPIRED;
}

static void what_is_lent_may_fail(void **state)
{
    struct duo_held held;
    (void)state;
    const struct mikey_signer signer = d.pair.signer;
    const struct mikey_sealer sealer = d.pair.to_bob;
    duo_hold(d.a, &held);
    d.pair.signer.sign = no_card;
    FAILS(TS_E_IO, duo_offer(&d));
    d.pair.signer = signer;
    d.pair.to_bob.seal = no_seal;
    FAILS(TS_E_EXPIRED, duo_offer(&d));
    d.pair.to_bob = sealer;
    for (unsigned i = 1; i <= 4; i++) { /* envelope, CSB ID, RAND, TGK */
        d.draws = 0;
        d.fail_at = i;
        FAILS(TS_E_IO, duo_offer(&d));
    }
    d.fail_at = 0;
    d.terms.cache = MIKEY_CACHE_CSB + 1;
    FAILS(TS_E_RANGE, duo_offer(&d));
    duo_unchanged(d.a, &held);
    d.terms.cache = MIKEY_CACHE_NO;
    duo_call(&d);
    duo_same_keys(&d, 1, NULL);
}

/* ---- updates (4.5), and what may become of an envelope key (6.3) ---- */

static void call(unsigned cache)
{
    duo_begin_pk(&d, 128);
    d.terms.cache = (uint8_t)cache;
    duo_call(&d);
    duo_same_keys(&d, 1, &one);
    duo_later(&d);
}

static void an_update_without_cached_key_brings_another(void **state)
{
    struct mikey_srtp_key now;
    struct mikey_msg m;
    (void)state;
    call(MIKEY_CACHE_NO);
    duo_renew(&d); /* nothing but the envelope */
    pair_read(&d.init, &m);
    assert_int_equal(m.hdr.type, MIKEY_PK);
    assert_null(m.rand[0].p);
    assert_false(m.has_kemac);
    assert_true(m.has_pke);
    duo_same_as(&d, 1, &one);
    for (unsigned answer = 0; answer < 2; answer++) {
        duo_later(&d);
        d.terms.want_answer = answer;
        d.terms.keys = &tgk;
        d.terms.n_keys = 1;
        duo_renew(&d);
        duo_same_keys(&d, 1, &now);
        assert_memory_not_equal(now.key, one.key, 16);
    }
}

static void an_update_with_cached_key_is_a_psk_message(void **state)
{
    struct mikey_srtp_key now;
    struct ts_span a, b;
    (void)state;
    for (unsigned c = MIKEY_CACHE_YES; c <= MIKEY_CACHE_CSB; c++) {
        call(c);
        duo_renew(&d);
        assert_int_equal(type_of(&d.init), MIKEY_PSK);
        duo_same_as(&d, 1, &one);
        duo_later(&d);
        d.terms.keys = &tgk;
        d.terms.n_keys = 1;
        duo_renew(&d);
        duo_same_keys(&d, 1, &now);
        assert_memory_not_equal(now.key, one.key, 16);
        if (c == MIKEY_CACHE_CSB) { /* "only for the current CSB" */
            FAILS(TS_E_DENIED, mikey_peer_env_key(d.a, &a));
            continue;
        }
        OK(mikey_peer_env_key(d.a, &a));
        OK(mikey_peer_env_key(d.b, &b));
        SAME(a, b);
        assert_int_equal(a.n, 16);
    }
    call(MIKEY_CACHE_NO);
    FAILS(TS_E_DENIED, mikey_peer_env_key(d.b, &b));
    duo_begin(&d, 128);
    duo_call(&d);
    FAILS(TS_E_DENIED, mikey_peer_env_key(d.b, &b));
}

/* 3.2: "may be used as a pre-shared key" in another bundle */
static void a_cached_key_serves_as_psk(void **state)
{
    static uint8_t copy[16];
    struct ts_span key;
    (void)state;
    call(MIKEY_CACHE_YES);
    OK(mikey_peer_env_key(d.b, &key));
    memcpy(copy, key.p, sizeof copy);
    duo_begin(&d, 128);
    d.alice.psk = d.bob.psk = ts_span(copy, sizeof copy);
    duo_again(&d);
    duo_call(&d);
    duo_same_keys(&d, 1, NULL);
}

static void no_octet_of_an_update_can_be_changed(void **state)
{
    struct duo_held held;
    (void)state;
    for (unsigned c = MIKEY_CACHE_NO; c <= MIKEY_CACHE_CSB; c++) {
        call(c);
        d.terms.keys = &tgk;
        d.terms.n_keys = 1;
        OK(duo_update(&d));
        duo_hold(d.b, &held);
        for (size_t i = 0; i < d.init.n; i++) {
            struct bytes b = d.init;
            b.b[i] ^= 0x11;
            assert_int_not_equal(duo_updated(&d, span_of(&b)), TS_OK);
        }
        duo_unchanged(d.b, &held);
        OK(duo_updated(&d, span_of(&d.init)));
        OK(duo_answer(&d));
        duo_hold(d.a, &held);
        for (size_t i = 0; i < d.resp.n; i++) {
            struct bytes b = d.resp;
            b.b[i] ^= 0x11;
            assert_int_not_equal(duo_answered(&d, span_of(&b)), TS_OK);
        }
        duo_unchanged(d.a, &held);
        OK(duo_answered(&d, span_of(&d.resp)));
        duo_same_keys(&d, 1, NULL);
        FAILS(TS_E_REPLAY, duo_updated(&d, span_of(&d.init)));
    }
}

static void an_update_may_be_lost_or_refused(void **state)
{
    static const uint8_t no[] = {MIKEY_ERR_SPPAR};
    (void)state;
    for (unsigned c = MIKEY_CACHE_NO; c <= MIKEY_CACHE_CSB; c++) {
        call(c);
        d.terms.keys = &tgk;
        d.terms.n_keys = 1;
        OK(duo_update(&d));
        mikey_peer_abandon(d.a);
        OK(duo_update(&d));
        OK(duo_updated(&d, span_of(&d.init)));
        OK(mikey_peer_refuse(d.b, &d.now, none, no, 1, NULL, 0, d.resp.b,
                             sizeof d.resp.b, &d.resp.n));
        FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
        assert_true(mikey_peer_refusal(d.a)->proven);
        duo_same_as(&d, 1, &one);
        duo_renew(&d);
        duo_same_keys(&d, 1, NULL);
    }
}

/* ---- which message an update may be (4.5) ---- */

/* Alice's update with an envelope key that is to be cached from now on: two
 * could then be meant by the next one. */
static void cache_a_second_key(void)
{
    struct bytes offer = d.init;
    struct mikey_msg first;
    pair_read(&offer, &first);
    const struct mikey_classic_new in = {
        .first = &first,
        .t = d.pair.later,
        .id_i = d.pair.alice,
        .id_r = d.pair.bob,
        .encr = d.pair.suite->encr,
        .mac = d.pair.suite->auth,
        .secret = ts_key_span(&d.pair.env_key),
        .signer = &d.pair.signer,
        .sealer = &d.pair.to_bob,
        .cache = MIKEY_CACHE_YES,
    };
    d.init = pair_build(mikey_build_classic_pk, &in);
}

static void an_update_is_of_its_bundles_method(void **state)
{
    struct duo_held held;
    (void)state;
    duo_call(&d); /* whose envelope key must not be cached */
    duo_hold(d.b, &held);
    d.now.us += 1000000;
    cache_a_second_key();
    FAILS(TS_E_UNSUPPORTED, duo_updated(&d, span_of(&d.init)));
    duo_unchanged(d.b, &held);

    duo_begin_pk(&d, 128);
    d.bob.psk = ts_key_span(&d.pair.psk);
    duo_again(&d);
    duo_call(&d);
    struct bytes offer = d.init;
    struct duo other; /* a bundle of the same CSB ID and RAND, but PSK */
    duo_begin(&other, 128);
    struct mikey_msg m;
    pair_read(&offer, &m);
    other.terms.csb = m.hdr.csb;
    other.terms.rand = m.rand[0];
    duo_call(&other);
    duo_later(&other);
    OK(duo_update(&other));
    FAILS(TS_E_ORDER, duo_updated(&d, span_of(&other.init)));

    d.now.us += 1000000;
    other.bob.verifier = d.bob.verifier; /* and the other way round */
    other.bob.opener = d.bob.opener;
    other.now = d.now;
    OK(duo_updated(&other, span_of(&other.init)));
    d.terms.want_answer = true;
    OK(duo_update(&d));
    FAILS(TS_E_ORDER, duo_updated(&other, span_of(&d.init)));
}

static void a_c_that_nobody_knows_is_refused(void **state)
{
    struct parts parts;
    (void)state;
    OK(duo_offer(&d));
    parts_of(&d.init, &parts);
    parts.part[parts_find(&parts, MIKEY_PKE)].body.b[0] |= 0xc0;
    d.init = parts_join(&parts);
    pair_sign_toy("sip:alice@example.com", &d.init, none);
    FAILS(TS_E_UNKNOWN, duo_offered(&d, span_of(&d.init)));
}

/* ---- Errors ---- */

static void an_error_may_be_signed(void **state)
{
    static const uint8_t no[] = {MIKEY_ERR_SP};
    static char bob[] = "sip:bob@example.com";
    struct mikey_msg init;
    struct bytes kept;
    (void)state;
    struct mikey_signer signer = d.pair.signer;
    signer.arg = bob;
    signer.n_cert = 0;
    OK(duo_offer(&d));
    kept = d.init;
    pair_read(&kept, &init);
    struct mikey_classic_error_new e = {.about = &init.hdr,
                                        .t = init.t,
                                        .no = no,
                                        .n_no = 1,
                                        .signer = &signer};
    struct ts_writer w = ts_writer_init(d.resp.b, sizeof d.resp.b);
    mikey_build_classic_error(&w, &e);
    OK(w.err);
    d.resp.n = w.len;
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_false(mikey_peer_refusal(d.a)->proven); /* nobody to ask */
    d.alice.verifier = &d.pair.trust;
    d.resp.b[d.resp.n - 1] ^= 1;
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_false(mikey_peer_refusal(d.a)->proven);
    d.resp.b[d.resp.n - 1] ^= 1;
    FAILS(TS_E_PEER, duo_answered(&d, span_of(&d.resp)));
    assert_true(mikey_peer_refusal(d.a)->proven);
    FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.resp)));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_offer_and_its_answer_give_the_same_keys),
          TEST(a_certificate_names_who_calls),
          TEST(a_peer_may_have_both_methods), TEST(no_octet_can_be_changed),
          TEST(the_wrong_peer_is_refused), TEST(what_is_lent_may_fail),
          TEST(an_update_without_cached_key_brings_another),
          TEST(an_update_with_cached_key_is_a_psk_message),
          TEST(a_cached_key_serves_as_psk),
          TEST(no_octet_of_an_update_can_be_changed),
          TEST(an_update_may_be_lost_or_refused),
          TEST(an_update_is_of_its_bundles_method),
          TEST(a_c_that_nobody_knows_is_refused), TEST(an_error_may_be_signed))
