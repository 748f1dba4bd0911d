/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-shared key method of RFC 3830: CSB updates and Errors, and what is
 * refused although its MAC is right.
 */
#include "tests/pair.h"

#include <stdio.h>

#include "mikey/sdp.h"

static const struct ts_span none;
static const struct mikey_id nobody;

/* --- CSB update (4.5) --- */

static struct mikey_classic_new update_of(const struct pair *p,
                                          const struct mikey_msg *first)
{
    struct mikey_classic_new in = pair_psk(p);
    in.first = first;
    in.t = p->later;
    in.suite = NULL; /* of the bundle, as its CSB ID and RAND are */
    in.csb = 0;
    in.rand = none;
    return in;
}

static void an_update_brings_keys_or_none(void **state)
{
    struct pair p;
    struct mikey_msg first, m;
    static struct mikey_keys keys;
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_classic x = pair_knows(&p);
        struct mikey_classic_new in = pair_psk(&p);
        const struct bytes b = pair_build(mikey_build_classic_psk, &in);
        pair_read(&b, &first);
        for (size_t n = 0; n < 3; n++) {
            in = update_of(&p, &first);
            in.n_keys = n;
            if (n == 2) /* who they are is known by now */
                in.id_i = in.id_r = nobody;
            struct bytes u = pair_build(mikey_build_classic_psk, &in);
            struct mikey_classic known = {.secret = x.secret, .first = &first};
            OK(pair_open_psk(&known, span_of(&u), &keys));
            pair_same_keys(&keys, p.keys, n);
            pair_read(&u, &m);
            assert_null(m.rand[0].p);
            assert_int_equal(m.kemac.data.n == 0, n == 0);
            struct bytes again = u; /* keyed with the first one's RAND */
            pair_sign(&p, &p.psk, &again, none);
            SAME(span_of(&again), span_of(&u));
            struct bytes a = pair_answer(&known, &m, nobody, none);
            OK(pair_open_resp(&known, &m, span_of(&a)));
            x.first = NULL; /* as an initial message it lacks a RAND */
            FAILS(TS_E_MISSING, pair_open_psk(&x, span_of(&u), &keys));
        }
    }
}

static void an_update_fits_its_bundle(void **state)
{
    struct pair p;
    struct mikey_msg first, m;
    struct parts parts;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    const struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &first);
    x.first = &first;
    /* a RAND must not be in it; the first message is no update of itself */
    FAILS(TS_E_ORDER, pair_open_psk(&x, span_of(&b), &keys));

    in = update_of(&p, &first);
    in.t = p.t; /* the key stream of the first message */
    FAILS(TS_E_REPLAY, pair_refuses(mikey_build_classic_psk, &in));
    in.t = p.later;
    const struct bytes u = pair_build(mikey_build_classic_psk, &in);
    parts_of(&u, &parts);
    parts.part[0].body.b[4] = b.b[10 + 18 + 5];
    struct bytes t = parts_join(&parts);
    t.b[10 + 18 + 5] = b.b[10 + 18 + 5];
    pair_sign(&p, &p.psk, &t, none);
    FAILS(TS_E_REPLAY, pair_open_psk(&x, span_of(&t), &keys));

    t = u;
    t.b[7] ^= 1; /* CSB ID */
    FAILS(TS_E_MISMATCH, pair_open_psk(&x, span_of(&t), &keys));
    t = u;
    t.b[3] ^= 1; /* PRF: with algorithms that would then not fit it */
    FAILS(TS_E_UNSUPPORTED, pair_open_psk(&x, span_of(&t), &keys));
    in.id_i = p.eve; /* another one than in the first message */
    t = pair_build(mikey_build_classic_psk, &in);
    x.id_i = nobody;
    FAILS(TS_E_MISMATCH, pair_open_psk(&x, span_of(&t), &keys));

    pair_read(&u, &m); /* which has no RAND to begin a bundle with */
    x.first = &m;
    FAILS(TS_E_STATE, pair_open_psk(&x, span_of(&u), &keys));
}

