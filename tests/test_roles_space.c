/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory, randomness and the order of steps: too little of one, a source that
 * fails, a step too early or too late. Whatever happens, an object is as it
 * was, and goes on.
 */
#include "tests/troupe.h"

#include <stdalign.h>

static struct troupe t;
static struct troupe_still still;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

/* ---- room for a message ---- */

static const struct mikey_key mine = {
    .type = MIKEY_TEK_SALT,
    .key = {(const uint8_t *)"this is a traffic encryption key", 32},
    .salt = {(const uint8_t *)"a salt of 14..", 14},
    .spi = {(const uint8_t *)"x", 1}};

/* Nothing of the key stands anywhere in clear. */
static void no_key_in(const uint8_t *p, size_t n)
{
    for (size_t k = 0; k + 8 <= n; k++)
        assert_memory_not_equal(p + k, mine.key.p, 8);
}

/* Each step that writes, with each size of the caller's memory. */
static enum ts_err write_step(unsigned step, uint8_t *out, size_t cap,
                              size_t *n)
{
    static struct mikey_bundle *b;
    static const uint8_t no[] = {MIKEY_ERR_UNSPECIFIED, MIKEY_ERR_TS};
    const struct mikey_update u = {.want_answer = true};
    switch (step) {
    case 0:
        return mikey_initiator_request(t.i, &t.now, &t.wish, out, cap, n);
    case 1:
        return mikey_initiator_transfer(t.i, &t.now, &t.offer, out, cap, n);
    case 2:
        return mikey_responder_resolve(t.bob->r, &t.now, out, cap, n);
    case 3:
        return mikey_responder_refuse(t.bob->r, &t.now, no, 2, &t.policy, 1,
                                      out, cap, n);
    case 4:
        return mikey_responder_answer(t.bob->r, &t.now, &t.bob->answer, out,
                                      cap, n, t.bob->mem_at_r, TROUPE_MEM, &b);
    case 5:
        return mikey_initiator_refuse(t.i, &t.now, troupe_view(&t.bob->resp),
                                      no, 2, &t.policy, 1, out, cap, n);
    default:
        return mikey_bundle_update(t.bob->at_i, &t.now, &u, out, cap, n);
    }
}

static void up_to_write(unsigned step)
{
    troupe_begin(&t, 256);
    troupe_mode(&t, 1,
                MIKEY_FLAG_I | MIKEY_FLAG_L | MIKEY_FLAG_M | MIKEY_FLAG_J);
    if (step == 0)
        return;
    troupe_ticket(&t);
    if (step == 1) {
        t.offer.keys = &mine;
        t.offer.n_keys = 1;
        return;
    }
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    if (step == 2)
        return;
    OK(troupe_verify(&t));
    if (step == 4) {
        t.bob->answer.keys = &mine;
        t.bob->answer.n_keys = 1;
    }
    if (step >= 5)
        troupe_finish(&t);
}

static void a_message_that_does_not_fit_changes_nothing(void **state)
{
    (void)state;
    static uint8_t out[TROUPE_MAX];
    for (unsigned step = 0; step <= 6; step++) {
        size_t n = 0, cap = 0;
        up_to_write(step);
        troupe_freeze(&t, &still);
        memset(out, 0xee, sizeof out); /* lint: of the test */
        while (write_step(step, out, cap, &n) == TS_E_SPACE) {
            no_key_in(out, cap); /* it was written in clear, then wiped */
            assert_int_equal(out[cap], 0xee);
            cap++;
        }
        assert_int_equal(n, cap);
        assert_int_equal(out[cap], 0xee);
        assert_true(cap > 60);
        up_to_write(step); /* once more, and nothing had changed by then */
        troupe_freeze(&t, &still);
        for (size_t k = 0; k < cap; k++)
            FAILS(TS_E_SPACE, write_step(step, out, k, &n));
        troupe_unchanged(&t, &still);
        OK(write_step(step, out, cap, &n));
    }
}

