/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crypto sessions of RFC 3830: maps, policies, and the keys that both
 * sides derive.
 */
#include "tests/pair.h"

static const struct ts_span none;

/* 4.1.3: constant || CS ID || CSB ID || RAND, by hand */
static void derive(const struct pair *p, uint32_t constant, uint8_t cs,
                   struct ts_span tgk, uint8_t *out, size_t n)
{
    uint8_t label[64];
    struct mikey_prf prf;
    struct ts_writer w = ts_writer_init(label, sizeof label);
    ts_put_u32(&w, constant);
    ts_put_u8(&w, cs);
    ts_put_u32(&w, PAIR_CSB);
    ts_put_span(&w, ts_key_span(&p->rand));
    mikey_prf_key(&prf, p->suite->prf, tgk);
    mikey_prf(&prf, ts_written(&w), out, n);
}

static void read_psk(const struct pair *p, struct mikey_msg *m, struct bytes *b,
                     struct mikey_keys *keys)
{
    const struct mikey_classic_new in = pair_psk(p);
    const struct mikey_classic x = pair_knows(p);
    *b = pair_build(mikey_build_classic_psk, &in);
    pair_read(b, m);
    OK(pair_open_psk(&x, span_of(b), keys));
}

static void both_sides_derive_the_same_keys(void **state)
{
    struct pair p;
    struct mikey_msg m;
    struct bytes b;
    static struct mikey_keys keys;
    uint8_t want[64];
    (void)state;
    EACH_SUITE(p)
    {
        struct ts_key key, salt, key2, salt2;
        struct mikey_srtp_policy policy;
        read_psk(&p, &m, &b, &keys);
        const struct mikey_classic_label bundle = mikey_classic_label_of(&m);
        for (uint8_t cs = 1; cs <= 2; cs++) {
            struct mikey_cs entry;
            OK(mikey_classic_cs(&m.hdr, cs, &entry));
            OK(mikey_classic_policy(&m, &entry, &policy));
            assert_int_equal(policy.encr_key, p.suite->encr_key);
            OK(mikey_classic_session(&bundle, &p.keys[0], cs, &policy, &key,
                                     &salt));
            OK(mikey_classic_session(&bundle, &keys.k[0], cs, &policy, &key2,
                                     &salt2));
            SAME(ts_key_span(&key2), ts_key_span(&key));
            SAME(ts_key_span(&salt2), ts_key_span(&salt));
            derive(&p, 0x2AD01C64, cs, p.keys[0].key, want, key.len);
            SAME(ts_key_span(&key), ts_span(want, p.suite->encr_key));
            SAME(ts_key_span(&salt), p.keys[0].salt); /* it came along */
        }
        OK(mikey_classic_session(&bundle, &keys.k[1], 1, &policy, &key, &salt));
        SAME(ts_key_span(&key), p.keys[1].key); /* a TEK as it is */
        FAILS(TS_E_NOTFOUND,
              mikey_classic_cs(&m.hdr, 3, &(struct mikey_cs){0}));
        FAILS(TS_E_NOTFOUND,
              mikey_classic_cs(&m.hdr, 0, &(struct mikey_cs){0}));
    }
}

static void each_use_of_a_tgk_has_its_constant(void **state)
{
    static const uint32_t constants[] = {0x2AD01C64, 0x1B5C7973, 0x15798CEF,
                                         0x39A2C14B};
    struct pair p;
    uint8_t got[255], want[255];
    (void)state;
    EACH_SUITE(p)
    {
        const struct ts_span tgk = p.keys[0].key;
        struct mikey_classic_label b = {p.suite->prf, PAIR_CSB,
                                        ts_key_span(&p.rand)};
        for (unsigned use = 0; use < 4; use++) {
            OK(mikey_classic_tek(&b, tgk, (enum mikey_tek_use)use, 7, got,
                                 sizeof got));
            derive(&p, constants[use], 7, tgk, want, sizeof want);
            assert_memory_equal(got, want, sizeof want);
        }
        uint8_t more[300];
        FAILS(TS_E_RANGE, mikey_classic_tek(&b, none, 0, 1, got, 16));
        FAILS(TS_E_RANGE,
              mikey_classic_tek(&b, ts_span(more, 193), 0, 1, got, 16));
        FAILS(TS_E_RANGE, mikey_classic_tek(&b, tgk, 0, 1, more, 256));
        b.rand = ts_span(more, 256);
        FAILS(TS_E_RANGE, mikey_classic_tek(&b, tgk, 0, 1, got, 16));
        b.prf = 2;
        FAILS(TS_E_UNSUPPORTED, mikey_classic_tek(&b, tgk, 0, 1, got, 16));
    }
}

