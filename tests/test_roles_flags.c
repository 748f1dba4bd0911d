/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of the Ticket Policy (RFC 6043 6.10), as the roles of
 * <mikey/mikey.h> keep them: what may be asked for, granted, offered.
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

#define D MIKEY_FLAG_D
#define E MIKEY_FLAG_E
#define F MIKEY_FLAG_F
#define G MIKEY_FLAG_G
#define H MIKEY_FLAG_H
#define I MIKEY_FLAG_I
#define J MIKEY_FLAG_J
#define K MIKEY_FLAG_K
#define L MIKEY_FLAG_L
#define M MIKEY_FLAG_M
#define N MIKEY_FLAG_N
#define O MIKEY_FLAG_O

/* ---- which flags go together (2.17) ---- */

/* The rules, as they stand in the RFC. */
static bool fit(unsigned f, bool tgk)
{
    if (!(f & D) && !(f & L))
        return false;
    if (f & G && !(f & F))
        return false;
    if (!(f & G) && !(f & H))
        return false; /* R158 */
    if (f & I && !(f & E))
        return false;
    if (f & M && !(f & F))
        return false;
    return !(f & I && tgk && !(f & F)); /* R217 */
}

/* R37, R158, R217: all 4096 mixes; K is left out of a request (R225). */
static void only_flags_that_fit_are_asked_for(void **state)
{
    (void)state;
    const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    for (unsigned with_tgk = 0; with_tgk < 2; with_tgk++) {
        t.wish.keys = with_tgk ? NULL : &tek;
        t.wish.n_keys = with_tgk ? 0 : 1;
        for (unsigned f = 1; f < 0x1000; f++) {
            t.wish.flags = (uint16_t)f;
            FAILS(fit(f, with_tgk) ? TS_OK : TS_E_RANGE, troupe_request(&t));
            if (!fit(f, with_tgk))
                continue;
            struct mikey_msg m = troupe_read(&t.request);
            assert_int_equal(m.tp.flags, f & ~K);
        }
    }
    t.wish.flags = 0x1000 | D | E | F | G | H | N | O;
    FAILS(TS_E_RANGE, troupe_request(&t)); /* no such flag */
}

/* R174, R283, R284: forking, and no reuse, unless one asks otherwise. */
static void the_usual_flags_are_d_e_f_g_h_i_n_o(void **state)
{
    (void)state;
    t.wish.flags = 0;
    OK(troupe_request(&t));
    struct mikey_msg m = troupe_read(&t.request);
    assert_int_equal(m.tp.flags, D | E | F | G | H | I | N | O);
}

static void a_ticket_of_our_own_clears_d_and_sets_l(void **state)
{
    (void)state;
    struct mikey_ticket_info info;
    troupe_mode(&t, 3, I);
    t.wish.flags |= D;
    t.wish.flags &= (uint16_t)~L;
    troupe_ticket(&t);
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.flags, E | F | G | H | I | L | N | O);
    t.wish.flags = G | H | L; /* G needs F */
    troupe_freeze(&t, &still);
    FAILS(TS_E_RANGE, mikey_initiator_make(t.i, &t.now, &t.wish));
    troupe_unchanged(&t, &still);
}

/* ---- what is granted (R47, R48) ---- */

static uint16_t granted_flags;

static enum ts_err grant_flags(void *arg, struct mikey_case *c)
{
    (void)arg;
    if (!c->resolve)
        c->flags = granted_flags;
    return TS_OK;
}

static void granted(enum ts_err wanted, unsigned asked, unsigned must,
                    unsigned flags)
{
    t.wish.flags = (uint16_t)asked;
    t.wish.must = (uint16_t)must;
    t.kms.decide = grant_flags;
    granted_flags = (uint16_t)flags;
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_granted(&t));
    if (wanted)
        troupe_unchanged(&t, &still);
}

/* R47: whatever we ask for must be granted, unless we say what we need. */
static void a_flag_that_must_be_granted_is(void **state)
{
    (void)state;
    const unsigned all = D | E | F | G | H | I | J | L | M | N | O;
    granted(TS_OK, all, 0, all);
    granted(TS_E_UNSUPPORTED, all, 0, all & ~J);
    granted(TS_E_UNSUPPORTED, all, 0, all & ~L);
    granted(TS_E_UNSUPPORTED, all, 0, all & ~M);
    granted(TS_E_UNSUPPORTED, all, 0, all & ~I);
    granted(TS_OK, all, D | E | F, all & ~(I | J | L | M));
    granted(TS_E_UNSUPPORTED, all, D | E | F | I, all & ~(I | J | L | M));
    granted(TS_OK, all & ~J, 0, all); /* J does no harm */
}

/* R47: nobody is let in to choose keys, and no answer is waited for in vain. */
static void f_and_m_are_granted_only_if_asked_for(void **state)
{
    (void)state;
    const struct mikey_key tek = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    t.wish.keys = &tek;
    t.wish.n_keys = 1;
    granted(TS_E_UNSUPPORTED, D | E | H | N | O, 0, D | E | F | H | N | O);
    granted(TS_E_UNSUPPORTED, D | E | F | H | N | O, 0,
            D | E | F | H | M | N | O);
    granted(TS_OK, D | E | F | H | M | N | O, 0, D | E | F | H | M | N | O);
}

