/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole calls in one process: the keying of both UEs, and the KMS's core
 * between them (RFC 6043 4.2; R47, R62, R63, R75, R84, R128, R133, R137,
 * R151, R173, R187, R280).
 */
#include "tests/desk.h"
#include "ue/keying.h"

#define SECONDS UINT64_C(1000000)

/** One end of a call. */
struct end {
    struct kms_user *user;
    struct ue_credential cred;
    uint32_t ssrc;
    struct ue_seen seen;
    struct ue_keying *k;
    int64_t off; /* microseconds that its clock is ahead of the KMS's */
    size_t len;
    uint8_t body[UE_MIKEY_MAX];
    char line[UE_LINE_MAX];
    char claimed[257];
    struct ue_media_keys keys;
};

static struct desk *desk;
static struct end alice, bob, bobs_other;

static void set_up_end(struct end *e, struct kms_user *user, int suite,
                       uint32_t ssrc)
{
    ue_keying_free(e->k);
    memset(e, 0, sizeof *e); /* lint: freed before */
    e->user = user;
    e->cred = (struct ue_credential){.identity = user->identity,
                                     .kms_identity = DESK_KMS,
                                     .psk_id = (const char *)user->key_id,
                                     .psk = user->psk,
                                     .suite = suite,
                                     .seen = &e->seen};
    e->ssrc = ssrc;
    OK(ue_keying_new(&e->k, &e->cred, ssrc));
}

/* The same device, with this for its own identity. */
static void name_end(struct end *e, const char *own)
{
    ue_keying_free(e->k);
    e->cred.identity = own;
    OK(ue_keying_new(&e->k, &e->cred, e->ssrc));
}

static void set_up(int caller, int callee)
{
    desk = desk_open(256);
    set_up_end(&alice, &desk->alice, caller, 0xa11ce000);
    set_up_end(&bob, &desk->bob, callee, 0x00000b0b);
    set_up_end(&bobs_other, &desk->bob, callee, 0x00000b0c);
}

static uint64_t clock_of(const struct end *e)
{
    return desk->now + (uint64_t)e->off;
}

static void because(const struct end *e, const char *reason)
{
    assert_string_equal(ue_keying_reason(e->k), reason);
}

/* ---- the steps of a call ---- */

static enum ts_err request(struct end *e, const char *callee)
{
    return ue_keying_request(e->k, callee, clock_of(e), e->body, sizeof e->body,
                             &e->len);
}

static void post(struct end *e, unsigned kind)
{
    assert_true(e->len > 0 && e->len <= sizeof desk->sent.b);
    memcpy(desk->sent.b, e->body, e->len);
    desk->sent.n = e->len;
    desk->kind = kind;
    desk->sender = e->user;
    desk_ask(desk);
}

static enum ts_err granted(struct end *e)
{
    return ue_keying_granted(e->k, desk->got.b, desk->got.n, clock_of(e),
                             e->line, sizeof e->line);
}

static enum ts_err offered(struct end *e, const char *line)
{
    e->len = 0;
    return ue_keying_offered(e->k, line, clock_of(e), e->claimed, e->body,
                             sizeof e->body, &e->len);
}

static enum ts_err resolved(struct end *e)
{
    return ue_keying_resolved(e->k, desk->got.b, desk->got.n, clock_of(e),
                              e->line, sizeof e->line, &e->keys);
}

static enum ts_err answered(struct end *e, const char *line)
{
    return ue_keying_answered(e->k, line, clock_of(e), &e->keys);
}

/* Alice gets a ticket and has an offer. */
static void call(const char *callee)
{
    OK(request(&alice, callee));
    post(&alice, KMS_ASK_REQUEST);
    OK(granted(&alice));
}

/* The offer reaches a device, which asks the KMS. */
static void ring(struct end *e)
{
    OK(offered(e, alice.line));
    post(e, KMS_ASK_RESOLVE);
}

static void pick_up(struct end *e)
{
    ring(e);
    OK(resolved(e));
}

static bool same_key(const struct ts_key *a, const struct ts_key *b)
{
    return ts_equal(a->b, a->len, b->b, b->len);
}

