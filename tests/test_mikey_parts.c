/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of messages one by one: times, the map, flags and policy, keys,
 * SRTP parameters, Initiator Data, the SDP line.
 */
#include "tests/scene.h"

#include "mikey/sdp.h"

#define BODY(...)                                                              \
    ts_span((const uint8_t[]){__VA_ARGS__},                                    \
            sizeof((const uint8_t[]){__VA_ARGS__}))

/* --- time --- */

static enum ts_err read_t(struct ts_span body, struct mikey_time *t)
{
    struct mikey_chain c = mikey_chain_init(body, MIKEY_T);
    struct mikey_payload p;
    *t = (struct mikey_time){0};
    if (mikey_chain_next(&c, &p))
        *t = p.u.t;
    return mikey_chain_end(&c);
}

/* R215, and the padding of COUNTER (3.6) */
static void a_timestamp_has_64_bits_of_any_type(void **state)
{
    struct mikey_time t;
    (void)state;
    for (unsigned type = MIKEY_NTP_UTC; type <= MIKEY_NTP; type++) {
        OK(read_t(BODY(0, (uint8_t)type, 0xe1, 2, 3, 4, 5, 6, 7, 8), &t));
        assert_true(t.value == UINT64_C(0xe102030405060708));
    }
    OK(read_t(BODY(0, MIKEY_COUNTER, 1, 2, 3, 4), &t));
    assert_true(t.value == 0x01020304);
    OK(read_t(BODY(0, MIKEY_NTP_UTC_32, 1, 2, 3, 4), &t));
    assert_true(t.value == UINT64_C(0x0102030400000000));
    for (unsigned type = 4; type < 256; type++)
        FAILS(TS_E_UNKNOWN,
              read_t(BODY(0, (uint8_t)type, 1, 2, 3, 4, 5, 6, 7, 8), &t));
    FAILS(TS_E_SHORT, read_t(BODY(0, MIKEY_NTP, 1, 2, 3, 4, 5, 6, 7), &t));
    FAILS(TS_E_TRAILING, read_t(BODY(0, MIKEY_COUNTER, 1, 2, 3, 4, 5), &t));
}

static void unix_time_is(uint32_t ntp, uint64_t seconds)
{
    uint64_t us = 1;
    const struct mikey_time t = {MIKEY_NTP_UTC_32, (uint64_t)ntp << 32};
    OK(mikey_time_unix(t, &us));
    assert_true(us == seconds * 1000000);
}

/* R214, R232, R233: 1968 to 2104; what is before 1970 is "long ago". */
static void times_reach_from_1968_to_2104(void **state)
{
    uint64_t us;
    (void)state;
    unix_time_is(0xe1000000, 1565884800); /* 2019-08-15 */
    unix_time_is(2208988800u, 0);         /* 1970-01-01 */
    unix_time_is(0xffffffff, 2085978495); /* 2036-02-07 06:28:15 */
    unix_time_is(0x00000000, 2085978496); /* a second later */
    unix_time_is(0x7fffffff, 4233462143); /* 2104-02-26 */
    unix_time_is(0x80000000, 0);          /* 1968-01-20 */
    unix_time_is(2208988799u, 0);         /* 1969-12-31 */
    const struct mikey_time counter = {MIKEY_COUNTER, 7};
    FAILS(TS_E_UNSUPPORTED, mikey_time_unix(counter, &us));
    FAILS(TS_E_UNSUPPORTED, mikey_time_check(counter, 7, 300));
}

static void a_time_is_written_as_it_is_read(void **state)
{
    static const uint64_t seconds[] = {0,          1,          1763922305,
                                       2085978495, 2085978496, 4233462143};
    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        uint64_t us, in = seconds[i] * 1000000;
        OK(mikey_time_unix(mikey_time_ntp32(seconds[i]), &us));
        assert_true(us == in);
        OK(mikey_time_unix(mikey_time_ntp(in + 999999), &us));
        assert_true(us == in + 999998 || us == in + 999999);
    }
}

static void skew_is_allowed_in_both_directions(void **state)
{
    const uint64_t now = UINT64_C(2085978496) * 1000000; /* between two eras */
    (void)state;
    OK(mikey_time_check(mikey_time_ntp(now), now, 0));
    OK(mikey_time_check(mikey_time_ntp(now - 300000000), now, 300));
    OK(mikey_time_check(mikey_time_ntp(now + 300000000), now, 300));
    FAILS(TS_E_TIME,
          mikey_time_check(mikey_time_ntp(now - 301000000), now, 300));
    FAILS(TS_E_TIME,
          mikey_time_check(mikey_time_ntp(now + 301000000), now, 300));
}

/* --- the GENERIC-ID map: R198, R203, R204, R207 --- */

