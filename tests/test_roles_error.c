/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors (RFC 6043 5.4) of Initiator, Responder and KMS: about whatever they
 * may be about, bare, under a MAC, and with policies.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;
static struct troupe_message error;

static const uint8_t numbers[] = {
    MIKEY_ERR_SPPAR, MIKEY_ERR_TPPAR,       MIKEY_ERR_AUTH,
    MIKEY_ERR_TS,    MIKEY_ERR_ID,          MIKEY_ERR_SP,
    MIKEY_ERR_DT,    MIKEY_ERR_UNSPECIFIED, MIKEY_ERR_PRF};

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

static enum ts_err bob_refuses(size_t n, size_t n_policies)
{
    const struct mikey_srtp_policy p[] = {
        mikey_srtp_gcm(mikey_suite_bits(256)),
        mikey_srtp_usual(mikey_suite_bits(256))};
    return mikey_responder_refuse(t.bob->r, &t.now, numbers, n, p, n_policies,
                                  error.b, TROUPE_MAX, &error.n);
}

static enum ts_err alice_hears(void)
{
    return mikey_initiator_answered(t.i, &t.now, troupe_view(&error),
                                    t.bob->mem_at_i, TROUPE_MEM, &t.bob->at_i);
}

/* R183-R185: what each Error has in common with what it is about. */
static void is_about(const struct troupe_message *m, bool with_v)
{
    struct mikey_msg a = troupe_read(m), e = troupe_read(&error);
    assert_int_equal(e.hdr.type, MIKEY_ERROR);
    assert_int_equal(e.hdr.prf, a.hdr.prf); /* R183 */
    assert_int_equal(e.hdr.csb, a.hdr.csb);
    assert_false(e.hdr.v); /* R184 */
    assert_int_equal(e.hdr.n_cs, 0);
    assert_int_equal(e.hdr.map_type, MIKEY_MAP_EMPTY);      /* AMB 9 */
    assert_int_equal(e.t.value, mikey_now_t(&t.now).value); /* R185 */
    assert_int_equal(e.has_v, with_v);
}

/* ---- about an offer ---- */

/* R181: without a key there is no MAC; the Initiator knows what that means. */
static void an_offer_that_is_not_verified_gets_a_hint(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    FAILS(TS_E_STATE, bob_refuses(1, 0)); /* nothing was offered */
    OK(troupe_offered(&t));
    t.now.us += SECONDS;
    OK(bob_refuses(2, 0));
    is_about(&t.transfer, false);
    troupe_freeze(&t, &still);
    FAILS(TS_E_PEER, alice_hears());
    troupe_unchanged(&t, &still);
    const struct mikey_refusal *r = mikey_initiator_refusal(t.i);
    assert_false(r->proven);
    assert_int_equal(r->n, 2);
    assert_memory_equal(r->no, numbers, 2);
    OK(troupe_resolve(&t));
    OK(bob_refuses(1, 0));
    is_about(&t.transfer, false);
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    troupe_finish(&t); /* both went on all the same */
}

/* R181, R182, R187 */
static void an_offer_that_is_verified_gets_an_error_under_its_keys(void **state)
{
    (void)state;
    for (unsigned forked = 0; forked <= MIKEY_FLAG_I; forked += MIKEY_FLAG_I) {
        struct mikey_srtp_policy p;
        uint8_t no;
        begin(NULL);
        troupe_mode(&t, 1, forked);
        troupe_verified(&t);
        OK(bob_refuses(1, 2));
        is_about(&t.transfer, true);
        FAILS(TS_E_PEER, alice_hears());
        assert_true(mikey_initiator_refusal(t.i)->proven);
        OK(mikey_look_policy(troupe_view(&error), 0, &no, &p)); /* R182 */
        assert_int_equal(no, 0);
        assert_int_equal(p.encr_alg, MIKEY_SRTP_AES_GCM);
        OK(mikey_look_policy(troupe_view(&error), 1, &no, &p));
        assert_int_equal(no, 1);
        assert_int_equal(p.encr_alg, MIKEY_SRTP_AES_CM);
        for (size_t at = 0; at < error.n; at++) {
            error.b[at] ^= 1; /* then it proves nothing any more */
            enum ts_err err = alice_hears();
            assert_int_not_equal(err, TS_OK);
            assert_true(err != TS_E_PEER ||
                        !mikey_initiator_refusal(t.i)->proven);
            error.b[at] ^= 1;
        }
        troupe_finish(&t); /* R87: Alice may go on as she likes */
    }
}

