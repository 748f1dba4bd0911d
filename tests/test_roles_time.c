/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timestamps, validity and replay through the roles of <mikey/mikey.h>.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

/* What a KMS remembers of the messages it saw. */
static struct {
    unsigned asked;
    uint32_t counter;
    size_t n;
    uint8_t seen[4][TROUPE_MAX];
    size_t len[4];
} memory;

static enum ts_err remember(void *arg, struct ts_span m, struct mikey_time at)
{
    (void)arg;
    memory.asked++;
    if (at.type == MIKEY_COUNTER) {
        if (at.value <= memory.counter)
            return TS_E_REPLAY;
        memory.counter = (uint32_t)at.value;
        return TS_OK;
    }
    for (size_t i = 0; i < memory.n; i++)
        if (ts_span_equal(m, ts_span(memory.seen[i], memory.len[i])))
            return TS_E_REPLAY;
    memcpy(memory.seen[memory.n], m.p, m.n);
    memory.len[memory.n++] = m.n;
    return TS_OK;
}

static void forget(void)
{
    memset(&memory, 0, sizeof memory); /* lint: public messages */
    t.kms.replay = remember;
}

/* ---- the four types (2.7) ---- */

static void is_type(const struct troupe_message *m, uint8_t type)
{
    assert_int_equal(troupe_read(m).t.type, type);
}

/* R33, R34, R72, R73, R119, R120, R215, R294: in all messages. */
static void every_type_of_timestamp_does_for_a_call(void **state)
{
    (void)state;
    for (uint8_t type = MIKEY_NTP_UTC; type <= MIKEY_NTP_UTC_32; type++)
        for (unsigned bits = 128; bits <= 256; bits += 128) {
            troupe_begin(&t, bits);
            forget();
            t.now.ts_type = type;
            t.now.us += 654321; /* not whole seconds */
            t.now.counter = 10;
            OK(troupe_request(&t));
            OK(troupe_grant(&t));
            OK(troupe_granted(&t));
            t.now.counter++;
            OK(troupe_transfer(&t));
            OK(troupe_offered(&t));
            assert_int_equal(t.bob->offered.t.type, type);
            t.now.counter++;
            OK(troupe_resolve(&t));
            OK(troupe_resolve_at_kms(&t));
            OK(troupe_resolved(&t));
            troupe_finish(&t);
            troupe_same_keys(&t, 1, NULL);
            is_type(&t.request, type);
            is_type(&t.granted, type);
            is_type(&t.transfer, type);
            is_type(&t.bob->resolve, type);
            is_type(&t.bob->resolved, type);
            is_type(&t.bob->resp, type);
            if (type == MIKEY_COUNTER) /* R34, R73, R120: may be equal */
                assert_int_equal(troupe_read(&t.bob->resolved).t.value,
                                 troupe_read(&t.bob->resolve).t.value);
        }
}

static void there_is_no_other_type(void **state)
{
    (void)state;
    t.now.ts_type = 4;
    FAILS(TS_E_RANGE, troupe_request(&t));
    t.now.ts_type = 0;
    OK(troupe_request(&t));
    t.now.ts_type = 4;
    FAILS(TS_E_RANGE, troupe_grant(&t));
    t.now.ts_type = 0;
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    t.now.ts_type = 4;
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.now.ts_type = 0;
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    t.now.ts_type = 4;
    FAILS(TS_E_RANGE, troupe_resolve(&t));
    t.now.ts_type = 0;
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    t.now.ts_type = 4;
    FAILS(TS_E_RANGE, troupe_answer(&t));
    t.now.ts_type = 0;
    troupe_finish(&t);
    t.now.ts_type = 4;
    troupe_flags(&t, 3, TROUPE_FLAGS);
    FAILS(TS_E_RANGE, mikey_initiator_make(t.i, &t.now, &t.wish));
}

/* R33, R72, R119, R185: a response is not stamped as what it answers. */
static void a_response_has_a_fresh_timestamp(void **state)
{
    (void)state;
    OK(troupe_request(&t));
    t.now.us += SECONDS;
    OK(troupe_grant(&t));
    assert_int_equal(troupe_read(&t.granted).t.value,
                     mikey_now_t(&t.now).value);
    OK(troupe_granted(&t));
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    t.now.us += SECONDS;
    OK(troupe_resolve_at_kms(&t));
    assert_int_equal(troupe_read(&t.bob->resolved).t.value,
                     mikey_now_t(&t.now).value);
    OK(troupe_resolved(&t));
    t.now.us += SECONDS;
    OK(troupe_answer(&t));
    assert_int_equal(troupe_read(&t.bob->resp).t.value,
                     mikey_now_t(&t.now).value);
}

/* ---- clocks that are off ---- */

/* R63: one step after the other with a clock that is off, then with a right
 * one. */
