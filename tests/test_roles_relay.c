/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two KMSs (RFC 6043 section 10): Alice's issued the ticket, Bob asks his own,
 * which asks hers.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct mikey_kms bobs; /* t.kms is Alice's */
static struct mikey_party as; /* Bob's KMS, for Alice's */
static struct troupe_message sent, reply, out;
static struct troupe_still still;

static const char between[] = "a key that the two KMSs share...";
static const char its_tpk[] = "the ticket key of the other KMS.";

static bool is_kms = true;

/* Alice's KMS knows Alice, and the other KMS. */
static enum ts_err alices_users(void *arg, const struct mikey_id *key_id,
                                const struct mikey_id *claimed,
                                struct mikey_user *user)
{
    (void)claimed;
    const struct troupe *all = arg;
    if (ts_span_equal(key_id->data, as.psk_id))
        *user = (struct mikey_user){as.psk, as.self, is_kms};
    else if (ts_span_equal(key_id->data, all->alice.psk_id))
        *user = (struct mikey_user){all->alice.psk, all->alice.self, false};
    return TS_OK;
}

/* Bob's KMS knows Bob. */
static enum ts_err bobs_users(void *arg, const struct mikey_id *key_id,
                              const struct mikey_id *claimed,
                              struct mikey_user *user)
{
    (void)claimed;
    const struct troupe *all = arg;
    for (size_t k = 0; k < 2; k++)
        if (ts_span_equal(key_id->data, all->callee[k].party.psk_id))
            *user = (struct mikey_user){all->callee[k].party.psk,
                                        all->callee[k].party.self, false};
    return TS_OK;
}

static int begin_bits(unsigned bits)
{
    troupe_begin(&t, bits);
    is_kms = true;
    bobs = t.kms;
    bobs.self = troupe_uri("sip:kms@example.com");
    bobs.tpk = ts_span(its_tpk, 32);
    bobs.user = bobs_users;
    t.kms.user = alices_users;
    t.bob->party.kms = t.callee[1].party.kms = bobs.self;
    as = (struct mikey_party){.self = bobs.self,
                              .kms = t.kms.self,
                              .bits = bits,
                              .psk = ts_span(between, 32),
                              .psk_id = ts_span_str("kms@example.com"),
                              .arg = &t,
                              .random = t.kms.random};
    return 0;
}

static int begin(void **state)
{
    (void)state;
    return begin_bits(256);
}

static enum ts_err forward(void)
{
    return mikey_kms_forward(&bobs, &t.now, troupe_view(&t.bob->resolve), &as,
                             sent.b, TROUPE_MAX, &sent.n);
}

static enum ts_err at_the_other(void)
{
    return mikey_kms_answer(&t.kms, &t.now, troupe_view(&sent), reply.b,
                            TROUPE_MAX, &reply.n);
}

static enum ts_err pass_on(void)
{
    struct troupe_message *m = &t.bob->resolved;
    return mikey_kms_pass_on(&bobs, &t.now, troupe_view(&t.bob->resolve), &as,
                             troupe_view(&sent), troupe_view(&reply), m->b,
                             TROUPE_MAX, &m->n);
}

static void up_to_resolve(void)
{
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
}

static uint8_t error_no(const struct troupe_message *m)
{
    struct mikey_msg read = troupe_read(m);
    assert_int_equal(read.hdr.type, MIKEY_ERROR);
    return read.err[0];
}

/* R253-R259: with and without forking, in both suites. */
static void a_ticket_of_another_kms_is_resolved_by_it(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        begin_bits(k & 1 ? 128 : 256);
        troupe_mode(&t, 1, k & 2 ? MIKEY_FLAG_I : 0);
        up_to_resolve();
        OK(forward());
        OK(at_the_other());
        OK(pass_on());
        OK(troupe_resolved(&t));
        troupe_finish(&t);
        troupe_same_keys(&t, 1, NULL);
        struct mikey_msg user = troupe_read(&t.bob->resolve);
        struct mikey_msg ours = troupe_read(&sent);
        struct mikey_msg theirs = troupe_read(&reply);
        struct mikey_msg back = troupe_read(&t.bob->resolved);
        /* R259: IDRr and TICKET are the user's, all else is the KMS's own */
        assert_true(
            ts_span_equal(ours.idr[MIKEY_IDR_R].data, t.bob->party.self.data));
        assert_true(ts_span_equal(
            ts_span(user.ticket.body.p + 1, user.ticket.body.n - 1),
            ts_span(ours.ticket.body.p + 1, ours.ticket.body.n - 1)));
        assert_true(ts_span_equal(ours.idr[MIKEY_IDR_PSK].data, as.psk_id));
        assert_true(
            ts_span_equal(ours.idr[MIKEY_IDR_KMS].data, t.kms.self.data));
        assert_int_not_equal(ours.hdr.csb, user.hdr.csb);
        assert_false(
            ts_span_equal(ours.rand[MIKEY_RAND_R], user.rand[MIKEY_RAND_R]));
        /* the modifier comes through as it is */
        assert_true(ts_span_equal(theirs.rand[MIKEY_RAND_KMS],
                                  back.rand[MIKEY_RAND_KMS]));
        assert_true(ts_span_equal(theirs.idr[MIKEY_IDR_R].data,
                                  back.idr[MIKEY_IDR_R].data));
        /* R254: and under the user's key */
        assert_false(ts_span_equal(theirs.kemac.data, back.kemac.data));
        assert_true(
            ts_span_equal(back.idr[MIKEY_IDR_KMS].data, bobs.self.data));
    }
}