/* R175, R176: also what could not be read, or was refused at once. */
static void a_message_that_was_refused_gets_an_error(void **state)
{
    (void)state;
    static struct troupe_message good;
    uint8_t no;
    troupe_verified(&t);
    good = t.transfer;
    t.transfer.b[4] ^= 1; /* CSB ID */
    t.transfer.n--;
    troupe_freeze(&t, &still);
    FAILS(TS_E_SHORT,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    troupe_unchanged(&t, &still); /* Bob still has the offer before */
    assert_int_equal(no, MIKEY_ERR_UNSPECIFIED);
    OK(bob_refuses(1, 0));
    struct mikey_msg e = troupe_read(&error);
    assert_int_equal(e.hdr.csb, troupe_read(&good).hdr.csb ^ 0x01000000);
    assert_false(e.has_v); /* whatever Bob can prove is about another */
    t.now.us += 301 * SECONDS;
    FAILS(TS_E_TIME,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&good),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TS);
    OK(bob_refuses(1, 0));
    is_about(&good, false);
    t.now.us -= 301 * SECONDS;
    OK(troupe_answer(&t));                /* what he has is proven */
    FAILS(TS_E_STATE, bob_refuses(1, 0)); /* and over */
}

static void there_is_no_error_about_nothing_and_none_about_errors(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    for (size_t n = 0; n < 10; n++) { /* no HDR */
        FAILS(TS_E_SHORT, mikey_responder_offered(t.bob->r, &t.now,
                                                  ts_span(t.transfer.b, n),
                                                  &t.bob->offered, NULL));
        FAILS(TS_E_STATE, bob_refuses(1, 0));
    }
    OK(troupe_offered(&t));
    OK(bob_refuses(1, 0));
    FAILS(TS_E_UNKNOWN,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&error),
                                  &t.bob->offered, NULL));
    FAILS(TS_E_STATE, bob_refuses(1, 0));
    FAILS(TS_E_STATE,
          mikey_initiator_refuse(t.i, &t.now, troupe_view(&error), numbers, 1,
                                 NULL, 0, error.b, TROUPE_MAX, &error.n));
    OK(troupe_offered(&t));
    FAILS(TS_E_RANGE, bob_refuses(0, 0));
    FAILS(TS_E_RANGE, bob_refuses(9, 0));
    OK(bob_refuses(8, 0));
    const struct mikey_srtp_policy many[17] = {t.policy};
    FAILS(TS_E_RANGE,
          mikey_responder_refuse(t.bob->r, &t.now, numbers, 1, many, 17,
                                 error.b, TROUPE_MAX, &error.n));
    OK(mikey_responder_refuse(t.bob->r, &t.now, numbers, 1, many, 16, error.b,
                              TROUPE_MAX, &error.n));
}

/* A message of any other type is not an offer (Error 11). */
static void what_is_no_offer_is_refused_by_its_type(void **state)
{
    (void)state;
    uint8_t no;
    troupe_call(&t);
    const struct troupe_message *others[] = {&t.request, &t.granted,
                                             &t.bob->resolve, &t.bob->resolved,
                                             &t.bob->resp};
    for (size_t k = 0; k < 5; k++) {
        FAILS(TS_E_UNKNOWN,
              mikey_responder_offered(t.bob->r, &t.now, troupe_view(others[k]),
                                      &t.bob->offered, &no));
        assert_int_equal(no, MIKEY_ERR_DT);
        OK(bob_refuses(1, 0));
        is_about(others[k], false);
    }
}

/* ---- about an answer ---- */

static enum ts_err alice_refuses(const struct troupe_message *m)
{
    return mikey_initiator_refuse(t.i, &t.now, troupe_view(m), numbers, 1,
                                  &t.policy, 1, error.b, TROUPE_MAX, &error.n);
}

/* R85-R87, R181, R187: under the keys of the answer. */
static void an_answer_that_will_not_do_gets_an_error(void **state)
{
    (void)state;
    for (unsigned forked = 0; forked <= MIKEY_FLAG_I; forked += MIKEY_FLAG_I) {
        uint8_t out[8];
        size_t n;
        const struct mikey_srtp_policy gcm =
            mikey_srtp_gcm(mikey_suite_bits(256));
        begin(NULL);
        troupe_mode(&t, 1, forked);
        t.bob->answer.policy = &gcm;
        t.bob->answer.policy_no = (const uint8_t[]){9};
        t.bob->answer.n_policies = 1;
        t.bob->session.policies = ts_span("\t", 1);
        troupe_verified(&t);
        OK(troupe_answer(&t));
        troupe_freeze(&t, &still);
        FAILS(TS_E_UNSUPPORTED, troupe_answered(&t)); /* R85, R86 */
        t.bob->at_i = NULL;
        OK(alice_refuses(&t.bob->resp));
        is_about(&t.bob->resp, true);
        FAILS(TS_E_PEER,
              mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&error),
                                   NULL, out, sizeof out, &n));
        assert_true(mikey_bundle_refusal(t.bob->at_r)->proven);
        t.bob->resp.b[t.bob->resp.n - 1] ^= 1;
        OK(alice_refuses(&t.bob->resp)); /* of nobody: a hint */
        is_about(&t.bob->resp, false);
        FAILS(TS_E_PEER,
              mikey_bundle_receive(t.bob->at_r, &t.now, troupe_view(&error),
                                   NULL, out, sizeof out, &n));
        assert_false(mikey_bundle_refusal(t.bob->at_r)->proven);
    }
}