static void same_direction(const struct ue_srtp *send,
                           const struct ue_srtp *recv, size_t len)
{
    assert_int_equal(send->ssrc, recv->ssrc);
    assert_int_equal(send->master.len, len);
    assert_true(same_key(&send->master, &recv->master));
    assert_memory_equal(send->salt, recv->salt, sizeof send->salt);
}

/* What one sends the other can read, each direction under a key of its own. */
static void in_agreement(const struct ue_media_keys *a,
                         const struct ue_media_keys *b, bool aes256)
{
    size_t len = aes256 ? 32 : 16;
    assert_int_equal(a->aes256, aes256);
    assert_int_equal(b->aes256, aes256);
    same_direction(&a->send, &b->recv, len);
    same_direction(&b->send, &a->recv, len);
    assert_int_not_equal(a->send.ssrc, a->recv.ssrc);
    assert_false(same_key(&a->send.master, &a->recv.master));
    assert_memory_not_equal(a->send.salt, a->recv.salt, sizeof a->send.salt);
}

static void no_keys(const struct ue_media_keys *keys)
{
    static const struct ue_media_keys none;
    assert_memory_equal(keys, &none, sizeof none);
}

/* Change one bit in each octet of a value, in its base64. */
static void change_line(char *line, size_t i)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strchr(digits, line[i]);
    if (at && line[i])
        line[i] = digits[(at - digits) ^ 0x10];
}

/* ---- calls that succeed ---- */

/* The caller's suite is the call's; the callee's own is for its requests. */
static void both_ends_come_to_the_same_keys_in_either_suite(void **state)
{
    static const int suites[][2] = {
        {128, 128}, {128, 256}, {256, 128}, {256, 256}};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        set_up(suites[i][0], suites[i][1]);
        call(DESK_BOB);
        pick_up(&bob);
        assert_string_equal(bob.claimed, DESK_ALICE);
        OK(answered(&alice, bob.line));
        in_agreement(&alice.keys, &bob.keys, suites[i][0] == 256);
        assert_int_equal(alice.keys.send.ssrc, 0xa11ce000);
        assert_int_equal(bob.keys.send.ssrc, 0x00000b0b);
        assert_string_equal(alice.keys.proven, DESK_BOB);
        assert_string_equal(bob.keys.proven, DESK_ALICE);
        assert_string_equal(ue_keying_reason(alice.k), "");
    }
}

/* R279: no 128-bit algorithm carries the keys of a 256-bit ticket. */
static void a_strong_ticket_is_resolved_in_the_strong_suite(void **state)
{
    (void)state;
    set_up(256, 128);
    call(DESK_BOB);
    OK(offered(&bob, alice.line));
    assert_int_equal(bob.body[3] & 0x7f, MIKEY_PRF_SHA256);
    set_up(128, 128);
    call(DESK_BOB);
    OK(offered(&bob, alice.line));
    assert_int_equal(bob.body[3] & 0x7f, MIKEY_PRF_SHA1);
}

static void rename_user(struct kms_user *u, const char *canonical)
{
    u->identity_len = (uint16_t)strlen(canonical);
    memcpy(u->identity, canonical, u->identity_len + 1u);
}

