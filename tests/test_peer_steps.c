/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830 with a pre-shared key: messages that are not as they
 * should be, steps out of order, and what the caller lends.
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

/* ---- what is refused ---- */

static void no_octet_can_be_changed(void **state)
{
    struct duo_held held;
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        duo_begin(&d, bits);
        OK(duo_offer(&d));
        duo_hold(d.b, &held);
        for (size_t i = 0; i < 8 * d.init.n; i++) {
            struct bytes c = d.init;
            c.b[i / 8] ^= (uint8_t)(1u << i % 8);
            assert_int_not_equal(duo_offered(&d, span_of(&c)), TS_OK);
            assert_int_not_equal(
                duo_offered(&d, ts_span(d.init.b, i / 8 ? i / 8 : 1)), TS_OK);
        }
        duo_unchanged(d.b, &held);
        OK(duo_offered(&d, span_of(&d.init)));
        OK(duo_answer(&d));
        duo_hold(d.a, &held);
        for (size_t i = 0; i < 8 * d.resp.n; i++) {
            struct bytes c = d.resp;
            c.b[i / 8] ^= (uint8_t)(1u << i % 8);
            assert_int_not_equal(duo_answered(&d, span_of(&c)), TS_OK);
            assert_int_not_equal(duo_answered(&d, ts_span(d.resp.b, i / 8)),
                                 TS_OK);
        }
        duo_unchanged(d.a, &held);
        OK(duo_answered(&d, span_of(&d.resp)));
        duo_same_keys(&d, 1, NULL);
    }
}

/* 5.3: from somebody else, for somebody else, with another key */
static void the_wrong_peer_is_refused(void **state)
{
    struct duo_held held;
    (void)state;
    OK(duo_offer(&d));
    d.bob.peer = d.pair.eve;
    FAILS(TS_E_MISMATCH, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_ID);
    d.bob.peer = d.pair.alice;
    d.bob.self = d.pair.eve;
    FAILS(TS_E_MISMATCH, duo_offered(&d, span_of(&d.init)));
    d.bob.self = d.pair.bob;
    d.bob.psk = ts_key_span(&d.pair.env_key);
    duo_hold(d.b, &held);
    FAILS(TS_E_AUTH, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_AUTH);
    duo_unchanged(d.b, &held);
    d.bob.psk = ts_key_span(&d.pair.psk);
    d.bob.peer.data.p = NULL; /* whoever has the PSK */
    OK(duo_offered(&d, span_of(&d.init)));
    SAME(mikey_peer_id(d.b).data, d.pair.alice.data);
    OK(duo_answer(&d));

    d.alice.peer = d.pair.eve; /* who has not answered */
    FAILS(TS_E_MISMATCH, duo_answered(&d, span_of(&d.resp)));
    d.alice.peer = d.pair.bob;
    OK(duo_answered(&d, span_of(&d.resp)));
}

/* 5.4, 4.2.8 */
static void the_wrong_time_is_refused(void **state)
{
    (void)state;
    OK(duo_offer(&d));
    for (int off = -301; off <= 301; off += 602) {
        d.now.us = (uint64_t)((int64_t)d.now.us + (int64_t)off * 1000000);
        FAILS(TS_E_TIME, duo_offered(&d, span_of(&d.init)));
        assert_int_equal(d.error, MIKEY_ERR_TS);
        d.now.us = (uint64_t)((int64_t)d.now.us - (int64_t)off * 1000000);
    }
    d.bob.skew = 10;
    d.now.us += 11000000;
    FAILS(TS_E_TIME, duo_offered(&d, span_of(&d.init)));
    d.bob.skew = 11;
    OK(duo_offered(&d, span_of(&d.init)));
}

static void a_counter_counts_up(void **state)
{
    (void)state;
    d.now.ts_type = MIKEY_COUNTER;
    d.now.counter = 5;
    d.now.seen = 5;
    OK(duo_offer(&d));
    FAILS(TS_E_REPLAY, duo_offered(&d, span_of(&d.init)));
    assert_int_equal(d.error, MIKEY_ERR_TS);
    d.now.seen = 4;
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_later(&d);
    d.now.counter = 5; /* a caller that forgets is helped */
    duo_renew(&d);
    assert_int_equal(d.proposal.t.value, 6);
}

