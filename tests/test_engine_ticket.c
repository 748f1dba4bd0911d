/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tickets that are not resolved. Whatever is wrong with the ticket or its
 * bearer, the answer is one and the same: Error 12 with V (invariant 4; R28,
 * R91, R115, R127, R241-R248, R280, R291, R299, R300).
 */
#include "tests/desk.h"

/* Refused for that reason, which only the audit tells. */
static void refused_as_all_are(struct desk *d, const char *reason)
{
    desk_refused(d, MIKEY_ERR_UNSPECIFIED, true, reason);
    assert_string_equal(desk_said(d, "result"), "refused");
    assert_string_equal(desk_said(d, "user"), d->sender->identity);
    /* HDR, T, ERR, V: the same length whatever the reason */
    assert_int_equal(d->got.n, 10u + 10 + 4 + 2 + d->suite->mac);
}

static void somebody_else_is_refused(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct desk *d = desk_open(bits);
        desk_ring(d);
        desk_resolve(d, &d->eve);
        refused_as_all_are(d, "wrong receiver");
        desk_resolve(d, &d->alice); /* who may have it, but not this way */
        refused_as_all_are(d, "wrong receiver");
        desk_resolve(d, &d->bob);
        desk_granted(d);
    }
}

/* One of a list; spelled otherwise; R129: the ticket's octets fork. */
static void each_of_the_receivers_may_resolve(void **state)
{
    static const char spelled[] = "sip:bob@EXAMPLE.org;transport=tcp";
    (void)state;
    struct desk *d = desk_open(256);
    d->want.n_responders = 64;
    for (size_t i = 0; i < 64; i++)
        d->want.responder[i] = desk_id("sip:nobody@example.org");
    d->want.responder[40] = desk_id(DESK_EVE);
    d->want.responder[63] = desk_id(spelled);
    desk_ring(d);
    desk_resolve(d, &d->eve);
    desk_granted(d);
    desk_resolve(d, &d->bob);
    desk_granted(d);
    assert_true(ts_span_equal(d->opened.msg.idr[MIKEY_IDR_R].data,
                              ts_span_str(spelled)));
}

static void a_ticket_has_its_time(void **state)
{
    static const struct {
        int64_t now; /* from the time of issue, in seconds */
        bool valid;
    } rows[] = {{599, false}, {600, true}, {1200, true}, {1201, false}};
    (void)state;
    struct desk *d = desk_open(128);
    d->want.has_start = d->want.has_end = true;
    d->want.start = DESK_TIME + 600;
    d->want.end = DESK_TIME + 1200;
    desk_ring(d);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        d->now = DESK_NOW + (uint64_t)rows[i].now * 1000000;
        desk_resolve(d, &d->bob);
        if (rows[i].valid)
            desk_granted(d);
        else
            refused_as_all_are(d, "ticket expired or not yet valid");
    }
}

static void a_foreign_ticket_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    d->engine.ring.tpk[0].id[0] ^= 1;
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "foreign ticket");
    d->engine.ring.tpk[0].id[0] ^= 1;
    d->engine.ring.tpk[0].key.b[0] ^= 1;
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "ticket altered");
    d->engine.ring.tpk[0].key.b[0] ^= 1;
    d->engine.ring.tpk[0].use = false; /* an older key: resolve only */
    desk_resolve(d, &d->bob);
    desk_granted(d);
}

/* The record of a repetition says what the message was worth the first time:
   what a refused ticket claims was never proven. */
static void a_repeated_refusal_vouches_for_nothing(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    desk_resolve(d, &d->bob);
    desk_ask(d);
    assert_string_equal(desk_said(d, "reason"), "granted before");
    assert_string_equal(desk_said(d, "from"), DESK_ALICE);
    d->engine.ring.tpk[0].key.b[0] ^= 1;
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "ticket altered");
    desk_ask(d);
    assert_string_equal(desk_said(d, "result"), "repeated");
    assert_string_equal(desk_said(d, "reason"), "refused before");
    assert_null(json_object_get(d->audit, "from"));
    assert_null(json_object_get(d->audit, "for"));
}

/* The ticket alone, without next payload and Initiator Data. */
static struct ts_span ticket_of(struct desk *d)
{
    const struct mikey_ticket *t = &d->transfer.ticket;
    return ts_span(t->body.p + 1, t->body.n - 3 - t->init.n);
}

/* R115, R300: each octet that a MAC covers; or it is wrong in the open. */
static void each_octet_of_a_ticket_counts(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct desk *d = desk_open(bits);
        desk_ring(d);
        struct ts_span ticket = ticket_of(d);
        unsigned refused = 0, invalid = 0;
        for (size_t i = 0; i < ticket.n; i++) {
            desk_edit(ticket)[i] ^= 0x04;
            desk_resolve(d, &d->bob);
            desk_edit(ticket)[i] ^= 0x04;
            if (d->q.result == KMS_INVALID) {
                invalid++;
                assert_in_range(d->q.error, MIKEY_ERR_PRF, MIKEY_ERR_TPPAR);
            } else {
                refused++;
                refused_as_all_are(d, NULL);
            }
        }
        assert_true(refused > ticket.n / 2 && invalid > 0);
    }
}