/* 4.1.2: exclusive or of what each 256 bits give; DH makes 192 octets */
static void a_long_tgk_is_used_to_its_end(void **state)
{
    struct pair p;
    uint8_t tgk[192], got[40], want[40], one[40];
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    const struct mikey_classic_label b = {0, PAIR_CSB, ts_key_span(&p.rand)};
    for (unsigned i = 0; i < sizeof tgk; i++)
        tgk[i] = (uint8_t)(i * 7);
    for (size_t n = 1; n <= sizeof tgk; n++) {
        OK(mikey_classic_tek(&b, ts_span(tgk, n), MIKEY_USE_TEK, 1, got,
                             sizeof got));
        memset(want, 0, sizeof want);
        for (size_t at = 0; at < n; at += 32) {
            size_t piece = n - at < 32 ? n - at : 32;
            derive(&p, 0x2AD01C64, 1, ts_span(tgk + at, piece), one,
                   sizeof one);
            for (unsigned i = 0; i < sizeof want; i++)
                want[i] ^= one[i];
        }
        assert_memory_equal(got, want, sizeof want);
    }
}

/* 4.1.3: a salt is derived where none came with the key */
static void a_salt_is_derived_only_where_none_came(void **state)
{
    struct pair p;
    struct ts_key key, salt;
    uint8_t want[14];
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    struct mikey_srtp_policy policy = mikey_srtp_usual(p.suite);
    const struct mikey_classic_label b = {0, PAIR_CSB, ts_key_span(&p.rand)};
    struct mikey_key k = p.keys[0];
    k.type = MIKEY_TGK;
    k.salt = none;
    OK(mikey_classic_session(&b, &k, 1, &policy, &key, &salt));
    derive(&p, 0x39A2C14B, 1, k.key, want, sizeof want);
    SAME(ts_key_span(&salt), ts_span(want, sizeof want));
    policy.salt = 12; /* AES-GCM */
    OK(mikey_classic_session(&b, &k, 1, &policy, &key, &salt));
    SAME(ts_key_span(&salt), ts_span(want, 12));
    policy.salt = 0;
    OK(mikey_classic_session(&b, &k, 1, &policy, &key, &salt));
    assert_int_equal(salt.len, 0);

    k = p.keys[1]; /* from a TEK nothing is derived */
    k.salt = none;
    policy = mikey_srtp_usual(p.suite);
    FAILS(TS_E_UNSUPPORTED,
          mikey_classic_session(&b, &k, 1, &policy, &key, &salt));
    assert_int_equal(key.len + salt.len, 0);
    policy.salt = 0;
    OK(mikey_classic_session(&b, &k, 1, &policy, &key, &salt));
}

static void lengths_must_fit_the_policy(void **state)
{
    struct pair p;
    struct ts_key key, salt;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    const struct mikey_classic_label b = {0, PAIR_CSB, ts_key_span(&p.rand)};
    const struct mikey_srtp_policy usual = mikey_srtp_usual(p.suite);
    for (unsigned n = 0; n < 256; n++) {
        struct mikey_srtp_policy policy = usual;
        policy.encr_key = (uint8_t)n;
        enum ts_err tgk =
            mikey_classic_session(&b, &p.keys[0], 1, &policy, &key, &salt);
        assert_int_equal(tgk, n < 16 || n > 64 ? TS_E_UNSUPPORTED : TS_OK);
        enum ts_err tek =
            mikey_classic_session(&b, &p.keys[1], 1, &policy, &key, &salt);
        assert_int_equal(tek, n != 16 ? TS_E_UNSUPPORTED : TS_OK);
        policy = usual;
        policy.salt = (uint8_t)n;
        tek = mikey_classic_session(&b, &p.keys[1], 1, &policy, &key, &salt);
        assert_int_equal(tek, n != 14 ? TS_E_UNSUPPORTED : TS_OK);
        if (tek)
            assert_int_equal(key.len + salt.len, 0);
    }
}

/* --- which key --- */

static void a_session_begins_with_the_key_of_its_spi(void **state)
{
    static struct mikey_keys keys;
    const struct mikey_key *k;
    struct pair p;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    keys.n = 0;
    FAILS(TS_E_NOTFOUND, mikey_classic_pick(&keys, none, &k));
    keys.n = 2;
    keys.k[0] = p.keys[0];
    keys.k[1] = p.keys[1];
    OK(mikey_classic_pick(&keys, p.keys[1].spi, &k));
    assert_ptr_equal(k, &keys.k[1]);
    FAILS(TS_E_NOTFOUND, mikey_classic_pick(&keys, OCTETS(9, 9), &k));
    FAILS(TS_E_UNSUPPORTED, mikey_classic_pick(&keys, none, &k));
    keys.n = 1;
    OK(mikey_classic_pick(&keys, none, &k));
    assert_ptr_equal(k, &keys.k[0]);
    FAILS(TS_E_NOTFOUND, mikey_classic_pick(&keys, OCTETS(9, 9), &k));
    keys.k[0].kv = MIKEY_KV_NULL; /* good for any SPI (6.13) */
    OK(mikey_classic_pick(&keys, OCTETS(9, 9), &k));
}