static void each_step_checks_the_clock(void **state)
{
    (void)state;
    enum ts_err (*const step[])(struct troupe *) = {
        troupe_request, troupe_grant,   troupe_granted,        troupe_transfer,
        troupe_offered, troupe_resolve, troupe_resolve_at_kms, troupe_resolved,
        troupe_answer,  troupe_answered};
    for (size_t k = 0; k < sizeof step / sizeof step[0]; k++) {
        const bool hears =
            step[k] == troupe_grant || step[k] == troupe_granted ||
            step[k] == troupe_offered || step[k] == troupe_resolve_at_kms ||
            step[k] == troupe_resolved || step[k] == troupe_answered;
        if (hears) {
            troupe_freeze(&t, &still);
            t.now.us += 300 * SECONDS + 1000;
            FAILS(TS_E_TIME, step[k](&t));
            t.now.us -= 600 * SECONDS + 2000;
            FAILS(TS_E_TIME, step[k](&t));
            t.now.us += 300 * SECONDS + 1000;
            troupe_unchanged(&t, &still);
        }
        OK(step[k](&t));
    }
    troupe_same_keys(&t, 1, NULL);
}

static void the_skew_is_whatever_the_party_says(void **state)
{
    (void)state;
    t.kms.skew = t.alice.skew = t.bob->party.skew = 2;
    OK(troupe_request(&t));
    t.now.us += 3 * SECONDS;
    FAILS(TS_E_TIME, troupe_grant(&t));
    t.now.us -= SECONDS;
    OK(troupe_grant(&t));
    t.now.us += 3 * SECONDS;
    FAILS(TS_E_TIME, troupe_granted(&t));
    t.now.us -= SECONDS;
    OK(troupe_granted(&t));
    OK(troupe_transfer(&t));
    t.now.us += 3 * SECONDS;
    FAILS(TS_E_TIME, troupe_offered(&t));
}

/* ---- replay ---- */

/* A KMS remembers what is authenticated, and only that (6.2). */
static void the_kms_answers_each_request_once(void **state)
{
    (void)state;
    forget();
    OK(troupe_request(&t));
    t.request.b[t.request.n - 1] ^= 1;
    FAILS(TS_E_AUTH, troupe_grant(&t));
    assert_int_equal(memory.asked, 0);
    t.request.b[t.request.n - 1] ^= 1;
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    FAILS(TS_E_REPLAY, troupe_grant(&t));
    struct mikey_msg m = troupe_read(&t.granted);
    assert_int_equal(m.err[0], MIKEY_ERR_TS);
    assert_true(m.has_v); /* it is Alice's, after all */
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    FAILS(TS_E_REPLAY, troupe_resolve_at_kms(&t));
}

/* A counter means nothing to whoever does not remember the last one. */
static void a_counter_is_taken_once_and_not_without_memory(void **state)
{
    (void)state;
    t.now.ts_type = MIKEY_COUNTER;
    t.now.counter = 5;
    OK(troupe_request(&t));
    FAILS(TS_E_TIME, troupe_grant(&t));
    assert_int_equal(troupe_read(&t.granted).err[0], MIKEY_ERR_TS);
    forget();
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    FAILS(TS_E_REPLAY, troupe_grant(&t));
    OK(troupe_transfer(&t));
    t.now.seen = 5;
    uint8_t no;
    FAILS(TS_E_REPLAY,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TS);
    t.now.seen = 4;
    OK(troupe_offered(&t));
}

/* What a Responder remembers: the MAC. Initiator Data of an offer without
 * forking are under no MAC, so the octets of the message would not do. */
static void the_tag_of_an_offer_is_its_mac(void **state)
{
    (void)state;
    static struct troupe_message other;
    uint8_t tag[32];
    troupe_mode(&t, 1, 0);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    struct mikey_msg m = troupe_read(&t.transfer);
    assert_true(ts_span_equal(t.bob->offered.tag, m.v.mac));
    memcpy(tag, m.v.mac.p, 32);
    size_t at = mikey_at(&m, m.ticket.body) + m.ticket.body.n - 2;
    memcpy(other.b, t.transfer.b, at);
    memcpy(other.b + at, "\0\3\0\0\0", 5);
    memcpy(other.b + at + 5, t.transfer.b + at + 2, t.transfer.n - at - 2);
    other.n = t.transfer.n + 3;
    t.transfer = other;
    OK(troupe_verify(&t)); /* it verifies all the same (R189) */
    assert_true(ts_span_equal(t.bob->offered.tag, ts_span(tag, 32)));
}

/* ---- validity (R232, R233) ---- */

