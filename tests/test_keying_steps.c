/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a UE's keying in any order, with any buffer and any value, and
 * what they write when all is well (RFC 6043 4.2; R68, R69, R79, R141, R142,
 * R150, R151, R173, R208, R271, R272).
 */
#include "mikey/sdp.h"
#include "tests/stage.h"

static struct stage stage;

static void because(const struct ue_keying *k, const char *reason)
{
    assert_string_equal(ue_keying_reason(k), reason);
}

/* Views go into a buffer that the next call uses again. */
static struct mikey_msg message(const char *line)
{
    static uint8_t raw[4096];
    struct mikey_msg m;
    size_t n;
    OK(mikey_sdp_read(ts_span_str(line), raw, sizeof raw, &n));
    OK(mikey_msg_read(ts_span(raw, n), &m, NULL));
    return m;
}

static void steps_out_of_order_are_errors(void **state)
{
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 256);
    FAILS(TS_E_STATE, ue_keying_granted(s->caller, s->raw, 100, NOW, s->offer,
                                        sizeof s->offer));
    because(s->caller, "nothing was asked of the KMS");
    FAILS(TS_E_STATE, ue_keying_resolved(s->caller, s->raw, 100, NOW, s->line,
                                         sizeof s->line, &s->got));
    stage_no_keys(s);
    FAILS(TS_E_STATE,
          ue_keying_answered(s->caller, "mikey AQAF", NOW, &s->got));
    because(s->caller, "nothing was offered");

    OK(stage_granted(s));
    OK(stage_offered(s));
    FAILS(TS_E_STATE, ue_keying_granted(s->callee, s->raw, s->n, NOW, s->line,
                                        sizeof s->line));
    FAILS(TS_E_STATE, ue_keying_answered(s->callee, s->offer, NOW, &s->got));
    FAILS(TS_E_STATE, ue_keying_resolved(s->caller, s->raw, s->n, NOW, s->line,
                                         sizeof s->line, &s->got));
    stage_no_keys(s);
    OK(stage_resolved(s));
    FAILS(TS_E_STATE, ue_keying_answered(s->callee, s->line, NOW, &s->got));
}

/* A reply to the offer before says nothing of the one that was refused. */
static void a_refused_offer_leaves_nothing_to_resolve(void **state)
{
    struct stage *s = &stage;
    size_t asked;
    (void)state;
    stage_set(s, 256);
    OK(stage_offered(s));
    asked = s->asked;
    s->srtp.tag = 4;
    FAILS(TS_E_UNSUPPORTED, stage_offered(s));
    s->asked = asked;
    FAILS(TS_E_STATE, stage_resolved(s));
    stage_no_keys(s);
}

/* R173: nor is there a second offer with a ticket that was refused. */
static void a_new_request_forgets_the_ticket_before(void **state)
{
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 256);
    OK(stage_granted(s));
    s->policy.responder[0] = stage_uri(EVE);
    FAILS(TS_E_MISMATCH, stage_granted(s));
    stage_answering(s);
    FAILS(TS_E_STATE, stage_answered(s));
    because(s->caller, "nothing was offered");
    stage_no_keys(s);
}

static void credentials_that_cannot_be_used_are_refused(void **state)
{
    struct ue_keying *k = NULL;
    struct ue_credential cred = {ALICE, KMS, "a", stage_key(1, 15), 256, NULL};
    (void)state;
    FAILS(TS_E_RANGE, ue_keying_new(&k, &cred, 1)); /* R271 */
    assert_null(k);
    cred.psk.len = TS_KEY_MAX + 1;
    FAILS(TS_E_RANGE, ue_keying_new(&k, &cred, 1));
    cred.psk.len = 16;
    cred.suite = 192;
    FAILS(TS_E_RANGE, ue_keying_new(&k, &cred, 1));
    cred.suite = 128;
    OK(ue_keying_new(&k, &cred, 1));
    assert_string_equal(ue_keying_reason(k), "");
    ue_keying_free(k);
    ue_keying_free(NULL);
}

static void only_an_identity_can_be_called(void **state)
{
    static const char *const wrong[] = {
        "",      "bob", "bob@example.org", "tel:110", "http://example.org",
        "sip:@h"};
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 128);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FAILS(TS_E_FORMAT, ue_keying_request(s->caller, wrong[i], NOW, s->body,
                                             sizeof s->body, &s->asked));
        because(s->caller, "the callee is not a SIP or tel URI");
    }
}

static enum ts_err granted_into(struct stage *s, size_t cap)
{
    s->cap = cap;
    return stage_granted(s);
}

static enum ts_err resolved_into(struct stage *s, size_t cap)
{
    s->cap = cap;
    return stage_resolved(s);
}

