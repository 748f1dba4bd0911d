/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No reply leaves before its record is on disk (invariants 5 and 6). The test
 * plays the front and the audit.
 */
#include "unit.h"

#include "kms/outbox.h"
#include "service/audit.h"

static struct ts_ring_fds replies_fds, entries_fds, done_fds;
static struct ts_ring *replies, *entries, *done;
static struct kms_outbox *box;

static int set_up(void **state)
{
    (void)state;
    OK(ts_ring_create(1024, sizeof(struct kms_reply) + 64, &replies_fds));
    OK(ts_ring_create(512, sizeof(struct ts_audit_entry) + 64, &entries_fds));
    OK(ts_ring_create(64, sizeof(struct ts_audit_done), &done_fds));
    OK(ts_ring_open(replies_fds, &replies));
    OK(ts_ring_open(entries_fds, &entries));
    OK(ts_ring_open(done_fds, &done));
    OK(kms_outbox_new(&box, replies_fds, entries_fds, done_fds));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kms_outbox_free(box);
    ts_ring_close(replies);
    ts_ring_close(entries);
    ts_ring_close(done);
    ts_ring_destroy(&replies_fds);
    ts_ring_destroy(&entries_fds);
    ts_ring_destroy(&done_fds);
    return 0;
}

/* The sequence number of the oldest record that waits for the audit. */
static uint64_t entry(void)
{
    uint8_t raw[sizeof(struct ts_audit_entry) + 64];
    struct ts_audit_entry e;
    size_t n;
    OK(ts_ring_recv(entries, raw, sizeof raw, &n));
    memcpy(&e, raw, sizeof e);
    return e.seq;
}

static void acknowledge(uint64_t seq, bool failed)
{
    const struct ts_audit_done ack = {.seq = seq, .failed = failed};
    OK(ts_ring_send(done, ts_span(&ack, sizeof ack), ts_span(NULL, 0)));
    kms_outbox_acks(box);
}

static void put(uint64_t ask, int64_t now)
{
    kms_outbox_put(box, ask, 200, LITERAL("{}"), LITERAL("reply"), now);
}

/* The oldest reply that has left. */
static enum ts_err reply(struct kms_reply *r)
{
    uint8_t raw[sizeof *r + 64];
    size_t n;
    enum ts_err err = ts_ring_recv(replies, raw, sizeof raw, &n);
    if (!err)
        memcpy(r, raw, sizeof *r);
    return err;
}

static void leaves(uint64_t ask, unsigned status)
{
    struct kms_reply r = {0};
    OK(reply(&r));
    assert_int_equal(r.id, ask);
    assert_int_equal(r.status, status);
    assert_int_equal(r.len, status == 200 ? 5 : 0);
    assert_int_equal(r.retry, status == 503 ? 1 : 0);
}

static void nothing_leaves(void)
{
    struct kms_reply r = {0};
    FAILS(TS_E_EMPTY, reply(&r));
}

static void a_reply_waits_for_its_record(void **state)
{
    (void)state;
    put(7, 0);
    put(8, 0);
    nothing_leaves();
    uint64_t first = entry(), second = entry();
    assert_true(second == first + 1);
    acknowledge(first, false);
    leaves(7, 200);
    nothing_leaves();
    acknowledge(second, false);
    leaves(8, 200);
    assert_true(kms_outbox_empty(box));
}

static void a_record_that_is_not_written_is_503(void **state)
{
    (void)state;
    put(7, 0);
    acknowledge(entry(), true);
    leaves(7, 503);
    put(8, 0);
    acknowledge(entry(), false); /* and then it works again */
    leaves(8, 200);
}

static void a_silent_audit_is_503_in_time(void **state)
{
    (void)state;
    put(7, 1000);
    kms_outbox_check(box, 1000 + KMS_AUDIT_MS - 1);
    nothing_leaves();
    kms_outbox_check(box, 1000 + KMS_AUDIT_MS);
    leaves(7, 503);
    acknowledge(entry(), false); /* too late: nothing more leaves */
    nothing_leaves();
}

static void a_new_audit_may_have_lost_what_the_old_one_took(void **state)
{
    (void)state;
    put(7, 0);
    acknowledge(0, true);
    leaves(7, 503);
}

/* Acknowledgements meant for an engine before us let nothing go. */
static void an_earlier_engines_acknowledgement_counts_for_nothing(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (unsigned i = 0; i < 200; i++) {
        put(i, 0);
        last = entry();
    }
    kms_outbox_free(box);
    OK(kms_outbox_new(&box, replies_fds, entries_fds, done_fds));
    put(1000, 0);
    assert_true(entry() > last);
    acknowledge(last, false);
    nothing_leaves();
}

/* The table of waiting replies is full when it says so, not later. */
static void room_counts_down_to_none(void **state)
{
    (void)state;
    unsigned room = kms_outbox_room(box);
    assert_true(room >= 128);
    for (unsigned i = 0; i < room; i++) {
        assert_int_equal(kms_outbox_room(box), room - i);
        put(i + 1, 0);
    }
    assert_int_equal(kms_outbox_room(box), 0);
    uint64_t last = 0;
    for (unsigned i = 0; i < room; i++)
        last = entry();
    acknowledge(last, false);
    for (unsigned i = 0; i < room; i++)
        leaves(i + 1, 200);
    assert_int_equal(kms_outbox_room(box), room);
}

/* In the order in which they were asked, 400 among them. */
static void replies_keep_their_order(void **state)
{
    (void)state;
    put(1, 0);
    kms_outbox_direct(box, 2, 400, 0);
    nothing_leaves();
    acknowledge(entry(), false);
    leaves(1, 200);
    leaves(2, 400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(a_reply_waits_for_its_record),
          TEST(a_record_that_is_not_written_is_503),
          TEST(a_silent_audit_is_503_in_time),
          TEST(a_new_audit_may_have_lost_what_the_old_one_took),
          TEST(an_earlier_engines_acknowledgement_counts_for_nothing),
          TEST(room_counts_down_to_none), TEST(replies_keep_their_order))