static void users_are_called_by_any_form_of_their_uri(void **state)
{
    static const struct {
        const char *called, *own, *canonical;
    } form[] = {
        {"tel:+49-30-1234", "tel:+49(30)1234", "tel:+49301234"},
        {"sip:+49-30-1234@Example.org;user=phone", "tel:+49301234",
         "tel:+49301234"},
        {"sip:bob@[2001:DB8:0::1]:5070", "sip:bob@[2001:db8::1]:5070",
         "sip:bob@[2001:db8::1]:5070"},
        {"sip:b%6Fb@EXAMPLE.org;lr", "sip:bob@example.org", DESK_BOB},
        {"sips:bob@example.org", "sips:bob@example.org",
         "sips:bob@example.org"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        set_up(256, 256);
        rename_user(&desk->bob, form[i].canonical);
        name_end(&bob, form[i].own);
        call(form[i].called);
        pick_up(&bob);
        OK(answered(&alice, bob.line));
        in_agreement(&alice.keys, &bob.keys, true);
        assert_string_equal(alice.keys.proven, form[i].canonical);
    }
}

static void a_caller_may_be_a_number(void **state)
{
    (void)state;
    set_up(256, 256);
    rename_user(&desk->alice, "tel:+49301234");
    name_end(&alice, "tel:+49-30-1234");
    call(DESK_BOB);
    pick_up(&bob);
    assert_string_equal(bob.claimed, "tel:+49301234");
    assert_string_equal(bob.keys.proven, "tel:+49301234");
}

/* R280; mikey-ticket.md 8.6: one offer, two devices, two early dialogs. */
static void each_device_that_answers_has_keys_of_its_own(void **state)
{
    struct ue_media_keys first;
    (void)state;
    set_up(256, 256);
    call(DESK_BOB);
    pick_up(&bob);
    pick_up(&bobs_other);
    OK(answered(&alice, bob.line));
    in_agreement(&alice.keys, &bob.keys, true);
    first = alice.keys;
    OK(answered(&alice, bobs_other.line));
    in_agreement(&alice.keys, &bobs_other.keys, true);
    const struct ue_srtp *one[] = {&first.send, &first.recv};
    const struct ue_srtp *two[] = {&alice.keys.send, &alice.keys.recv};
    for (size_t i = 0; i < 4; i++)
        assert_false(same_key(&one[i / 2]->master, &two[i % 2]->master));

    /* the same answer once more, in 200 behind 183; one that is forged */
    OK(answered(&alice, bob.line));
    in_agreement(&alice.keys, &bob.keys, true);
    change_line(bob.line, strlen(bob.line) / 2);
    assert_int_not_equal(answered(&alice, bob.line), TS_OK);
    no_keys(&alice.keys);
    OK(answered(&alice, bobs_other.line));
    in_agreement(&alice.keys, &bobs_other.keys, true);
}

/* ---- clocks ---- */

static void the_clock_of_the_kms_is_taken_once(void **state)
{
    (void)state;
    set_up(256, 256);
    alice.off = -(int64_t)(60 * MINUTES);
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    FAILS(TS_E_AGAIN, granted(&alice));
    call(DESK_BOB); /* and it is the KMS's time that the offer shows */
    pick_up(&bob);
    OK(answered(&alice, bob.line));
    in_agreement(&alice.keys, &bob.keys, true);

    alice.off = (int64_t)(60 * MINUTES); /* it jumps: no second try */
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    FAILS(TS_E_PEER, granted(&alice));
    because(&alice, "the KMS refused: error 1 (not authenticated)");
}

/* Also when its clock is ours: after a restart it takes no older T. */
static void any_first_error_1_is_tried_once_more(void **state)
{
    (void)state;
    set_up(256, 256);
    OK(request(&alice, DESK_BOB));
    desk->now += 10 * MINUTES;
    post(&alice, KMS_ASK_REQUEST);
    FAILS(TS_E_AGAIN, granted(&alice));
    call(DESK_BOB);
}

static void a_callee_takes_the_clock_of_the_kms_as_well(void **state)
{
    (void)state;
    set_up(256, 256);
    alice.off = (int64_t)(200 * SECONDS);
    bob.off = (int64_t)(400 * SECONDS);
    call(DESK_BOB);
    ring(&bob);
    FAILS(TS_E_AGAIN, resolved(&bob));
    no_keys(&bob.keys);
    pick_up(&bob);
    OK(answered(&alice, bob.line));
    in_agreement(&alice.keys, &bob.keys, true);
}

static void an_offer_from_another_time_is_not_resolved(void **state)
{
    (void)state;
    set_up(256, 256);
    call(DESK_BOB);
    const int64_t off[] = {-301, 301};
    for (size_t i = 0; i < 2; i++) {
        bob.off = off[i] * (int64_t)SECONDS;
        FAILS(TS_E_TIME, offered(&bob, alice.line));
        because(&bob, "the offer has a wrong time");
    }
}

/* 6.1: what a reply says of the time is bound to the request by its MAC. */
static void replies_and_answers_are_of_now(void **state)
{
    (void)state;
    set_up(256, 256);
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    alice.off = (int64_t)(301 * SECONDS);
    FAILS(TS_E_TIME, granted(&alice));
    because(&alice, "the KMS's reply has a wrong time");
    alice.off = 0;
    OK(granted(&alice));
    ring(&bob);
    bob.off = -(int64_t)(301 * SECONDS);
    FAILS(TS_E_TIME, resolved(&bob));
    bob.off = 0;
    OK(resolved(&bob));
    alice.off = (int64_t)(301 * SECONDS);
    FAILS(TS_E_TIME, answered(&alice, bob.line));
    because(&alice, "the answer has a wrong time");
    no_keys(&alice.keys);
}

/* ---- what the KMS refuses ---- */

static void a_refusal_says_whether_it_is_proven(void **state)
{
    (void)state;
    set_up(256, 256);
    alice.cred.psk.b[0] ^= 1;
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    FAILS(TS_E_PEER, granted(&alice));
    because(&alice, "the KMS refused: error 0 (not authenticated)");

    set_up(256, 256);
    call(DESK_BOB);
    desk->engine.ring.tpk[0].id[0] ^= 1;
    ring(&bob);
    FAILS(TS_E_PEER, resolved(&bob));
    because(&bob, "the KMS refused: error 12");
    no_keys(&bob.keys);
    desk->got.b[desk->got.n - 1] ^= 1;
    FAILS(TS_E_PEER, resolved(&bob));
    because(&bob, "the KMS refused: error 12 (not authenticated)");
}

/* ---- replies, offers and answers that were changed ---- */

static void a_reply_answers_one_request_only(void **state)
{
    static struct desk_bytes first;
    (void)state;
    set_up(256, 256);
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    first = desk->got;
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    FAILS(TS_E_MISMATCH, ue_keying_granted(alice.k, first.b, first.n, desk->now,
                                           alice.line, sizeof alice.line));
    OK(granted(&alice));

    /* R173: without J a ticket is for one transfer */
    FAILS(TS_E_STATE, granted(&alice));
    pick_up(&bob);
    FAILS(TS_E_STATE, resolved(&bob));
    no_keys(&bob.keys);
}

static void a_reply_with_one_byte_changed_is_not_believed(void **state)
{
    (void)state;
    set_up(256, 256);
    OK(request(&alice, DESK_BOB));
    post(&alice, KMS_ASK_REQUEST);
    for (size_t i = 0; i < desk->got.n; i++) {
        desk->got.b[i] ^= 0x01;
        assert_int_not_equal(granted(&alice), TS_OK);
        assert_string_not_equal(ue_keying_reason(alice.k), "");
        desk->got.b[i] ^= 0x01;
    }
    OK(granted(&alice));
    ring(&bob);
    for (size_t i = 0; i < desk->got.n; i++) {
        desk->got.b[i] ^= 0x80;
        assert_int_not_equal(resolved(&bob), TS_OK);
        assert_string_not_equal(ue_keying_reason(bob.k), "");
        no_keys(&bob.keys);
        desk->got.b[i] ^= 0x80;
    }
    OK(resolved(&bob));
}

/* Refused by the callee, by the KMS, or by the callee with what it got. */
static void an_offer_with_one_digit_changed_is_not_taken(void **state)
{
    size_t asked = 0;
    (void)state;
    set_up(256, 256);
    call(DESK_BOB);
    for (size_t i = 6; alice.line[i] && alice.line[i] != '='; i++) {
        change_line(alice.line, i);
        if (offered(&bob, alice.line) == TS_OK) {
            asked++;
            post(&bob, KMS_ASK_RESOLVE);
            assert_int_not_equal(resolved(&bob), TS_OK);
            no_keys(&bob.keys);
        }
        assert_string_not_equal(ue_keying_reason(bob.k), "");
        change_line(alice.line, i);
    }
    assert_true(asked > 100); /* it was not all for want of form */
    pick_up(&bob);
}

static void an_answer_with_one_digit_changed_is_not_taken(void **state)
{
    (void)state;
    set_up(256, 256);
    call(DESK_BOB);
    pick_up(&bob);
    for (size_t i = 6; bob.line[i] && bob.line[i] != '='; i++) {
        change_line(bob.line, i);
        assert_int_not_equal(answered(&alice, bob.line), TS_OK);
        assert_string_not_equal(ue_keying_reason(alice.k), "");
        no_keys(&alice.keys);
        change_line(bob.line, i);
    }
    OK(answered(&alice, bob.line));
}

/* 6.2: an offer is taken once, also if its copy comes meanwhile. */
static void an_offer_is_taken_once(void **state)
{
    (void)state;
    set_up(256, 256);
    bobs_other.cred.seen = &bob.seen; /* two calls of one phone */
    call(DESK_BOB);
    OK(offered(&bobs_other, alice.line));
    post(&bobs_other, KMS_ASK_RESOLVE);
    static struct desk_bytes waiting;
    waiting = desk->got;
    pick_up(&bob);
    desk->got = waiting;
    FAILS(TS_E_REPLAY, resolved(&bobs_other));
    because(&bobs_other, "this offer was here before");
    no_keys(&bobs_other.keys);

    FAILS(TS_E_REPLAY, offered(&bob, alice.line));
    because(&bob, "this offer was here before");
    assert_int_equal(bob.len, 0); /* R63: the KMS is not asked */
    call(DESK_BOB);
    pick_up(&bob); /* the next one is welcome */
}

static void the_list_of_offers_forgets_the_oldest(void **state)
{
    (void)state;
    set_up(256, 256);
    bob.seen.next = UE_SEEN_MAX - 1;
    call(DESK_BOB);
    pick_up(&bob);
    assert_int_equal(bob.seen.next % UE_SEEN_MAX, 0);
    FAILS(TS_E_REPLAY, offered(&bob, alice.line));
    bob.cred.seen = NULL; /* none is kept */
    OK(offered(&bob, alice.line));
}

static void nobody_else_takes_the_offer(void **state)
{
    (void)state;
    set_up(256, 256);
    call(DESK_BOB);
    set_up_end(&bob, &desk->eve, 256, 5);
    FAILS(TS_E_DENIED, offered(&bob, alice.line));
    because(&bob, "the ticket is not for us, or not the caller's");

    name_end(&bob, DESK_BOB); /* she lies to herself, not to the KMS */
    ring(&bob);
    FAILS(TS_E_PEER, resolved(&bob));
}

UNIT_MAIN(cmocka_unit_test(both_ends_come_to_the_same_keys_in_either_suite),
          cmocka_unit_test(a_strong_ticket_is_resolved_in_the_strong_suite),
          cmocka_unit_test(users_are_called_by_any_form_of_their_uri),
          cmocka_unit_test(a_caller_may_be_a_number),
          cmocka_unit_test(each_device_that_answers_has_keys_of_its_own),
          cmocka_unit_test(the_clock_of_the_kms_is_taken_once),
          cmocka_unit_test(any_first_error_1_is_tried_once_more),
          cmocka_unit_test(a_callee_takes_the_clock_of_the_kms_as_well),
          cmocka_unit_test(an_offer_from_another_time_is_not_resolved),
          cmocka_unit_test(replies_and_answers_are_of_now),
          cmocka_unit_test(a_refusal_says_whether_it_is_proven),
          cmocka_unit_test(a_reply_answers_one_request_only),
          cmocka_unit_test(a_reply_with_one_byte_changed_is_not_believed),
          cmocka_unit_test(an_offer_with_one_digit_changed_is_not_taken),
          cmocka_unit_test(an_answer_with_one_digit_changed_is_not_taken),
          cmocka_unit_test(an_offer_is_taken_once),
          cmocka_unit_test(the_list_of_offers_forgets_the_oldest),
          cmocka_unit_test(nobody_else_takes_the_offer))
