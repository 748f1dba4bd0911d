/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-shared key method of RFC 3830: the initial exchange, for both
 * suites, with what other implementations make of it.
 */
#include "tests/pair.h"

static const struct ts_span none;
static const struct mikey_id nobody;

/* --- the initial exchange --- */

/* 3.1, 6.2, 6.13: each type of key with each KV */
static void keys_arrive_as_they_were_sent(void **state)
{
    struct pair p;
    static struct mikey_keys keys;
    static const uint8_t from[6] = {0, 0, 0, 0, 0, 1}, to[6] = {0, 1};
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_key sent[12];
        struct mikey_classic_new in = pair_psk(&p);
        const struct mikey_classic x = pair_knows(&p);
        for (uint8_t i = 0; i < 12; i++) {
            static uint8_t spi[12];
            spi[i] = i;
            sent[i] = p.keys[0];
            sent[i].type = i / 3; /* TGK, TGK+SALT, TEK, TEK+SALT */
            sent[i].kv = i % 3;
            sent[i].salt = sent[i].type & 1 ? p.keys[0].salt : none;
            sent[i].spi = i % 3 == MIKEY_KV_SPI ? ts_span(&spi[i], 1) : none;
            if (sent[i].kv == MIKEY_KV_INTERVAL) {
                sent[i].from = ts_span(from, sizeof from);
                sent[i].to = ts_span(to, sizeof to);
            }
        }
        in.keys = sent;
        for (in.n_keys = 0; in.n_keys <= 12; in.n_keys++) {
            struct bytes b = pair_build(mikey_build_classic_psk, &in);
            OK(pair_open_psk(&x, span_of(&b), &keys));
            pair_same_keys(&keys, sent, in.n_keys);
            mikey_keys_wipe(&keys);
        }
    }
}

/* 4.2.3: the same bytes under a key and an IV put together by hand */
static void a_kemac_is_encrypted_as_printed(void **state)
{
    struct pair p;
    struct mikey_msg m;
    uint8_t key[32], salt[14];
    struct bytes data = {0};
    static struct mikey_keys keys;
    (void)state;
    EACH_SUITE(p)
    {
        const struct mikey_classic_new in = pair_psk(&p);
        struct bytes b = pair_build(mikey_build_classic_psk, &in);
        pair_read(&b, &m);
        pair_message_key(&p, &p.psk, 0x150533E1, key, p.suite->encr_key);
        pair_message_key(&p, &p.psk, 0x29B88916, salt, sizeof salt);
        data.n = m.kemac.data.n;
        memcpy(data.b, m.kemac.data.p, data.n);
        mikey_aes_cm(ts_span(key, p.suite->encr_key), salt, PAIR_CSB, p.t.value,
                     data.b, data.n);
        OK(mikey_keys_read(span_of(&data), &keys));
        pair_same_keys(&keys, p.keys, 2);

        struct bytes again = b; /* 5.2: from HDR to MAC alg */
        pair_sign(&p, &p.psk, &again, none);
        SAME(span_of(&again), span_of(&b));
    }
}

/* 4.2.3: what is a multiple of 8 octets can be wrapped, with a salt for IV */
static void aes_kw_wraps_what_it_can(void **state)
{
    struct pair p;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    static const uint8_t spi[9] = {1, 2, 3};
    struct mikey_key k = p.keys[0];
    k.type = MIKEY_TGK;
    k.salt = none;
    in.encr = MIKEY_ENCR_AES_KW_128;
    in.keys = &k;
    in.n_keys = 1;
    for (size_t n = 0; n < sizeof spi; n++) {
        k.spi = ts_span(spi, n); /* 4 + 16 + 1 + n */
        if ((4 + 16 + 1 + n) % 8) {
            FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));
            continue;
        }
        struct bytes b = pair_build(mikey_build_classic_psk, &in);
        OK(pair_open_psk(&x, span_of(&b), &keys));
        pair_same_keys(&keys, &k, 1);
        /* the wrap itself is checked, too */
        struct mikey_msg m;
        pair_read(&b, &m);
        b.b[mikey_at(&m, m.kemac.data)] ^= 1;
        pair_sign(&p, &p.psk, &b, none);
        FAILS(TS_E_AUTH, pair_open_psk(&x, span_of(&b), &keys));
        assert_int_equal(keys.n, 0);
    }
    in.mac = MIKEY_AUTH_NULL; /* PSK: the MAC covers the whole message */
    k.spi = ts_span(spi, 3);
    FAILS(TS_E_UNSUPPORTED, pair_refuses(mikey_build_classic_psk, &in));
}

