/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls by RFC 3830 through <mikey/plain.h>: Alice and Bob of pair.h, as a
 * user of the library plays them.
 */
#include "mikey/plain.h"
#include "tests/pair.h"

#define MAX 4096

static struct pair pair;
static struct mikey_party alice, bob;
static struct mikey_plain_trust trust;
static struct mikey_plain *a, *b;
static struct mikey_now now;
static struct mikey_session session[2];
static struct mikey_srtp_policy policy;
static struct mikey_offer offer;
static struct mikey_offered offered;
static uint8_t drawn;
static bool no_random;

static struct octets {
    size_t n;
    uint8_t b[MAX];
} init, resp;

static struct ts_span view(const struct octets *o)
{
    return ts_span(o->b, o->n);
}

static enum ts_err count_up(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        buf[i] = drawn++;
    return no_random ? TS_E_IO : TS_OK;
}

static struct mikey_plain *make(const struct mikey_party *party,
                                const struct mikey_plain_trust *who)
{
    static _Alignas(16) uint8_t mem[2][16384];
    size_t which = party == &alice ? 0 : 1;
    return mikey_plain_init(mem[which], sizeof mem[which], party, who);
}

static void begin_with(unsigned bits, bool pk)
{
    pair_init(&pair, mikey_suite_bits(bits));
    now = (struct mikey_now){.us = UINT64_C(1795456800) * 1000000};
    no_random = false;
    alice = (struct mikey_party){
        .self = pair.alice, .bits = bits, .random = count_up};
    bob = alice;
    bob.self = pair.bob;
    trust = (struct mikey_plain_trust){0};
    if (pk) {
        alice.signer = &pair.signer;
        alice.sealer = &pair.to_bob;
        trust.verifier = &pair.trust;
        trust.opener = &pair.bobs_key;
    } else {
        alice.psk = bob.psk = ts_key_span(&pair.psk);
    }
    session[0] = (struct mikey_session){
        .cs = 1, .known = true, .ssrc = 0xa11ce, .policies = ts_span("", 1)};
    session[1] = (struct mikey_session){.cs = 2, .policies = ts_span("", 1)};
    policy = mikey_srtp_usual(pair.suite);
    offer = (struct mikey_offer){.to = pair.bob,
                                 .session = session,
                                 .n_sessions = 2,
                                 .policy = &policy,
                                 .n_policies = 1,
                                 .sdp_ids = ts_span_str("mikey")};
    a = make(&alice, NULL);
    b = make(&bob, &trust);
    assert_non_null(a);
    assert_non_null(b);
}

static enum ts_err call(void)
{
    return mikey_plain_offer(a, &now, &offer, init.b, MAX, &init.n);
}

static enum ts_err ring(void)
{
    return mikey_plain_offered(b, &now, view(&init), &offered, NULL);
}

static enum ts_err answer(void)
{
    static const uint32_t ssrc = 0xb0b;
    return mikey_plain_answer(b, &ssrc, 1, resp.b, MAX, &resp.n);
}

static void same_keys(void)
{
    struct mikey_session s;
    struct mikey_srtp_key at_a, at_b, last = {0};
    for (size_t i = 0; i < 2; i++) {
        OK(mikey_plain_session(a, i, &s));
        assert_int_equal(s.cs, i + 1);
        assert_int_equal(s.ssrc, i ? 0xb0b : 0xa11ce);
        OK(mikey_plain_srtp(a, s.cs, &at_a));
        OK(mikey_plain_srtp(b, s.cs, &at_b));
        assert_memory_equal(&at_a, &at_b, sizeof at_a);
        assert_int_equal(at_a.key_len, pair.suite->encr_key);
        assert_int_equal(at_a.salt_len, 14);
        assert_memory_not_equal(at_a.key, last.key, at_a.key_len);
        last = at_a;
    }
    FAILS(TS_E_NOTFOUND, mikey_plain_session(a, 2, &s));
    FAILS(TS_E_NOTFOUND, mikey_plain_srtp(a, 3, &at_a));
}

