/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What builders refuse to make, and messages beside those of the vectors:
 * without key forking, without RANDs, with an ID where an IDR belongs.
 */
#include "tests/deck.h"

static struct example e;
static const struct mikey_names nobody;

/* A map of one session that has all it needs. */
static const uint8_t map[] = {1, 0, 1, 0, 0, 4, 1, 2, 3, 4, 1, 7};

/* A ticket that asks neither for forking nor for RANDRr. */
static void load_plain(struct mikey_msg *grant, struct mikey_msg *transfer)
{
    scene_load(&e, 128);
    e.flags = MIKEY_FLAG_D | MIKEY_FLAG_F | MIKEY_FLAG_H | MIKEY_FLAG_N |
              MIKEY_FLAG_O;
    OK(example_build(&e, REQUEST_RESP));
    OK(example_build(&e, TRANSFER_INIT));
    scene_read(&e, REQUEST_RESP, grant);
    scene_read(&e, TRANSFER_INIT, transfer);
}

/* R83 (I=0), R220, R221, R223, R241: Initiator Data if and only if I=1 */
static void without_forking_mpki_protects_both_messages(void **state)
{
    struct mikey_msg grant, init, answer;
    struct mikey_policy policy;
    struct example_keys k;
    uint8_t no, buf[256];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    (void)state;
    load_plain(&grant, &init);
    example_derive(&e, &k);
    assert_int_equal(init.ticket.init.n, 0);
    OK(mikey_transfer_check(&init, &policy, &no));
    OK(mikey_transfer_verify(&init, &k.mpk_i, &nobody, NULL));
    FAILS(TS_E_AUTH, mikey_transfer_verify(&init, &k.mpk_r, &nobody, NULL));

    struct mikey_answer_new in = {.init = &init,
                                  .suite = e.suite,
                                  .t = init.t,
                                  .n_cs = 1,
                                  .map = ts_span(map, sizeof map),
                                  .mpk = &k.mpk_i};
    mikey_build_transfer_resp(&w, &in);
    OK(w.err);
    OK(mikey_msg_read(ts_written(&w), &answer, NULL));
    OK(mikey_answer_check(&init, &answer));
    OK(mikey_answer_verify(&init, &answer, &k.mpk_i, NULL));
    FAILS(TS_E_AUTH, mikey_answer_verify(&init, &answer, &k.mpk_r1, NULL));

    w = ts_writer_init(buf, sizeof buf); /* G=0: there shall be no RANDRr */
    in.rand_r = ts_key_span(&e.rand_r);
    mikey_build_transfer_resp(&w, &in);
    OK(mikey_msg_read(ts_written(&w), &answer, NULL));
    FAILS(TS_E_FORMAT, mikey_answer_check(&init, &answer));
}

/* R155-R157, R222: what is left out keeps its length octet, 0 (K3) */
static void a_rand_that_is_left_out_has_length_0(void **state)
{
    static const uint8_t label[] = {0x2a, 0xd0, 0x1c, 0x64, 9, 0xff, 0xff,
                                    0xff, 0xff, 3,    0,    1, 0xaa};
    const struct ts_key tgk = {.len = 16, .b = {1, 2, 3}};
    struct mikey_prf prf;
    uint8_t want[16], got[16];
    (void)state;
    mikey_prf_key(&prf, MIKEY_PRF_SHA1, ts_key_span(&tgk));
    mikey_prf(&prf, ts_span(label, sizeof label), want, sizeof want);
    mikey_derive_tek(&tgk, MIKEY_PRF_SHA1, MIKEY_USE_TEK, 9, ts_span(NULL, 0),
                     ts_span("\xaa", 1), got, sizeof got);
    assert_memory_equal(got, want, sizeof want);
    mikey_derive_tek(&tgk, MIKEY_PRF_SHA1, MIKEY_USE_TEK, 9, ts_span("\xaa", 1),
                     ts_span(NULL, 0), got, sizeof got);
    assert_memory_not_equal(got, want, sizeof want);
}

/* R216: an ID names nobody. */
static void an_id_is_not_an_idr(void **state)
{
    static const uint8_t id[] = {0,   MIKEY_ID_URI, 0,   5,  's',
                                 'i', 'p',          ':', 'x'};
    struct deck d;
    struct mikey_msg m;
    (void)state;
    scene_load(&e, 256);
    deck_open(&d, &e, REQUEST_INIT);
    deck_remove(&d, deck_find(&d, MIKEY_IDR)); /* IDRi */
    deck_insert(&d, 2, MIKEY_ID, ts_span(id, sizeof id));
    OK(mikey_msg_read(deck_deal(&d), &m, NULL));
    assert_null(m.idr[MIKEY_IDR_I].data.p);
    OK(deck_open_again(&d)); /* by what both sides know: AMB 2 */
}