/* 6.10: SRTP's defaults where no SP is */
static void a_session_has_the_policy_of_its_number(void **state)
{
    static const uint8_t second[] = {1, 1, 32, 11, 1, 4};
    struct pair p;
    struct mikey_msg m;
    struct mikey_cs cs;
    struct mikey_srtp_policy policy;
    (void)state;
    pair_init(&p, mikey_suite_bits(256));
    struct mikey_classic_new in = pair_psk(&p);
    const struct mikey_sp sps[] = {
        p.sp, {5, MIKEY_PROT_SRTP, ts_span(second, sizeof second)}};
    in.sp = sps;
    in.n_sp = 2;
    p.map[9] = 5;
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &m);
    OK(mikey_classic_cs(&m.hdr, 1, &cs));
    OK(mikey_classic_policy(&m, &cs, &policy));
    assert_int_equal(policy.tag, 10);
    OK(mikey_classic_cs(&m.hdr, 2, &cs));
    OK(mikey_classic_policy(&m, &cs, &policy));
    assert_int_equal(policy.encr_key, 32);
    assert_int_equal(policy.tag, 4);
    assert_int_equal(policy.salt, 14);

    m.n_sp = 1;
    FAILS(TS_E_NOTFOUND, mikey_classic_policy(&m, &cs, &policy));
    cs.policies = none; /* GENERIC-ID: the Responder is to say */
    FAILS(TS_E_NOTFOUND, mikey_classic_policy(&m, &cs, &policy));
    m.n_sp = 0;
    OK(mikey_classic_policy(&m, &cs, &policy));
    assert_int_equal(policy.encr_key, 16);
    assert_int_equal(policy.encr_alg, 1);
    assert_int_equal(policy.auth_key, 20);
    assert_int_equal(policy.salt, 14);
    assert_int_equal(policy.tag, 10);
    cs.prot = MIKEY_PROT_TESLA;
    FAILS(TS_E_UNSUPPORTED, mikey_classic_policy(&m, &cs, &policy));
}

/* --- maps --- */

static void the_responder_fills_in_its_ssrcs(void **state)
{
    static const uint32_t ssrc[] = {0x55667788, 0x99};
    struct pair p;
    struct mikey_msg init, resp;
    struct mikey_cs cs;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    const struct mikey_classic x = pair_knows(&p);
    const struct mikey_classic_new in = pair_psk(&p);
    struct bytes b = pair_build(mikey_build_classic_psk, &in), map = {0};
    pair_read(&b, &init);
    struct ts_writer w = ts_writer_init(map.b, sizeof map.b);
    OK(mikey_map_answer(&init.hdr, ssrc, 1, &w));
    struct bytes a = pair_answer(&x, &init, p.bob, ts_written(&w));
    OK(pair_open_resp(&x, &init, span_of(&a)));
    pair_read(&a, &resp);
    OK(mikey_classic_cs(&resp.hdr, 1, &cs));
    assert_int_equal(cs.ssrc, 0x11223344);
    OK(mikey_classic_cs(&resp.hdr, 2, &cs));
    assert_int_equal(cs.ssrc, 0x55667788);

    for (size_t n = 0; n < 3; n += 2) { /* too few, too many */
        w = ts_writer_init(map.b, sizeof map.b);
        FAILS(TS_E_RANGE, mikey_map_answer(&init.hdr, ssrc, n, &w));
    }
    w = ts_writer_init(map.b, 17);
    FAILS(TS_E_SPACE, mikey_map_answer(&init.hdr, ssrc, 1, &w));
    w = ts_writer_init(map.b, sizeof map.b); /* not ours to change */
    mikey_put_srtp_id(&w, 0, 1, 0);
    mikey_put_srtp_id(&w, 0, 2, 0);
    struct ts_writer to = ts_writer_init(a.b, sizeof a.b);
    mikey_build_classic_resp(&to, &x, &init, p.bob, ts_written(&w));
    assert_int_equal(to.err, TS_E_MISMATCH);
}

static struct mikey_hdr with_map(uint8_t type, uint8_t n_cs, struct ts_span map)
{
    return (struct mikey_hdr){.map_type = type, .n_cs = n_cs, .map = map};
}

