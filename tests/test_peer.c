/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830 with a pre-shared key, through <mikey/rfc3830.h>: the
 * initial exchange in all its variants.
 */
#include "tests/duo.h"

static struct duo d;
static const struct ts_span none;

static int begin(void **state)
{
    (void)state;
    duo_begin(&d, 128);
    return 0;
}

/* ---- an exchange (3.1) ---- */

static void an_offer_and_its_answer_give_the_same_keys(void **state)
{
    struct mikey_srtp_key one, two;
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        duo_begin(&d, bits);
        duo_call(&d);
        duo_same_keys(&d, 1, &one);
        duo_same_keys(&d, 2, &two);
        assert_int_equal(one.key_len, bits / 8);
        assert_memory_not_equal(one.key, two.key, one.key_len);
        assert_int_equal(d.proposal.bits, bits);
        SAME(mikey_peer_id(d.a).data, d.pair.bob.data);
        SAME(mikey_peer_id(d.b).data, d.pair.alice.data);
        assert_int_equal(mikey_peer_csb(d.a), mikey_peer_csb(d.b));
        FAILS(TS_E_NOTFOUND, mikey_peer_srtp(d.a, 3, &one));
        assert_int_equal(one.key_len, 0);
    }
}

/* 3.1: "the Responder is not expected to answer" */
static void without_the_v_flag_there_is_no_answer(void **state)
{
    (void)state;
    d.terms.want_answer = false;
    duo_call(&d);
    duo_same_keys(&d, 1, NULL);
    FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.init)));
}

/* 6.1.1: "the Responder fills in" */
static void the_answer_fills_in_ssrcs(void **state)
{
    struct mikey_session s;
    (void)state;
    d.session[0].started = true;
    d.session[0].roc = 7;
    d.bobs[0].started = true;
    d.bobs[0].roc = 9;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(mikey_peer_proposed_session(d.b, 1, &s));
    assert_false(s.known);
    assert_int_equal(s.cs, 2);
    FAILS(TS_E_NOTFOUND, mikey_peer_proposed_session(d.b, 2, &s));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    assert_int_equal(mikey_peer_sessions(d.a), 2);
    for (unsigned i = 0; i < 2; i++) {
        const struct mikey_peer *p = i ? d.a : d.b;
        OK(mikey_peer_session(p, 0, &s));
        assert_true(s.known && s.started);
        assert_int_equal(s.ssrc, 0xa11ce);
        assert_int_equal(s.roc, 7);
        OK(mikey_peer_session(p, 1, &s));
        assert_true(s.known && s.started);
        assert_int_equal(s.ssrc, 0xb0b);
        assert_int_equal(s.roc, 9);
        FAILS(TS_E_NOTFOUND, mikey_peer_session(p, 2, &s));
    }
}

static void an_answer_says_what_is_asked_and_no_more(void **state)
{
    struct duo_held held;
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    duo_hold(d.b, &held);
    d.n_bobs = 0;
    FAILS(TS_E_MISSING, duo_answer(&d));
    d.n_bobs = 2; /* there is no session 3 */
    FAILS(TS_E_NOTFOUND, duo_answer(&d));
    d.n_bobs = 1;
    d.bobs[0].cs = 1; /* whose SSRC is Alice's to choose */
    FAILS(TS_E_MISMATCH, duo_answer(&d));
    d.bobs[0].ssrc = 0xa11ce;
    FAILS(TS_E_MISSING, duo_answer(&d));
    duo_unchanged(d.b, &held);
    d.n_bobs = 2;
    d.bobs[1].cs = 2;
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 2, NULL);
}

/* 5.3: what the Responder is told, and from whom */
static void a_proposal_is_told_as_it_is(void **state)
{
    struct mikey_srtp_policy policy;
    struct mikey_id from, to;
    (void)state;
    OK(duo_offer(&d));
    OK(mikey_peer_names(span_of(&d.init), &from, &to));
    SAME(from.data, d.pair.alice.data);
    SAME(to.data, d.pair.bob.data);
    FAILS(TS_E_STATE, mikey_peer_proposed_policy(d.b, 0, &policy));
    OK(duo_offered(&d, span_of(&d.init)));
    SAME(d.proposal.from.data, d.pair.alice.data);
    SAME(d.proposal.sdp_ids, LITERAL("mikey"));
    assert_int_equal(d.proposal.csb, mikey_peer_csb(d.a));
    assert_int_equal(d.proposal.t.value, d.pair.t.value);
    assert_int_equal(d.proposal.map, MIKEY_MAP_SRTP);
    assert_int_equal(d.proposal.n_sessions, 2);
    assert_int_equal(d.proposal.n_policies, 1);
    assert_int_equal(d.proposal.n_keys, 1);
    assert_true(d.proposal.wants_answer);
    assert_false(d.proposal.certified);
    OK(mikey_peer_proposed_policy(d.b, 0, &policy));
    assert_true(mikey_srtp_policy_equal(&policy, &d.policy));
    FAILS(TS_E_NOTFOUND, mikey_peer_proposed_policy(d.b, 1, &policy));
    SAME(mikey_peer_id(d.b).data, d.pair.alice.data);

    OK(duo_answer(&d));
    FAILS(TS_E_UNKNOWN, mikey_peer_names(span_of(&d.resp), &from, &to));
    FAILS(TS_E_SHORT, mikey_peer_names(ts_span(d.init.b, 50), &from, &to));
}