/* The KMS: then an Error fits, or nothing does. */
static void an_answer_of_the_kms_that_does_not_fit_leaves_nothing(void **state)
{
    (void)state;
    static uint8_t out[TROUPE_MAX];
    for (unsigned resolve = 0; resolve < 2; resolve++) {
        size_t n = 0, cap = 0, most;
        begin(NULL);
        OK(troupe_request(&t));
        OK(troupe_grant(&t));
        OK(troupe_granted(&t));
        OK(troupe_transfer(&t));
        OK(troupe_offered(&t));
        OK(troupe_resolve(&t));
        OK(troupe_resolve_at_kms(&t));
        const struct troupe_message *in =
            resolve ? &t.bob->resolve : &t.request;
        most = resolve ? t.bob->resolved.n : t.granted.n;
        for (cap = 0; cap < most; cap++) {
            memset(out, 0, sizeof out); /* lint: of the test */
            FAILS(TS_E_SPACE, mikey_kms_answer(&t.kms, &t.now, troupe_view(in),
                                               out, cap, &n));
            assert_true(n <= cap);
            assert_true(n == 0 || out[1] == MIKEY_ERROR);
            assert_int_equal(n > 0, cap >= 58); /* HDR, T, ERR, V */
            for (size_t k = n; n && k < sizeof out; k++)
                assert_int_equal(out[k], 0);
        }
        OK(mikey_kms_answer(&t.kms, &t.now, troupe_view(in), out, cap, &n));
    }
}

/* ---- room in an object ---- */

/* A whole call among objects for messages of at most max octets. */
static enum ts_err small_call(size_t max)
{
    struct troupe_callee *c = t.bob;
    begin(NULL);
    t.i = mikey_initiator_init(t.mem_i, mikey_initiator_size(max), &t.alice);
    c->r = mikey_responder_init(c->mem_r, mikey_responder_size(max), &c->party);
    if (!t.i || !c->r)
        return TS_E_SPACE;
    enum ts_err (*const step[])(struct troupe *) = {
        troupe_request, troupe_grant,   troupe_granted,        troupe_transfer,
        troupe_offered, troupe_resolve, troupe_resolve_at_kms, troupe_resolved,
        troupe_answer,  troupe_answered};
    for (size_t k = 0; k < sizeof step / sizeof step[0]; k++) {
        const bool full = k == 4 && max < t.transfer.n;
        troupe_freeze(&t, &still);
        enum ts_err err = step[k](&t);
        assert_true(!full || err == TS_E_SPACE);
        if (err)
            troupe_unchanged(&t, &still);
        if (err)
            return err;
    }
    return TS_OK;
}

static void an_object_holds_messages_of_the_size_it_was_made_for(void **state)
{
    (void)state;
    size_t max = 0, most = 0;
    while (small_call(max) == TS_E_SPACE)
        max += 1 + max / 97;
    const struct troupe_message *all[] = {&t.request,       &t.granted,
                                          &t.transfer,      &t.bob->resolve,
                                          &t.bob->resolved, &t.bob->resp};
    for (size_t k = 0; k < 6; k++)
        most = all[k]->n > most ? all[k]->n : most;
    OK(small_call(most));
    assert_true(max <= most + 1 + most / 97);
}

static void memory_must_be_enough_and_aligned(void **state)
{
    (void)state;
    const size_t i = mikey_initiator_size(0), r = mikey_responder_size(0);
    for (size_t n = 0; n < i + 4; n++) /* a byte for each buffer */
        assert_null(mikey_initiator_init(t.mem_i, n, &t.alice));
    assert_non_null(mikey_initiator_init(t.mem_i, i + 4, &t.alice));
    for (size_t n = 0; n < r + 4; n++)
        assert_null(mikey_responder_init(t.mem_i, n, &t.alice));
    assert_non_null(mikey_responder_init(t.mem_i, r + 4, &t.alice));
    for (size_t off = 1; off < alignof(max_align_t); off++) {
        assert_null(
            mikey_initiator_init(t.mem_i + off, TROUPE_MEM - 16, &t.alice));
        assert_null(
            mikey_responder_init(t.mem_i + off, TROUPE_MEM - 16, &t.alice));
    }
    assert_null(mikey_initiator_init(NULL, TROUPE_MEM, &t.alice));
    assert_null(mikey_responder_init(NULL, TROUPE_MEM, &t.alice));
    mikey_initiator_wipe(NULL);
    mikey_responder_wipe(NULL);
    mikey_bundle_wipe(NULL);
}

static enum ts_err bundles_in(uint8_t *mem, size_t n, bool initiator)
{
    struct troupe_callee *c = t.bob;
    size_t out;
    if (initiator)
        return mikey_initiator_answered(t.i, &t.now, troupe_view(&c->resp), mem,
                                        n, &c->at_i);
    return mikey_responder_answer(c->r, &t.now, &c->answer, c->resp.b,
                                  TROUPE_MAX, &out, mem, n, &c->at_r);
}

