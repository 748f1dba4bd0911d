/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages are accepted and which are not. Each message here has a right
 * MAC: it is refused for what it says.
 */
#include "tests/deck.h"

static struct example example;

static int load(void **state)
{
    (void)state;
    scene_load(&example, 256);
    return 0;
}

#define BODY(...)                                                              \
    ts_span((const uint8_t[]){__VA_ARGS__},                                    \
            sizeof((const uint8_t[]){__VA_ARGS__}))

/* --- order --- */

/* Every order of the first n cards (Heap's algorithm). */
static unsigned permute(struct deck *d, size_t n)
{
    unsigned count = 0;
    if (n <= 1) {
        OK(deck_open_again(d));
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        count += permute(d, n - 1);
        size_t j = n % 2 ? 0 : i;
        struct card swap = d->card[j];
        d->card[j] = d->card[n - 1];
        d->card[n - 1] = swap;
    }
    return count;
}

/* mikey-ticket.md 0: the order in the grammar is only the recommended one. */
static void any_order_of_payloads_is_accepted(void **state)
{
    static const unsigned orders[EXAMPLE_MESSAGES] = {720, 24, 720, 720, 120,
                                                      24,  24, 2,   2};
    (void)state;
    for (enum example_message m = 0; m < example.n_messages; m++) {
        struct deck d;
        deck_open(&d, &example, m);
        assert_int_equal(permute(&d, d.n), orders[m]);
    }
}

/* R30, R46, R64, R88, R116, R135, R180; AMB 20 */
static void unexpected_payloads_are_ignored(void **state)
{
    static const uint8_t dh[1 + 1 + 128 + 1] = {0, 2};
    const struct {
        uint8_t type;
        struct ts_span body;
    } others[] = {
        {MIKEY_PKE, BODY(0, 0, 1, 0xaa)},
        {MIKEY_DH, ts_span(dh, sizeof dh)},
        {MIKEY_ID, BODY(0, 0, 0, 1, 'a')},
        {MIKEY_CERT, BODY(0, 1, 0, 1, 'a')},
        {MIKEY_CHASH,
         BODY(0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)},
        {MIKEY_RAND, BODY(0, 1, 1)},
        {MIKEY_TR, BODY(0, 1, 3, 0xe1, 0, 0, 0)},
        {MIKEY_IDR, BODY(0, 5, 1, 0, 1, 'a')},
        {MIKEY_IDR, BODY(0, 200, 1, 0, 0)},
        {MIKEY_RANDR, BODY(0, 200, 1, 1)},
        {MIKEY_EXT, BODY(0, 0, 0, 2, 1, 2)},
        {MIKEY_EXT, BODY(0, 1, 0, 5, 'm', 'i', 'k', 'e', 'y')},
    };
    (void)state;
    for (enum example_message m = 0; m < example.n_messages; m++) {
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            struct deck d;
            deck_open(&d, &example, m);
            for (size_t at = 0; at <= d.n; at++) {
                deck_insert(&d, at, others[i].type, others[i].body);
                OK(deck_open_again(&d));
                deck_remove(&d, at);
            }
        }
    }
}

/* 2.18: nobody can tell the length of a payload of unknown type. */
static void an_unknown_payload_is_refused(void **state)
{
    struct deck d;
    (void)state;
    deck_open(&d, &example, REQUEST_INIT);
    for (unsigned type = 18; type < 256; type++) {
        if (type == MIKEY_EXT)
            continue;
        deck_insert(&d, 1, (uint8_t)type, BODY(0, 0, 0, 0));
        FAILS(TS_E_UNKNOWN, deck_open_again(&d));
        deck_remove(&d, 1);
    }
}

/* --- what may stand once --- */

/* 2.18, the whole list: T, RANDR and IDR of a role, TICKET, TP, KEMAC. */
static void what_stands_twice_is_refused(void **state)
{
    (void)state;
    for (enum example_message m = 0; m < example.n_messages; m++) {
        struct deck d;
        deck_open(&d, &example, m);
        for (size_t i = 0; i < d.n; i++) {
            if (d.card[i].type == MIKEY_ERR)
                continue; /* (ERR): one or more */
            deck_insert(&d, d.n, d.card[i].type, d.card[i].body);
            FAILS(TS_E_DUPLICATE, deck_open_again(&d));
            deck_remove(&d, d.n - 1);
        }
    }
}