/* 5.3: "unsupported" has numbers of its own */
static void an_error_number_says_what_is_wrong(void **state)
{
    static const struct {
        size_t at;
        enum ts_err err;
        uint8_t value, no;
    } changes[] = {
        {0, TS_E_UNKNOWN, 2, MIKEY_ERR_UNSPECIFIED},    /* version */
        {1, TS_E_UNKNOWN, MIKEY_DH_INIT, MIKEY_ERR_DT}, /* data type */
        {1, TS_E_UNSUPPORTED, MIKEY_PK, MIKEY_ERR_DT},  /* no keys for it */
        {3, TS_E_UNSUPPORTED, 0x85, MIKEY_ERR_PRF},     /* PRF */
    };
    (void)state;
    OK(duo_offer(&d));
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct bytes c = d.init;
        c.b[changes[i].at] = changes[i].value;
        FAILS(changes[i].err, duo_offered(&d, span_of(&c)));
        assert_int_equal(d.error, changes[i].no);
    }
    struct mikey_msg m;
    struct bytes c = d.init;
    pair_read(&c, &m);
    c.b[mikey_at(&m, m.kemac.data) - 3] = MIKEY_ENCR_AES_CM_256;
    FAILS(TS_E_UNSUPPORTED, duo_offered(&d, span_of(&c)));
    assert_int_equal(d.error, MIKEY_ERR_EA);
    c = d.init;
    c.b[mikey_at(&m, m.kemac.mac) - 1] = MIKEY_AUTH_NULL;
    c.n -= 20;
    FAILS(TS_E_UNSUPPORTED, duo_offered(&d, span_of(&c)));
    assert_int_equal(d.error, MIKEY_ERR_MAC);
    FAILS(TS_E_UNSUPPORTED,
          mikey_peer_offered(d.b, &d.now, span_of(&c), &d.proposal, NULL));
}

/* ---- steps ---- */

static void steps_have_an_order(void **state)
{
    struct mikey_srtp_key key;
    struct mikey_session s;
    struct ts_span env_key;
    (void)state;
    FAILS(TS_E_STATE, duo_answer(&d));
    FAILS(TS_E_STATE, duo_answered(&d, none));
    FAILS(TS_E_STATE, duo_update(&d));
    FAILS(TS_E_STATE, mikey_peer_srtp(d.a, 1, &key));
    FAILS(TS_E_STATE, mikey_peer_env_key(d.a, &env_key));
    FAILS(TS_E_NOTFOUND, mikey_peer_session(d.a, 0, &s));
    FAILS(TS_E_STATE, mikey_peer_proposed_session(d.a, 0, &s));
    assert_int_equal(mikey_peer_csb(d.a), 0);
    assert_null(mikey_peer_id(d.a).data.p);

    OK(duo_offer(&d));
    FAILS(TS_E_STATE, duo_updated(&d, span_of(&d.init)));
    struct duo_held held;
    duo_hold(d.a, &held);
    struct mikey_peer *b = d.b;
    d.b = d.a; /* her own offer, back again */
    FAILS(TS_E_STATE, duo_offered(&d, span_of(&d.init)));
    FAILS(TS_E_STATE, duo_answer(&d));
    duo_unchanged(d.a, &held);
    d.b = b;
    OK(duo_offered(&d, span_of(&d.init)));
    d.a = b; /* Bob has to answer first */
    FAILS(TS_E_STATE, duo_offer(&d));
    FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.init)));
    d.a = mikey_peer_init(d.mem_a, sizeof d.mem_a, &d.alice);

    duo_call(&d);
    FAILS(TS_E_STATE, duo_offer(&d));
    FAILS(TS_E_STATE, duo_offered(&d, span_of(&d.init)));
    FAILS(TS_E_STATE, duo_answer(&d));
    FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.resp)));
    d.a = d.b; /* 4.5: "started when the initiator executes MIKEY again" */
    FAILS(TS_E_STATE, duo_update(&d));
}