/* A user that leaves its IDRr out is named by its KMS. */
static void the_user_is_named_to_the_other_kms(void **state)
{
    (void)state;
    t.bob->party.omit = 1u << MIKEY_IDR_R;
    as.omit = 1u << MIKEY_IDR_R | 1u << MIKEY_IDR_KMS;
    up_to_resolve();
    OK(forward());
    struct mikey_msg m = troupe_read(&sent);
    assert_true(ts_span_equal(m.idr[MIKEY_IDR_R].data, t.bob->party.self.data));
    assert_null(m.idr[MIKEY_IDR_KMS].data.p);
    OK(at_the_other());
    OK(pass_on());
    OK(troupe_resolved(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 2, NULL);
}

/* R253, R259: whoever is no KMS resolves for itself only. */
static void only_a_kms_resolves_for_another(void **state)
{
    (void)state;
    is_kms = false;
    up_to_resolve();
    OK(forward());
    FAILS(TS_E_DENIED, at_the_other());
    assert_int_equal(error_no(&reply), MIKEY_ERR_UNSPECIFIED);
    FAILS(TS_E_PEER, pass_on()); /* it becomes an Error of ours */
    assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
    assert_true(troupe_read(&t.bob->resolved).has_v);
    troupe_freeze(&t, &still);
    FAILS(TS_E_PEER, troupe_resolved(&t));
    troupe_unchanged(&t, &still);
    assert_true(mikey_responder_refusal(t.bob->r)->proven);
    is_kms = true; /* and no KMS asks for a ticket */
    t.alice.psk = as.psk;
    t.alice.psk_id = as.psk_id;
    OK(troupe_request(&t));
    FAILS(TS_E_DENIED, troupe_grant(&t));
}

/* Whom the ticket names is the issuer's to check. */
static void the_other_kms_refuses_whom_the_ticket_does_not_name(void **state)
{
    (void)state;
    t.bob = &t.callee[1];
    t.bob->party.same = troupe_same;
    t.responder = t.callee[0].party.self;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    struct mikey_party carol = t.bob->party;
    t.bob->party.self = t.responder; /* Carol takes Bob's offer */
    OK(troupe_offered(&t));
    t.bob->party = carol;
    OK(troupe_resolve(&t));
    OK(forward());
    FAILS(TS_E_DENIED, at_the_other());
}

/* One hop: a KMS does not ask for another KMS. */
static void a_kms_does_not_go_by_another(void **state)
{
    (void)state;
    up_to_resolve();
    OK(forward());
    t.bob->resolve = sent; /* as if it had come to Alice's KMS to go on */
    as.kms = bobs.self;
    FAILS(TS_E_DENIED, mikey_kms_forward(&t.kms, &t.now, troupe_view(&sent),
                                         &as, out.b, TROUPE_MAX, &out.n));
    assert_int_equal(error_no(&out), MIKEY_ERR_UNSPECIFIED);
}

static void what_cannot_be_forwarded_gets_an_error(void **state)
{
    (void)state;
    static const struct mikey_signer signer;
    const struct mikey_party good = as;
    up_to_resolve();
    t.bob->resolve.b[t.bob->resolve.n - 1] ^= 1;
    FAILS(TS_E_AUTH, forward());
    assert_int_equal(error_no(&sent), MIKEY_ERR_AUTH);
    t.bob->resolve.b[t.bob->resolve.n - 1] ^= 1;
    as.signer = &signer;
    as.sealer = (const struct mikey_sealer *)&signer;
    FAILS(TS_E_UNSUPPORTED, forward());
    assert_int_equal(error_no(&sent), MIKEY_ERR_UNSPECIFIED);
    as = good;
    as.psk.p = NULL;
    FAILS(TS_E_DENIED, forward());
    as = good;
    as.kms.data.p = NULL;
    FAILS(TS_E_DENIED, forward());
    as = good;
    as.random = NULL;
    FAILS(TS_E_RANGE, forward());
    as = good;
    t.bob->resolve = t.request; /* a ticket is not asked for that way */
    bobs.user = alices_users;
    FAILS(TS_E_DENIED, forward());
    t.bob->resolve.n = 9;
    FAILS(TS_E_SHORT, forward());
    assert_int_equal(sent.n, 0);
}

/* The replay check is for what comes from users; pass_on() is no second one. */
static unsigned replays;

static enum ts_err once(void *arg, struct ts_span message, struct mikey_time at)
{
    (void)arg;
    (void)message;
    (void)at;
    return replays++ ? TS_E_REPLAY : TS_OK;
}

static void a_request_is_forwarded_once(void **state)
{
    (void)state;
    up_to_resolve();
    bobs.replay = once;
    replays = 0;
    OK(forward());
    OK(at_the_other());
    OK(pass_on());
    FAILS(TS_E_REPLAY, forward());
    assert_int_equal(error_no(&sent), MIKEY_ERR_TS);
    OK(troupe_resolved(&t));
}

/* The keys of one user's ticket do not come to another. */
static void what_is_passed_on_belongs_to_what_was_asked(void **state)
{
    (void)state;
    static struct troupe_message bobs_request, bobs_sent;
    t.responder = troupe_uri(TEAM);
    t.alice.same = t.callee[0].party.same = t.callee[1].party.same =
        troupe_same;
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_J);
    up_to_resolve();
    OK(forward());
    OK(at_the_other());
    bobs_request = t.bob->resolve;
    bobs_sent = sent;
    t.bob = &t.callee[1];
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    FAILS(TS_E_MISMATCH, pass_on()); /* Bob's to Carol */
    assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
    t.bob = &t.callee[0];
    t.bob->resolve = bobs_request;
    sent = t.transfer;
    FAILS(TS_E_MISMATCH, pass_on()); /* not a RESOLVE_INIT at all */
    sent.n--;
    FAILS(TS_E_MISMATCH, pass_on());
    sent = bobs_sent;
    OK(troupe_transfer(&t)); /* another offer with the same ticket */
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    FAILS(TS_E_MISMATCH, pass_on());
    t.bob->resolve = bobs_request;
    OK(pass_on());
}