/* Every octet of an update counts, too. */
static void no_octet_of_an_update_can_be_changed(void **state)
{
    struct pair p;
    struct mikey_msg first, m;
    static struct mikey_keys keys;
    (void)state;
    pair_init(&p, mikey_suite_bits(256));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    const struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &first);
    x.first = &first;
    in = update_of(&p, &first);
    const struct bytes u = pair_build(mikey_build_classic_psk, &in);
    OK(pair_open_psk(&x, span_of(&u), &keys));
    for (size_t i = 0; i < u.n; i++) {
        struct bytes c = u;
        c.b[i] ^= 0x10;
        assert_int_not_equal(pair_open_psk(&x, span_of(&c), &keys), TS_OK);
        assert_int_not_equal(pair_open_psk(&x, ts_span(u.b, i), &keys), TS_OK);
    }
    pair_read(&u, &m);
    const struct bytes a = pair_answer(&x, &m, p.bob, none);
    for (size_t i = 0; i < a.n; i++) {
        struct bytes c = a;
        c.b[i] ^= 0x01;
        assert_int_not_equal(pair_open_resp(&x, &m, span_of(&c)), TS_OK);
    }
}

/* --- Error (5.1.2) --- */

static struct bytes build_error(const struct mikey_classic_error_new *in)
{
    struct bytes b = {0};
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    mikey_build_classic_error(&w, in);
    assert_int_equal(w.err, TS_OK);
    b.n = w.len;
    return b;
}

static enum ts_err open_error(const struct mikey_classic *x,
                              const struct mikey_msg *init, struct ts_span raw)
{
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(raw, &m, NULL);
    return err ? err : mikey_classic_error_verify(x, init, &m);
}

static void an_error_is_a_hint_or_authentic(void **state)
{
    static const uint8_t no[] = {MIKEY_ERR_SP, MIKEY_ERR_SPPAR};
    struct pair p;
    struct mikey_msg init, m;
    (void)state;
    EACH_SUITE(p)
    {
        struct mikey_classic x = pair_knows(&p), y = x;
        struct mikey_classic_new in = pair_psk(&p);
        struct bytes b = pair_build(mikey_build_classic_psk, &in);
        pair_read(&b, &init);
        struct mikey_classic_error_new e = {
            .about = &init.hdr,
            .t = init.t,
            .no = no,
            .n_no = 2,
            .sp = &p.sp,
            .n_sp = 1,
        };
        struct bytes bare = build_error(&e);
        FAILS(TS_E_MISSING, open_error(&x, &init, span_of(&bare)));
        FAILS(TS_E_PEER, pair_open_resp(&x, &init, span_of(&bare)));
        e.x = &x;
        e.init = &init;
        struct bytes err = build_error(&e), tail = {0};
        OK(open_error(&x, &init, span_of(&err)));
        pair_read(&err, &m);
        assert_int_equal(m.n_err, 2);
        assert_int_equal(m.err[1], MIKEY_ERR_SPPAR);
        assert_int_equal(m.n_sp, 1);
        assert_int_equal(m.hdr.n_cs, 0);
        for (size_t i = 0; i < err.n; i++) {
            struct bytes c = err;
            c.b[i] ^= 0x01;
            assert_int_not_equal(open_error(&x, &init, span_of(&c)), TS_OK);
            assert_int_not_equal(open_error(&x, &init, ts_span(err.b, i)),
                                 TS_OK);
        }
        e.t = p.later; /* about another message of the bundle */
        struct bytes other = build_error(&e);
        FAILS(TS_E_MISMATCH, open_error(&x, &init, span_of(&other)));
        y.secret = ts_key_span(&p.env_key);
        FAILS(TS_E_AUTH, open_error(&y, &init, span_of(&err)));

        struct ts_writer w = ts_writer_init(tail.b, sizeof tail.b);
        ts_put_span(&w, p.alice.data);
        ts_put_span(&w, p.bob.data);
        ts_put_u64(&w, p.t.value);
        pair_sign(&p, &p.psk, &err, ts_written(&w));
        FAILS(TS_E_AUTH, open_error(&x, &init, span_of(&err)));
        x.allow = MIKEY_ALLOW_ERROR_TAIL;
        OK(open_error(&x, &init, span_of(&err)));
        e.x = &y;
        y.secret = none;
        w = ts_writer_init(tail.b, sizeof tail.b);
        mikey_build_classic_error(&w, &e);
        assert_int_equal(w.err, TS_E_RANGE);
    }
}