/* ---- keys (6.13) ---- */

static void keys_are_drawn_or_given(void **state)
{
    static const uint8_t octets[32] = "as the caller would have them ";
    struct mikey_srtp_key got;
    const struct mikey_key *keys;
    (void)state;
    for (unsigned type = MIKEY_TGK; type <= MIKEY_TEK_SALT; type++) {
        for (unsigned given = 0; given < 2; given++) {
            struct mikey_key k = {.type = (uint8_t)type};
            bool salt = type == MIKEY_TGK_SALT || type == MIKEY_TEK_SALT;
            if (given)
                k.key = ts_span(octets, 16);
            if (given && salt)
                k.salt = ts_span(octets + 16, 14);
            duo_begin(&d, 128);
            d.terms.keys = &k;
            d.terms.n_keys = 1;
            if (type == MIKEY_TEK) { /* nothing to derive a salt from */
                FAILS(TS_E_UNSUPPORTED, duo_offer(&d));
                continue;
            }
            duo_call(&d);
            duo_same_keys(&d, 2, &got);
            assert_int_equal(mikey_peer_keys(d.b, &keys), 1);
            assert_int_equal(keys[0].key.n, 16);
            assert_int_equal(keys[0].salt.n, salt ? 14 : 0);
            if (given)
                SAME(keys[0].key, k.key);
            if (given && salt)
                SAME(ts_span(got.salt, got.salt_len), k.salt);
        }
    }
}

static void a_tek_fits_the_policy_of_its_session(void **state)
{
    struct mikey_srtp_key got;
    struct mikey_key k = {.type = MIKEY_TEK_SALT};
    (void)state;
    d.policy = mikey_srtp_gcm(mikey_suite_bits(256));
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_call(&d);
    duo_same_keys(&d, 1, &got);
    assert_int_equal(got.key_len, 32);
    assert_int_equal(got.salt_len, 12);
    duo_again(&d);
    k.key = ts_span(NULL, 16);
    FAILS(TS_E_UNSUPPORTED, duo_offer(&d));
    d.policy.salt = 33;
    FAILS(TS_E_MISMATCH, duo_offer(&d)); /* AES-GCM has 12 */
    d.policy = mikey_srtp_usual(mikey_suite_bits(128));
    d.policy.salt = 33;
    FAILS(TS_E_UNSUPPORTED, duo_offer(&d));
    k.key = ts_span(NULL, 65);
    FAILS(TS_E_RANGE, duo_offer(&d));
    k.key = ts_span(got.key, 15);
    FAILS(TS_E_RANGE, duo_offer(&d));
}

/* ---- maps (6.1.1; RFC 4563; RFC 6043 6.1.1) ---- */

static void an_srtp_id_map_says_what_it_can(void **state)
{
    static const uint8_t two[2] = {0, 0};
    (void)state;
    d.session[1].cs = 2;
    duo_call(&d);
    duo_again(&d);
    d.session[1].cs = 3; /* CS IDs are the places in it */
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.session[1].cs = 0;
    d.session[1].spi = LITERAL("x");
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.session[1].spi = none;
    d.session[1].policies = ts_span(two, 2);
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.session[1].policies = LITERAL("\1");
    FAILS(TS_E_NOTFOUND, duo_offer(&d));
    d.session[1].policies = none; /* number 0 */
    d.session[1].prot = MIKEY_PROT_TESLA;
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.session[1].prot = MIKEY_PROT_SRTP;
    d.terms.n_sessions = 255;
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.terms.n_sessions = 2;
    d.terms.map = 3;
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.terms.map = MIKEY_MAP_SRTP;
    duo_call(&d);
    duo_same_keys(&d, 2, NULL);
}