/* A ticket made under the key of zeros that stands in for a foreign one. */
static void a_ticket_under_the_dummy_key_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    struct kms_tpk *tpk = &d->engine.ring.tpk[0];
    const struct kms_tpk real = *tpk;
    memset(tpk->id, 7, sizeof tpk->id);
    memset(tpk->key.b, 0, tpk->key.len); /* lint: the dummy key is public */
    desk_request(d);
    desk_granted(d);
    *tpk = real;
    desk_transfer(d);
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "foreign ticket");
}

/* A ticket that a KMS of another name made with the same ticket key. */
static void a_ticket_of_another_kms_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    const char *other = "sip:kms@example.com";
    d->engine.identity = other;
    OK(ts_identity(ts_span_str(other), &d->engine.canonical));
    d->kms = desk_id(other);
    desk_ring(d);
    d->engine.identity = DESK_KMS;
    OK(ts_identity(ts_span_str(DESK_KMS), &d->engine.canonical));
    d->kms = desk_id(DESK_KMS);
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "ticket of another KMS");
}

/* ---- Initiator Data ---- */

/* R115, R246, R248: an eavesdropper's own message cannot carry the ticket. */
static void each_octet_of_initiator_data_counts(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    struct ts_span init = d->transfer.ticket.init;
    for (size_t i = 0; i < init.n; i++) {
        desk_edit(init)[i] ^= 0x40;
        desk_resolve(d, &d->bob);
        refused_as_all_are(d, "Initiator Data not authentic");
        desk_edit(init)[i] ^= 0x40;
    }
    desk_resolve(d, &d->bob);
    desk_granted(d);
}

static void a_forking_ticket_without_initiator_data_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(128);
    desk_ring(d);
    d->transfer.ticket.init = ts_span("", 0);
    d->transfer.ticket.body = d->grant.msg.ticket.body;
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "Initiator Data not authentic");
}

/* ---- who says what about itself ---- */

/* R4, R91: who has a key has it for one identity. */
static void a_claim_of_anothers_identity_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->self = desk_id(DESK_BOB);
    desk_request(d);
    refused_as_all_are(d, "not the sender's identity, or another KMS");
    d->self = (struct mikey_id){0};
    d->want.initiator = desk_id(DESK_BOB);
    desk_request(d);
    refused_as_all_are(d, "another's identity in the ticket policy");
    d->want.initiator = desk_id("sip:alice@EXAMPLE.ORG"); /* herself */
    desk_ring(d);
    d->self = desk_id(DESK_BOB); /* Eve says that she is Bob */
    desk_resolve(d, &d->eve);
    refused_as_all_are(d, NULL);
}

static void a_message_for_another_kms_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->kms = desk_id("sip:other@example.org");
    desk_request(d);
    refused_as_all_are(d, "not the sender's identity, or another KMS");
    d->kms = desk_id(DESK_KMS);
    d->want.kms = desk_id("sip:other@example.org");
    desk_request(d);
    refused_as_all_are(d, "another's identity in the ticket policy");
    d->want.kms = desk_id("sip:kms@EXAMPLE.org");
    desk_ring(d);
    d->kms = desk_id("sip:other@example.org");
    desk_resolve(d, &d->bob);
    refused_as_all_are(d, "not the sender's identity, or another KMS");
}

/* The reply of a refusal shows no key of the ticket to its bearer: it is as
   short as any Error. Its random source failing is another matter. */
static void without_random_numbers_nothing_is_resolved(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    desk_random_fails(true);
    desk_resolve(d, &d->bob);
    assert_int_equal(d->q.status, 503);
    assert_string_equal(desk_said(d, "reason"), "no random numbers");
}

UNIT_MAIN(cmocka_unit_test(somebody_else_is_refused),
          cmocka_unit_test(each_of_the_receivers_may_resolve),
          cmocka_unit_test(a_ticket_has_its_time),
          cmocka_unit_test(a_foreign_ticket_is_refused),
          cmocka_unit_test(a_repeated_refusal_vouches_for_nothing),
          cmocka_unit_test(each_octet_of_a_ticket_counts),
          cmocka_unit_test(a_ticket_under_the_dummy_key_is_refused),
          cmocka_unit_test(a_ticket_of_another_kms_is_refused),
          cmocka_unit_test(each_octet_of_initiator_data_counts),
          cmocka_unit_test(a_forking_ticket_without_initiator_data_is_refused),
          cmocka_unit_test(a_claim_of_anothers_identity_is_refused),
          cmocka_unit_test(a_message_for_another_kms_is_refused),
          cmocka_unit_test(without_random_numbers_nothing_is_resolved))