static void two_lists_of_sdp_ids_are_refused(void **state)
{
    struct deck d;
    (void)state;
    deck_open(&d, &example, TRANSFER_INIT);
    deck_insert(&d, 1, MIKEY_EXT, BODY(0, 1, 0, 1, 'a'));
    deck_insert(&d, 1, MIKEY_EXT, BODY(0, 1, 0, 1, 'a'));
    FAILS(TS_E_DUPLICATE, deck_open_again(&d));
}

/* R57: several SP, each with a number of its own; up to 16 of them. */
static void policies_are_told_apart_by_their_numbers(void **state)
{
    static uint8_t sp[MIKEY_SP_MAX + 1][5];
    struct deck d;
    (void)state;
    deck_open(&d, &example, TRANSFER_INIT);
    for (uint8_t i = 1; i < MIKEY_SP_MAX; i++) {
        sp[i][1] = i;
        deck_insert(&d, 1, MIKEY_SP, ts_span(sp[i], sizeof sp[i]));
    }
    OK(deck_open_again(&d));
    sp[3][1] = 5;
    FAILS(TS_E_DUPLICATE, deck_open_again(&d));
    sp[3][1] = 3;
    sp[MIKEY_SP_MAX][1] = MIKEY_SP_MAX;
    deck_insert(&d, 1, MIKEY_SP, ts_span(sp[MIKEY_SP_MAX], 5));
    FAILS(TS_E_UNSUPPORTED, deck_open_again(&d));
}

/* R21, R42, R60, R83, R107, R130 */
static void v_must_be_the_last_payload(void **state)
{
    static const uint8_t v[2 + 32] = {0, MIKEY_AUTH_SHA256};
    (void)state;
    for (enum example_message m = 0; m < example.n_messages; m++) {
        struct deck d;
        deck_open(&d, &example, m);
        for (size_t at = 0; at <= d.n; at++) {
            deck_insert(&d, at, MIKEY_V, ts_span(v, sizeof v));
            FAILS(TS_E_ORDER, deck_open_again(&d));
            deck_remove(&d, at);
        }
    }
}

/* --- what must be there --- */

/* R7, R50, R94 and the grammars of 1.4 */
static void what_is_mandatory_must_be_there(void **state)
{
    static const struct {
        enum example_message which;
        uint8_t type;
    } must[] = {
        {REQUEST_INIT, MIKEY_T},       {REQUEST_INIT, MIKEY_RANDR},
        {REQUEST_INIT, MIKEY_TP},      {REQUEST_RESP, MIKEY_T},
        {REQUEST_RESP, MIKEY_TICKET},  {REQUEST_RESP, MIKEY_KEMAC},
        {TRANSFER_INIT, MIKEY_T},      {TRANSFER_INIT, MIKEY_RANDR},
        {TRANSFER_INIT, MIKEY_TICKET}, {RESOLVE_INIT, MIKEY_T},
        {RESOLVE_INIT, MIKEY_RANDR},   {RESOLVE_INIT, MIKEY_TICKET},
        {RESOLVE_RESP, MIKEY_T},       {RESOLVE_RESP, MIKEY_KEMAC},
        {TRANSFER_RESP, MIKEY_T},      {UPDATE_INIT, MIKEY_T},
        {UPDATE_RESP, MIKEY_T},        {ERROR_MESSAGE, MIKEY_ERR},
    };
    struct deck d;
    (void)state;
    for (size_t i = 0; i < sizeof must / sizeof must[0]; i++) {
        deck_open(&d, &example, must[i].which);
        deck_remove(&d, deck_find(&d, must[i].type));
        FAILS(TS_E_MISSING, deck_open_again(&d));
    }
    for (enum example_message m = 0; m < example.n_messages; m++) {
        deck_open(&d, &example, m);
        d.with_v = false;
        assert_int_not_equal(deck_open_again(&d), TS_OK);
    }
}