static void buffers_that_are_too_small_are_not_overrun(void **state)
{
    struct stage *s = &stage;
    size_t n;
    (void)state;
    stage_set(s, 256);
    FAILS(TS_E_SPACE, ue_keying_request(s->caller, BOB, NOW, s->body, 100, &n));
    because(s->caller, "the request is too long");
    OK(stage_granted(s));
    size_t line = strlen(s->offer) + 1;
    OK(granted_into(s, line));
    FAILS(TS_E_SPACE, granted_into(s, line - 1));
    because(s->caller, "no room for the key-mgmt value");

    s->cap = sizeof s->offer;
    OK(stage_offered(s));
    FAILS(TS_E_SPACE, ue_keying_offered(s->callee, s->offer, NOW, s->claimed,
                                        s->body, s->asked - 1, &s->asked));
    because(s->callee, "the ticket is too long");
    OK(stage_offered(s));
    OK(stage_resolved(s));
    OK(stage_offered(s));
    FAILS(TS_E_SPACE, resolved_into(s, strlen(s->line)));
    because(s->callee, "no room for the key-mgmt value");
    stage_no_keys(s);
}

static void values_that_are_no_message_are_refused(void **state)
{
    static const struct {
        const char *text;
        enum ts_err err;
    } value[] = {
        {"", TS_E_FORMAT},
        {"mikey", TS_E_FORMAT},
        {"mikey ", TS_E_FORMAT},
        {"mikey A", TS_E_FORMAT},
        {"mikey AQ=A", TS_E_FORMAT},
        {"keyp1 AQAF", TS_E_FORMAT},
        {"mikey AQAF;", TS_E_FORMAT},
        {"Mikey AQAF", TS_E_FORMAT},
        {"mikey AQ4Fgg==", TS_E_SHORT},
    };
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 256);
    OK(stage_granted(s));
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        FAILS(value[i].err,
              ue_keying_answered(s->caller, value[i].text, NOW, &s->got));
        stage_no_keys(s);
        FAILS(value[i].err,
              ue_keying_offered(s->callee, value[i].text, NOW, s->claimed,
                                s->body, sizeof s->body, &s->asked));
    }
    FAILS(TS_E_MISMATCH, ue_keying_answered(s->caller, s->offer, NOW, &s->got));
    OK(stage_offered(s));
    OK(stage_granted(s));
    stage_answering(s);
    stage_write_answer(s);
    FAILS(TS_E_UNKNOWN, ue_keying_offered(s->callee, s->line, NOW, s->claimed,
                                          s->body, sizeof s->body, &s->asked));
}

/* An Error about the message raw, with a T of so many microseconds off. */
static void write_error(struct stage *s, struct ts_span about, uint8_t no,
                        struct mikey_time t)
{
    struct mikey_msg m;
    struct ts_writer w = ts_writer_init(s->raw, sizeof s->raw);
    OK(mikey_msg_read(about, &m, NULL));
    const struct mikey_error_new in = {
        .about = &m.hdr, .t = t, .no = {no}, .n_no = 1};
    mikey_build_error(&w, &in);
    OK(w.err);
    s->n = w.len;
}

static void a_callee_may_say_no(void **state)
{
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 256);
    OK(stage_granted(s));
    write_error(s, message(s->offer).raw, MIKEY_ERR_SPPAR, mikey_time_ntp(NOW));
    OK(mikey_sdp_write(ts_span(s->raw, s->n), s->line, sizeof s->line));
    FAILS(TS_E_PEER, ue_keying_answered(s->caller, s->line, NOW, &s->got));
    because(s->caller, "the callee answered with a MIKEY error");
    stage_no_keys(s);
}

/* Who says so is not known; the KMS's own time then refuses the lie. */
static void a_lie_about_the_time_costs_one_call(void **state)
{
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 256);
    OK(ue_keying_request(s->caller, BOB, NOW, s->body, sizeof s->body,
                         &s->asked));
    struct ts_span sent = ts_span(s->body, s->asked);
    write_error(s, sent, MIKEY_ERR_TS,
                (struct mikey_time){MIKEY_COUNTER, 4711});
    FAILS(TS_E_PEER, ue_keying_granted(s->caller, s->raw, s->n, NOW, s->offer,
                                       sizeof s->offer));
    write_error(s, sent, MIKEY_ERR_TS, mikey_time_ntp(NOW * 2));
    FAILS(TS_E_AGAIN, ue_keying_granted(s->caller, s->raw, s->n, NOW, s->offer,
                                        sizeof s->offer));
    FAILS(TS_E_TIME, stage_granted(s));
}

/* Alice's keys when Bob's answer comes with these and those RANDRkms. */
static bool fork_matters(struct stage *s, enum mikey_key_type type)
{
    struct ue_media_keys first;
    stage_set(s, 256);
    s->keys[2].type = (uint8_t)type;
    OK(stage_granted(s));
    stage_answering(s);
    OK(stage_answered(s));
    first = s->got;
    s->rand_kms.b[0] ^= 1;
    OK(stage_answered(s));
    assert_int_equal(first.recv.ssrc, SSRC_BOB);
    return !ts_equal(first.recv.master.b, 32, s->got.recv.master.b, 32);
}