static enum ts_err read_map(struct ts_span map, uint8_t n_cs)
{
    uint8_t msg[64] = {
        MIKEY_VERSION, MIKEY_TRANSFER_INIT, 0, 0, 0, 0, 0, 0, n_cs, 2};
    struct mikey_msg m;
    memcpy(msg + 10, map.p, map.n);
    return mikey_msg_read(ts_span(msg, 10 + map.n), &m, NULL);
}

static void a_map_is_read_entry_by_entry(void **state)
{
    struct mikey_cs cs;
    struct ts_span map = BODY(9, 0, 0x82, 3, 4, 0, 10, 1, 2, 3, 4, 5, 6, 7, 8,
                              9, 10, 2, 0xaa, 0xbb);
    struct ts_reader r = ts_reader_span(map);
    (void)state;
    OK(mikey_cs_read(&r, &cs));
    OK(ts_reader_end(&r));
    assert_int_equal(cs.id, 9);
    assert_true(cs.s);
    assert_int_equal(cs.policies.n, 2);
    assert_int_equal(cs.policies.p[1], 4);
    assert_int_equal(cs.ssrc, 0x01020304);
    assert_int_equal(cs.roc, 0x05060708);
    assert_int_equal(cs.seq, 0x090a);
    assert_int_equal(cs.spi.n, 2);
    OK(read_map(map, 1));
    OK(read_map(BODY(1, 0, 0, 0, 0, 0), 1));          /* all left out */
    OK(read_map(BODY(1, 0, 0x80, 0, 0, 0), 1));       /* S without data */
    OK(read_map(BODY(1, 1, 0, 0, 3, 1, 2, 3, 0), 1)); /* TESLA's own data */
    OK(read_map(BODY(1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0), 2));
}

static void a_map_that_contradicts_itself_is_refused(void **state)
{
    (void)state;
    FAILS(TS_E_DUPLICATE,
          read_map(BODY(7, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0), 2));
    for (uint8_t n = 1; n < 16; n++) {
        uint8_t entry[6 + 16] = {1, 0, 0, 0, n};
        uint8_t with_s[6 + 16] = {1, 0, 0x80, 0, n};
        FAILS(n == 4 ? TS_OK : TS_E_FORMAT,
              read_map(ts_span(entry, 6u + n), 1));
        FAILS(n == 10 ? TS_OK : TS_E_FORMAT,
              read_map(ts_span(with_s, 6u + n), 1));
    }
    FAILS(TS_E_SHORT, read_map(BODY(1, 0, 3, 0, 1), 1));       /* Ps */
    FAILS(TS_E_SHORT, read_map(BODY(1, 0, 0, 0, 0, 4, 1), 1)); /* SPI */
    FAILS(TS_E_SHORT, read_map(BODY(1, 0, 0, 0, 0, 0), 2));
    FAILS(TS_E_TRAILING, read_map(BODY(1, 0, 0, 0, 0, 0, 2), 1));
}

/* --- flags: 2.17 --- */

/* The rules as sentences, one a line of the RFC's table: "if this flag is
 * clear (or set), that one must be set". */
static bool rules_hold(const char *set, bool has_tgk)
{
    static const struct {
        char when;
        bool is_set;
        char must;
    } rules[] = {{'D', false, 'L'}, {'G', true, 'F'}, {'G', false, 'H'},
                 {'H', false, 'G'}, {'I', true, 'E'}, {'K', true, 'D'},
                 {'M', true, 'F'}};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        bool now_set = strchr(set, rules[i].when);
        if (now_set == rules[i].is_set && !strchr(set, rules[i].must))
            return false;
    }
    return !(strchr(set, 'I') && has_tgk && !strchr(set, 'F'));
}

/* R158, R217, R219-R227: all 4096 sets of flags */
static void flags_depend_on_each_other(void **state)
{
    static const char letters[] = "DEFGHIJKLMNO";
    unsigned good = 0;
    (void)state;
    for (unsigned f = 0; f < 4096; f++) {
        char set[13];
        size_t n = 0;
        for (unsigned i = 0; i < 12; i++)
            if (f & 0x800u >> i)
                set[n++] = letters[i];
        set[n] = '\0';
        for (unsigned tgk = 0; tgk < 2; tgk++) {
            bool ok = mikey_flags_ok((uint16_t)f, tgk);
            assert_int_equal(ok, rules_hold(set, tgk));
            good += ok;
        }
    }
    assert_true(good > 100 && good < 4096);
    assert_true(mikey_flags_ok(MIKEY_FLAGS_USUAL, true));
}

/* --- TP Data: R231-R240, AMB 16 --- */

static enum ts_err read_policy(struct ts_span more, struct mikey_policy *p)
{
    /* IDRr "r", then what the test adds; the first octet says of what type */
    uint8_t data[256] = {MIKEY_IDR, more.n ? more.p[0] : 0, 2, 1, 0, 1, 'r'};
    if (more.n)
        memcpy(data + 7, more.p + 1, more.n - 1);
    return mikey_policy_read(ts_span(data, more.n ? 6 + more.n : 7), p);
}