static void a_ticket_has_its_time(void **state)
{
    (void)state;
    const uint64_t now = t.now.us / SECONDS;
    struct mikey_ticket_info info;
    t.wish.start = now + 1000;
    t.wish.end = now + 2000;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    FAILS(TS_E_EXPIRED, troupe_granted(&t)); /* of no use yet */
    t.wish.start = now + 290;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    OK(troupe_granted(&t)); /* clocks may differ */
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.start, now + 290);
    assert_int_equal(info.end, now + 2000);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    assert_int_equal(t.bob->offered.ticket.start, now + 290);
    OK(troupe_resolve(&t));
    FAILS(TS_E_EXPIRED, troupe_resolve_at_kms(&t)); /* it is its clock */
    t.now.us += 290 * SECONDS;
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    troupe_finish(&t);
}

/* R62, R63, R232, R233: what is over is refused without asking anybody. */
static void an_offer_with_a_ticket_that_is_over_is_refused(void **state)
{
    (void)state;
    uint8_t no;
    t.wish.end = t.now.us / SECONDS + 10;
    t.alice.skew = 1000;
    troupe_ticket(&t);
    t.now.us += 311 * SECONDS;
    OK(troupe_transfer(&t));
    FAILS(TS_E_EXPIRED,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TPPAR);
    t.now.us -= SECONDS;
    OK(troupe_offered(&t));
}

static void a_ticket_does_not_end_before_it_starts(void **state)
{
    (void)state;
    t.wish.end = t.now.us / SECONDS + 10;
    t.wish.start = t.wish.end + 1;
    FAILS(TS_E_RANGE, troupe_request(&t));
    troupe_mode(&t, 3, 0);
    FAILS(TS_E_RANGE, mikey_initiator_make(t.i, &t.now, &t.wish));
    t.wish.start = t.wish.end;
    OK(mikey_initiator_make(t.i, &t.now, &t.wish));
}

/* R232, R233: until 2104, and no longer. */
static void times_are_from_1968_to_2104(void **state)
{
    (void)state;
    t.wish.end = MIKEY_TIME_MAX + 1;
    FAILS(TS_E_RANGE, troupe_request(&t));
    t.wish.end = 0;
    t.wish.start = MIKEY_TIME_MAX + 1;
    FAILS(TS_E_RANGE, troupe_request(&t));
    t.wish.start = 0;
    t.now.us = (MIKEY_TIME_MAX - 1000) * SECONDS; /* 2104 */
    t.wish.end = MIKEY_TIME_MAX;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    t.wish.end = 0; /* the KMS would say: a day */
    OK(troupe_request(&t));
    FAILS(TS_E_RANGE, troupe_grant(&t));
    t.now.us = UINT64_C(2085978496) * SECONDS; /* the second of the new era */
    begin(NULL);
    t.now.us = UINT64_C(2085978496) * SECONDS;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
}

/* Stamps are compared across 2036 (R214), and never across clocks. */
static void later_is_later_in_both_eras(void **state)
{
    (void)state;
    const struct mikey_time before = {MIKEY_NTP_UTC, UINT64_MAX};
    const struct mikey_time after = {MIKEY_NTP_UTC, 0};
    const struct mikey_time count = {MIKEY_COUNTER, UINT32_MAX};
    struct mikey_time next = {.type = MIKEY_NTP_UTC};
    assert_true(mikey_time_later(after, before));
    assert_false(mikey_time_later(before, after));
    assert_false(mikey_time_later(after, after));
    assert_true(mikey_time_alike(before, after));
    assert_false(mikey_time_alike(before, count));
    OK(mikey_time_after(before, &next));
    assert_int_equal(next.value, 0);
    next.type = MIKEY_NTP_UTC_32;
    OK(mikey_time_after(before, &next));
    assert_int_equal(next.value, 0);
    OK(mikey_time_after(after, &next));
    assert_int_equal(next.value, UINT64_C(1) << 32);
    const struct mikey_time end = {MIKEY_NTP_UTC, INT64_MAX}; /* of 2104 */
    FAILS(TS_E_RANGE, mikey_time_after(end, &next));
    next.type = MIKEY_NTP_UTC;
    FAILS(TS_E_RANGE, mikey_time_after(end, &next));
    next.type = MIKEY_COUNTER;
    FAILS(TS_E_RANGE, mikey_time_after(count, &next));
    OK(mikey_time_after((struct mikey_time){MIKEY_COUNTER, 7}, &next));
    assert_int_equal(next.value, 8);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(every_type_of_timestamp_does_for_a_call),
          TEST(there_is_no_other_type), TEST(a_response_has_a_fresh_timestamp),
          TEST(each_step_checks_the_clock),
          TEST(the_skew_is_whatever_the_party_says),
          TEST(the_kms_answers_each_request_once),
          TEST(a_counter_is_taken_once_and_not_without_memory),
          TEST(the_tag_of_an_offer_is_its_mac), TEST(a_ticket_has_its_time),
          TEST(an_offer_with_a_ticket_that_is_over_is_refused),
          TEST(a_ticket_does_not_end_before_it_starts),
          TEST(times_are_from_1968_to_2104), TEST(later_is_later_in_both_eras))