/* No bundle, and the step can be taken again with more. */
static void a_bundle_needs_its_memory(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        begin(NULL);
        troupe_verified(&t);
        if (k)
            OK(troupe_answer(&t));
        uint8_t *mem = k ? t.bob->mem_at_i : t.bob->mem_at_r;
        troupe_freeze(&t, &still);
        FAILS(TS_E_SPACE, bundles_in(NULL, TROUPE_MEM, k));
        FAILS(TS_E_SPACE, bundles_in(mem + 4, TROUPE_MEM - 4, k));
        size_t n = 0;
        while (bundles_in(mem, n, k) == TS_E_SPACE) {
            troupe_unchanged(&t, &still);
            n += n < mikey_bundle_size(0) ? 512 : 5;
        }
        assert_true(n > mikey_bundle_size(10) && n < mikey_bundle_size(200));
        if (!k) { /* it was answered then; from here on as usual */
            FAILS(TS_E_STATE, bundles_in(mem, TROUPE_MEM, k));
            continue;
        }
        troupe_same_keys(&t, 1, NULL);
    }
}

/* As many sessions as a map holds, with as many octets as they may have. */
static void all_the_sessions_that_there_can_be_are_negotiated(void **state)
{
    (void)state;
    static struct mikey_session offered[256], answered[256];
    static struct mikey_srtp_policy policies[16];
    static const uint8_t numbers[] = {0, 1, 2,  3,  4,  5,  6,  7,
                                      8, 9, 10, 11, 12, 13, 14, 15};
    struct mikey_session s;
    for (size_t k = 0; k < 16; k++)
        policies[k] = mikey_srtp_usual(mikey_suite_bits(256));
    for (size_t k = 0; k < 256; k++)
        offered[k] = (struct mikey_session){.cs = (uint8_t)(k + 1),
                                            .known = k % 2 == 0,
                                            .started = k % 4 == 0,
                                            .roc = 7,
                                            .seq = 8,
                                            .ssrc = 1000 + (uint32_t)k,
                                            .policies = ts_span(numbers, 2)};
    for (size_t k = 0; k < 256; k++) {
        answered[k] = offered[k];
        answered[k].known = true;
        answered[k].policies.n = 0;
    }
    t.offer.session = offered;
    t.offer.policy = policies;
    t.offer.n_policies = 16;
    t.bob->answer.session = answered;
    troupe_ticket(&t);
    t.offer.n_sessions = 255; /* CS ID 255 is none (3.3) */
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.offer.n_sessions = 256;
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.offer.n_sessions = 254;
    FAILS(TS_E_SPACE, troupe_transfer(&t)); /* of the test */
    t.offer.n_sessions = t.bob->answer.n_sessions = 180;
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    FAILS(TS_E_NOTFOUND, mikey_responder_session(t.bob->r, 180, &s));
    OK(mikey_responder_session(t.bob->r, 179, &s));
    assert_int_equal(s.cs, 180);
    troupe_finish(&t);
    assert_int_equal(mikey_bundle_sessions(t.bob->at_i), 180);
    troupe_same_keys(&t, 180, NULL);
    FAILS(TS_E_NOTFOUND, mikey_bundle_session(t.bob->at_i, 180, &s));
    OK(mikey_bundle_session(t.bob->at_i, 4, &s)); /* R198, R206 */
    assert_true(s.started);
    assert_int_equal(s.ssrc, 1004);
    assert_int_equal(s.roc, 7);
    assert_int_equal(s.seq, 8);
    t.offer.n_policies = 17;
    FAILS(TS_E_DENIED, troupe_transfer(&t)); /* no J */
    begin(NULL);
    t.offer.policy = policies;
    t.offer.n_policies = 17;
    troupe_ticket(&t);
    FAILS(TS_E_RANGE, troupe_transfer(&t));
}