/* The KMS itself refuses to make what does not fit (R217). */
static void a_kms_does_not_grant_flags_that_do_not_fit(void **state)
{
    (void)state;
    t.wish.flags = D | E | F | G | H | I | N | O;
    t.kms.decide = grant_flags;
    OK(troupe_request(&t));
    const unsigned wrong[] = {D | E | G | H,     E | F | G | H, D | F | H | I,
                              D | E | F,         D | E | H | M, D | E | H | I,
                              0x1000 | D | E | H};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        granted_flags = (uint16_t)wrong[k];
        FAILS(TS_E_RANGE, troupe_grant(&t));
        struct mikey_msg m = troupe_read(&t.granted);
        assert_int_equal(m.hdr.type, MIKEY_ERROR);
        assert_int_equal(m.err[0], MIKEY_ERR_UNSPECIFIED);
    }
}

/* K says that the KMS changed something (2.17); in a request it counts for
 * nothing (R225). */
static void k_tells_what_was_changed(void **state)
{
    (void)state;
    struct mikey_ticket_info info;
    const uint64_t now = t.now.us / SECONDS;
    t.wish.start = now + 10;
    t.wish.end = now + 100;
    granted(TS_OK, D | E | F | G | H | N | O, 0, D | E | F | G | H | N | O);
    FAILS(TS_E_STATE, troupe_granted(&t)); /* a reply is taken once */
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.flags & K, 0);
    granted(TS_OK, D | E | F | G | H | N | O, 0, D | E | F | G | H | J | N | O);
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.flags & K, K);
    t.wish.end = now + 1000000; /* more than the KMS allows */
    granted(TS_OK, D | E | F | G | H | N | O, 0, D | E | F | G | H | N | O);
    OK(mikey_initiator_ticket(t.i, &info));
    assert_int_equal(info.flags & K, K);
    assert_int_equal(info.end, now + 86400);
}

/* ---- what is offered ---- */

/* R52, R220: V in TRANSFER_INIT is F. R53: the Responder does not look. */
static void the_v_flag_of_an_offer_is_f_and_does_not_matter(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    assert_true(troupe_read(&t.transfer).hdr.v);
    t.transfer.b[3] &= 0x7f;
    troupe_sign_offer(&t); /* it is under the MAC */
    OK(mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                               &t.bob->offered, NULL));
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    OK(troupe_answer(&t));
    assert_true(t.bob->resp.n > 0); /* F says so (R65) */
}

static void j_lets_a_ticket_be_offered_again(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    troupe_freeze(&t, &still);
    FAILS(TS_E_DENIED, troupe_transfer(&t)); /* R173, R224 */
    troupe_unchanged(&t, &still);
    troupe_mode(&t, 1, I | J);
    troupe_ticket(&t); /* a new one */
    OK(troupe_transfer(&t));
    OK(troupe_transfer(&t));
}

/* R239, 2.17: a Responder does not ask the KMS about flags that do not fit. */
static void an_offer_whose_flags_do_not_fit_is_refused_at_once(void **state)
{
    (void)state;
    uint8_t no;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    struct mikey_msg m = troupe_read(&t.transfer);
    uint8_t *flags = t.transfer.b + mikey_at(&m, m.ticket.body) + 5;
    const uint8_t d_and_prf = flags[0];
    for (unsigned f = 0; f < 0x1000; f++) {
        flags[0] = (uint8_t)((d_and_prf & 0xfe) | f >> 11);
        flags[1] = (uint8_t)(f >> 3);
        flags[2] = (uint8_t)(f << 5);
        enum ts_err err = mikey_responder_offered(
            t.bob->r, &t.now, troupe_view(&t.transfer), &t.bob->offered, &no);
        bool good = fit(f, false) && !(f & K && !(f & D));
        FAILS(good ? TS_OK : TS_E_FORMAT, err);
        assert_true(good || no == MIKEY_ERR_TPPAR);
        assert_true(!good || t.bob->offered.ticket.flags == f);
    }
}

/* R241: Initiator Data are there if and only if keys are forked. */
static void initiator_data_come_with_i(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= I; i += I) {
        troupe_begin(&t, 256);
        troupe_mode(&t, 1, i);
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        assert_int_equal(troupe_read(&t.transfer).ticket.init.n, i ? 69 : 0);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(only_flags_that_fit_are_asked_for),
          TEST(the_usual_flags_are_d_e_f_g_h_i_n_o),
          TEST(a_ticket_of_our_own_clears_d_and_sets_l),
          TEST(a_flag_that_must_be_granted_is),
          TEST(f_and_m_are_granted_only_if_asked_for),
          TEST(a_kms_does_not_grant_flags_that_do_not_fit),
          TEST(k_tells_what_was_changed),
          TEST(the_v_flag_of_an_offer_is_f_and_does_not_matter),
          TEST(j_lets_a_ticket_be_offered_again),
          TEST(an_offer_whose_flags_do_not_fit_is_refused_at_once),
          TEST(initiator_data_come_with_i))