static void a_policy_names_a_responder(void **state)
{
    struct mikey_policy p;
    (void)state;
    OK(read_policy(ts_span(NULL, 0), &p));
    assert_int_equal(p.n_responders, 1);
    assert_false(p.has_start || p.has_end || p.has_rekey || p.has_kemac);
    FAILS(TS_E_MISSING, mikey_policy_read(BODY(0), &p)); /* R240 */
    FAILS(TS_E_SHORT, mikey_policy_read(ts_span(NULL, 0), &p));
    FAILS(TS_E_MISSING,
          mikey_policy_read(BODY(MIKEY_IDR, 0, 1, 1, 0, 1, 'a'), &p));
    FAILS(TS_E_TRAILING,
          mikey_policy_read(BODY(MIKEY_IDR, 0, 2, 1, 0, 1, 'a', 0), &p));
}

static void the_times_of_a_policy_have_their_types(void **state)
{
    struct mikey_policy p;
    (void)state;
    OK(read_policy(BODY(MIKEY_TR, 0, MIKEY_TRS, 3, 0xe1, 0, 0, 0), &p));
    assert_true(p.has_start && p.start == 1565884800);
    for (uint8_t type = 0; type < 2; type++) { /* NTP types are accepted */
        OK(read_policy(
            BODY(MIKEY_TR, 0, MIKEY_TRE, type, 0xe1, 0, 0, 0, 0x80, 0, 0, 0),
            &p));
        assert_true(p.has_end && p.end == 1565884800);
        FAILS(TS_E_UNSUPPORTED, /* R235 */
              read_policy(
                  BODY(MIKEY_TR, 0, MIKEY_TRR, type, 0, 0, 0, 9, 0, 0, 0, 0),
                  &p));
    }
    OK(read_policy(BODY(MIKEY_TR, 0, MIKEY_TRR, 3, 0, 0, 0x0e, 0x10), &p));
    assert_true(p.has_rekey && p.rekey == 3600);
    for (unsigned i = MIKEY_TRS; i <= MIKEY_TRR; i++) {
        const uint8_t role = (uint8_t)i;
        FAILS(TS_E_UNSUPPORTED,
              read_policy(BODY(MIKEY_TR, 0, role, 2, 0, 0, 0, 9), &p));
        FAILS(TS_E_DUPLICATE, read_policy(BODY(MIKEY_TR, MIKEY_TR, role, 3, 0,
                                               0, 0, 9, 0, role, 3, 0, 0, 0, 9),
                                          &p));
    }
    OK(read_policy(BODY(MIKEY_TR, 0, MIKEY_TRI, 2, 0, 0, 0, 9), &p)); /* R231 */
}

static void a_validity_of_long_ago_is_over(void **state)
{
    struct mikey_policy p;
    (void)state;
    OK(read_policy(BODY(MIKEY_TR, 0, MIKEY_TRE, 3, 0x80, 0, 0, 0), &p));
    FAILS(TS_E_EXPIRED, mikey_policy_valid(&p, 1763922305, 0));
    OK(read_policy(BODY(MIKEY_TR, 0, MIKEY_TRS, 3, 0x80, 0, 0, 0), &p));
    OK(mikey_policy_valid(&p, 1763922305, 0));
    OK(read_policy(BODY(MIKEY_TR, 0, MIKEY_TRS, 3, 0, 0, 0, 0), &p));
    FAILS(TS_E_EXPIRED, mikey_policy_valid(&p, 1763922305, 0));
    FAILS(TS_E_EXPIRED, mikey_policy_valid(&p, 2085978495, 0));
    OK(mikey_policy_valid(&p, 2085978496, 0));
}

/* R230: after its header there are payloads, up to the last octet. */
static void a_policy_is_a_chain_of_payloads(void **state)
{
    struct mikey_policy p;
    (void)state;
    OK(read_policy(BODY(MIKEY_RAND, 0, 1, 0xaa), &p));
    FAILS(TS_E_TRAILING, read_policy(BODY(MIKEY_RAND, 0, 1, 0xaa, 0), &p));
    FAILS(TS_E_SHORT, read_policy(BODY(MIKEY_RAND, 0, 1), &p));
    FAILS(TS_E_SHORT, read_policy(BODY(MIKEY_RAND, MIKEY_T, 1, 0xaa), &p));
}