static void lists_that_are_too_long_are_not_written(void **state)
{
    (void)state;
    static const uint8_t zeros[256];
    troupe_ticket(&t);
    troupe_freeze(&t, &still);
    t.session[0].policies = ts_span(zeros, 128);
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.session[0].policies = ts_span(zeros, 127);
    t.session[0].spi = ts_span(zeros, 256);
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.session[0].spi = ts_span(zeros, 255);
    t.session[1].cs = 1;
    FAILS(TS_E_RANGE, troupe_transfer(&t)); /* a CS ID twice */
    t.session[1].cs = 0;
    FAILS(TS_E_RANGE, troupe_transfer(&t));
    t.session[1].cs = 2;
    t.session[1].policies = ts_span("\1", 1);
    FAILS(TS_E_RANGE, troupe_transfer(&t)); /* R203: there is none */
    t.session[1].policies = ts_span("", 1);
    t.session[1].prot = MIKEY_PROT_TESLA;
    FAILS(TS_E_RANGE, troupe_transfer(&t)); /* R203: not for that */
    t.session[1].prot = MIKEY_PROT_SRTP;
    troupe_unchanged(&t, &still);
    t.session[0].policies.n = 1;
    t.session[0].spi.n = 0;
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    t.bob->session.policies = ts_span(zeros, 2); /* R199 */
    troupe_freeze(&t, &still);
    FAILS(TS_E_RANGE, troupe_answer(&t));
    t.bob->session.policies.n = 0;
    t.bob->session.spi = ts_span(zeros, 256);
    FAILS(TS_E_RANGE, troupe_answer(&t));
    t.bob->session.spi.n = 0;
    t.bob->answer.n_policies = 1;
    t.bob->answer.policy = &t.policy;
    FAILS(TS_E_RANGE, troupe_answer(&t)); /* without a number */
    t.bob->answer.policy_no = zeros;
    FAILS(TS_E_EXISTS, troupe_answer(&t)); /* R79 */
    troupe_unchanged(&t, &still);
    t.bob->answer.n_policies = 0;
    troupe_finish(&t);
}

/* ---- randomness ---- */

static enum ts_err make_ticket(struct troupe *all)
{
    return mikey_initiator_make(all->i, &all->now, &all->wish);
}

typedef enum ts_err (*step_fn)(struct troupe *);

/* Each draw of a step fails: it is not taken, and can be taken again. Gives the
 * number of its draws. */
static unsigned draws_of(step_fn step)
{
    for (unsigned nth = 1;; nth++) {
        troupe_freeze(&t, &still);
        t.fails_from = t.draws + nth;
        enum ts_err err = step(&t);
        t.fails_from = 0;
        if (!err)
            return nth - 1;
        assert_int_equal(err, TS_E_IO);
        troupe_unchanged(&t, &still);
    }
}

static void each_draw_may_fail(void **state)
{
    (void)state;
    const step_fn mode_1[] = {troupe_request, troupe_grant, troupe_granted};
    const step_fn rest[] = {
        troupe_transfer, troupe_offered, troupe_resolve, troupe_resolve_at_kms,
        troupe_resolved, troupe_answer,  troupe_answered};
    const unsigned wanted[] = {2, 0, 2, 1, 0, 1, 0};
    for (unsigned mode = 1; mode <= 3; mode += 2) {
        begin(NULL);
        troupe_mode(&t, mode, MIKEY_FLAG_I);
        if (mode == 1)
            for (size_t k = 0; k < 3; k++)
                assert_int_equal(draws_of(mode_1[k]), k == 0   ? 2
                                                      : k == 1 ? 3
                                                               : 0);
        else
            assert_int_equal(draws_of(make_ticket), 3);
        for (size_t k = 0; k < sizeof rest / sizeof rest[0]; k++)
            assert_int_equal(draws_of(rest[k]), wanted[k]);
        troupe_same_keys(&t, 1, NULL);
    }
}

/* ---- the order of steps ---- */

static void initiator_steps(enum ts_err granted, enum ts_err ticket,
                            enum ts_err rand, enum ts_err answered,
                            enum ts_err unanswered)
{
    struct mikey_ticket_info info;
    struct mikey_held held;
    struct ts_span r;
    uint32_t csb;
    struct mikey_bundle *b;
    FAILS(granted,
          mikey_initiator_granted(t.i, &t.now, troupe_view(&t.granted)));
    FAILS(ticket, mikey_initiator_ticket(t.i, &info));
    FAILS(ticket, mikey_initiator_hold(t.i, &held));
    FAILS(rand, mikey_initiator_rand(t.i, &r, &csb));
    FAILS(answered,
          mikey_initiator_answered(t.i, &t.now, troupe_view(&t.bob->resp),
                                   t.bob->mem_at_i, TROUPE_MEM, &b));
    FAILS(unanswered, mikey_initiator_unanswered(t.i, &t.now, t.bob->mem_at_i,
                                                 TROUPE_MEM, &b));
}