/* --- what is refused although its MAC is right --- */

static enum ts_err open_changed(const struct pair *p,
                                const struct mikey_classic *x,
                                const struct parts *parts)
{
    static struct mikey_keys keys;
    struct bytes b = parts_join(parts);
    pair_sign(p, &p->psk, &b, none);
    return pair_open_psk(x, span_of(&b), &keys);
}

static void what_a_message_says_is_judged(void **state)
{
    static const uint8_t v[2 + 20] = {0, MIKEY_AUTH_SHA1};
    struct pair p;
    struct parts whole, m;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    parts_of(&b, &whole);
    OK(open_changed(&p, &x, &whole));

    static const uint8_t must[] = {MIKEY_T, MIKEY_RAND};
    for (unsigned i = 0; i < sizeof must; i++) {
        m = whole;
        parts_remove(&m, parts_find(&m, must[i]));
        FAILS(TS_E_MISSING, open_changed(&p, &x, &m));
    }
    m = whole; /* a third identity: whose would it be? */
    parts_insert(&m, 1, MIKEY_ID, OCTETS(0, 0, 1, 'x'));
    FAILS(TS_E_DUPLICATE, open_changed(&p, &x, &m));
    m = whole; /* payloads without a meaning here are ignored */
    parts_insert(&m, 1, MIKEY_ERR, OCTETS(1, 0, 0));
    parts_insert(&m, 1, MIKEY_RANDR, OCTETS(1, 1, 1));
    OK(open_changed(&p, &x, &m));
    m = whole; /* KEMAC is the last one */
    parts_insert(&m, m.n, MIKEY_V, ts_span(v + 1, sizeof v - 1));
    FAILS(TS_E_ORDER, open_changed(&p, &x, &m));
    m = whole;
    m.part[parts_find(&m, MIKEY_RAND)].body = (struct bytes){1, {0}};
    FAILS(TS_E_FORMAT, open_changed(&p, &x, &m));
    m = whole;
    m.hdr.b[1] = MIKEY_PSK_VERIFY;
    FAILS(TS_E_UNKNOWN, open_changed(&p, &x, &m));
    m = whole; /* RFC 4563: an Empty map goes with no SP */
    m.hdr.n = 10;
    m.hdr.b[8] = 0;
    m.hdr.b[9] = MIKEY_MAP_EMPTY;
    FAILS(TS_E_FORMAT, open_changed(&p, &x, &m));
    parts_remove(&m, parts_find(&m, MIKEY_SP));
    OK(open_changed(&p, &x, &m));
    m = whole; /* no suite is mixed with another */
    m.part[m.n - 1].body.b[0] = MIKEY_ENCR_AES_CM_256;
    FAILS(TS_E_UNSUPPORTED, open_changed(&p, &x, &m));
    m = whole;
    m.hdr.b[3] = 2;
    FAILS(TS_E_UNSUPPORTED, open_changed(&p, &x, &m));
}

/* Replace the Key Data and make all right again. */
static enum ts_err open_with_data(const struct pair *p, struct ts_span plain)
{
    static struct mikey_keys keys;
    struct mikey_classic_new in = pair_psk(p);
    struct mikey_classic x = pair_knows(p);
    struct parts m;
    struct bytes kemac = {0};
    in.encr = MIKEY_ENCR_NULL;
    in.allow = x.allow = MIKEY_ALLOW_NULL;
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    parts_of(&b, &m);
    struct ts_writer w = ts_writer_init(kemac.b, sizeof kemac.b);
    ts_put_u8(&w, MIKEY_ENCR_NULL);
    ts_put_u16(&w, (unsigned)plain.n);
    ts_put_span(&w, plain);
    ts_put_u8(&w, MIKEY_AUTH_SHA1);
    (void)ts_put_room(&w, 20);
    kemac.n = w.len;
    m.part[m.n - 1].body = kemac;
    b = parts_join(&m);
    pair_sign(p, &p->psk, &b, none);
    enum ts_err err = pair_open_psk(&x, span_of(&b), &keys);
    if (err)
        assert_int_equal(keys.n + keys.len, 0);
    return err;
}