static void a_generic_map_names_keys_and_policies(void **state)
{
    const struct mikey_key keys[] = {{.type = MIKEY_TGK, .spi = LITERAL("one")},
                                     {.type = MIKEY_TGK, .spi = LITERAL("2")}};
    struct mikey_srtp_policy policies[2] = {d.policy, d.policy};
    struct mikey_srtp_key one, two;
    struct mikey_session s;
    (void)state;
    policies[0].encr_alg = MIKEY_SRTP_AES_F8; /* which Bob does not like */
    d.session[0].cs = 7;
    d.session[1].cs = 5;
    d.bobs[0].cs = 5;
    d.session[0].spi = LITERAL("2");
    d.session[1].spi = LITERAL("one");
    d.session[0].policies = d.session[1].policies = LITERAL("\0\1");
    d.terms.map = MIKEY_MAP_GENERIC;
    d.terms.policy = policies;
    d.terms.n_policies = 2;
    d.terms.keys = keys;
    d.terms.n_keys = 2;
    duo_call(&d);
    duo_same_keys(&d, 7, &one);
    duo_same_keys(&d, 5, &two);
    SAME(ts_span(one.spi, one.spi_len), LITERAL("2"));
    SAME(ts_span(two.spi, two.spi_len), LITERAL("one"));
    assert_int_equal(one.policy.encr_alg, MIKEY_SRTP_AES_CM);
    OK(mikey_peer_session(d.a, 1, &s));
    assert_int_equal(s.ssrc, 0xb0b);
    SAME(s.policies, LITERAL("\1"));

    duo_again(&d); /* Bob may have it otherwise, but not as nobody offered */
    d.bobs[0].policies = LITERAL("\0");
    d.bobs[0].spi = LITERAL("2");
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    FAILS(TS_E_UNSUPPORTED, duo_answer(&d));
    d.bobs[0].policies = none;
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 5, &two);
    SAME(ts_span(two.spi, two.spi_len), LITERAL("2"));
    duo_again(&d);
    d.bobs[0].spi = LITERAL("3");
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    FAILS(TS_E_NOTFOUND, duo_answer(&d));
    d.n_bobs = 0;
    FAILS(TS_E_MISSING, duo_answer(&d)); /* an SSRC */
}

/* The Responder chooses one of the policies suggested for a session, not one
 * of another session. */
static void an_answer_has_one_policy_that_was_suggested(void **state)
{
    struct mikey_srtp_policy policies[3];
    const struct mikey_classic x = pair_knows(&d.pair);
    struct mikey_msg init;
    uint8_t map[200];
    (void)state;
    for (size_t i = 0; i < 3; i++)
        policies[i] = d.policy;
    d.session[0].cs = 1;
    d.session[1].cs = 2;
    d.session[0].policies = LITERAL("\0");
    d.session[1].policies = LITERAL("\1\2");
    d.terms.map = MIKEY_MAP_GENERIC;
    d.terms.policy = policies;
    d.terms.n_policies = 3;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    d.bobs[0].policies = LITERAL("\0");
    FAILS(TS_E_MISMATCH, duo_answer(&d));
    d.bobs[0].policies = LITERAL("\1\2");
    FAILS(TS_E_FORMAT, duo_answer(&d));
    d.bobs[0].prot = MIKEY_PROT_TESLA; /* which is not his to choose */
    FAILS(TS_E_FORMAT, duo_answer(&d));
    d.bobs[0].prot = MIKEY_PROT_SRTP;

    pair_read(&d.init, &init); /* another implementation's answers */
    for (unsigned i = 0; i < 2; i++) {
        struct ts_writer w = ts_writer_init(map, sizeof map);
        struct ts_reader r = ts_reader_span(init.hdr.map);
        struct mikey_cs cs;
        for (unsigned k = 0; k < 2; k++) {
            OK(mikey_cs_read(&r, &cs));
            if (k == 1)
                cs.policies = i ? LITERAL("\1\2") : LITERAL("\0");
            mikey_put_cs(&w, &cs);
        }
        struct bytes b = pair_answer(&x, &init, d.pair.bob, ts_written(&w));
        FAILS(i ? TS_E_FORMAT : TS_E_MISMATCH, duo_answered(&d, span_of(&b)));
    }
    d.bobs[0].policies = LITERAL("\2");
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 2, NULL);
}

static void sessions_and_keys_must_fit(void **state)
{
    struct mikey_key keys[] = {{.type = MIKEY_TGK, .spi = LITERAL("1")},
                               {.type = MIKEY_TGK, .spi = LITERAL("1")}};
    (void)state;
    d.terms.keys = keys;
    d.terms.n_keys = 2;
    FAILS(TS_E_FORMAT, duo_offer(&d)); /* an SPI names one key */
    keys[1].spi = LITERAL("2");
    FAILS(TS_E_UNSUPPORTED, duo_offer(&d)); /* which one? */
    d.terms.map = MIKEY_MAP_GENERIC;
    d.session[0].cs = d.session[1].cs = 1;
    d.session[0].spi = d.session[1].spi = LITERAL("1");
    FAILS(TS_E_DUPLICATE, duo_offer(&d));
    d.session[1].cs = 2;
    d.session[1].spi = LITERAL("4");
    FAILS(TS_E_NOTFOUND, duo_offer(&d));
    d.session[1].spi = LITERAL("2");
    d.session[1].policies = none;
    FAILS(TS_E_NOTFOUND, duo_offer(&d));
    d.session[1].prot = MIKEY_PROT_TESLA; /* not ours to judge */
    d.session[1].policies = none;
    duo_call(&d);
    struct mikey_srtp_key got;
    FAILS(TS_E_UNSUPPORTED, mikey_peer_srtp(d.a, 2, &got));
    duo_same_keys(&d, 1, NULL);
    duo_again(&d);
    d.terms.n_keys = 17;
    FAILS(TS_E_RANGE, duo_offer(&d));
}