/* 3.1, 5.2: V over message || IDi || IDr || T, in octets */
static void an_answer_verifies(void **state)
{
    struct pair p;
    struct mikey_msg init, resp;
    struct mikey_form f;
    (void)state;
    EACH_SUITE(p)
    {
        const struct mikey_classic x = pair_knows(&p);
        const struct mikey_classic_new in = pair_psk(&p);
        struct bytes b = pair_build(mikey_build_classic_psk, &in), tail = {0};
        pair_read(&b, &init);
        for (unsigned with_id = 0; with_id < 2; with_id++) {
            struct bytes a =
                pair_answer(&x, &init, with_id ? p.bob : nobody, none);
            OK(pair_open_resp(&x, &init, span_of(&a)));
            pair_read(&a, &resp);
            assert_int_equal(resp.hdr.type, MIKEY_PSK_VERIFY);
            assert_int_equal(resp.t.value, init.t.value);
            OK(mikey_classic_check(&resp, false, &f, NULL));
            assert_int_equal(f.id_r.data.n, with_id ? p.bob.data.n : 0);

            struct ts_writer w = ts_writer_init(tail.b, sizeof tail.b);
            ts_put_span(&w, p.alice.data);
            ts_put_span(&w, p.bob.data);
            ts_put_u64(&w, p.t.value);
            struct bytes again = a;
            pair_sign(&p, &p.psk, &again, ts_written(&w));
            SAME(span_of(&again), span_of(&a));
        }
    }
}

/* Every octet of every message counts; none can be lost or added. */
static void no_octet_can_be_changed(void **state)
{
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    EACH_SUITE(p)
    {
        const struct mikey_classic x = pair_knows(&p);
        const struct mikey_classic_new in = pair_psk(&p);
        const struct bytes b = pair_build(mikey_build_classic_psk, &in);
        pair_read(&b, &init);
        const struct bytes a = pair_answer(&x, &init, p.bob, none);
        for (size_t i = 0; i < b.n; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                struct bytes c = b;
                c.b[i] ^= (uint8_t)(1u << bit);
                assert_int_not_equal(pair_open_psk(&x, span_of(&c), &keys),
                                     TS_OK);
                assert_int_equal(keys.n, 0);
            }
            assert_int_not_equal(pair_open_psk(&x, ts_span(b.b, i), &keys),
                                 TS_OK);
        }
        for (size_t i = 0; i < a.n; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                struct bytes c = a;
                c.b[i] ^= (uint8_t)(1u << bit);
                assert_int_not_equal(pair_open_resp(&x, &init, span_of(&c)),
                                     TS_OK);
            }
            assert_int_not_equal(pair_open_resp(&x, &init, ts_span(a.b, i)),
                                 TS_OK);
        }
        FAILS(TS_E_TRAILING, pair_open_psk(&x, ts_span(b.b, b.n + 1), &keys));
        FAILS(TS_E_TRAILING, pair_open_resp(&x, &init, ts_span(a.b, a.n + 1)));
    }
}