/* R141, R142, R150, R151 */
static void tgks_are_forked_and_group_keys_are_not(void **state)
{
    (void)state;
    assert_true(fork_matters(&stage, MIKEY_TGK));
    assert_false(fork_matters(&stage, MIKEY_GTGK));
}

/* R68, R69, R208: #P is one, and each session has its SSRC and SPI. */
static void an_answer_fills_in_what_the_offer_left_out(void **state)
{
    struct stage *s = &stage;
    struct mikey_msg m;
    struct mikey_cs cs;
    (void)state;
    stage_set(s, 256);
    s->cs[1].policies = ts_span("\0\1", 2);
    s->cs[1].spi = ts_span(NULL, 0);
    OK(stage_offered(s));
    OK(stage_resolved(s));
    m = message(s->line);
    OK(mikey_cs_find(&m.hdr, 2, &cs));
    assert_true(ts_span_equal(cs.policies, LITERAL("\0")));
    assert_true(ts_span_equal(cs.spi, ts_span_str("t")));
    assert_int_equal(cs.ssrc, SSRC_BOB);
    OK(mikey_cs_find(&m.hdr, 1, &cs));
    assert_int_equal(cs.ssrc, SSRC_ALICE);
    assert_int_equal(m.n_sp, 0); /* R79 */
}

/* The KMS's clock is the callee's in all that it checks and says. */
static void a_clock_that_was_set_is_used_throughout(void **state)
{
    struct stage *s = &stage;
    (void)state;
    stage_set(s, 256);
    OK(stage_offered(s));
    write_error(s, ts_span(s->body, s->asked), MIKEY_ERR_TS,
                mikey_time_ntp(NOW + 280 * SECONDS));
    FAILS(TS_E_AGAIN, ue_keying_resolved(s->callee, s->raw, s->n, NOW, s->line,
                                         sizeof s->line, &s->got));
    s->late = -21 * SECONDS;
    FAILS(TS_E_TIME, stage_offered(s));
    s->late = 0;
    s->policy.end = NOW / SECONDS - 21;
    FAILS(TS_E_EXPIRED, stage_offered(s));
    s->policy.end = NOW / SECONDS - 19;
    OK(stage_offered(s));
    OK(stage_resolved(s));
    struct mikey_msg m = message(s->line);
    assert_true(m.t.value == mikey_time_ntp(NOW + 280 * SECONDS).value);
}

/* R272: RANDs as long as the longest key that they freshen. */
static void rands_are_as_long_as_the_keys(void **state)
{
    struct stage *s = &stage;
    struct mikey_msg m;
    (void)state;
    stage_set(s, 256);
    ue_keying_free(s->caller);
    ue_keying_free(s->callee);
    s->alice.psk = s->bob.psk = stage_key(1, 48);
    OK(ue_keying_new(&s->caller, &s->alice, SSRC_ALICE));
    OK(ue_keying_new(&s->callee, &s->bob, SSRC_BOB));
    s->tgk = stage_key(1, TS_KEY_MAX);
    s->keys[2].key = ts_key_span(&s->tgk);
    s->rand_kms = stage_key(1, TS_KEY_MAX);
    OK(stage_granted(s));
    OK(mikey_msg_read(ts_span(s->body, s->asked), &m, NULL));
    assert_int_equal(m.rand[MIKEY_RAND_I].n, 48);
    m = message(s->offer);
    assert_int_equal(m.rand[MIKEY_RAND_I].n, TS_KEY_MAX);

    OK(stage_offered(s));
    OK(mikey_msg_read(ts_span(s->body, s->asked), &m, NULL));
    assert_int_equal(m.rand[MIKEY_RAND_R].n, 48);
    OK(stage_resolved(s));
    m = message(s->line);
    assert_int_equal(m.rand[MIKEY_RAND_R].n, TS_KEY_MAX);
}

UNIT_MAIN(cmocka_unit_test(steps_out_of_order_are_errors),
          cmocka_unit_test(a_refused_offer_leaves_nothing_to_resolve),
          cmocka_unit_test(a_new_request_forgets_the_ticket_before),
          cmocka_unit_test(credentials_that_cannot_be_used_are_refused),
          cmocka_unit_test(only_an_identity_can_be_called),
          cmocka_unit_test(buffers_that_are_too_small_are_not_overrun),
          cmocka_unit_test(values_that_are_no_message_are_refused),
          cmocka_unit_test(tgks_are_forked_and_group_keys_are_not),
          cmocka_unit_test(an_answer_fills_in_what_the_offer_left_out),
          cmocka_unit_test(a_callee_may_say_no),
          cmocka_unit_test(a_lie_about_the_time_costs_one_call),
          cmocka_unit_test(a_clock_that_was_set_is_used_throughout),
          cmocka_unit_test(rands_are_as_long_as_the_keys))