static void a_new_offer_takes_the_place_of_an_old_one(void **state)
{
    struct bytes old;
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    old = d.resp;
    duo_again(&d);
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_offer(&d));
    FAILS(TS_E_MISMATCH, duo_answered(&d, span_of(&old)));
    OK(duo_offered(&d, span_of(&d.init)));
    struct bytes bad = d.init;
    bad.b[bad.n - 1] ^= 1; /* which does not */
    FAILS(TS_E_AUTH, duo_offered(&d, span_of(&bad)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

/* Whose offer waits says nothing about whose may come. */
static void another_may_call_while_one_waits(void **state)
{
    (void)state;
    d.bob.peer.data.p = NULL;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    d.alice.self = d.pair.eve;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    SAME(mikey_peer_id(d.b).data, d.pair.eve.data);
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

static void what_waits_can_be_given_up(void **state)
{
    (void)state;
    OK(duo_offer(&d));
    OK(duo_offered(&d, span_of(&d.init)));
    mikey_peer_abandon(d.a);
    mikey_peer_abandon(d.b);
    FAILS(TS_E_STATE, duo_answer(&d));
    assert_null(mikey_peer_id(d.b).data.p);
    FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.init)));
    struct mikey_peer *a = d.a; /* and both may begin otherwise */
    d.a = d.b;
    d.b = a;
    duo_call(&d);
    duo_same_keys(&d, 1, NULL);
}

/* ---- the caller's memory, and its random source ---- */

static void buffers_of_every_size_are_good_or_refused(void **state)
{
    static uint8_t out[1024];
    struct duo_held a, b;
    size_t n;
    (void)state;
    d.terms.csb = 1;
    d.terms.rand = LITERAL("RAND of 16 bytes");
    OK(duo_offer(&d));
    duo_hold(d.a, &a);
    for (size_t cap = 0; cap < d.init.n; cap++) {
        out[cap] = 0x5a;
        FAILS(TS_E_SPACE,
              mikey_peer_offer(d.a, &d.now, &d.terms, out, cap, &n));
        assert_int_equal(out[cap], 0x5a);
    }
    duo_unchanged(d.a, &a);
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp))); /* to the first one, as it was */
    duo_again(&d);
    OK(duo_offered(&d, span_of(&d.init)));
    duo_hold(d.b, &b);
    for (size_t cap = 0; cap < d.resp.n; cap++) {
        out[cap] = 0x5a;
        FAILS(TS_E_SPACE, mikey_peer_answer(d.b, d.bobs, 1, out, cap, &n));
        assert_int_equal(out[cap], 0x5a);
        assert_int_equal(n, 0);
    }
    duo_unchanged(d.b, &b);
}

