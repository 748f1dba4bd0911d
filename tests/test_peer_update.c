/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates of a bundle between two peers of RFC 3830 (4.5), with a pre-shared
 * key.
 */
#include "tests/duo.h"

static struct duo d;
static struct mikey_srtp_key one, two; /* of the offer */

/* A call, and terms that change nothing. */
static int begin(void **state)
{
    (void)state;
    duo_begin(&d, 128);
    duo_call(&d);
    duo_same_keys(&d, 1, &one);
    duo_same_keys(&d, 2, &two);
    duo_later(&d);
    return 0;
}

/* ---- what it brings ---- */

/* "does not need to contain new keying material" */
static void an_update_may_change_nothing(void **state)
{
    struct mikey_msg m;
    struct mikey_session s;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        d.terms.want_answer = i & 1;
        duo_renew(&d);
        pair_read(&d.init, &m);
        assert_int_equal(m.hdr.type, MIKEY_PSK);
        assert_null(m.rand[0].p); /* "MUST NOT be included" */
        assert_int_equal(m.hdr.csb, mikey_peer_csb(d.a));
        assert_int_equal(m.kemac.data.n, 0);
        duo_same_as(&d, 1, &one);
        duo_same_as(&d, 2, &two);
        OK(mikey_peer_session(d.b, 1, &s));
        assert_int_equal(s.ssrc, 0xb0b);
    }
}

static void an_update_may_bring_new_keys(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK_SALT};
    struct mikey_srtp_key now;
    (void)state;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    duo_same_as(&d, 1, &one); /* not before it is answered */
    assert_int_equal(d.proposal.n_keys, 1);
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, &now);
    assert_memory_not_equal(now.key, one.key, 16);
    const struct mikey_key *keys;
    assert_int_equal(mikey_peer_keys(d.a, &keys), 1);
    duo_later(&d); /* they go on */
    duo_renew(&d);
    duo_same_as(&d, 1, &now);
}

/* As long as the policy wants them that is in force. */
static void an_update_may_bring_a_tek(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TEK_SALT};
    struct mikey_srtp_key now;
    (void)state;
    duo_begin(&d, 256);
    d.policy = mikey_srtp_gcm(mikey_suite_bits(256));
    duo_call(&d);
    duo_later(&d);
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_renew(&d);
    duo_same_keys(&d, 1, &now);
    assert_int_equal(now.key_len, 32);
    assert_int_equal(now.salt_len, 12);
}

/* "If desired, new CSs can be added" */
static void an_update_may_add_a_session(void **state)
{
    struct mikey_session s;
    (void)state;
    for (size_t i = 0; i < 2; i++)
        OK(mikey_peer_session(d.a, i, &d.session[i]));
    d.terms.session = d.session;
    d.terms.n_sessions = 3;
    d.bobs[0] = d.bobs[1];
    d.n_bobs = 1;
    duo_renew(&d);
    duo_same_as(&d, 1, &one);
    duo_same_as(&d, 2, &two);
    duo_same_keys(&d, 3, NULL);
    OK(mikey_peer_session(d.a, 2, &s));
    assert_int_equal(s.ssrc, 0xb0c);
    duo_later(&d); /* and take it away */
    d.terms.session = d.session;
    d.terms.n_sessions = 1;
    duo_renew(&d);
    FAILS(TS_E_NOTFOUND, mikey_peer_srtp(d.b, 2, &two));
    duo_same_as(&d, 1, &one);
}