static void whole_call(void)
{
    OK(call());
    OK(ring());
    SAME(offered.initiator.data, pair.alice.data);
    SAME(offered.called.data, pair.bob.data);
    SAME(offered.sdp_ids, ts_span_str("mikey"));
    assert_int_equal(offered.bits, pair.suite->bits);
    assert_int_equal(offered.n_sessions, 2);
    OK(answer());
    OK(mikey_plain_answered(a, view(&resp)));
    same_keys();
}

static void a_shared_key_is_enough(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        begin_with(bits, false);
        whole_call();
        whole_call(); /* and again, with others */
    }
}

static void certificates_do_without_one(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        begin_with(bits, true);
        whole_call();
    }
}

static enum ts_err alices_key(void *arg, const struct mikey_id *initiator,
                              struct ts_span *psk)
{
    (void)arg;
    if (ts_span_equal(initiator->data, pair.alice.data))
        *psk = ts_key_span(&pair.psk);
    return TS_OK;
}

static void one_callee_has_many_callers(void **state)
{
    (void)state;
    begin_with(256, false);
    bob.psk = ts_span(NULL, 0);
    trust.psk = alices_key;
    whole_call();
    alice.self = pair.eve;
    OK(call());
    FAILS(TS_E_NOTFOUND, ring());
}

static void what_somebody_changed_is_refused(void **state)
{
    (void)state;
    begin_with(128, false);
    OK(call());
    OK(ring());
    OK(answer());
    for (size_t i = 0; i < resp.n; i++) {
        resp.b[i] ^= 1;
        assert_int_not_equal(mikey_plain_answered(a, view(&resp)), TS_OK);
        resp.b[i] ^= 1;
    }
    OK(mikey_plain_answered(a, view(&resp)));
    for (size_t i = 0; i < init.n; i++) {
        init.b[i] ^= 1;
        assert_int_not_equal(ring(), TS_OK);
        init.b[i] ^= 1;
    }
    OK(ring());
}

static void who_has_another_key_gets_nothing(void **state)
{
    struct mikey_srtp_key k;
    uint8_t error;
    (void)state;
    begin_with(128, false);
    OK(call());
    bob.psk = ts_key_span(&pair.env_key);
    FAILS(TS_E_AUTH,
          mikey_plain_offered(b, &now, view(&init), &offered, &error));
    assert_int_equal(error, MIKEY_ERR_AUTH);
    FAILS(TS_E_STATE, answer());
    FAILS(TS_E_STATE, mikey_plain_srtp(b, 1, &k));
}

static void an_offer_for_somebody_else_is_refused(void **state)
{
    (void)state;
    begin_with(128, false);
    offer.to = pair.eve;
    OK(call());
    FAILS(TS_E_MISMATCH, ring());
}

static void an_old_offer_is_refused(void **state)
{
    uint8_t error;
    (void)state;
    begin_with(128, false);
    OK(call());
    now.us += UINT64_C(301) * 1000000;
    FAILS(TS_E_TIME,
          mikey_plain_offered(b, &now, view(&init), &offered, &error));
    assert_int_equal(error, MIKEY_ERR_TS);
}

static bool never(void *arg, const struct mikey_srtp_policy *p)
{
    (void)arg;
    (void)p;
    return false;
}

static void a_policy_must_be_acceptable(void **state)
{
    uint8_t error;
    (void)state;
    begin_with(128, false);
    bob.acceptable = never;
    OK(call());
    FAILS(TS_E_UNSUPPORTED,
          mikey_plain_offered(b, &now, view(&init), &offered, &error));
    assert_int_equal(error, MIKEY_ERR_SP);
}

static void without_a_policy_srtp_has_its_defaults(void **state)
{
    struct mikey_srtp_key k;
    (void)state;
    begin_with(128, false);
    offer.n_policies = 0;
    FAILS(TS_E_RANGE, call()); /* policy 0 is none then */
    offer.n_policies = 1;
    policy = (struct mikey_srtp_policy){0};
    OK(call());
    OK(ring());
    OK(answer());
    OK(mikey_plain_srtp(b, 1, &k));
    assert_int_equal(k.key_len, 16);
    assert_int_equal(k.policy.tag, 10);
}