static void the_parts_of_a_policy_stand_once(void **state)
{
    static const uint8_t roles[] = {MIKEY_IDR_I, MIKEY_IDR_KMS};
    struct mikey_policy p;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct ts_span twice =
            BODY(MIKEY_IDR, MIKEY_IDR, roles[i], 1, 0, 0, 0, roles[i], 1, 0, 0);
        FAILS(TS_E_DUPLICATE, read_policy(twice, &p));
    }
    OK(read_policy(BODY(MIKEY_KEMAC, 0, 0, 0, 0, 0), &p));
    assert_true(p.has_kemac);
    FAILS(TS_E_DUPLICATE,
          read_policy(BODY(MIKEY_KEMAC, MIKEY_KEMAC, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                      &p));
    OK(read_policy(BODY(MIKEY_IDR, 0, 200, 1, 0, 0), &p)); /* R231 */
    OK(read_policy(BODY(MIKEY_RAND, 0, 1, 0xaa), &p));
}

static void a_policy_may_name_64_responders_and_8_applications(void **state)
{
    static uint8_t data[1 + 5 * (MIKEY_RESPONDERS_MAX + 1)];
    struct mikey_policy p;
    (void)state;
    for (unsigned role = MIKEY_IDR_R; role <= MIKEY_IDR_APP; role += 3) {
        unsigned max =
            role == MIKEY_IDR_R ? MIKEY_RESPONDERS_MAX : MIKEY_APPS_MAX;
        struct ts_writer w = ts_writer_init(data, sizeof data);
        struct mikey_build b = mikey_build_first(&w);
        const struct mikey_id id = {0, MIKEY_ID_URI, ts_span("", 0)};
        for (unsigned i = 0; i < max; i++)
            mikey_build_idr(&b, role, id);
        FAILS(role == MIKEY_IDR_R ? TS_OK : TS_E_MISSING,
              mikey_policy_read(ts_written(&w), &p));
        assert_int_equal(role == MIKEY_IDR_R ? p.n_responders : p.n_apps, max);
        mikey_build_idr(&b, role, id);
        FAILS(TS_E_UNSUPPORTED, mikey_policy_read(ts_written(&w), &p));
    }
}

/* --- keys: R213, R271; AMB 14, 15 --- */

#define KEY16          1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define MPK(next, spi) next, 0x61, 0, 16, KEY16, 1, spi
#define TGK(next, spi) next, 0x01, 0, 16, KEY16, 1, spi

static enum ts_err open_keys(struct ts_span plain, unsigned mpks)
{
    static const struct mikey_cipher c;
    struct mikey_keys keys;
    const struct mikey_suite *suite = mikey_suite_bits(128);
    uint8_t buf[256];
    memcpy(buf, plain.p, plain.n);
    mikey_aes_cm(ts_span(c.key, 16), c.salt, 7, 9, buf, plain.n);
    const struct mikey_kemac kemac = {MIKEY_ENCR_AES_CM_128, MIKEY_AUTH_NULL,
                                      ts_span(buf, plain.n), ts_span(NULL, 0)};
    enum ts_err err = mikey_kemac_open(&kemac, suite, &c, 7, 9, mpks, &keys);
    mikey_keys_wipe(&keys);
    return err;
}

static void mpks_stand_first_and_as_many_as_there_must_be(void **state)
{
    (void)state;
    OK(open_keys(BODY(MPK(20, 1), MPK(20, 2), TGK(0, 3)), 2));
    OK(open_keys(BODY(MPK(20, 1), MPK(0, 1)), 2)); /* AMB 10: SPI is free */
    OK(open_keys(BODY(MPK(20, 1), TGK(0, 1)), 1));
    OK(open_keys(BODY(MPK(0, 1)), 1));
    OK(open_keys(BODY(TGK(20, 1), TGK(0, 2)), 0));
    FAILS(TS_E_FORMAT, open_keys(BODY(MPK(20, 1), MPK(20, 2), TGK(0, 3)), 1));
    FAILS(TS_E_FORMAT, open_keys(BODY(MPK(20, 1), TGK(0, 3)), 2));
    FAILS(TS_E_FORMAT, open_keys(BODY(MPK(20, 1), TGK(20, 3), MPK(0, 2)), 2));
    FAILS(TS_E_FORMAT, open_keys(BODY(TGK(20, 3), MPK(0, 1)), 1));
    FAILS(TS_E_FORMAT, open_keys(BODY(MPK(0, 1)), 2));
    FAILS(TS_E_FORMAT, open_keys(BODY(MPK(0, 1)), 0));
}

static void each_session_key_has_an_spi_of_its_own(void **state)
{
    (void)state;
    FAILS(TS_E_FORMAT, open_keys(BODY(TGK(20, 3), TGK(0, 3)), 0)); /* AMB 14 */
    FAILS(TS_E_FORMAT, open_keys(BODY(0, 0x00, 0, 16, KEY16), 0)); /* KV 0 */
    FAILS(TS_E_FORMAT,
          open_keys(BODY(0, 0x02, 0, 16, KEY16, 1, 1, 1, 2), 0));     /* KV 2 */
    FAILS(TS_E_FORMAT, open_keys(BODY(0, 0x01, 0, 16, KEY16, 0), 0)); /* R213 */
    FAILS(TS_E_FORMAT, open_keys(BODY(0, 0x61, 0, 16, KEY16, 0), 1));
    FAILS(TS_E_UNKNOWN, open_keys(BODY(0, 0x03, 0, 16, KEY16, 1, 1), 0));
    FAILS(TS_E_UNKNOWN, open_keys(BODY(0, 0x71, 0, 16, KEY16, 1, 1), 0));
    FAILS(TS_E_UNKNOWN, open_keys(BODY(5, 0x01, 0, 16, KEY16, 1, 1), 0));
}