static void only_unknown_ssrcs_may_be_filled_in(void **state)
{
    const struct ts_span ask =
        OCTETS(3, 1, 2, 3, 4, 0, 0, 0, 0, /**/ 3, 0, 0, 0, 0, 0, 0, 0, 0);
    uint8_t answer[18];
    (void)state;
    const struct mikey_hdr init = with_map(MIKEY_MAP_SRTP, 2, ask);
    struct mikey_hdr resp =
        with_map(MIKEY_MAP_SRTP, 2, ts_span(answer, sizeof answer));
    for (unsigned i = 0; i < sizeof answer; i++) {
        memcpy(answer, ask.p, sizeof answer);
        OK(mikey_map_fits(&init, &resp));
        answer[i] ^= 0x20;
        /* SSRC and ROC of the second one */
        assert_int_equal(mikey_map_fits(&init, &resp),
                         i < 10 ? TS_E_MISMATCH : TS_OK);
    }
    memcpy(answer, ask.p, sizeof answer);
    for (resp.map.n = 0; resp.map.n < sizeof answer; resp.map.n++)
        FAILS(TS_E_MISMATCH, mikey_map_fits(&init, &resp));
    OK(mikey_map_fits(&init, &resp));
    resp.n_cs = 1;
    FAILS(TS_E_MISMATCH, mikey_map_fits(&init, &resp));
    resp.n_cs = 2;
    resp.map_type = MIKEY_MAP_GENERIC;
    FAILS(TS_E_MISMATCH, mikey_map_fits(&init, &resp));
    const struct mikey_hdr empty = with_map(MIKEY_MAP_EMPTY, 0, none);
    OK(mikey_map_fits(&empty, &empty));
    resp = with_map(MIKEY_MAP_EMPTY, 0, OCTETS(1));
    FAILS(TS_E_MISMATCH, mikey_map_fits(&empty, &resp));
}

/* RFC 6043 6.1.1 made this map for all of MIKEY. */
static void a_generic_id_map_is_filled_in_freely(void **state)
{
    struct pair p;
    struct mikey_msg init, resp;
    struct mikey_cs cs;
    (void)state;
    pair_init(&p, mikey_suite_bits(128));
    const struct mikey_classic x = pair_knows(&p);
    struct mikey_classic_new in = pair_psk(&p);
    in.map_type = MIKEY_MAP_GENERIC;
    in.n_cs = 1;
    in.map = OCTETS(200, 0, 0, 0, 0, 0);
    struct bytes b = pair_build(mikey_build_classic_psk, &in);
    pair_read(&b, &init);
    OK(mikey_classic_cs(&init.hdr, 200, &cs));
    struct bytes a = pair_answer(&x, &init, p.bob,
                                 OCTETS(200, 0, 1, 0, 0, 4, 1, 2, 3, 4, 1, 9));
    OK(pair_open_resp(&x, &init, span_of(&a)));
    pair_read(&a, &resp);
    OK(mikey_classic_cs(&resp.hdr, 200, &cs));
    SAME(cs.spi, OCTETS(9));

    const struct mikey_hdr asked = with_map(MIKEY_MAP_GENERIC, 1, in.map);
    struct mikey_hdr other =
        with_map(MIKEY_MAP_GENERIC, 1, OCTETS(201, 0, 0, 0, 0, 0));
    FAILS(TS_E_MISMATCH, mikey_map_fits(&asked, &other));
    other.map = OCTETS(200, 1, 0, 0, 0, 0);
    FAILS(TS_E_MISMATCH, mikey_map_fits(&asked, &other));
    other.map = OCTETS(200, 0, 0, 0, 0);
    FAILS(TS_E_MISMATCH, mikey_map_fits(&asked, &other));
    other.map = OCTETS(200, 0, 0, 0, 0, 0, 0);
    FAILS(TS_E_MISMATCH, mikey_map_fits(&asked, &other));

    static const uint32_t ssrc = 1; /* nothing to fill in by itself */
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    FAILS(TS_E_RANGE, mikey_map_answer(&asked, &ssrc, 1, &w));
    w = ts_writer_init(b.b, sizeof b.b);
    OK(mikey_map_answer(&asked, NULL, 0, &w));
    SAME(ts_written(&w), in.map);
}

UNIT_MAIN(cmocka_unit_test(both_sides_derive_the_same_keys),
          cmocka_unit_test(each_use_of_a_tgk_has_its_constant),
          cmocka_unit_test(a_long_tgk_is_used_to_its_end),
          cmocka_unit_test(a_salt_is_derived_only_where_none_came),
          cmocka_unit_test(lengths_must_fit_the_policy),
          cmocka_unit_test(a_session_begins_with_the_key_of_its_spi),
          cmocka_unit_test(a_session_has_the_policy_of_its_number),
          cmocka_unit_test(the_responder_fills_in_its_ssrcs),
          cmocka_unit_test(only_unknown_ssrcs_may_be_filled_in),
          cmocka_unit_test(a_generic_id_map_is_filled_in_freely))
