/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole calls through <mikey/mikey.h> alone: Initiator, Responder and KMS as a
 * user of the library plays them, in each mode.
 */
#include "tests/troupe.h"

static struct troupe t;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

static bool is(struct mikey_id id, struct mikey_id wanted)
{
    return id.type == wanted.type && ts_span_equal(id.data, wanted.data);
}

/* A call in both suites, after which both ends know the same. */
static void call_in_both_suites(unsigned mode, unsigned more, unsigned asked)
{
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct mikey_srtp_key first, second;
        troupe_begin(&t, bits);
        troupe_mode(&t, mode, more);
        troupe_call(&t);
        troupe_same_keys(&t, 1, &first);
        troupe_same_keys(&t, 2, &second);
        assert_int_equal(first.key_len, bits / 8);
        assert_memory_not_equal(first.key, second.key, first.key_len);
        assert_true(is(mikey_bundle_peer(t.bob->at_i), t.bob->party.self));
        assert_true(is(mikey_bundle_peer(t.bob->at_r), t.alice.self));
        assert_int_equal(mikey_bundle_csb(t.bob->at_i),
                         mikey_bundle_csb(t.bob->at_r));
        assert_int_equal(t.asked, asked);
    }
}

/* ---- the four modes (1.3) ---- */

/* R11, R29, R98, R114, R289 */
static void mode_1_runs_through_the_kms_twice(void **state)
{
    (void)state;
    call_in_both_suites(1, MIKEY_FLAG_I, 2);
    call_in_both_suites(1, 0, 2);
}

/* R2, R3, R89, R90, R289, R304 */
static void in_mode_2_the_responder_opens_the_ticket(void **state)
{
    (void)state;
    call_in_both_suites(2, 0, 1);
    assert_false(t.bob->offered.needs_kms);
}

/* R1, R289, R303 */
static void in_mode_3_the_initiator_makes_the_ticket(void **state)
{
    (void)state;
    call_in_both_suites(3, MIKEY_FLAG_I, 1);
    call_in_both_suites(3, 0, 1);
}

/* R1, R2, R89, R289 */
static void in_mode_4_nobody_needs_a_kms(void **state)
{
    (void)state;
    t.alice.kms.data.p = NULL;
    call_in_both_suites(4, 0, 0);
}

/* R219 */
static void what_must_be_resolved_is_not_opened(void **state)
{
    (void)state;
    t.bob->party.tpk = t.kms.tpk;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    assert_true(t.bob->offered.needs_kms);
    FAILS(TS_E_DENIED, mikey_responder_open(t.bob->r, &t.now));
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    troupe_finish(&t);
}

/* R3, R90, R219: with another key than the ticket's there is only the KMS. */
static void a_ticket_of_another_key_needs_the_kms(void **state)
{
    (void)state;
    troupe_mode(&t, 2, 0);
    t.bob->party.tpk_id = ts_span_str("tpk-2");
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    assert_true(t.bob->offered.needs_kms);
    FAILS(TS_E_NOTFOUND, mikey_responder_open(t.bob->r, &t.now));
    t.bob->party.tpk_id = ts_span(NULL, 0); /* R298: we cannot tell */
    t.bob->party.tpk = ts_span_str("another key of that length, sir!");
    OK(troupe_offered(&t));
    assert_false(t.bob->offered.needs_kms);
    FAILS(TS_E_AUTH, mikey_responder_open(t.bob->r, &t.now));
    OK(troupe_resolve(&t));
    OK(troupe_resolve_at_kms(&t));
    OK(troupe_resolved(&t));
    troupe_finish(&t);
    troupe_same_keys(&t, 1, NULL);
}

/* R8, R51, R95: each exchange has a CSB ID of its own. */
static void each_exchange_has_a_csb_id_of_its_own(void **state)
{
    (void)state;
    uint32_t csb[6];
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_J);
    for (size_t k = 0; k < 6; k += 3) {
        troupe_call(&t);
        csb[k] = troupe_read(&t.request).hdr.csb;
        csb[k + 1] = troupe_read(&t.transfer).hdr.csb;
        csb[k + 2] = troupe_read(&t.bob->resolve).hdr.csb;
    }
    for (size_t k = 0; k < 6; k++)
        for (size_t j = 0; j < k; j++)
            assert_int_not_equal(csb[k], csb[j]);
}

static void is_of_suite(const struct troupe_message *m, bool strong)
{
    struct mikey_msg read = troupe_read(m);
    assert_int_equal(read.hdr.prf, strong ? MIKEY_PRF_SHA256 : MIKEY_PRF_SHA1);
    assert_int_equal(read.v.alg, strong ? MIKEY_AUTH_SHA256 : MIKEY_AUTH_SHA1);
    assert_int_equal(read.v.mac.n, strong ? 32 : 20);
    if (read.has_kemac)
        assert_int_equal(read.kemac.encr, strong ? MIKEY_ENCR_AES_CM_256
                                                 : MIKEY_ENCR_AES_CM_128);
    if (read.has_ticket)
        assert_int_equal(read.ticket.tp.prf, read.hdr.prf);
}