static void policies_are_added_or_replaced(void **state)
{
    static const uint8_t no[] = {0, 4};
    const struct mikey_srtp_policy policies[] = {
        mikey_srtp_usual(mikey_suite_bits(256)),
        mikey_srtp_gcm(mikey_suite_bits(128))};
    struct mikey_srtp_key now;
    struct mikey_srtp_policy p;
    (void)state;
    d.terms.policy = policies + 1; /* added */
    d.terms.policy_no = no + 1;
    d.terms.n_policies = 1;
    duo_renew(&d);
    duo_same_as(&d, 1, &one);

    for (size_t i = 0; i < 2; i++)
        OK(mikey_peer_session(d.a, i, &d.session[i]));
    duo_later(&d);
    d.session[1].policies = LITERAL("\4"); /* and used */
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    duo_renew(&d);
    duo_same_as(&d, 1, &one);
    duo_same_keys(&d, 2, &now);
    assert_int_equal(now.policy.encr_alg, MIKEY_SRTP_AES_GCM);

    duo_later(&d);
    d.terms.policy = policies; /* replaced */
    d.terms.policy_no = no;
    d.terms.n_policies = 1;
    OK(duo_update(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    OK(mikey_peer_proposed_policy(d.b, 0, &p));
    assert_int_equal(p.encr_key, 32);
    OK(mikey_peer_proposed_policy(d.b, 4, &p));
    assert_int_equal(p.encr_alg, MIKEY_SRTP_AES_GCM);
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, &now);
    assert_int_equal(now.key_len, 32);
    duo_same_keys(&d, 2, &now);
    assert_int_equal(now.policy.encr_alg, MIKEY_SRTP_AES_GCM);
}

/* No more than a message could have. */
static void policies_come_to_an_end(void **state)
{
    uint8_t no = 0;
    struct duo_held held;
    (void)state;
    d.terms.policy = &d.policy;
    d.terms.policy_no = &no;
    d.terms.n_policies = 1;
    for (no = 1; no < 16; no++) {
        duo_later(&d);
        d.terms.policy = &d.policy;
        d.terms.policy_no = &no;
        d.terms.n_policies = 1;
        duo_renew(&d);
    }
    duo_hold(d.a, &held);
    d.now.us += 1000000;
    FAILS(TS_E_SPACE, duo_update(&d));
    duo_unchanged(d.a, &held);
    no = 3;
    duo_renew(&d);
    duo_same_as(&d, 2, &two);
}

static void policies_fit_into_the_memory_there_is(void **state)
{
    struct duo_held held;
    uint8_t no = 1;
    (void)state;
    duo_begin(&d, 128);
    OK(duo_offer(&d));
    const size_t max = d.init.n;
    d.a = mikey_peer_init(d.mem_a, mikey_peer_size(max), &d.alice);
    d.b = mikey_peer_init(d.mem_b, mikey_peer_size(max), &d.bob);
    duo_call(&d);
    for (; 36u * (no + 1u) <= max; no++) { /* bytes of a policy each */
        duo_later(&d);
        d.terms.policy = &d.policy;
        d.terms.policy_no = &no;
        d.terms.n_policies = 1;
        duo_renew(&d);
    }
    duo_hold(d.a, &held);
    FAILS(TS_E_SPACE, duo_update(&d));
    duo_unchanged(d.a, &held);
    no--;
    duo_renew(&d);
    duo_same_keys(&d, 2, NULL);
}

/* ---- keys and their SPIs ---- */

static struct mikey_key with_spi(const char *spi)
{
    return (struct mikey_key){.type = MIKEY_TGK, .spi = ts_span_str(spi)};
}

static void begin_generic(void)
{
    const struct mikey_key k = with_spi("a");
    duo_begin(&d, 128);
    d.terms.map = MIKEY_MAP_GENERIC;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    d.session[0].cs = 1;
    d.session[1].cs = 2;
    d.session[0].spi = ts_span_str("a");
    duo_call(&d);
    duo_same_keys(&d, 1, &one);
    duo_same_keys(&d, 2, &two);
    duo_later(&d);
}

/* 4.5: "RECOMMENDED" is an SPI, so that a rekeying can be synchronised */
static void a_key_stays_while_a_session_names_it(void **state)
{
    struct mikey_srtp_key b;
    struct mikey_key k = with_spi("b");
    (void)state;
    begin_generic();
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_renew(&d);
    duo_same_as(&d, 1, &one); /* its SPI is a */
    duo_same_keys(&d, 2, &b); /* it has none: the newest */
    SAME(ts_span(b.spi, b.spi_len), LITERAL("b"));
    assert_memory_not_equal(b.key, two.key, 16);

    duo_later(&d); /* two generations ago */
    k = with_spi("c");
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    duo_renew(&d);
    duo_same_as(&d, 1, &one);

    duo_later(&d); /* b is named by nobody any more */
    d.session[1].known = true;
    d.session[1].ssrc = 0xb0b;
    d.session[1].spi = ts_span_str("b");
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    FAILS(TS_E_NOTFOUND, duo_update(&d));

    k = with_spi("a"); /* the same SPI again: it is the new key's */
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    d.session[1].spi = ts_span_str("a");
    duo_renew(&d);
    duo_same_keys(&d, 1, &b);
    assert_memory_not_equal(b.key, one.key, 16);
}

static void a_session_may_go_over_to_a_new_key(void **state)
{
    struct mikey_srtp_key now;
    const struct mikey_key k = with_spi("b");
    (void)state;
    begin_generic();
    for (size_t i = 0; i < 2; i++)
        OK(mikey_peer_session(d.a, i, &d.session[i]));
    d.session[0].spi = ts_span_str("b");
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    duo_renew(&d);
    duo_same_keys(&d, 1, &now);
    SAME(ts_span(now.spi, now.spi_len), LITERAL("b"));
    d.session[0].spi = ts_span_str("a"); /* which is gone */
    duo_later(&d);
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    FAILS(TS_E_NOTFOUND, duo_update(&d));
}

/* One key each time, each with a session that goes on naming it. */
static void older_keys_come_to_an_end(void **state)
{
    static const char spis[] = "abcdefghijklmnopqrs";
    struct mikey_session s[19];
    struct mikey_key k = with_spi("a");
    struct duo_held held;
    (void)state;
    for (uint8_t i = 0; i < 19; i++)
        s[i] = (struct mikey_session){.cs = (uint8_t)(i + 1),
                                      .known = true,
                                      .ssrc = i + 1u,
                                      .policies = LITERAL("\0"),
                                      .spi = ts_span(spis + i, 1)};
    begin_generic();
    for (size_t i = 0; i < 18; i++) {
        k.spi = s[i].spi;
        duo_later(&d);
        d.terms.keys = &k;
        d.terms.n_keys = 1;
        d.terms.session = s;
        d.terms.n_sessions = i + 1;
        if (i < 17)
            duo_renew(&d);
    }
    duo_hold(d.a, &held); /* the newest, and sixteen of before */
    FAILS(TS_E_SPACE, duo_update(&d));
    duo_unchanged(d.a, &held);
    d.terms.session = s + 1;
    d.terms.n_sessions = 17;
    duo_renew(&d);
    for (uint8_t i = 2; i <= 18; i++)
        duo_same_keys(&d, i, NULL);
}

/* An update of other people's: no sessions are said, so they stay. */
static void without_sessions_they_stay(void **state)
{
    static struct mikey_session no_session;
    struct mikey_msg m;
    (void)state;
    d.terms.session = &no_session; /* none of them */
    d.terms.n_sessions = 0;
    duo_renew(&d);
    pair_read(&d.init, &m);
    assert_int_equal(m.hdr.n_cs, 0);
    duo_same_as(&d, 1, &one);
    duo_same_as(&d, 2, &two);
    assert_int_equal(mikey_peer_sessions(d.b), 2);
}

/* ---- what is refused ---- */

static void no_octet_can_be_changed(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK_SALT};
    struct duo_held held;
    (void)state;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    duo_hold(d.b, &held);
    for (size_t i = 0; i < 8 * d.init.n; i++) {
        struct bytes c = d.init;
        c.b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(duo_updated(&d, span_of(&c)), TS_OK);
    }
    duo_unchanged(d.b, &held);
    OK(duo_updated(&d, span_of(&d.init)));
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

/* 4.2.8: "MUST have a unique timestamp" */
static void a_replayed_update_is_refused(void **state)
{
    struct bytes offer = d.init, first, second, answer;
    struct duo_held held;
    (void)state;
    OK(duo_update(&d));
    first = d.init;
    OK(duo_updated(&d, span_of(&first)));
    OK(duo_updated(&d, span_of(&first))); /* not answered yet: once more */
    OK(duo_answer(&d));
    answer = d.resp;
    OK(duo_answered(&d, span_of(&answer)));
    duo_hold(d.b, &held);
    FAILS(TS_E_REPLAY, duo_updated(&d, span_of(&first)));
    assert_int_equal(d.error, MIKEY_ERR_TS);
    FAILS(TS_E_ORDER, duo_updated(&d, span_of(&offer))); /* its RAND */
    duo_unchanged(d.b, &held);

    OK(duo_update(&d)); /* with the same clock */
    second = d.init;
    FAILS(TS_E_MISMATCH, duo_answered(&d, span_of(&answer)));
    OK(duo_updated(&d, span_of(&second)));
    OK(duo_answer(&d));
    FAILS(TS_E_REPLAY, duo_updated(&d, span_of(&first)));
    OK(duo_answered(&d, span_of(&d.resp)));
    d.now.us += 1000000000;
    OK(duo_update(&d));
    d.now.us += 1000000000;
    FAILS(TS_E_TIME, duo_updated(&d, span_of(&d.init)));
}

/* An answer that is lost: the next update has another T, and keystream. */
static void a_missing_answer_changes_nothing(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK};
    struct mikey_srtp_key a;
    struct mikey_msg m, again;
    struct bytes lost;
    (void)state;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    lost = d.init;
    FAILS(TS_E_STATE, duo_update(&d));
    OK(duo_updated(&d, span_of(&lost)));
    OK(duo_answer(&d));
    OK(mikey_peer_srtp(d.a, 1, &a));
    assert_memory_equal(a.key, one.key, 16);
    mikey_peer_abandon(d.a);
    FAILS(TS_E_STATE, duo_answered(&d, span_of(&d.resp)));
    OK(duo_update(&d));
    pair_read(&lost, &m);
    pair_read(&d.init, &again);
    assert_true(again.t.value > m.t.value);
    OK(duo_updated(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 1, NULL);
}

/* The answer is lost, and with it whether the update was taken: the next one
 * says again what is in force, so that both have the same. */
static void an_update_that_was_given_up_may_be_in_force(void **state)
{
    static const uint8_t no[] = {0, 3};
    const struct mikey_srtp_policy policies[] = {
        mikey_srtp_gcm(mikey_suite_bits(128)),
        mikey_srtp_usual(mikey_suite_bits(128))};
    const struct mikey_key k = {.type = MIKEY_TGK_SALT};
    struct mikey_msg m;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        duo_later(&d);
        d.terms.keys = &k;
        d.terms.n_keys = 1;
        d.terms.policy = policies;
        d.terms.policy_no = no;
        d.terms.n_policies = 2;
        OK(duo_update(&d));
        if (i < 3) { /* else it is the update that is lost */
            OK(duo_updated(&d, span_of(&d.init)));
            OK(duo_answer(&d));
        }
        mikey_peer_abandon(d.a);
        duo_later(&d);
        d.terms.want_answer = i & 1;
        duo_renew(&d);
        duo_same_as(&d, 1, &one);
        duo_same_as(&d, 2, &two);
        duo_later(&d); /* once */
        duo_renew(&d);
        pair_read(&d.init, &m);
        assert_int_equal(m.kemac.data.n, 0);
        assert_int_equal(m.n_sp, 0);
        duo_same_as(&d, 1, &one);
    }
}