static void an_error_says_why_and_that_it_is_true(void **state)
{
    static const uint8_t busy[] = {MIKEY_ERR_SP, MIKEY_ERR_UNSPECIFIED};
    (void)state;
    begin_with(256, false);
    FAILS(TS_E_STATE, mikey_plain_refuse(b, busy, 2, resp.b, MAX, &resp.n));
    OK(call());
    OK(ring());
    FAILS(TS_E_RANGE, mikey_plain_refuse(b, busy, 0, resp.b, MAX, &resp.n));
    OK(mikey_plain_refuse(b, busy, 2, resp.b, MAX, &resp.n));
    FAILS(TS_E_PEER, mikey_plain_answered(a, view(&resp)));
    assert_int_equal(mikey_plain_refusal(a)->n, 2);
    assert_int_equal(mikey_plain_refusal(a)->no[0], MIKEY_ERR_SP);
    assert_true(mikey_plain_refusal(a)->proven);
    bob.psk = ts_key_span(&pair.env_key);
    FAILS(TS_E_AUTH, ring());
    OK(mikey_plain_refuse(b, busy, 1, resp.b, MAX, &resp.n));
    FAILS(TS_E_PEER, mikey_plain_answered(a, view(&resp)));
    assert_false(mikey_plain_refusal(a)->proven); /* only a hint */
    init.n = resp.n;
    memcpy(init.b, resp.b, resp.n);
    FAILS(TS_E_UNKNOWN, ring());
    FAILS(TS_E_STATE, mikey_plain_refuse(b, busy, 1, resp.b, MAX, &resp.n));
}

/* Another implementation's offer: several keys, a salt, no answer wanted. */
static void anothers_offer_is_understood(void **state)
{
    struct mikey_srtp_key k;
    struct mikey_session s;
    struct mikey_classic_new in;
    (void)state;
    begin_with(128, false);
    in = pair_psk(&pair);
    in.t = (struct mikey_time){MIKEY_NTP_UTC,
                               (UINT64_C(1795456800) + 2208988800u) << 32};
    in.n_keys = 1;
    in.want_response = false;
    struct bytes bytes = pair_build(mikey_build_classic_psk, &in);
    memcpy(init.b, bytes.b, bytes.n);
    init.n = bytes.n;
    OK(ring());
    FAILS(TS_E_STATE, mikey_plain_srtp(b, 1, &k)); /* not answered */
    OK(answer());
    assert_int_equal(resp.n, 0);
    OK(mikey_plain_srtp(b, 1, &k));
    assert_int_equal(k.spi_len, 2); /* the MKI */
    SAME(ts_span(k.salt, k.salt_len), in.keys[0].salt);
    OK(mikey_plain_session(b, 1, &s));
    assert_false(s.known);
    in.n_keys = 2; /* which of them? SRTP-ID has no SPI */
    bytes = pair_build(mikey_build_classic_psk, &in);
    memcpy(init.b, bytes.b, bytes.n);
    init.n = bytes.n;
    OK(ring());
    OK(answer());
    FAILS(TS_E_UNSUPPORTED, mikey_plain_srtp(b, 1, &k));
}

static void each_open_session_gets_its_ssrc(void **state)
{
    static const uint32_t ssrc[] = {1, 2};
    (void)state;
    begin_with(128, false);
    OK(call());
    OK(ring());
    FAILS(TS_E_RANGE, mikey_plain_answer(b, ssrc, 0, resp.b, MAX, &resp.n));
    FAILS(TS_E_RANGE, mikey_plain_answer(b, ssrc, 2, resp.b, MAX, &resp.n));
    FAILS(TS_E_SPACE, mikey_plain_answer(b, ssrc, 1, resp.b, 20, &resp.n));
    OK(mikey_plain_answer(b, ssrc, 1, resp.b, MAX, &resp.n));
    FAILS(TS_E_STATE, mikey_plain_answer(b, ssrc, 1, resp.b, MAX, &resp.n));
}