/* What comes from the other KMS is verified, each octet of it. */
static void an_altered_reply_is_not_passed_on(void **state)
{
    (void)state;
    up_to_resolve();
    OK(forward());
    OK(at_the_other());
    for (size_t k = 0; k < reply.n; k++) {
        reply.b[k] ^= 1;
        assert_int_not_equal(pass_on(), TS_OK);
        assert_int_equal(error_no(&t.bob->resolved), MIKEY_ERR_UNSPECIFIED);
        reply.b[k] ^= 1;
    }
    for (size_t n = 0; n < reply.n; n++) {
        const struct ts_span cut = ts_span(reply.b, n);
        assert_int_not_equal(mikey_kms_pass_on(&bobs, &t.now,
                                               troupe_view(&t.bob->resolve),
                                               &as, troupe_view(&sent), cut,
                                               out.b, TROUPE_MAX, &out.n),
                             TS_OK);
    }
    t.now.us += 301 * SECONDS;
    FAILS(TS_E_TIME, pass_on());
    t.now.us -= 301 * SECONDS;
    as.psk = ts_span(its_tpk, 32);
    FAILS(TS_E_AUTH, pass_on());
    as.psk.p = NULL;
    FAILS(TS_E_RANGE, pass_on());
    as.psk = ts_span(between, 32);
    OK(pass_on());
    OK(troupe_resolved(&t));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(a_ticket_of_another_kms_is_resolved_by_it),
          TEST(the_user_is_named_to_the_other_kms),
          TEST(only_a_kms_resolves_for_another),
          TEST(the_other_kms_refuses_whom_the_ticket_does_not_name),
          TEST(a_kms_does_not_go_by_another),
          TEST(what_cannot_be_forwarded_gets_an_error),
          TEST(a_request_is_forwarded_once),
          TEST(what_is_passed_on_belongs_to_what_was_asked),
          TEST(an_altered_reply_is_not_passed_on))