/* R49, R87: after a refusal Alice asks, or offers, anew. */
static void after_an_error_one_may_ask_for_something_else(void **state)
{
    (void)state;
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_J);
    t.bob->party.acceptable = NULL;
    troupe_verified(&t);
    OK(bob_refuses(1, 1));
    FAILS(TS_E_PEER, alice_hears());
    uint8_t no;
    OK(mikey_look_policy(troupe_view(&error), 0, &no, &t.policy));
    OK(troupe_transfer(&t)); /* with the policy that was told */
    OK(troupe_verify(&t));
    troupe_finish(&t);
    struct mikey_srtp_key key;
    troupe_same_keys(&t, 1, &key);
    assert_int_equal(key.policy.encr_alg, MIKEY_SRTP_AES_GCM);
}

/* R186: with a COUNTER, T of an Error may be that of what it is about. */
static void an_error_may_have_the_counter_of_its_message(void **state)
{
    (void)state;
    t.now.ts_type = MIKEY_COUNTER;
    t.now.counter = 5;
    troupe_mode(&t, 4, 0);
    troupe_verified(&t);
    OK(bob_refuses(1, 0));
    assert_int_equal(troupe_read(&error).t.value, 5);
    assert_int_equal(troupe_read(&error).t.type, MIKEY_COUNTER);
    FAILS(TS_E_PEER, alice_hears());
    assert_true(mikey_initiator_refusal(t.i)->proven);
    assert_int_equal(mikey_initiator_refusal(t.i)->t.value, 5);
    begin(NULL);
    t.now.ts_type = MIKEY_COUNTER;
    t.now.counter = 6;
    OK(troupe_request(&t));
    FAILS(TS_E_TIME, troupe_grant(&t)); /* it does not remember counters */
    assert_int_equal(troupe_read(&t.granted).t.value, 6);
}

/* ---- of the KMS ---- */

static enum ts_err deny(void *arg, struct mikey_case *c)
{
    (void)arg;
    (void)c;
    return TS_E_DENIED;
}

/* R49, R179, R187: whoever is known gets an Error that is proven. */
static void the_kms_proves_its_errors_to_whom_it_knows(void **state)
{
    (void)state;
    t.kms.decide = deny;
    OK(troupe_request(&t));
    FAILS(TS_E_DENIED, troupe_grant(&t));
    error = t.granted;
    is_about(&t.request, true);
    troupe_freeze(&t, &still);
    FAILS(TS_E_PEER, troupe_granted(&t));
    troupe_unchanged(&t, &still);
    assert_true(mikey_initiator_refusal(t.i)->proven);
    assert_int_equal(mikey_initiator_refusal(t.i)->n, 1);
    assert_int_equal(mikey_initiator_refusal(t.i)->no[0],
                     MIKEY_ERR_UNSPECIFIED);
    begin(NULL);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    t.kms.decide = deny;
    FAILS(TS_E_DENIED, troupe_resolve_at_kms(&t));
    error = t.bob->resolved;
    is_about(&t.bob->resolve, true);
    troupe_freeze(&t, &still);
    FAILS(TS_E_PEER, troupe_resolved(&t));
    troupe_unchanged(&t, &still);
    assert_true(mikey_responder_refusal(t.bob->r)->proven);
    assert_int_equal(mikey_responder_refusal(t.bob->r)->no[0],
                     MIKEY_ERR_UNSPECIFIED);
    t.bob->resolved.b[t.bob->resolved.n - 1] ^= 1;
    FAILS(TS_E_PEER, troupe_resolved(&t));
    assert_false(mikey_responder_refusal(t.bob->r)->proven); /* R177 */
}