static void the_wrong_secret_opens_nothing(void **state)
{
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_classic x = pair_knows(&p), y = x;
        const struct mikey_classic_new in = pair_psk(&p);
        struct bytes b = pair_build(mikey_build_classic_psk, &in);
        pair_read(&b, &init);
        struct bytes a = pair_answer(&x, &init, p.bob, none);
        y.secret = ts_key_span(&p.env_key);
        FAILS(TS_E_AUTH, pair_open_psk(&y, span_of(&b), &keys));
        FAILS(TS_E_AUTH, pair_open_resp(&y, &init, span_of(&a)));
        y.secret = none;
        FAILS(TS_E_RANGE, pair_open_psk(&y, span_of(&b), &keys));
        FAILS(TS_E_RANGE, pair_open_resp(&y, &init, span_of(&a)));
        y.secret = ts_span(b.b, TS_KEY_MAX + 1);
        FAILS(TS_E_RANGE, pair_open_psk(&y, span_of(&b), &keys));
    }
}

/* 9.5: a message for, or from, somebody else */
static void the_wrong_identity_is_refused(void **state)
{
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p), y = x;
    struct mikey_classic_new in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &init);
    y.id_r = p.eve;
    FAILS(TS_E_MISMATCH, pair_open_psk(&y, span_of(&b), &keys));
    y.id_r = nobody;
    y.id_i = p.eve;
    FAILS(TS_E_MISMATCH, pair_open_psk(&y, span_of(&b), &keys));
    y.id_i = nobody; /* whoever it names */
    OK(pair_open_psk(&y, span_of(&b), &keys));

    y = x; /* an answer by another one who has the key */
    y.id_r = nobody;
    in.id_r = nobody;
    struct bytes open = pair_build(mikey_build_classic_psk, &in);
    struct mikey_msg to_anybody;
    pair_read(&open, &to_anybody);
    struct bytes a = pair_answer(&y, &to_anybody, p.eve, none);
    OK(pair_open_resp(&y, &to_anybody, span_of(&a)));
    FAILS(TS_E_MISMATCH, pair_open_resp(&x, &to_anybody, span_of(&a)));
    FAILS(TS_E_MISMATCH, pair_open_resp(&y, &init, span_of(&a)));

    struct ts_writer w = ts_writer_init(a.b, sizeof a.b);
    mikey_build_classic_resp(&w, &x, &init, p.eve, none);
    assert_int_equal(w.err, TS_E_MISMATCH);
}

/* Identities that are not sent count in V all the same. */
static void identities_may_be_left_out_if_known(void **state)
{
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p), y = x;
    struct mikey_classic_new in = pair_psk(&p);
    in.id_i = in.id_r = nobody;
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &init);
    OK(pair_open_psk(&x, span_of(&b), &keys));
    struct bytes a = pair_answer(&x, &init, nobody, none);
    OK(pair_open_resp(&x, &init, span_of(&a)));
    y.id_i = p.eve;
    FAILS(TS_E_AUTH, pair_open_resp(&y, &init, span_of(&a)));
    y.id_i = nobody;
    FAILS(TS_E_MISSING, pair_open_resp(&y, &init, span_of(&a)));

    struct ts_writer w = ts_writer_init(a.b, sizeof a.b);
    mikey_build_classic_resp(&w, &y, &init, p.bob, none);
    assert_int_equal(w.err, TS_E_MISSING);
    in.id_r = p.bob; /* nobody could tell whose it is */
    FAILS(TS_E_MISSING, pair_refuses(mikey_build_classic_psk, &in));
}