/* --- lengths: R271, R272, R274 --- */

static enum ts_err request_with(size_t rand, size_t psk)
{
    static const uint8_t zeros[64];
    uint8_t buf[512];
    struct mikey_policy policy = {.n_responders = 1};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    const struct mikey_request_new in = {.suite = e.suite,
                                         .rand_i = ts_span(zeros, rand),
                                         .policy = &policy,
                                         .cred = {.key = ts_span(zeros, psk)}};
    mikey_build_request_init(&w, &in);
    return w.err;
}

static enum ts_err resolve_with(size_t rand, size_t psk)
{
    static const uint8_t zeros[64];
    uint8_t buf[1024];
    struct mikey_msg transfer;
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    scene_read(&e, TRANSFER_INIT, &transfer);
    const struct mikey_resolve_new in = {.suite = e.suite,
                                         .rand_r = ts_span(zeros, rand),
                                         .ticket = &transfer.ticket,
                                         .cred = {.key = ts_span(zeros, psk)}};
    mikey_build_resolve_init(&w, &in);
    return w.err;
}

/* R271, R272 */
static void a_rand_is_as_long_as_the_key(void **state)
{
    (void)state;
    scene_load(&e, 256);
    OK(request_with(16, 16));
    OK(request_with(32, 32));
    FAILS(TS_E_RANGE, request_with(16, 32));
    FAILS(TS_E_RANGE, request_with(0, 16));
    OK(resolve_with(32, 32));
    FAILS(TS_E_RANGE, resolve_with(31, 32));
    FAILS(TS_E_RANGE, request_with(16, 15));
    FAILS(TS_E_RANGE, request_with(65, 65));
}

/* R272: RANDRi as long as MPKi. */
static void an_offer_has_a_long_enough_rand(void **state)
{
    (void)state;
    static const uint8_t zeros[32];
    uint8_t buf[2048];
    struct mikey_msg transfer;
    const struct ts_key mpk = {32, {0}};
    scene_load(&e, 256);
    scene_read(&e, TRANSFER_INIT, &transfer);
    for (size_t n = 31; n <= 32; n++) {
        struct ts_writer w = ts_writer_init(buf, sizeof buf);
        const struct mikey_transfer_new in = {.suite = e.suite,
                                              .rand_i = ts_span(zeros, n),
                                              .ticket = &transfer.ticket,
                                              .mpk_i = &mpk,
                                              .mpk_r = &mpk};
        mikey_build_transfer_init(&w, &in);
        FAILS(n == 32 ? TS_OK : TS_E_RANGE, w.err);
    }
}

/* R225: K is left out of a request, whatever the caller says. */
static void a_request_does_not_say_k(void **state)
{
    (void)state;
    uint8_t buf[512];
    const uint8_t rand[32] = {0};
    struct mikey_msg m;
    struct mikey_policy policy = {.n_responders = 1,
                                  .responder = {{0, 1, ts_span("r", 1)}}};
    scene_load(&e, 256);
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    const struct mikey_request_new in = {
        .suite = e.suite,
        .rand_i = ts_span(rand, sizeof rand),
        .flags = MIKEY_FLAGS_USUAL | MIKEY_FLAG_K,
        .policy = &policy,
        .cred = {.key = ts_span("0123456789abcdef", 16)}};
    mikey_build_request_init(&w, &in);
    OK(mikey_msg_read(ts_written(&w), &m, NULL));
    assert_int_equal(m.tp.flags, MIKEY_FLAGS_USUAL);
}

/* R271 */
static void no_key_under_128_bits_is_written(void **state)
{
    (void)state;
    uint8_t buf[512], zeros[16] = {0};
    struct mikey_protect p;
    scene_load(&e, 256);
    mikey_protect_begin(&p, e.suite, ts_span(zeros, 16), MIKEY_SEL_RESP, 1,
                        ts_span(zeros, 16), ts_span(zeros, 0));
    for (size_t n = 15; n <= 16; n++) {
        struct ts_writer w = ts_writer_init(buf, sizeof buf);
        struct mikey_build b = mikey_build_first(&w);
        const struct mikey_key key = {.type = MIKEY_TEK,
                                      .key = ts_span(zeros, n),
                                      .spi = ts_span("s", 1)};
        mikey_build_keys(&b, &p, (struct mikey_time){MIKEY_NTP_UTC, 1}, &key,
                         1);
        FAILS(n == 16 ? TS_OK : TS_E_RANGE, w.err);
    }
    mikey_protect_end(&p);
}