/* Of one SPI there may be two keys then: that in force counts. */
static void a_key_that_was_given_up_is_replaced(void **state)
{
    struct mikey_key k = with_spi("a");
    (void)state;
    begin_generic();
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    mikey_peer_abandon(d.a);
    for (size_t i = 0; i < 2; i++)
        OK(mikey_peer_session(d.a, i, &d.session[i]));
    duo_later(&d);
    k = with_spi("b");
    d.session[1].spi = ts_span_str("b");
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    duo_renew(&d);
    duo_same_as(&d, 1, &one);
    duo_same_keys(&d, 2, NULL);
}

/* Nothing said of policies is SRTP's defaults; so is an SP without parameters.
 */
static void defaults_that_are_given_up_come_again(void **state)
{
    const uint8_t no = 0;
    struct mikey_msg m;
    (void)state;
    duo_begin(&d, 128);
    d.terms.n_policies = 0;
    duo_call(&d);
    duo_same_keys(&d, 1, &one);
    duo_later(&d);
    d.policy = mikey_srtp_gcm(mikey_suite_bits(128));
    d.terms.policy = &d.policy;
    d.terms.policy_no = &no;
    d.terms.n_policies = 1;
    OK(duo_update(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    mikey_peer_abandon(d.a);
    duo_later(&d);
    duo_renew(&d);
    pair_read(&d.init, &m);
    assert_int_equal(m.n_sp, 1);
    assert_int_equal(m.sp[0].params.n, 0);
    duo_same_as(&d, 1, &one);
}

/* The same with a list of sessions that is empty: they stay. */
static void defaults_come_again_to_sessions_that_stay(void **state)
{
    (void)state;
    duo_begin(&d, 128);
    d.terms.n_policies = 0;
    duo_call(&d);
    duo_same_keys(&d, 1, &one);
    duo_later(&d);
    d.policy = mikey_srtp_gcm(mikey_suite_bits(128));
    d.terms.policy = &d.policy;
    d.terms.n_policies = 1;
    OK(duo_update(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    mikey_peer_abandon(d.a);
    duo_later(&d);
    d.terms.session = d.session;
    duo_renew(&d);
    duo_same_as(&d, 1, &one);
}

#define ERA_END UINT64_C(2085978496000000) /* 2036-02-07 06:28:16 UTC */

/* 4.2.8: T begins anew after 136 years, and is later all the same. */
static void updates_go_on_after_2036(void **state)
{
    struct mikey_msg before, after;
    struct bytes old;
    (void)state;
    duo_begin(&d, 128);
    d.now.us = ERA_END - 1000;
    duo_call(&d);
    d.terms = (struct mikey_terms){.want_answer = true};
    d.n_bobs = 0;
    duo_renew(&d);
    old = d.init;
    d.now.us = ERA_END + 1000000;
    duo_renew(&d);
    pair_read(&old, &before);
    pair_read(&d.init, &after);
    assert_true(mikey_time_later(after.t, before.t));
    OK(mikey_time_check(after.t, d.now.us, 0));
    FAILS(TS_E_REPLAY, duo_updated(&d, span_of(&old)));
    duo_renew(&d);
    duo_same_keys(&d, 2, NULL);
}

/* Whole seconds have no room for the fraction of the T before. */
static void a_coarser_clock_has_no_fraction(void **state)
{
    const struct mikey_key k = {.type = MIKEY_TGK};
    struct mikey_msg m;
    (void)state;
    d.now.us -= 1000000; /* as in the offer */
    d.now.ts_type = MIKEY_NTP_UTC_32;
    for (unsigned i = 0; i < 2; i++) {
        d.terms.keys = &k;
        d.terms.n_keys = 1;
        duo_renew(&d);
        pair_read(&d.init, &m);
        assert_int_equal(m.t.type, MIKEY_NTP_UTC_32);
        duo_same_keys(&d, 1, NULL);
    }
}

/* A COUNTER and a time cannot be told apart as earlier and later. */
static void a_bundle_has_one_clock(void **state)
{
    struct duo other;
    struct duo_held held;
    (void)state;
    duo_hold(d.a, &held);
    d.now.ts_type = MIKEY_COUNTER;
    d.now.counter = 7;
    FAILS(TS_E_RANGE, duo_update(&d));
    duo_unchanged(d.a, &held);

    duo_begin(&other, 128); /* the same bundle, but by a counter */
    other.now.ts_type = MIKEY_COUNTER;
    other.now.counter = 7;
    duo_call(&other);
    duo_later(&other);
    duo_renew(&other);
    other.now.ts_type = MIKEY_NTP_UTC;
    FAILS(TS_E_RANGE, duo_update(&other));
}

static void an_update_is_of_its_bundle(void **state)
{
    struct duo other;
    struct duo_held held;
    (void)state;
    duo_begin(&other, 128);
    duo_call(&other);
    duo_later(&other);
    OK(duo_update(&other));
    duo_hold(d.b, &held);
    FAILS(TS_E_MISMATCH, duo_updated(&d, span_of(&other.init)));
    d.terms.session = d.session;
    d.terms.n_sessions = 2;
    FAILS(TS_E_STATE, duo_offer(&d));
    duo_unchanged(d.b, &held);

    duo_begin(&other, 256); /* nor of another suite */
    other.terms.csb = mikey_peer_csb(d.a);
    duo_call(&other);
    duo_later(&other);
    OK(duo_update(&other));
    FAILS(TS_E_MISMATCH, duo_updated(&d, span_of(&other.init)));
    duo_unchanged(d.b, &held);
}

static void what_is_not_acceptable_changes_nothing(void **state)
{
    struct duo_held held;
    const struct mikey_key k = {.type = MIKEY_TGK};
    (void)state;
    d.terms.keys = &k;
    d.terms.n_keys = 1;
    OK(duo_update(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    duo_hold(d.b, &held);
    d.strict = true;
    FAILS(TS_E_UNSUPPORTED, duo_answer(&d));
    duo_unchanged(d.b, &held);
    OK(mikey_peer_srtp(d.b, 2, &two));
    mikey_peer_abandon(d.b);
    d.strict = false;
    FAILS(TS_E_STATE, duo_answer(&d));
    OK(duo_updated(&d, span_of(&d.init)));
    OK(duo_answer(&d));
    OK(duo_answered(&d, span_of(&d.resp)));
    duo_same_keys(&d, 2, NULL);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_update_may_change_nothing),
          TEST(an_update_may_bring_new_keys), TEST(an_update_may_bring_a_tek),
          TEST(an_update_may_add_a_session),
          TEST(policies_are_added_or_replaced), TEST(policies_come_to_an_end),
          TEST(policies_fit_into_the_memory_there_is),
          TEST(a_key_stays_while_a_session_names_it),
          TEST(a_session_may_go_over_to_a_new_key),
          TEST(older_keys_come_to_an_end), TEST(without_sessions_they_stay),
          TEST(no_octet_can_be_changed), TEST(a_replayed_update_is_refused),
          TEST(a_missing_answer_changes_nothing),
          TEST(an_update_that_was_given_up_may_be_in_force),
          TEST(a_key_that_was_given_up_is_replaced),
          TEST(defaults_that_are_given_up_come_again),
          TEST(defaults_come_again_to_sessions_that_stay),
          TEST(updates_go_on_after_2036), TEST(a_coarser_clock_has_no_fraction),
          TEST(a_bundle_has_one_clock), TEST(an_update_is_of_its_bundle),
          TEST(what_is_not_acceptable_changes_nothing))