static void memory_of_every_size_is_good_or_refused(void **state)
{
    size_t need;
    (void)state;
    OK(duo_offer(&d));
    need = mikey_peer_size(d.init.n);
    assert_null(mikey_peer_init(d.mem_b, mikey_peer_size(0), &d.bob));
    assert_null(mikey_peer_init(d.mem_b + 1, need, &d.bob));
    assert_null(mikey_peer_init(NULL, need, &d.bob));
    for (size_t max = 1; max <= d.init.n; max++) {
        d.b = mikey_peer_init(d.mem_b, mikey_peer_size(max), &d.bob);
        assert_non_null(d.b);
        enum ts_err err = duo_offered(&d, span_of(&d.init));
        assert_int_equal(err, max < d.init.n ? TS_E_SPACE : TS_OK);
        d.a = mikey_peer_init(d.mem_a, mikey_peer_size(max), &d.alice);
        assert_non_null(d.a);
        struct bytes kept = d.init;
        assert_int_equal(duo_offer(&d), max < d.init.n ? TS_E_SPACE : TS_OK);
        if (max < kept.n)
            d.init = kept;
    }
    OK(duo_offered(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

static void a_party_that_cannot_be_used_is_refused(void **state)
{
    static uint8_t name[256];
    struct mikey_peer_party y = d.alice;
    (void)state;
    assert_null(mikey_peer_init(d.mem_a, sizeof d.mem_a, NULL));
#define REFUSED(change)                                                        \
    do {                                                                       \
        y = d.alice;                                                           \
        change;                                                                \
        assert_null(mikey_peer_init(d.mem_a, sizeof d.mem_a, &y));             \
    } while (0)
    REFUSED(y.random = NULL);
    REFUSED(y.bits = 192);
    REFUSED(y.self.data.p = NULL);
    REFUSED(y.self.data = ts_span(name, 256));
    REFUSED(y.peer.data = ts_span(name, 256));
    REFUSED(y.psk = ts_span(name, 65));
    REFUSED(y.psk.n = 0);
    REFUSED(y.signer = &d.pair.signer);
    REFUSED(y.verifier = &d.pair.trust);
    REFUSED(y.opener = &d.pair.bobs_key);
    y = d.alice;
    y.psk = ts_span(name, 64);
    y.peer.data = ts_span(name, 255);
    assert_non_null(mikey_peer_init(d.mem_a, sizeof d.mem_a, &y));
    mikey_peer_wipe(NULL);
}

static void random_numbers_may_fail(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK_SALT};
    struct duo_held held;
    (void)state;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_hold(d.a, &held);
    unsigned i = 1; /* CSB ID, RAND, key, salt */
    for (; i <= 4; i++) {
        d.draws = 0;
        d.fail_at = i;
        FAILS(TS_E_IO, duo_offer(&d));
        duo_unchanged(d.a, &held);
    }
    d.draws = 0;
    d.fail_at = i;
    duo_call(&d);
    duo_same_keys(&d, 1, NULL);
    duo_later(&d);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_hold(d.a, &held);
    for (i = 1; i <= 2; i++) {
        d.draws = 0;
        d.fail_at = i;
        FAILS(TS_E_IO, duo_update(&d));
        duo_unchanged(d.a, &held);
    }
    d.draws = 0;
    d.fail_at = i;
    duo_renew(&d);
    duo_same_keys(&d, 1, NULL);
}

/* Two offers with one RAND, for example to a group: each has its own T, or
 * both keys would be encrypted with one keystream. */
static void offers_of_one_rand_have_a_t_each(void **state)
{
    struct mikey_msg first, second;
    struct bytes before;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        begin(NULL);
        d.terms.csb = 0x12345678;
        d.terms.rand = LITERAL("RAND of 16 bytes");
        d.now.ts_type = i == 0   ? MIKEY_NTP_UTC
                        : i == 1 ? MIKEY_NTP_UTC_32
                                 : MIKEY_COUNTER;
        d.now.counter = 7;
        OK(duo_offer(&d));
        before = d.init;
        OK(duo_offer(&d));
        pair_read(&before, &first);
        pair_read(&d.init, &second);
        assert_true(mikey_time_later(second.t, first.t));
        OK(duo_offered(&d, span_of(&d.init)));
        OK(duo_answer(&d));
        OK(duo_answered(&d, span_of(&d.resp)));
        duo_same_keys(&d, 1, NULL);
    }
}

/* 4.2.8: "MUST have a unique timestamp", or a replay cache refuses it */
static void an_offer_that_comes_again_has_a_new_t(void **state)
{
    struct mikey_msg first, second;
    struct bytes before;
    (void)state;
    OK(duo_offer(&d));
    before = d.init;
    OK(duo_offer(&d));
    pair_read(&before, &first);
    pair_read(&d.init, &second);
    assert_true(mikey_time_later(second.t, first.t));
    d.now.us -= 3600000000; /* a clock that was wrong is not followed */
    OK(duo_offer(&d));
    duo_call(&d);
}

/* What is wiped is wiped to the last octet. */
static void nothing_stays_behind(void **state)
{
    static const uint8_t zeros[sizeof d.mem_a];
    (void)state;
    duo_call(&d);
    mikey_peer_wipe(d.a);
    mikey_peer_wipe(d.b);
    assert_memory_equal(d.mem_a, zeros, sizeof zeros);
    assert_memory_equal(d.mem_b, zeros, sizeof zeros);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(no_octet_can_be_changed), TEST(the_wrong_peer_is_refused),
          TEST(the_wrong_time_is_refused), TEST(a_counter_counts_up),
          TEST(an_error_number_says_what_is_wrong), TEST(steps_have_an_order),
          TEST(a_new_offer_takes_the_place_of_an_old_one),
          TEST(offers_of_one_rand_have_a_t_each),
          TEST(an_offer_that_comes_again_has_a_new_t),
          TEST(another_may_call_while_one_waits),
          TEST(what_waits_can_be_given_up),
          TEST(buffers_of_every_size_are_good_or_refused),
          TEST(memory_of_every_size_is_good_or_refused),
          TEST(a_party_that_cannot_be_used_is_refused),
          TEST(random_numbers_may_fail), TEST(nothing_stays_behind))