static void keys_have_16_to_64_octets(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 70; n++) {
        uint8_t chain[6 + 70] = {0, 0x61, 0, (uint8_t)n};
        chain[4 + n] = 1;
        FAILS(n >= 16 && n <= TS_KEY_MAX ? TS_OK : TS_E_UNSUPPORTED,
              open_keys(ts_span(chain, 6 + n), 1)); /* R271 */
    }
    FAILS(TS_E_SHORT, open_keys(ts_span("", 0), 0));
    FAILS(TS_E_TRAILING, open_keys(BODY(TGK(0, 1), 0), 0));
}

/* R279: algorithms of 128 bits do not protect session keys that are longer. */
static void session_keys_of_the_weak_suite_have_16_octets(void **state)
{
    (void)state;
    for (unsigned n = 16; n < 70; n++) {
        uint8_t chain[6 + 70] = {0, 0x01, 0, (uint8_t)n};
        chain[4 + n] = 1;
        FAILS(n == 16 ? TS_OK : TS_E_UNSUPPORTED,
              open_keys(ts_span(chain, 6 + n), 0));
    }
}

static void a_key_that_finds_no_room_leaves_nothing_of_it(void **state)
{
    (void)state;
    struct mikey_keys keys = {.n = 0};
    static const uint8_t octets[64] = {1, 2, 3}, spi[255] = {1};
    struct mikey_key k = {.type = MIKEY_TGK,
                          .key = ts_span(octets, 64),
                          .spi = ts_span(spi, 255)};
    enum ts_err err = TS_OK;
    for (uint8_t n = 0; !err; n++) {
        k.spi.n = 255u - n;
        err = mikey_keys_add(&keys, &k);
    }
    FAILS(TS_E_SPACE, err);
    for (size_t i = keys.len; i < sizeof keys.plain; i++)
        assert_int_equal(keys.plain[i], 0);
}

/* --- SRTP parameters --- */

static enum ts_err read_sp(struct ts_span params, struct mikey_srtp_policy *p)
{
    const struct mikey_sp sp = {0, MIKEY_PROT_SRTP, params};
    return mikey_srtp_policy_read(&sp, p);
}

/* A policy as its parameters, each of which is written. */
static struct ts_span written(const struct mikey_srtp_policy *p, uint8_t *buf,
                              size_t cap)
{
    struct ts_writer w = ts_writer_init(buf, cap);
    mikey_srtp_policy_write(&w, p);
    OK(w.err);
    return ts_written(&w);
}

static void what_an_sp_leaves_out_has_its_default(void **state)
{
    struct mikey_srtp_policy p, usual;
    uint8_t a[64], b[64];
    (void)state;
    OK(read_sp(ts_span(NULL, 0), &p));
    usual = mikey_srtp_usual(mikey_suite_bits(128));
    assert_int_equal(p.set, 0);
    p.set = usual.set;
    assert_true(
        ts_span_equal(written(&p, a, sizeof a), written(&usual, b, sizeof b)));
    assert_int_equal(p.tag, 10);
    assert_int_equal(p.salt, 14);
    assert_int_equal(p.srtcp_tag, 10);
    assert_int_equal(p.srtcp_auth_alg, MIKEY_SRTP_HMAC_SHA1);
    assert_int_equal(p.srtcp_auth_key, 20);
    assert_int_equal(p.roc_rate, 1);
    assert_int_equal(p.aead_tag, 16);
    usual = mikey_srtp_usual(mikey_suite_bits(256));
    assert_int_equal(usual.encr_key, 32); /* R279 */
    OK(read_sp(written(&usual, a, sizeof a), &p));
    assert_true(
        ts_span_equal(written(&p, b, sizeof b), written(&usual, a, sizeof a)));
}