static void sessions_that_cannot_be_written_are_refused(void **state)
{
    (void)state;
    begin_with(128, false);
    session[1].cs = 3;
    FAILS(TS_E_RANGE, call());
    session[1].cs = 2;
    session[1].spi = ts_span("x", 1);
    FAILS(TS_E_RANGE, call());
    session[1].spi = ts_span(NULL, 0);
    session[1].policies = ts_span("\1", 1);
    FAILS(TS_E_RANGE, call());
    session[1].policies = ts_span("", 1);
    FAILS(TS_E_SPACE, mikey_plain_offer(a, &now, &offer, init.b, 30, &init.n));
    FAILS(TS_E_STATE, mikey_plain_answered(a, view(&resp)));
    no_random = true;
    FAILS(TS_E_IO, call());
    no_random = false;
    whole_call();
}

static void a_step_at_the_wrong_time_is_refused(void **state)
{
    struct mikey_session s;
    struct mikey_srtp_key k;
    (void)state;
    begin_with(128, false);
    FAILS(TS_E_STATE, mikey_plain_answered(a, view(&resp)));
    FAILS(TS_E_STATE, mikey_plain_session(a, 0, &s));
    FAILS(TS_E_STATE, answer());
    OK(call());
    FAILS(TS_E_STATE, mikey_plain_srtp(a, 1, &k)); /* a caller waits */
    OK(mikey_plain_session(a, 0, &s));
}

static void certificates_need_a_verifier(void **state)
{
    (void)state;
    begin_with(128, true);
    trust.verifier = NULL;
    trust.opener = NULL;
    OK(call());
    FAILS(TS_E_UNSUPPORTED, ring());
}

static void a_party_must_be_able_to_do_something(void **state)
{
    static _Alignas(16) uint8_t mem[16384];
    (void)state;
    begin_with(128, false);
    assert_null(mikey_plain_init(mem, 10, &alice, NULL));
    assert_null(mikey_plain_init(mem + 1, sizeof mem - 1, &alice, NULL));
    assert_null(mikey_plain_init(NULL, sizeof mem, &alice, NULL));
    trust.verifier = &pair.trust; /* and no opener */
    assert_null(mikey_plain_init(mem, sizeof mem, &bob, &trust));
    alice.psk = ts_span(NULL, 0);
    FAILS(TS_E_DENIED, call());
    bob.random = NULL;
    assert_null(mikey_plain_init(mem, sizeof mem, &bob, NULL));
}

static void nothing_stays_after_the_wipe(void **state)
{
    static _Alignas(16) uint8_t mem[16384], zeros[16384];
    (void)state;
    begin_with(128, false);
    a = mikey_plain_init(mem, sizeof mem, &alice, NULL);
    OK(call());
    mikey_plain_wipe(a);
    mikey_plain_wipe(NULL);
    assert_memory_equal(mem, zeros, sizeof mem);
    assert_true(mikey_plain_size(1000) < sizeof mem);
}

UNIT_MAIN(cmocka_unit_test(a_shared_key_is_enough),
          cmocka_unit_test(certificates_do_without_one),
          cmocka_unit_test(one_callee_has_many_callers),
          cmocka_unit_test(what_somebody_changed_is_refused),
          cmocka_unit_test(who_has_another_key_gets_nothing),
          cmocka_unit_test(an_offer_for_somebody_else_is_refused),
          cmocka_unit_test(an_old_offer_is_refused),
          cmocka_unit_test(a_policy_must_be_acceptable),
          cmocka_unit_test(without_a_policy_srtp_has_its_defaults),
          cmocka_unit_test(an_error_says_why_and_that_it_is_true),
          cmocka_unit_test(anothers_offer_is_understood),
          cmocka_unit_test(each_open_session_gets_its_ssrc),
          cmocka_unit_test(sessions_that_cannot_be_written_are_refused),
          cmocka_unit_test(a_step_at_the_wrong_time_is_refused),
          cmocka_unit_test(certificates_need_a_verifier),
          cmocka_unit_test(a_party_must_be_able_to_do_something),
          cmocka_unit_test(nothing_stays_after_the_wipe))
