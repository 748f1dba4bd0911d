/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole calls through <mikey/mikey.h> alone: Initiator, Responder and KMS as a
 * user of the library plays them.
 */
#include "tests/troupe.h"

static struct troupe t;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

/* Both ends have the same key and salt for a session. */
static void same_keys(uint8_t cs)
{
    struct mikey_srtp_key a, b;
    OK(mikey_bundle_srtp(t.at_i, cs, &a));
    OK(mikey_bundle_srtp(t.at_r, cs, &b));
    assert_int_equal(a.key_len, b.key_len);
    assert_memory_equal(a.key, b.key, a.key_len);
    assert_int_equal(a.salt_len, b.salt_len);
    assert_memory_equal(a.salt, b.salt, a.salt_len);
    assert_int_equal(a.spi_len, b.spi_len);
    assert_memory_equal(a.spi, b.spi, a.spi_len);
}

/* ---- the four modes (1.3) ---- */

static void mode_1_runs_through_the_kms_twice(void **state)
{
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        troupe_begin(&t, bits);
        troupe_call(&t);
        same_keys(1);
        same_keys(2);
        assert_true(
            ts_span_equal(mikey_bundle_peer(t.at_i).data, t.bob.self.data));
        assert_true(
            ts_span_equal(mikey_bundle_peer(t.at_r).data, t.alice.self.data));
        assert_int_equal(t.asked, 2);
    }
}

static void without_forking_the_keys_are_the_tickets(void **state)
{
    (void)state;
    t.wish.flags = TROUPE_FLAGS & (uint16_t)~MIKEY_FLAG_I;
    troupe_call(&t);
    same_keys(1);
}

/* A KMS that shares its ticket key with the Responder. */
static enum ts_err allow_mode_2(void *arg, struct mikey_case *c)
{
    (void)arg;
    c->flags &= (uint16_t)~MIKEY_FLAG_E;
    return TS_OK;
}

static void in_mode_2_the_responder_opens_the_ticket(void **state)
{
    (void)state;
    t.kms.decide = allow_mode_2;
    t.wish.flags = MIKEY_FLAG_D | MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_H |
                   MIKEY_FLAG_N | MIKEY_FLAG_O;
    t.bob.tpk = t.kms.tpk;
    t.local = true;
    troupe_call(&t);
    same_keys(2);
    assert_int_equal(t.asked, 1);
}

static void in_mode_3_the_initiator_makes_the_ticket(void **state)
{
    (void)state;
    t.wish.flags = MIKEY_FLAG_E | MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_H |
                   MIKEY_FLAG_I | MIKEY_FLAG_L | MIKEY_FLAG_N | MIKEY_FLAG_O;
    t.alice.tpk = t.kms.tpk;
    t.self_made = true;
    troupe_call(&t);
    same_keys(1);
    assert_int_equal(t.asked, 1);
}

static void in_mode_4_nobody_needs_a_kms(void **state)
{
    (void)state;
    t.wish.flags = MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_H | MIKEY_FLAG_L |
                   MIKEY_FLAG_N | MIKEY_FLAG_O;
    t.alice.tpk = t.bob.tpk = t.kms.tpk;
    t.self_made = t.local = true;
    troupe_call(&t);
    same_keys(1);
    assert_int_equal(t.asked, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(mode_1_runs_through_the_kms_twice),
          TEST(without_forking_the_keys_are_the_tickets),
          TEST(in_mode_2_the_responder_opens_the_ticket),
          TEST(in_mode_3_the_initiator_makes_the_ticket),
          TEST(in_mode_4_nobody_needs_a_kms))