/* 3.1, 6.1.1: T, PRF, CSB ID, #CS and map of the answer */
static void an_answer_is_one_to_its_question(void **state)
{
    struct pair p;
    struct mikey_msg init, other;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &init);
    in.t = p.later;
    struct bytes b2 = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b2, &other);
    struct bytes a = pair_answer(&x, &other, p.bob, none);
    FAILS(TS_E_MISMATCH, pair_open_resp(&x, &init, span_of(&a)));
    FAILS(TS_E_MISMATCH, pair_open_resp(&x, &init, span_of(&b)));
    struct mikey_msg resp; /* which is no question */
    pair_read(&a, &resp);
    FAILS(TS_E_STATE, pair_open_resp(&x, &resp, span_of(&a)));

    in = pair_psk(&p);
    in.n_cs = 1;
    in.map.n = 9;
    struct bytes b3 = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b3, &other);
    a = pair_answer(&x, &other, p.bob, none);
    FAILS(TS_E_MISMATCH, pair_open_resp(&x, &init, span_of(&a)));
    in.csb++;
    b3 = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b3, &other);
    a = pair_answer(&x, &other, p.bob, none);
    FAILS(TS_E_MISMATCH, pair_open_resp(&x, &init, span_of(&a)));
}

/* 4.2.8, 6.6: each type of timestamp */
static void a_timestamp_of_any_type_is_used(void **state)
{
    static const struct mikey_time times[] = {
        {MIKEY_NTP_UTC, 0xe100000080000001},
        {MIKEY_NTP, 0xe100000080000001},
        {MIKEY_COUNTER, 0xfedcba98},
        {MIKEY_NTP_UTC_32, 0xe100000100000000},
    };
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    for (unsigned i = 0; i < 4; i++) {
        in.t = times[i];
        struct bytes b = pair_build(mikey_build_classic_psk, &in);
        OK(pair_open_psk(&x, span_of(&b), &keys));
        pair_read(&b, &init);
        struct bytes a = pair_answer(&x, &init, p.bob, none), tail = {0};
        OK(pair_open_resp(&x, &init, span_of(&a)));
        struct ts_writer w = ts_writer_init(tail.b, sizeof tail.b);
        ts_put_span(&w, p.alice.data);
        ts_put_span(&w, p.bob.data);
        ts_put(&w, init.raw.p + 10 + 18 + 2, i < 2 ? 8 : 4);
        struct bytes again = a;
        pair_sign(&p, &p.psk, &again, ts_written(&w));
        SAME(span_of(&again), span_of(&a));
    }
    in.t = (struct mikey_time){MIKEY_COUNTER, 0x100000000};
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));
}

/* --- what other implementations send --- */

static void other_readings_of_v_are_asked_for(void **state)
{
    struct pair p;
    struct mikey_msg init, resp;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &init);
    struct bytes a = pair_answer(&x, &init, p.bob, none), t = {0}, all = {0};
    pair_read(&a, &resp);

    struct ts_writer w = ts_writer_init(t.b, sizeof t.b);
    ts_put_u64(&w, p.t.value);
    t.n = w.len;
    w = ts_writer_init(all.b, sizeof all.b);
    struct mikey_form fi, fr;
    OK(mikey_classic_check(&init, false, &fi, NULL));
    OK(mikey_classic_check(&resp, false, &fr, NULL));
    ts_put(&w, fi.id_i.data.p - 4, fi.id_i.data.n + 4);
    ts_put(&w, fr.id_r.data.p - 4, fr.id_r.data.n + 4);
    ts_put_span(&w, fr.t_body);
    all.n = w.len;

    struct bytes time_only = a, payloads = a, nothing = a;
    pair_sign(&p, &p.psk, &time_only, span_of(&t));
    pair_sign(&p, &p.psk, &payloads, span_of(&all));
    pair_sign(&p, &p.psk, &nothing, none);
    for (unsigned allow = 0; allow < 64; allow++) {
        struct mikey_classic y = x;
        y.allow = allow;
        assert_int_equal(pair_open_resp(&y, &init, span_of(&time_only)),
                         allow & MIKEY_ALLOW_V_TIME ? TS_OK : TS_E_AUTH);
        assert_int_equal(pair_open_resp(&y, &init, span_of(&payloads)),
                         allow & MIKEY_ALLOW_V_PAYLOADS ? TS_OK : TS_E_AUTH);
        OK(pair_open_resp(&y, &init, span_of(&a)));
        FAILS(TS_E_AUTH, pair_open_resp(&y, &init, span_of(&nothing)));
    }
}