static void a_parameter_is_taken_once_and_with_its_length(void **state)
{
    struct mikey_srtp_policy p;
    (void)state;
    for (uint8_t type = 0; type <= 12; type++) {
        OK(read_sp(BODY(type, 1, 1), &p));
        FAILS(TS_E_DUPLICATE, read_sp(BODY(type, 1, 1, type, 1, 1), &p));
        FAILS(TS_E_FORMAT, read_sp(BODY(type, 0), &p));
        FAILS(type == 6 ? TS_OK : TS_E_FORMAT, /* AMB 11 */
              read_sp(BODY(type, 2, 0, 1), &p));
        FAILS(TS_E_SHORT, read_sp(BODY(type, 2, 1), &p));
        FAILS(TS_E_SHORT, read_sp(BODY(type), &p));
    }
    for (uint8_t type = 7; type <= 10; type++)
        FAILS(type == 9 ? TS_OK : TS_E_FORMAT, read_sp(BODY(type, 1, 2), &p));
    OK(read_sp(BODY(6, 4, 1, 2, 3, 4), &p));
    assert_int_equal(p.kdr, 0x01020304);
    FAILS(TS_E_FORMAT, read_sp(BODY(6, 5, 0, 1, 2, 3, 4), &p));
    for (uint8_t type = 14; type <= 20; type++) {
        OK(read_sp(BODY(type, 1, 1), &p));
        FAILS(TS_E_DUPLICATE, read_sp(BODY(type, 1, 1, type, 1, 1), &p));
        FAILS(TS_E_FORMAT, read_sp(BODY(type, 2, 0, 1), &p));
    }
    OK(read_sp(BODY(13, 2, 1, 2), &p));
    assert_int_equal(p.roc_rate, 0x0102);
    FAILS(TS_E_FORMAT, read_sp(BODY(13, 2, 0, 0), &p)); /* nonzero */
    FAILS(TS_E_FORMAT, read_sp(BODY(13, 1, 1), &p));
    for (unsigned type = 21; type < 256; type++)
        FAILS(TS_E_UNSUPPORTED, read_sp(BODY((uint8_t)type, 1, 1), &p));
    const struct mikey_sp tesla = {0, 1, ts_span(NULL, 0)};
    FAILS(TS_E_UNSUPPORTED, mikey_srtp_policy_read(&tesla, &p));
}

/* RFC 4771: what is for SRTP or SRTCP alone wins over what is for both. */
static void srtp_and_srtcp_can_differ(void **state)
{
    struct mikey_srtp_policy p;
    (void)state;
    OK(read_sp(BODY(18, 1, 4, 11, 1, 8), &p));
    assert_int_equal(p.tag, 4);
    assert_int_equal(p.srtcp_tag, 8);
    OK(read_sp(BODY(11, 1, 8, 19, 1, 4), &p));
    assert_int_equal(p.tag, 8);
    assert_int_equal(p.srtcp_tag, 4);
    OK(read_sp(BODY(14, 1, 0, 17, 1, 16), &p));
    assert_int_equal(p.auth_alg, MIKEY_SRTP_AUTH_NULL);
    assert_int_equal(p.srtcp_auth_alg, MIKEY_SRTP_HMAC_SHA1);
    assert_int_equal(p.auth_key, 20);
    assert_int_equal(p.srtcp_auth_key, 16);
    /* the tag holds the four octets of the ROC */
    OK(read_sp(BODY(14, 1, 2, 18, 1, 14), &p));
    FAILS(TS_E_MISMATCH, read_sp(BODY(14, 1, 2, 18, 1, 3), &p));
    OK(read_sp(BODY(14, 1, 4, 18, 1, 4), &p));
    FAILS(TS_E_MISMATCH, read_sp(BODY(14, 1, 4, 18, 1, 5), &p));
    FAILS(TS_E_MISMATCH, read_sp(BODY(15, 1, 4), &p));
}

/* RFC 7714, RFC 8269 */
static void a_cipher_that_authenticates_has_its_own_rules(void **state)
{
    struct mikey_srtp_policy p, gcm = mikey_srtp_gcm(mikey_suite_bits(256));
    uint8_t a[64], b[64];
    (void)state;
    OK(read_sp(written(&gcm, a, sizeof a), &p));
    assert_int_equal(p.encr_alg, MIKEY_SRTP_AES_GCM);
    assert_int_equal(p.encr_key, 32);
    assert_int_equal(p.aead_tag, 16);
    assert_true(
        ts_span_equal(written(&p, b, sizeof b), written(&gcm, a, sizeof a)));
    for (uint8_t alg = 4; alg <= 6; alg++) {
        assert_true(mikey_srtp_is_aead(alg));
        OK(read_sp(BODY(0, 1, alg), &p));
        assert_int_equal(p.salt, 12);
        assert_int_equal(p.tag, 0);
        assert_int_equal(p.srtcp_auth_alg, MIKEY_SRTP_AUTH_NULL);
        FAILS(TS_E_MISMATCH, read_sp(BODY(0, 1, alg, 4, 1, 14), &p));
    }
    assert_false(mikey_srtp_is_aead(MIKEY_SRTP_ARIA_CTR));
    FAILS(TS_E_MISMATCH, read_sp(BODY(0, 1, 6, 5, 1, 2), &p));
    FAILS(TS_E_MISMATCH, read_sp(BODY(0, 1, 7), &p));
    OK(read_sp(BODY(0, 1, 7, 5, 1, 2), &p));
    assert_int_equal(p.salt, 14);
    OK(read_sp(BODY(0, 1, 8, 5, 1, 2), &p));
    assert_int_equal(p.salt, 12);
}