/* R210, R211, R276-R278: PRF, encryption and MAC of one strength, always. */
static void a_suite_is_used_as_a_whole(void **state)
{
    (void)state;
    for (unsigned strong = 0; strong < 2; strong++) {
        troupe_begin(&t, strong ? 256 : 128);
        troupe_call(&t);
        is_of_suite(&t.request, strong);
        is_of_suite(&t.granted, strong);
        is_of_suite(&t.transfer, strong);
        is_of_suite(&t.bob->resolve, strong);
        is_of_suite(&t.bob->resolved, strong);
        is_of_suite(&t.bob->resp, strong);
    }
}

/* R276, R279: a strong ticket is resolved with the strong suite. */
static void a_strong_ticket_is_resolved_with_the_strong_suite(void **state)
{
    (void)state;
    t.bob->party.bits = 128;
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    is_of_suite(&t.bob->resolve, true);
    troupe_begin(&t, 128);
    t.bob->party.bits = 256; /* and a weak one may be, too */
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
    is_of_suite(&t.bob->resp, false);
}

/* ---- F, G and H ---- */

/* Complete sessions, for an offer that nobody will answer. */
static void complete_sessions(void)
{
    struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 1, 'a');
    t.wish.keys = &key;
    t.wish.n_keys = 1;
    for (size_t k = 0; k < 2; k++) {
        t.session[k].known = true;
        t.session[k].spi = ts_span("a", 1);
    }
    troupe_ticket(&t);
    t.wish.keys = NULL;
}

/* R65, R74, R155, R156, R220-R222: which RANDs enter, and whether there is an
 * answer, is the same at both ends whatever the flags say. */
static void every_mix_of_f_g_h_and_i_gives_both_the_same_keys(void **state)
{
    (void)state;
    const unsigned f = MIKEY_FLAG_F, g = MIKEY_FLAG_G, h = MIKEY_FLAG_H;
    const unsigned mixes[] = {f | g | h, f | g, f | h, h};
    for (unsigned mode = 1; mode <= 4; mode++)
        for (unsigned k = 0; k < 8; k++) {
            unsigned flags = mixes[k / 2] | (k % 2 ? MIKEY_FLAG_I : 0) |
                             MIKEY_FLAG_N | MIKEY_FLAG_O;
            if (flags & MIKEY_FLAG_I && mode % 2 == 0)
                continue; /* forking needs the KMS */
            troupe_begin(&t, 256);
            troupe_flags(&t, mode, flags);
            complete_sessions();
            OK(troupe_transfer(&t));
            OK(troupe_verify(&t));
            troupe_finish(&t);
            assert_int_equal(t.bob->resp.n > 0, (flags & f) != 0);
            troupe_same_keys(&t, 1, NULL);
            troupe_same_keys(&t, 2, NULL);
        }
}

/* R155, R222 */
static void randri_enters_the_teks_if_h_says_so(void **state)
{
    (void)state;
    for (unsigned h = 0; h <= MIKEY_FLAG_H; h += MIKEY_FLAG_H) {
        struct mikey_srtp_key good, bad;
        troupe_begin(&t, 256);
        troupe_flags(&t, 1, MIKEY_FLAG_F | MIKEY_FLAG_G | h);
        troupe_call(&t);
        troupe_same_keys(&t, 1, &good);
        t.bob->at_i->copy[0][0] ^= 1; /* RANDRi */
        OK(mikey_bundle_srtp(t.bob->at_i, 1, &bad));
        assert_int_equal(!ts_equal(good.key, 32, bad.key, 32), h != 0);
        assert_int_equal(!ts_equal(good.salt, 14, bad.salt, 14), h != 0);
    }
}

/* R74, R139, R156, R221, R275 */
static void randrr_is_there_and_enters_the_teks_if_g_says_so(void **state)
{
    (void)state;
    for (unsigned g = 0; g <= MIKEY_FLAG_G; g += MIKEY_FLAG_G) {
        struct mikey_srtp_key good, bad;
        troupe_begin(&t, 256);
        troupe_flags(&t, 1, MIKEY_FLAG_F | MIKEY_FLAG_H | g);
        troupe_call(&t);
        troupe_same_keys(&t, 1, &good);
        struct mikey_msg m = troupe_read(&t.bob->resp);
        assert_int_equal(m.rand[MIKEY_RAND_R].n, g ? 32 : 0);
        t.bob->at_i->copy[1][0] ^= 1; /* RANDRr */
        OK(mikey_bundle_srtp(t.bob->at_i, 1, &bad));
        assert_int_equal(!ts_equal(good.key, 32, bad.key, 32), g != 0);
    }
}

/* ---- what follows from key forking ---- */

/* R75, R77, R128: the modifier of RESOLVE_RESP comes with TRANSFER_RESP; R76,
 * R190: also where another was called. */