static void keys_are_judged(void **state)
{
    uint8_t many[17 * 20] = {0}, twice[2 * 22] = {0};
    struct pair p;
    uint8_t k[4 + 65 + 4] = {0, 0, 0, 16};
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    OK(open_with_data(&p, ts_span(k, 20)));
    for (size_t n = 0; n < 20; n++) /* one too short for what it says */
        assert_int_equal(open_with_data(&p, ts_span(k, n)),
                         n ? TS_E_SHORT : TS_OK);
    FAILS(TS_E_TRAILING, open_with_data(&p, ts_span(k, 21)));
    for (unsigned type = 0; type < 16; type++) {
        k[1] = (uint8_t)(type << 4);
        enum ts_err err = open_with_data(&p, ts_span(k, type & 1 ? 22 : 20));
        assert_int_equal(err == TS_OK, type < 4);
    }
    k[1] = 3; /* KV */
    FAILS(TS_E_UNKNOWN, open_with_data(&p, ts_span(k, 20)));
    k[1] = 0;
    k[0] = 1; /* what follows */
    FAILS(TS_E_UNKNOWN, open_with_data(&p, ts_span(k, 20)));
    k[0] = 0;
    for (uint8_t n = 0; n < 66; n++) {
        k[3] = n;
        assert_int_equal(open_with_data(&p, ts_span(k, 4u + n)),
                         n < 16 || n > 64 ? TS_E_UNSUPPORTED : TS_OK);
    }
    for (unsigned i = 0; i < 17; i++) {
        many[20 * i] = i < 16 ? MIKEY_KEY_DATA : 0;
        many[20 * i + 3] = 16;
    }
    FAILS(TS_E_UNSUPPORTED, open_with_data(&p, ts_span(many, sizeof many)));
    many[20 * 15] = 0;
    OK(open_with_data(&p, ts_span(many, 320)));
    for (unsigned i = 0; i < 2; i++) { /* an SPI names one key */
        twice[22 * i] = i ? 0 : MIKEY_KEY_DATA;
        twice[22 * i + 1] = MIKEY_KV_SPI;
        twice[22 * i + 3] = 16;
        twice[22 * i + 20] = 1;
    }
    FAILS(TS_E_FORMAT, open_with_data(&p, ts_span(twice, sizeof twice)));
    twice[43] = 1;
    OK(open_with_data(&p, ts_span(twice, sizeof twice)));
}

static void a_builder_refuses_what_nobody_may_send(void **state)
{
    struct pair p;
    struct mikey_msg m;
    struct mikey_key k;
    (void)state;
    pair_init(&p, mikey_suite_bits(256));
    struct mikey_classic_new in = pair_psk(&p);
    in.encr = MIKEY_ENCR_AES_KW_128; /* beside 256 bits */
    FAILS(TS_E_UNSUPPORTED, pair_refuses(mikey_build_classic_psk, &in));
    in.encr = MIKEY_ENCR_AES_CM_128;
    FAILS(TS_E_UNSUPPORTED, pair_refuses(mikey_build_classic_psk, &in));
    in = pair_psk(&p);
    in.mac = MIKEY_AUTH_SHA1;
    FAILS(TS_E_UNSUPPORTED, pair_refuses(mikey_build_classic_psk, &in));
    in = pair_psk(&p);
    in.rand.n = 15;
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));
    in = pair_psk(&p);
    in.secret.n = 0;
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));
    in = pair_psk(&p);
    in.keys = &k;
    in.n_keys = 1;
    k = p.keys[0];
    k.type = MIKEY_MPK;
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));
    k = p.keys[0];
    k.kv = 3;
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));
    k = p.keys[0];
    k.key.n = 15;
    FAILS(TS_E_RANGE, pair_refuses(mikey_build_classic_psk, &in));

    in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    struct mikey_classic x = pair_knows(&p);
    pair_read(&b, &m);
    struct bytes a = pair_answer(&x, &m, p.bob, none);
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    pair_read(&a, &m);
    mikey_build_classic_resp(&w, &x, &m, p.bob, none);
    assert_int_equal(w.err, TS_E_STATE);
}