/* Each parameter reads as it was written, in as few octets as it takes. */
static void each_parameter_is_written_as_it_reads(void **state)
{
    struct mikey_srtp_policy p, again;
    uint8_t buf[128];
    (void)state;
    OK(read_sp(BODY(0, 1, 1, 1, 1, 24, 2, 1, 1, 3, 1, 16, 4, 1, 14, 5, 1, 0, 6,
                    3, 1, 2, 3, 7, 1, 0, 8, 1, 0, 9, 1, 5, 10, 1, 0, 11, 1, 4,
                    12, 1, 7, 13, 2, 0, 9, 15, 1, 3, 17, 1, 9, 19, 1, 14, 20, 1,
                    16),
               &p));
    assert_int_equal(p.set, 0x1abfff);
    OK(read_sp(written(&p, buf, sizeof buf), &again));
    assert_memory_equal(&p, &again, sizeof p);
    /* SRTP's own values, while SRTCP has those for both */
    OK(read_sp(BODY(2, 1, 1, 14, 1, 2, 3, 1, 16, 16, 1, 9, 11, 1, 10, 18, 1, 4),
               &p));
    OK(read_sp(written(&p, buf, sizeof buf), &again));
    assert_memory_equal(&p, &again, sizeof p);
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    p.set = UINT32_C(1) << MIKEY_SP_PARAMS;
    mikey_srtp_policy_write(&w, &p);
    assert_int_equal(w.err, TS_E_RANGE);
}

/* --- the keys of a crypto session: R153, R154; AMB 14 --- */

static void a_session_takes_the_key_its_spi_names(void **state)
{
    static const uint8_t plain[] = {MPK(20, 9), 20,   0x31,  0, 16, KEY16, 0,
                                    2,          0xaa, 0xbb,  1, 5,  20,    0x21,
                                    0,          16,   KEY16, 1, 6,  0,     0x01,
                                    0,          16,   KEY16, 1, 7};
    const struct mikey_tek_base base = {MIKEY_PRF_SHA1, ts_span("r", 1),
                                        ts_span(NULL, 0)};
    uint8_t key[16], salt[14], other[16];
    struct mikey_keys keys;
    (void)state;
    OK(mikey_keys_read(ts_span(plain, sizeof plain), &keys));
    OK(mikey_srtp_keys(&keys, BODY(5), 1, &base, key, 16, salt, 2));
    assert_memory_equal(key, plain + 4, 16); /* a TEK as it is */
    assert_int_equal(salt[0], 0xaa);
    FAILS(TS_E_UNSUPPORTED, /* a salt, a key of another length */
          mikey_srtp_keys(&keys, BODY(5), 1, &base, key, 16, salt, 14));
    FAILS(TS_E_UNSUPPORTED,
          mikey_srtp_keys(&keys, BODY(5), 1, &base, key, 8, salt, 2));
    FAILS(TS_E_UNSUPPORTED, /* a TEK, and nothing to derive a salt from */
          mikey_srtp_keys(&keys, BODY(6), 1, &base, key, 16, salt, 14));
    OK(mikey_srtp_keys(&keys, BODY(7), 1, &base, key, 16, salt, 14));
    OK(mikey_srtp_keys(&keys, BODY(7), 2, &base, other, 16, salt, 14));
    assert_memory_not_equal(key, other, 16); /* the CS ID enters K3 */
    FAILS(TS_E_NOTFOUND,                     /* an MPK is no session key */
          mikey_srtp_keys(&keys, BODY(9), 1, &base, key, 16, salt, 14));
    FAILS(TS_E_NOTFOUND,
          mikey_srtp_keys(&keys, BODY(8), 1, &base, key, 16, salt, 14));
}

/* --- Initiator Data --- */

/* R242, R243, R245, R247 */
static void initiator_data_is_vi_and_vr(void **state)
{
    static uint8_t data[128];
    struct mikey_v vi, vr;
    (void)state;
    FAILS(TS_E_SHORT, mikey_init_data_read(ts_span(NULL, 0), &vi, &vr));
    FAILS(TS_E_MISSING, mikey_init_data_read(BODY(0), &vi, &vr));
    FAILS(TS_E_MISSING, mikey_init_data_read(BODY(9, 0, 0), &vi, &vr));
    OK(mikey_init_data_read(BODY(9, 9, 0, 0, 0), &vi, &vr)); /* MAC is NULL */
    FAILS(TS_E_DUPLICATE,
          mikey_init_data_read(BODY(9, 9, 0, 9, 0, 0, 0), &vi, &vr));
    OK(mikey_init_data_read(BODY(11, 9, 1, 7, 9, 0, 0, 0), &vi, &vr));
    FAILS(TS_E_MISSING, /* Vr is the last */
          mikey_init_data_read(BODY(9, 9, 0, 11, 0, 0, 1, 7), &vi, &vr));
    data[0] = data[1] = 9;
    data[2] = MIKEY_AUTH_SHA1;
    data[24] = MIKEY_AUTH_SHA256;
    FAILS(TS_E_FORMAT, /* R247 */
          mikey_init_data_read(ts_span(data, 3 + 20 + 2 + 32), &vi, &vr));
    FAILS(TS_E_TRAILING,
          mikey_init_data_read(BODY(9, 9, 0, 0, 0, 0), &vi, &vr));
}