/* RFC 4563: the keys are for somebody else's sessions */
static void an_empty_map_hands_over_keys(void **state)
{
    const struct mikey_key *a, *b;
    (void)state;
    d.terms.map = MIKEY_MAP_EMPTY;
    FAILS(TS_E_RANGE, duo_offer(&d)); /* with sessions */
    d.terms.n_sessions = 0;
    FAILS(TS_E_RANGE, duo_offer(&d)); /* with a policy */
    d.terms.n_policies = 0;
    d.n_bobs = 0;
    duo_call(&d);
    assert_int_equal(mikey_peer_sessions(d.b), 0);
    assert_int_equal(mikey_peer_keys(d.a, &a), 1);
    assert_int_equal(mikey_peer_keys(d.b, &b), 1);
    SAME(a[0].key, b[0].key);
    duo_later(&d);
    d.terms.policy = &d.policy;
    d.terms.n_policies = 1;
    FAILS(TS_E_RANGE, duo_update(&d)); /* nor in an update */
    d.terms.n_policies = 0;
    duo_renew(&d);
}

/* 6.10: "if not specified, the default values" */
static void without_policies_srtp_has_its_defaults(void **state)
{
    struct mikey_srtp_key got;
    (void)state;
    duo_begin(&d, 256);
    d.terms.n_policies = 0;
    duo_call(&d);
    duo_same_keys(&d, 2, &got);
    assert_int_equal(got.policy.encr_alg, MIKEY_SRTP_AES_CM);
    assert_int_equal(got.key_len, 16);
    assert_int_equal(got.policy.tag, 10);
}

static void policies_have_numbers(void **state)
{
    static const uint8_t no[] = {9, 9};
    const struct mikey_srtp_policy two[] = {d.policy, d.policy};
    (void)state;
    d.terms.policy = two;
    d.terms.policy_no = no;
    d.terms.n_policies = 2;
    d.session[0].policies = d.session[1].policies = LITERAL("\x09");
    FAILS(TS_E_DUPLICATE, duo_offer(&d));
    d.terms.n_policies = 17;
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.terms.n_policies = 1;
    duo_call(&d);
    duo_same_keys(&d, 1, NULL);
}

/* 2.2: one CSB ID and RAND for all members, each under its own PSK */
static void a_group_shares_csb_id_rand_and_keys(void **state)
{
    static const uint8_t rand[16] = "rand of a group", tgk[16] = "its tgk";
    const struct mikey_key k = {.type = MIKEY_TGK, .key = ts_span(tgk, 16)};
    struct mikey_srtp_key one;
    (void)state;
    d.terms.csb = 0x12345678;
    d.terms.rand = ts_span(rand, 16);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_call(&d);
    duo_same_keys(&d, 1, &one);
    assert_int_equal(d.draws, 0);
    d.alice.psk = d.bob.psk = ts_key_span(&d.pair.env_key);
    duo_again(&d);
    duo_call(&d);
    duo_same_as(&d, 1, &one);
    assert_int_equal(mikey_peer_csb(d.b), 0x12345678);
    duo_again(&d);
    d.terms.rand.n = 15;
    FAILS(TS_E_RANGE, duo_offer(&d));
    d.terms.rand = ts_span(d.mem_b, 256);
    FAILS(TS_E_RANGE, duo_offer(&d));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_offer_and_its_answer_give_the_same_keys),
          TEST(without_the_v_flag_there_is_no_answer),
          TEST(the_answer_fills_in_ssrcs),
          TEST(an_answer_says_what_is_asked_and_no_more),
          TEST(a_proposal_is_told_as_it_is), TEST(keys_are_drawn_or_given),
          TEST(a_tek_fits_the_policy_of_its_session),
          TEST(an_srtp_id_map_says_what_it_can),
          TEST(a_generic_map_names_keys_and_policies),
          TEST(an_answer_has_one_policy_that_was_suggested),
          TEST(sessions_and_keys_must_fit), TEST(an_empty_map_hands_over_keys),
          TEST(without_policies_srtp_has_its_defaults),
          TEST(policies_have_numbers),
          TEST(a_group_shares_csb_id_rand_and_keys))