/* R128, R75, R77: with key forking the modifier must be in both answers. */
static void the_fork_modifier_must_be_there(void **state)
{
    static const enum example_message both[] = {RESOLVE_RESP, TRANSFER_RESP};
    struct deck d;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        deck_open(&d, &example, both[i]);
        deck_remove(&d, deck_find(&d, MIKEY_IDR)); /* IDRkms or IDRr */
        if (both[i] == RESOLVE_RESP)
            deck_remove(&d, deck_find(&d, MIKEY_IDR));
        FAILS(TS_E_MISSING, deck_open_again(&d));
        deck_open(&d, &example, both[i]);
        for (size_t k = 0; k < d.n; k++)
            if (d.card[k].type == MIKEY_RANDR &&
                d.card[k].body.p[1] == MIKEY_RAND_KMS)
                deck_remove(&d, k);
        FAILS(TS_E_MISSING, deck_open_again(&d));
    }
}

/* An identity that no key can be forked with is refused, not cut short. */
static void a_modifier_of_256_octets_is_refused(void **state)
{
    static const enum example_message both[] = {RESOLVE_RESP, TRANSFER_RESP};
    static uint8_t idr[5 + MIKEY_ID_MAX + 1] = {0, MIKEY_IDR_R, MIKEY_ID_URI};
    struct deck d;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        deck_open(&d, &example, both[i]);
        for (size_t k = 0; k < d.n; k++)
            if (d.card[k].type == MIKEY_IDR &&
                d.card[k].body.p[1] == MIKEY_IDR_R)
                deck_remove(&d, k);
        idr[3] = 1;
        idr[4] = 0;
        deck_insert(&d, 1, MIKEY_IDR, ts_span(idr, 5 + 256));
        FAILS(TS_E_UNSUPPORTED, deck_open_again(&d));
        idr[3] = 0;
        idr[4] = 255;
        d.card[1].body = ts_span(idr, 5 + 255);
        OK(deck_open_again(&d));
    }
}

/* --- HDR --- */

/* R10, R32, R53, R67, R97, R118, R184; AMB 1: only an update reads it. */
static void the_v_flag_is_ignored(void **state)
{
    (void)state;
    for (enum example_message m = 0; m < example.n_messages; m++) {
        struct deck d;
        deck_open(&d, &example, m);
        d.hdr.b[3] ^= 0x80;
        OK(deck_open_again(&d));
    }
}

/* R13, R14, R99-R101; R12: no crypto sessions with a KMS */
static void a_kms_takes_no_crypto_sessions(void **state)
{
    static const uint8_t generic[] = {1, MIKEY_MAP_GENERIC, 1, 0, 0, 0, 0, 0};
    static const enum example_message both[] = {REQUEST_INIT, RESOLVE_INIT};
    struct deck d;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        deck_open(&d, &example, both[i]);
        memcpy(d.hdr.b + 8, generic, sizeof generic);
        d.hdr.n = 8 + sizeof generic;
        FAILS(TS_E_FORMAT, deck_open_again(&d));
        deck_open(&d, &example, both[i]);
        d.hdr.b[9] = MIKEY_MAP_GENERIC; /* with #CS 0 */
        FAILS(TS_E_FORMAT, deck_open_again(&d));
        d.hdr.b[9] = MIKEY_MAP_EMPTY;
        d.hdr.b[8] = 1;
        FAILS(TS_E_FORMAT, deck_open_again(&d));
        d.hdr.b[8] = 0;
        d.hdr.b[9] = 3;
        FAILS(TS_E_UNKNOWN, deck_open_again(&d));
    }
}

/* R196, R197 */
static void a_transfer_has_a_generic_id_map(void **state)
{
    static const uint8_t srtp_id[] = {1, MIKEY_MAP_SRTP, 0, 1, 2, 3, 4, 0, 0, 0,
                                      0};
    struct deck d;
    (void)state;
    deck_open(&d, &example, TRANSFER_INIT);
    memcpy(d.hdr.b + 8, srtp_id, sizeof srtp_id);
    d.hdr.n = 8 + sizeof srtp_id;
    FAILS(TS_E_UNSUPPORTED, deck_open_again(&d));
    memcpy(d.hdr.b + 8, (const uint8_t[]){0, MIKEY_MAP_EMPTY}, 2);
    d.hdr.n = 10;
    OK(deck_open_again(&d)); /* R196 is a SHOULD; no sessions, then */
}