/* R45, R49, R220 */
static void an_initiator_takes_its_steps_in_their_order(void **state)
{
    (void)state;
    initiator_steps(TS_E_STATE, TS_E_STATE, TS_E_STATE, TS_E_STATE, TS_E_STATE);
    FAILS(TS_E_STATE, troupe_transfer(&t));
    OK(troupe_request(&t));
    initiator_steps(TS_E_SHORT, TS_E_STATE, TS_E_STATE, TS_E_STATE, TS_E_STATE);
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    initiator_steps(TS_E_STATE, TS_OK, TS_E_STATE, TS_E_STATE, TS_E_STATE);
    OK(troupe_transfer(&t));
    initiator_steps(TS_E_STATE, TS_OK, TS_OK, TS_E_SHORT, TS_E_STATE); /* F */
    OK(troupe_verify(&t));
    troupe_finish(&t);
    initiator_steps(TS_E_STATE, TS_OK, TS_OK, TS_OK, TS_E_STATE);
    OK(troupe_request(&t)); /* R49: the ticket stays until another is there */
    initiator_steps(TS_E_MISMATCH, TS_OK, TS_OK, TS_OK, TS_E_STATE);
    OK(troupe_grant(&t));
    OK(troupe_granted(&t));
    initiator_steps(TS_E_STATE, TS_OK, TS_E_STATE, TS_E_STATE, TS_E_STATE);
}

static void responder_steps(enum ts_err look, enum ts_err resolved,
                            enum ts_err open, enum ts_err hold,
                            enum ts_err answer)
{
    struct mikey_session s;
    struct mikey_srtp_policy p;
    struct mikey_held held;
    struct mikey_bundle *b;
    size_t n;
    const struct mikey_held nothing = {.rand_kms = {NULL, 0}};
    FAILS(look, mikey_responder_session(t.bob->r, 0, &s));
    FAILS(look, mikey_responder_policy(t.bob->r, 0, &p));
    FAILS(look ? look : TS_E_NOTFOUND, mikey_responder_policy(t.bob->r, 1, &p));
    FAILS(resolved, mikey_responder_resolved(t.bob->r, &t.now,
                                             troupe_view(&t.bob->resp)));
    FAILS(open, mikey_responder_open(t.bob->r, &t.now));
    FAILS(open, mikey_responder_reuse(t.bob->r, &t.now, &nothing));
    FAILS(hold, mikey_responder_hold(t.bob->r, &held));
    FAILS(answer, mikey_responder_answer(t.bob->r, &t.now, NULL, NULL, 0, &n,
                                         t.bob->mem_at_r, 0, &b));
}

static void a_responder_takes_its_steps_in_their_order(void **state)
{
    (void)state;
    const enum ts_err no = TS_E_STATE;
    responder_steps(no, no, no, no, no);
    FAILS(no, troupe_resolve(&t));
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    responder_steps(TS_OK, no, TS_E_DENIED, no, no);
    OK(troupe_resolve(&t));
    responder_steps(TS_OK, TS_E_SHORT, TS_E_DENIED, no, no);
    OK(troupe_resolve(&t)); /* once more */
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    responder_steps(TS_OK, no, no, TS_OK, TS_E_SPACE);
    FAILS(no, troupe_resolve(&t));
    OK(troupe_answer(&t));
    responder_steps(TS_OK, no, no, TS_OK, no); /* an offer is answered once */
    FAILS(no, troupe_resolve(&t));
    OK(troupe_offered(&t)); /* the same once more: his own to know */
    responder_steps(TS_OK, no, TS_E_DENIED, no, no);
}

/* What is wiped holds no key. */
static void what_is_wiped_is_gone(void **state)
{
    (void)state;
    t.wish.keys = &mine;
    t.wish.n_keys = 1;
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_L);
    troupe_ticket(&t);
    struct mikey_key other = mine;
    other.spi = ts_span("y", 1);
    t.offer.keys = &other;
    t.offer.n_keys = 1;
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    mikey_initiator_wipe(t.i);
    mikey_responder_wipe(t.bob->r);
    mikey_bundle_wipe(t.bob->at_i);
    mikey_bundle_wipe(t.bob->at_r);
    no_key_in(t.mem_i, TROUPE_MEM);
    no_key_in(t.bob->mem_r, TROUPE_MEM);
    no_key_in(t.bob->mem_at_i, TROUPE_MEM);
    no_key_in(t.bob->mem_at_r, TROUPE_MEM);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(a_message_that_does_not_fit_changes_nothing),
          TEST(an_answer_of_the_kms_that_does_not_fit_leaves_nothing),
          TEST(an_object_holds_messages_of_the_size_it_was_made_for),
          TEST(memory_must_be_enough_and_aligned),
          TEST(a_bundle_needs_its_memory),
          TEST(all_the_sessions_that_there_can_be_are_negotiated),
          TEST(lists_that_are_too_long_are_not_written),
          TEST(each_draw_may_fail),
          TEST(an_initiator_takes_its_steps_in_their_order),
          TEST(a_responder_takes_its_steps_in_their_order),
          TEST(what_is_wiped_is_gone))