static enum ts_err ticket_with(size_t tpk, size_t rand, size_t mpk)
{
    static const uint8_t zeros[300];
    uint8_t buf[1024];
    struct mikey_policy policy = {.n_responders = 1};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct mikey_build b = mikey_build_first(&w);
    const struct mikey_key key = {.type = MIKEY_MPK,
                                  .kv = MIKEY_KV_SPI,
                                  .key = ts_span(zeros, mpk),
                                  .spi = ts_span("", 1)};
    const struct mikey_ticket_new in = {.suite = e.suite,
                                        .flags = MIKEY_FLAGS_USUAL,
                                        .policy = &policy,
                                        .tpk = ts_span(zeros, tpk),
                                        .rand = ts_span(zeros, rand),
                                        .keys = &key,
                                        .n_keys = 1};
    mikey_build_ticket(&b, &in);
    return w.err;
}

/* R271, R274 */
static void a_ticket_has_long_enough_keys(void **state)
{
    (void)state;
    scene_load(&e, 256);
    OK(ticket_with(16, 16, 16));
    OK(ticket_with(32, 32, 32));
    FAILS(TS_E_RANGE, ticket_with(15, 16, 16));
    FAILS(TS_E_RANGE, ticket_with(16, 16, 15));
    FAILS(TS_E_RANGE, ticket_with(32, 16, 16));
    FAILS(TS_E_RANGE, ticket_with(16, 16, 32));
    FAILS(TS_E_RANGE, ticket_with(16, 256, 16));
    FAILS(TS_E_RANGE, ticket_with(TS_KEY_MAX + 1, 255, 16));
}

/* A message that does not fit leaves an error, never half a message. */
static void a_message_that_does_not_fit_is_not_built(void **state)
{
    (void)state;
    scene_load(&e, 256);
    for (enum example_message m = 0; m < e.n_messages; m++) {
        for (size_t cap = 0; cap < e.msg[m].n; cap += 7) {
            uint8_t room[EXAMPLE_MSG_MAX];
            struct ts_writer w = ts_writer_init(room, cap);
            OK(example_write(&e, m, &w));
            FAILS(TS_E_SPACE, w.err);
            assert_int_equal(ts_written(&w).n, 0);
        }
    }
}

/* AMB 11: eight octets more than were given, and all of them come back. */
static void with_aes_kw_keys_are_wrapped_and_unwrapped(void **state)
{
    enum { N = 9 };
    static struct mikey_keys opened;
    const struct mikey_suite *suite = mikey_suite_kw();
    uint8_t octets[N][TS_KEY_MAX], buf[1024];
    struct mikey_key keys[N];
    struct mikey_protect p;
    struct mikey_payload kemac;
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct mikey_build b = mikey_build_first(&w);
    const struct mikey_time t = {MIKEY_NTP_UTC, 1};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < sizeof octets[i]; j++)
            octets[i][j] = (uint8_t)(j + 37 * i);
        /* R279: no more for session keys */
        keys[i] = (struct mikey_key){.type = i ? MIKEY_TGK : MIKEY_MPK,
                                     .key = ts_span(octets[i], i ? 16 : 64),
                                     .spi = ts_span(octets[i], 1)};
    }
    mikey_protect_begin(&p, suite, ts_span(octets[0], 16), MIKEY_SEL_RESP, 1,
                        ts_span(octets[1], 16), ts_span(octets[2], 16));
    mikey_build_keys(&b, &p, t, keys, N);
    OK(w.err);
    struct mikey_chain c = mikey_chain_first(ts_written(&w));
    assert_true(mikey_chain_next(&c, &kemac));
    OK(mikey_open_keys(&kemac.u.kemac, &p, t, 1, &opened));
    assert_int_equal(opened.n, N);
    for (size_t i = 0; i < N; i++)
        assert_memory_equal(opened.k[i].key.p, octets[i], keys[i].key.n);

    /* a session key first has no SPI that may be lengthened: 22 octets */
    w = ts_writer_init(buf, sizeof buf);
    b = mikey_build_first(&w);
    mikey_build_keys(&b, &p, t, keys + 1, 1);
    FAILS(TS_E_RANGE, w.err);
    mikey_protect_end(&p);
}

UNIT_MAIN(cmocka_unit_test(without_forking_mpki_protects_both_messages),
          cmocka_unit_test(a_rand_that_is_left_out_has_length_0),
          cmocka_unit_test(an_id_is_not_an_idr),
          cmocka_unit_test(a_rand_is_as_long_as_the_key),
          cmocka_unit_test(an_offer_has_a_long_enough_rand),
          cmocka_unit_test(a_request_does_not_say_k),
          cmocka_unit_test(no_key_under_128_bits_is_written),
          cmocka_unit_test(a_ticket_has_long_enough_keys),
          cmocka_unit_test(a_message_that_does_not_fit_is_not_built),
          cmocka_unit_test(with_aes_kw_keys_are_wrapped_and_unwrapped))