/* R185: Error 1 shows the clock that Alice may set hers by. */
static void an_error_tells_the_time_of_the_kms(void **state)
{
    (void)state;
    const uint64_t right = t.now.us;
    uint64_t us = 0;
    t.now.us -= 3600 * SECONDS;
    OK(troupe_request(&t));
    t.now.us = right;
    FAILS(TS_E_TIME, troupe_grant(&t));
    FAILS(TS_E_PEER, troupe_granted(&t));
    const struct mikey_refusal *r = mikey_initiator_refusal(t.i);
    assert_int_equal(r->no[0], MIKEY_ERR_TS);
    OK(mikey_time_unix(r->t, &us));
    assert_true(right - us <= 1); /* a fraction of a second may lose that */
    t.now.us = us;
    troupe_call(&t);

    /* an Error without T: CSB ID, then ERR and nothing else */
    const uint8_t bare[] = {1, MIKEY_ERROR, MIKEY_ERR,    1, 0, 0, 0, 0, 0,
                            1, MIKEY_LAST,  MIKEY_ERR_TS, 0, 0};
    OK(troupe_request(&t));
    memcpy(t.granted.b, bare, sizeof bare);
    memcpy(t.granted.b + 4, t.request.b + 4, 4);
    t.granted.n = sizeof bare;
    FAILS(TS_E_PEER, troupe_granted(&t));
    assert_int_equal(mikey_initiator_refusal(t.i)->t.value, 0);
}

/* R177, R178: whoever is not learns the number only. */
static void a_stranger_gets_a_bare_error_0(void **state)
{
    (void)state;
    t.alice.psk = ts_span_str("0123456789abcdef but not Alice's");
    OK(troupe_request(&t));
    FAILS(TS_E_AUTH, troupe_grant(&t));
    error = t.granted;
    is_about(&t.request, false);
    assert_int_equal(troupe_read(&error).err[0], MIKEY_ERR_AUTH);
    FAILS(TS_E_PEER, troupe_granted(&t));
    assert_false(mikey_initiator_refusal(t.i)->proven);
    t.alice.psk_id = ts_span_str("nobody");
    OK(troupe_request(&t));
    FAILS(TS_E_AUTH, troupe_grant(&t));
    const size_t n = t.granted.n;
    assert_int_equal(n, error.n); /* nobody can tell which of the two it is */
    assert_int_equal(troupe_read(&t.granted).err[0], MIKEY_ERR_AUTH);
}

/* The KMS answers what it can read of, and nothing else; an Error never. */
static void the_kms_answers_each_message_that_has_a_hdr(void **state)
{
    (void)state;
    troupe_call(&t);
    static struct troupe_message good;
    good = t.request;
    for (size_t n = 0; n < good.n; n++) {
        t.request.n = n;
        assert_int_not_equal(troupe_grant(&t), TS_OK);
        assert_int_equal(t.granted.n > 0, n >= 10); /* R175, R176 */
        if (n < 10)
            continue;
        assert_int_equal(troupe_read(&t.granted).err[0], MIKEY_ERR_UNSPECIFIED);
        assert_false(troupe_read(&t.granted).has_v);
    }
    t.request = t.transfer;
    FAILS(TS_E_UNKNOWN, troupe_grant(&t));
    assert_int_equal(troupe_read(&t.granted).err[0], MIKEY_ERR_DT);
    t.request = t.granted; /* that Error */
    FAILS(TS_E_UNKNOWN, troupe_grant(&t));
    assert_int_equal(t.granted.n, 0);
}

/* An Error about something else is not for us (R183). */
static void an_error_about_another_message_is_not_ours(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(bob_refuses(1, 0));
    error.b[5] ^= 1;
    FAILS(TS_E_MISMATCH, alice_hears());
    t.kms.decide = deny;
    OK(troupe_request(&t));
    FAILS(TS_E_DENIED, troupe_grant(&t));
    t.granted.b[3] ^= 1; /* PRF */
    FAILS(TS_E_MISMATCH, troupe_granted(&t));
}

/* R180: payloads that nobody expects. */
static void an_error_may_hold_more_than_one_expects(void **state)
{
    (void)state;
    static const uint8_t ext[] = {0, 77, 0, 1, 9};
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(bob_refuses(1, 0));
    error.b[error.n - 4] = MIKEY_EXT; /* behind ERR */
    memcpy(error.b + error.n, ext, sizeof ext);
    error.n += sizeof ext;
    FAILS(TS_E_PEER, alice_hears());
    assert_int_equal(mikey_initiator_refusal(t.i)->no[0], numbers[0]);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_offer_that_is_not_verified_gets_a_hint),
          TEST(an_offer_that_is_verified_gets_an_error_under_its_keys),
          TEST(a_message_that_was_refused_gets_an_error),
          TEST(there_is_no_error_about_nothing_and_none_about_errors),
          TEST(what_is_no_offer_is_refused_by_its_type),
          TEST(an_answer_that_will_not_do_gets_an_error),
          TEST(after_an_error_one_may_ask_for_something_else),
          TEST(an_error_may_have_the_counter_of_its_message),
          TEST(the_kms_proves_its_errors_to_whom_it_knows),
          TEST(an_error_tells_the_time_of_the_kms),
          TEST(a_stranger_gets_a_bare_error_0),
          TEST(the_kms_answers_each_message_that_has_a_hdr),
          TEST(an_error_about_another_message_is_not_ours),
          TEST(an_error_may_hold_more_than_one_expects))