/* Whatever does not fit leaves no key behind in the caller's memory. */
static void no_key_stays_where_a_message_does_not_fit(void **state)
{
    struct pair p;
    struct bytes b;
    (void)state;
    EACH_SUITE(p)
    {
        const struct mikey_classic_new in = pair_psk(&p);
        struct bytes whole = pair_build(mikey_build_classic_psk, &in);
        for (size_t cap = 0; cap < whole.n; cap++) {
            struct ts_writer w = ts_writer_init(b.b, cap);
            memset(b.b, 0, sizeof b.b);
            mikey_build_classic_psk(&w, &in);
            assert_int_equal(w.err, TS_E_SPACE);
            for (size_t i = 0; i + 8 <= cap; i++)
                assert_memory_not_equal(b.b + i, p.keys[0].key.p, 8);
        }
    }
}

/* mikey-ticket.md 8.7: RFC 4567 5.1, whose PSK is not published */
static void the_example_of_rfc_4567_is_complete(void **state)
{
    json_t *json = scene_json("rfc4567");
    struct bytes offer = {0}, answer = {0};
    struct mikey_msg init, resp;
    struct mikey_form f;
    struct mikey_cs cs;
    struct mikey_srtp_policy policy;
    static struct mikey_keys keys;
    (void)state;
    const struct {
        const char *name;
        struct bytes *to;
    } both[] = {{"offer", &offer}, {"answer", &answer}};
    for (unsigned i = 0; i < 2; i++) {
        char value[512];
        const char *text = json_string_value(
            json_object_get(json_object_get(json, both[i].name), "base64"));
        assert_non_null(text);
        snprintf(value, sizeof value, "mikey %s", text);
        OK(mikey_sdp_read(ts_span_str(value), both[i].to->b,
                          sizeof both[i].to->b, &both[i].to->n));
    }
    json_decref(json);
    pair_read(&offer, &init);
    pair_read(&answer, &resp);
    OK(mikey_classic_check(&init, false, &f, NULL));
    OK(mikey_classic_algs(&init, 0, NULL));
    SAME(f.id_i.data, LITERAL("donald@duck.com"));
    assert_null(f.id_r.data.p);
    OK(mikey_classic_cs(&init.hdr, 1, &cs));
    OK(mikey_classic_policy(&init, &cs, &policy));
    assert_int_equal(policy.encr_key, 16);
    OK(mikey_classic_check(&resp, false, &f, NULL));
    SAME(f.id_r.data, LITERAL("mickey@mouse.com"));
    OK(mikey_map_fits(&init.hdr, &resp.hdr));

    const struct mikey_classic x = {.secret = LITERAL("not the PSK of it")};
    FAILS(TS_E_AUTH, mikey_classic_psk_open(&x, &init, &keys));
    FAILS(TS_E_AUTH, mikey_classic_resp_open(&x, &init, &resp));
}

UNIT_MAIN(cmocka_unit_test(an_update_brings_keys_or_none),
          cmocka_unit_test(an_update_fits_its_bundle),
          cmocka_unit_test(no_octet_of_an_update_can_be_changed),
          cmocka_unit_test(an_error_is_a_hint_or_authentic),
          cmocka_unit_test(what_a_message_says_is_judged),
          cmocka_unit_test(keys_are_judged),
          cmocka_unit_test(a_builder_refuses_what_nobody_may_send),
          cmocka_unit_test(no_key_stays_where_a_message_does_not_fit),
          cmocka_unit_test(the_example_of_rfc_4567_is_complete))