/* --- RFC 4567 --- */

static enum ts_err sdp(const char *value)
{
    uint8_t out[8];
    size_t n;
    return mikey_sdp_read(ts_span_str(value), out, sizeof out, &n);
}

static void the_sdp_line_is_read_strictly(void **state)
{
    char line[16];
    (void)state;
    OK(sdp("mikey AQID"));
    OK(sdp(" mikey AQID")); /* 0*1SP */
    OK(sdp("mikey AQI="));
    OK(sdp("mikey AQ=="));
    FAILS(TS_E_UNSUPPORTED, sdp("  mikey AQID"));
    FAILS(TS_E_UNSUPPORTED, sdp("\tmikey AQID"));
    FAILS(TS_E_UNSUPPORTED, sdp("MIKEY AQID")); /* case sensitive */
    FAILS(TS_E_UNSUPPORTED, sdp("mikey2 AQID"));
    FAILS(TS_E_UNSUPPORTED, sdp("sdes AQID"));
    FAILS(TS_E_UNSUPPORTED, sdp(""));
    FAILS(TS_E_FORMAT, sdp("mikey "));
    FAILS(TS_E_FORMAT, sdp("mikey  AQID"));
    FAILS(TS_E_FORMAT, sdp("mikey AQI"));
    FAILS(TS_E_FORMAT, sdp("mikey AQJ=")); /* bits behind the last octet */
    FAILS(TS_E_FORMAT, sdp("mikey AR=="));
    FAILS(TS_E_FORMAT, sdp("mikey A==="));
    FAILS(TS_E_FORMAT, sdp("mikey ===="));
    FAILS(TS_E_FORMAT, sdp("mikey AQ==AQID"));
    FAILS(TS_E_FORMAT, sdp("mikey AQID "));
    FAILS(TS_E_FORMAT, sdp("mikey AQID\r\n"));
    FAILS(TS_E_FORMAT, sdp("mikey AQ-_"));
    FAILS(TS_E_SPACE, sdp("mikey AAAAAAAAAAAAAAAA"));
    OK(mikey_sdp_write(BODY(1, 2, 3), line, 11));
    assert_string_equal(line, "mikey AQID");
    FAILS(TS_E_SPACE, mikey_sdp_write(BODY(1, 2, 3), line, 10));
}

UNIT_MAIN(cmocka_unit_test(a_timestamp_has_64_bits_of_any_type),
          cmocka_unit_test(times_reach_from_1968_to_2104),
          cmocka_unit_test(a_time_is_written_as_it_is_read),
          cmocka_unit_test(skew_is_allowed_in_both_directions),
          cmocka_unit_test(a_map_is_read_entry_by_entry),
          cmocka_unit_test(a_map_that_contradicts_itself_is_refused),
          cmocka_unit_test(flags_depend_on_each_other),
          cmocka_unit_test(a_policy_names_a_responder),
          cmocka_unit_test(the_times_of_a_policy_have_their_types),
          cmocka_unit_test(a_validity_of_long_ago_is_over),
          cmocka_unit_test(a_policy_is_a_chain_of_payloads),
          cmocka_unit_test(the_parts_of_a_policy_stand_once),
          cmocka_unit_test(a_policy_may_name_64_responders_and_8_applications),
          cmocka_unit_test(mpks_stand_first_and_as_many_as_there_must_be),
          cmocka_unit_test(each_session_key_has_an_spi_of_its_own),
          cmocka_unit_test(keys_have_16_to_64_octets),
          cmocka_unit_test(session_keys_of_the_weak_suite_have_16_octets),
          cmocka_unit_test(a_key_that_finds_no_room_leaves_nothing_of_it),
          cmocka_unit_test(what_an_sp_leaves_out_has_its_default),
          cmocka_unit_test(a_parameter_is_taken_once_and_with_its_length),
          cmocka_unit_test(srtp_and_srtcp_can_differ),
          cmocka_unit_test(a_cipher_that_authenticates_has_its_own_rules),
          cmocka_unit_test(each_parameter_is_written_as_it_reads),
          cmocka_unit_test(a_session_takes_the_key_its_spi_names),
          cmocka_unit_test(initiator_data_is_vi_and_vr),
          cmocka_unit_test(the_sdp_line_is_read_strictly))