static void the_modifier_goes_from_the_kms_to_the_initiator(void **state)
{
    (void)state;
    t.alice.same = t.bob->party.same = troupe_same;
    t.responder = t.offer.to = troupe_uri(TEAM);
    troupe_call(&t);
    struct mikey_msg resolved = troupe_read(&t.bob->resolved);
    struct mikey_msg resp = troupe_read(&t.bob->resp);
    assert_true(ts_span_equal(resolved.rand[MIKEY_RAND_KMS],
                              resp.rand[MIKEY_RAND_KMS]));
    assert_true(is(resolved.idr[MIKEY_IDR_R], resp.idr[MIKEY_IDR_R]));
    assert_true(is(resp.idr[MIKEY_IDR_R], t.bob->party.self));
    assert_true(is(mikey_bundle_peer(t.bob->at_i), t.bob->party.self));
    troupe_same_keys(&t, 1, NULL);
}

/* R40, R41, R126, R138, R144: MPKi for the offer, MPKr' for the answer, with
 * forking. Here an answer is under MPKi, which each Responder knows. */
static void an_answer_is_under_a_key_of_its_own(void **state)
{
    (void)state;
    troupe_verified(&t);
    struct ts_span mpk_i = t.bob->r->keys.k[0].key;
    uint8_t *mpk_r = t.bob->r->keys.plain +
                     (t.bob->r->keys.k[1].key.p - t.bob->r->keys.plain);
    uint8_t good[32];
    memcpy(good, mpk_r, 32);
    assert_memory_not_equal(good, mpk_i.p, 32);
    memcpy(mpk_r, mpk_i.p, 32);
    OK(troupe_answer(&t));
    FAILS(TS_E_AUTH, troupe_answered(&t));
    OK(troupe_verify(&t));
    troupe_finish(&t);
    begin(NULL);
    troupe_mode(&t, 1, 0); /* without forking there is nothing else */
    troupe_call(&t);
    troupe_same_keys(&t, 1, NULL);
}

/* R133, R134: with forking only the one who asked for the ticket can call. */
static void whoever_resolved_a_forked_ticket_cannot_call_with_it(void **state)
{
    (void)state;
    struct mikey_held held;
    static struct troupe carol;
    troupe_verified(&t);
    OK(mikey_responder_hold(t.bob->r, &held));
    assert_non_null(held.rand_kms.p);
    troupe_begin(&carol, 256);
    FAILS(TS_E_DENIED,
          mikey_initiator_adopt(carol.i, &t.now, &held)); /* R252 */
    held.rand_kms.n = 0; /* not even when it hides where it has it from: */
    carol.alice.self = t.bob->party.self;
    FAILS(TS_E_DENIED, mikey_initiator_adopt(carol.i, &t.now, &held));
    carol.alice.self = t.alice.self; /* nor in another's name */
    OK(mikey_initiator_adopt(carol.i, &t.now, &held));
    OK(troupe_transfer(&carol));
    t.transfer = carol.transfer;
    FAILS(TS_E_AUTH, troupe_verify(&t));
}

/* R127, R137, R141, R280: each endpoint that answers has keys of its own. */
static void several_endpoints_answer_with_different_keys(void **state)
{
    (void)state;
    struct mikey_srtp_key key[3];
    for (size_t k = 0; k < 3; k++)
        t.callee[k].party.same = troupe_same;
    t.alice.same = troupe_same;
    t.responder = t.offer.to = troupe_uri(TEAM);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    for (size_t k = 0; k < 3; k++) {
        t.bob = &t.callee[k];
        OK(troupe_verify(&t));
        troupe_finish(&t);
        troupe_same_keys(&t, 1, &key[k]);
        assert_true(is(mikey_bundle_peer(t.bob->at_i), t.bob->party.self));
        for (size_t j = 0; j < k; j++)
            assert_memory_not_equal(key[j].key, key[k].key, 32);
    }
    /* an answer is bound to the one who gave it */
    t.callee[0].resp = t.callee[1].resp;
    t.bob = &t.callee[0];
    OK(troupe_answered(&t)); /* Carol's, once more */
    assert_true(is(mikey_bundle_peer(t.bob->at_i), t.callee[1].party.self));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(mode_1_runs_through_the_kms_twice),
          TEST(in_mode_2_the_responder_opens_the_ticket),
          TEST(in_mode_3_the_initiator_makes_the_ticket),
          TEST(in_mode_4_nobody_needs_a_kms),
          TEST(what_must_be_resolved_is_not_opened),
          TEST(a_ticket_of_another_key_needs_the_kms),
          TEST(each_exchange_has_a_csb_id_of_its_own),
          TEST(a_suite_is_used_as_a_whole),
          TEST(a_strong_ticket_is_resolved_with_the_strong_suite),
          TEST(every_mix_of_f_g_h_and_i_gives_both_the_same_keys),
          TEST(randri_enters_the_teks_if_h_says_so),
          TEST(randrr_is_there_and_enters_the_teks_if_g_says_so),
          TEST(the_modifier_goes_from_the_kms_to_the_initiator),
          TEST(an_answer_is_under_a_key_of_its_own),
          TEST(whoever_resolved_a_forked_ticket_cannot_call_with_it),
          TEST(several_endpoints_answer_with_different_keys))