/* R31, R66, R117, R183: an answer to another question */
static void an_answer_must_fit_its_question(void **state)
{
    static const enum example_message answers[] = {
        REQUEST_RESP, RESOLVE_RESP, TRANSFER_RESP, UPDATE_RESP, ERROR_MESSAGE};
    struct deck d;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        deck_open(&d, &example, answers[i]);
        d.hdr.b[7] ^= 1; /* CSB ID */
        FAILS(TS_E_MISMATCH, deck_open_again(&d));
        deck_open(&d, &example, answers[i]);
        d.hdr.b[3] ^= 1; /* PRF func */
        FAILS(TS_E_MISMATCH, deck_open_again(&d));
    }
    deck_open(&d, &example, REQUEST_RESP);
    d.hdr.b[1] = MIKEY_RESOLVE_RESP;
    FAILS(TS_E_MISMATCH, deck_open_again(&d));
    deck_open(&d, &example, TRANSFER_RESP);
    d.hdr.b[1] = MIKEY_RESOLVE_RESP;
    FAILS(TS_E_MISMATCH, deck_open_again(&d));
}

/* --- one suite for all: R276-R279, AMB 4 --- */

static void check_error(enum example_message which, struct deck *d,
                        enum ts_err wanted, uint8_t wanted_no)
{
    struct mikey_msg m;
    struct mikey_policy policy;
    uint8_t no = 0xff;
    OK(mikey_msg_read(deck_deal(d), &m, NULL));
    if (which == TRANSFER_INIT)
        FAILS(wanted, mikey_transfer_check(&m, &policy, &no));
    else if (which == REQUEST_INIT)
        FAILS(wanted, mikey_init_check(&m, MIKEY_REQUEST_INIT_PSK, &no));
    else
        FAILS(wanted, mikey_init_check(&m, MIKEY_RESOLVE_INIT_PSK, &no));
    assert_int_equal(no, wanted_no);
}

static void suites_are_not_mixed(void **state)
{
    static const enum example_message inits[] = {REQUEST_INIT, TRANSFER_INIT,
                                                 RESOLVE_INIT};
    struct deck d;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        deck_open(&d, &example, inits[i]);
        d.hdr.b[3] ^= 1; /* PRF MIKEY-1 under HMAC-SHA-256-256 */
        check_error(inits[i], &d, TS_E_UNSUPPORTED, MIKEY_ERR_MAC);
        deck_open(&d, &example, inits[i]);
        d.hdr.b[3] ^= 2; /* a PRF that there is not */
        check_error(inits[i], &d, TS_E_UNSUPPORTED, MIKEY_ERR_PRF);
    }
}

/* R278; R35, R121, R168, R295: the KEMAC of the suite, with a NULL MAC */
static void a_kemac_of_another_suite_is_refused(void **state)
{
    static const enum example_message with[] = {REQUEST_RESP, RESOLVE_RESP,
                                                UPDATE_INIT};
    static const uint8_t algorithms[] = {MIKEY_ENCR_NULL, MIKEY_ENCR_AES_CM_128,
                                         MIKEY_ENCR_AES_KW_128, 4, 255};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct deck d;
        struct bytes kemac;
        deck_open(&d, &example, with[i]);
        size_t at = deck_find(&d, MIKEY_KEMAC);
        kemac.n = d.card[at].body.n;
        memcpy(kemac.b, d.card[at].body.p, kemac.n);
        d.card[at].body = ts_span(kemac.b, kemac.n);
        OK(deck_open_again(&d));
        for (size_t k = 0; k < sizeof algorithms; k++) {
            kemac.b[1] = algorithms[k];
            FAILS(TS_E_UNSUPPORTED, deck_open_again(&d));
        }
        kemac.b[1] = MIKEY_ENCR_AES_CM_256;
        kemac.b[kemac.n - 1] = MIKEY_AUTH_SHA1;
        memset(kemac.b + kemac.n, 0, 20);
        d.card[at].body = ts_span(kemac.b, kemac.n + 20);
        FAILS(TS_E_UNSUPPORTED, deck_open_again(&d));
    }
}