/* 4.2.3, 4.2.4: only over a transport that protects by itself */
static void null_algorithms_are_asked_for(void **state)
{
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    for (unsigned what = 1; what < 4; what++) {
        struct mikey_classic_new in = pair_psk(&p);
        if (what & 1)
            in.encr = MIKEY_ENCR_NULL;
        if (what & 2)
            in.mac = MIKEY_AUTH_NULL;
        x.allow = 0;
        FAILS(TS_E_UNSUPPORTED, pair_refuses(mikey_build_classic_psk, &in));
        in.allow = MIKEY_ALLOW_NULL;
        struct bytes b = pair_build(mikey_build_classic_psk, &in);
        FAILS(TS_E_UNSUPPORTED, pair_open_psk(&x, span_of(&b), &keys));
        x.allow = MIKEY_ALLOW_NULL;
        OK(pair_open_psk(&x, span_of(&b), &keys));
        pair_same_keys(&keys, p.keys, 2);
        pair_read(&b, &init);
        uint8_t no;
        FAILS(TS_E_UNSUPPORTED, mikey_classic_algs(&init, 0, &no));
        assert_int_equal(no, what & 1 ? MIKEY_ERR_EA : MIKEY_ERR_MAC);
        /* with a secret the answer is protected all the same */
        struct bytes a = pair_answer(&x, &init, p.bob, none);
        OK(pair_open_resp(&x, &init, span_of(&a)));
        x.allow = 0;
        FAILS(TS_E_UNSUPPORTED, pair_open_psk(&x, span_of(&b), &keys));
    }
}

static void without_any_secret_all_is_null(void **state)
{
    struct pair p;
    struct mikey_msg init;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    in.encr = MIKEY_ENCR_NULL;
    in.mac = MIKEY_AUTH_NULL;
    in.allow = x.allow = MIKEY_ALLOW_NULL;
    in.secret = x.secret = none;
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    OK(pair_open_psk(&x, span_of(&b), &keys));
    pair_same_keys(&keys, p.keys, 2);
    pair_read(&b, &init);
    struct bytes a = pair_answer(&x, &init, p.bob, none);
    OK(pair_open_resp(&x, &init, span_of(&a)));
    x.secret = ts_key_span(&p.psk); /* who has one waits for a MAC */
    FAILS(TS_E_UNSUPPORTED, pair_open_resp(&x, &init, span_of(&a)));
    x.secret = none;
    x.allow = 0;
    FAILS(TS_E_UNSUPPORTED, pair_open_resp(&x, &init, span_of(&a)));
    struct ts_writer w = ts_writer_init(a.b, sizeof a.b);
    mikey_build_classic_resp(&w, &x, &init, p.bob, none);
    assert_int_equal(w.err, TS_E_RANGE);
}

UNIT_MAIN(cmocka_unit_test(keys_arrive_as_they_were_sent),
          cmocka_unit_test(a_kemac_is_encrypted_as_printed),
          cmocka_unit_test(aes_kw_wraps_what_it_can),
          cmocka_unit_test(an_answer_verifies),
          cmocka_unit_test(no_octet_can_be_changed),
          cmocka_unit_test(the_wrong_secret_opens_nothing),
          cmocka_unit_test(the_wrong_identity_is_refused),
          cmocka_unit_test(identities_may_be_left_out_if_known),
          cmocka_unit_test(an_answer_is_one_to_its_question),
          cmocka_unit_test(a_timestamp_of_any_type_is_used),
          cmocka_unit_test(other_readings_of_v_are_asked_for),
          cmocka_unit_test(null_algorithms_are_asked_for),
          cmocka_unit_test(without_any_secret_all_is_null))