/* --- the policy of the ticket in TRANSFER_INIT: R59, R62, R229, 2.17 --- */

static void responder_refuses(uint8_t at, uint8_t value, enum ts_err err,
                              uint8_t no)
{
    struct deck d;
    struct bytes ticket;
    deck_open(&d, &example, TRANSFER_INIT);
    size_t i = deck_find(&d, MIKEY_TICKET);
    ticket.n = d.card[i].body.n;
    memcpy(ticket.b, d.card[i].body.p, ticket.n);
    ticket.b[at] = value;
    d.card[i].body = span_of(&ticket);
    check_error(TRANSFER_INIT, &d, err, no);
}

static void a_responder_looks_at_the_policy_first(void **state)
{
    struct deck d;
    (void)state;
    responder_refuses(5, 0x01, TS_E_UNSUPPORTED, MIKEY_ERR_PRF);
    responder_refuses(5, 0x05, TS_E_UNSUPPORTED, MIKEY_ERR_PRF);
    responder_refuses(6, 0xcd, TS_E_FORMAT, MIKEY_ERR_TPPAR); /* !G !H */
    responder_refuses(6, 0xbd, TS_E_FORMAT, MIKEY_ERR_TPPAR); /* G !F */
    responder_refuses(6, 0x7d, TS_E_FORMAT, MIKEY_ERR_TPPAR); /* I !E */
    responder_refuses(5, 0x02, TS_OK, MIKEY_ERR_TPPAR);       /* !D L */
    responder_refuses(2, 2, TS_OK, MIKEY_ERR_TPPAR);          /* O */
    deck_open(&d, &example, TRANSFER_INIT);
    static const uint8_t kemac[] = {0, 3, 0, 0, 0};
    deck_insert(&d, 1, MIKEY_KEMAC, ts_span(kemac, sizeof kemac));
    check_error(TRANSFER_INIT, &d, TS_OK, MIKEY_ERR_TPPAR); /* L=1 */
}

/* R59, R226 (L) and R82, R227 (M): with the 128-bit exchange both are 0. */
static void keys_are_supplied_only_by_who_may(void **state)
{
    static const enum example_message both[] = {TRANSFER_INIT, TRANSFER_RESP};
    static struct example strict;
    struct deck d;
    (void)state;
    scene_load(&strict, 128);
    for (unsigned i = 0; i < 2; i++) {
        deck_open(&d, &strict, both[i]);
        deck_insert(&d, 1, MIKEY_KEMAC, BODY(0, 1, 0, 0, 0));
        FAILS(TS_E_FORMAT, deck_open_again(&d));
    }
}

/* --- TRANSFER_RESP: R68, R69, R74, R199, R205, R208, R221 --- */

static enum ts_err answer_with(struct ts_span map, uint8_t n_cs)
{
    struct deck d;
    deck_open(&d, &example, TRANSFER_RESP);
    d.hdr.n = 10 + map.n;
    d.hdr.b[8] = n_cs;
    memcpy(d.hdr.b + 10, map.p, map.n);
    return deck_open_again(&d);
}

static void an_answer_settles_each_crypto_session(void **state)
{
    struct deck d;
    (void)state;
    OK(answer_with(BODY(1, 0, 1, 0, 0, 4, 1, 2, 3, 4, 1, 7), 1));
    OK(answer_with(BODY(1, 1, 1, 0, 0, 0, 1, 7), 1)); /* TESLA: no SSRC */
    FAILS(TS_E_FORMAT, answer_with(BODY(1, 0, 0, 0, 4, 1, 2, 3, 4, 1, 7), 1));
    FAILS(TS_E_FORMAT,
          answer_with(BODY(1, 0, 2, 0, 1, 0, 4, 1, 2, 3, 4, 1, 7), 1));
    FAILS(TS_E_FORMAT, answer_with(BODY(1, 0, 1, 0, 0, 4, 1, 2, 3, 4, 0), 1));
    FAILS(TS_E_FORMAT, answer_with(BODY(1, 0, 1, 0, 0, 0, 1, 7), 1));
    FAILS(TS_E_FORMAT, answer_with(ts_span("", 0), 0));
    deck_open(&d, &example, TRANSFER_RESP);
    deck_remove(&d, deck_find(&d, MIKEY_RANDR)); /* RANDRr, G=1 */
    FAILS(TS_E_FORMAT, deck_open_again(&d));
}

/* --- CSB update: R159, R162, R163 --- */

static void an_update_brings_no_new_rand_or_ticket(void **state)
{
    static const enum example_message both[] = {UPDATE_INIT, UPDATE_RESP};
    struct deck d, transfer;
    (void)state;
    deck_open(&transfer, &example, TRANSFER_INIT);
    size_t ticket = deck_find(&transfer, MIKEY_TICKET);
    for (unsigned i = 0; i < 2; i++) {
        for (uint8_t role = 1; role <= 3; role++) {
            const uint8_t rand[] = {0, role, 1, 0xaa};
            deck_open(&d, &example, both[i]);
            deck_insert(&d, 1, MIKEY_RANDR, ts_span(rand, sizeof rand));
            FAILS(TS_E_ORDER, deck_open_again(&d));
        }
        deck_open(&d, &example, both[i]);
        deck_insert(&d, 1, MIKEY_TICKET, transfer.card[ticket].body);
        FAILS(TS_E_ORDER, deck_open_again(&d));
    }
}

/* --- Error: R179, R180, R187 --- */

static void an_error_is_a_hint_until_it_is_verified(void **state)
{
    struct mikey_msg init, m;
    struct mikey_reply reply;
    struct mikey_protect keys;
    uint8_t buf[64];
    (void)state;
    scene_read(&example, REQUEST_INIT, &init);
    scene_auth(&example, REQUEST_INIT, &keys);
    struct mikey_error_new in = {.about = &init.hdr,
                                 .t = init.t,
                                 .no = {MIKEY_ERR_TICKET},
                                 .n_no = 1,
                                 .auth = &keys};
    for (unsigned with_v = 0; with_v < 2; with_v++) {
        struct ts_writer w = ts_writer_init(buf, sizeof buf);
        struct ts_span psk = ts_key_span(&example.psk_i);
        in.auth = with_v ? &keys : NULL;
        mikey_build_error(&w, &in);
        OK(w.err);
        FAILS(TS_E_PEER, mikey_reply_open(&init, ts_written(&w), psk, &reply));
        OK(mikey_msg_read(ts_written(&w), &m, NULL));
        assert_int_equal(m.n_err, 1);
        assert_int_equal(m.err[0], MIKEY_ERR_TICKET);
        FAILS(with_v ? TS_OK : TS_E_MISSING,
              mikey_error_verify(&init, NULL, &m, psk));
        psk = ts_key_span(&example.psk_r);
        FAILS(with_v ? TS_E_AUTH : TS_E_MISSING,
              mikey_error_verify(&init, NULL, &m, psk));
    }
}

#define TEST(name) cmocka_unit_test_setup(name, load)

UNIT_MAIN(
    TEST(any_order_of_payloads_is_accepted),
    TEST(unexpected_payloads_are_ignored), TEST(an_unknown_payload_is_refused),
    TEST(what_stands_twice_is_refused), TEST(two_lists_of_sdp_ids_are_refused),
    TEST(policies_are_told_apart_by_their_numbers),
    TEST(v_must_be_the_last_payload), TEST(what_is_mandatory_must_be_there),
    TEST(the_fork_modifier_must_be_there),
    TEST(a_modifier_of_256_octets_is_refused), TEST(the_v_flag_is_ignored),
    TEST(a_kms_takes_no_crypto_sessions), TEST(a_transfer_has_a_generic_id_map),
    TEST(an_answer_must_fit_its_question), TEST(suites_are_not_mixed),
    TEST(a_kemac_of_another_suite_is_refused),
    TEST(a_responder_looks_at_the_policy_first),
    TEST(keys_are_supplied_only_by_who_may),
    TEST(an_answer_settles_each_crypto_session),
    TEST(an_update_brings_no_new_rand_or_ticket),
    TEST(an_error_is_a_hint_until_it_is_verified))
