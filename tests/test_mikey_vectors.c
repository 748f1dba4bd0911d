/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmikey against the published vectors (mikey-ticket.md 8.7, 9.2 and 11).
 *
 * tests/vectors/srtp-kdf.json (9.3) is not here: the key derivation inside
 * SRTP is libre's and libsrtp's, not ours. Theirs is compared with it by the
 * Python reader's tests, ours ends at master key and salt.
 */
#include "tests/scene.h"

#include <nettle/aes.h>

#include "mikey/sdp.h"

static const unsigned suites[] = {128, 256};

#define SAME(span, want)                                                       \
    do {                                                                       \
        const struct ts_span a_ = (span), b_ = (want);                         \
        assert_int_equal(a_.n, b_.n);                                          \
        assert_memory_equal(a_.p, b_.p, a_.n);                                 \
    } while (0)

static const char *text_of(json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    assert_non_null(text);
    return text;
}

static struct bytes hex_of(json_t *o, const char *key)
{
    return scene_hex(text_of(o, key));
}

static uint8_t number_of(json_t *o, const char *key)
{
    return (uint8_t)json_integer_value(json_object_get(o, key));
}

/* R193-R195 */
static void check_prf(uint8_t func, const struct bytes *inkey,
                      const struct bytes *label, const struct bytes *outkey)
{
    struct mikey_prf prf;
    uint8_t out[255];
    mikey_prf_key(&prf, func, span_of(inkey));
    mikey_prf(&prf, span_of(label), out, outkey->n);
    SAME(ts_span(out, outkey->n), span_of(outkey));
    for (size_t n = 1; n < outkey->n; n++) { /* shorter ones are prefixes */
        mikey_prf(&prf, span_of(label), out, n);
        SAME(ts_span(out, n), ts_span(outkey->b, n));
    }
}

static void the_prf_gives_the_published_keys(void **state)
{
    json_t *json = scene_json("prf"), *one;
    size_t i;
    (void)state;
    struct bytes label = hex_of(json, "label");
    json_array_foreach(json_object_get(json, "cases"), i, one)
    {
        struct bytes inkey = hex_of(one, "inkey");
        struct bytes outkey = hex_of(one, "outkey");
        check_prf(number_of(one, "PRF"), &inkey, &label, &outkey);
    }
    assert_int_equal(i, 8);
    json_decref(json);
}

static void the_256_bit_prf_is_that_of_tls_1_2(void **state)
{
    json_t *json = scene_json("prf-tls12");
    (void)state;
    struct bytes inkey = hex_of(json, "inkey"), label = hex_of(json, "label");
    struct bytes outkey = hex_of(json, "outkey");
    check_prf(number_of(json, "PRF"), &inkey, &label, &outkey);
    json_decref(json);
}

static void aes_kw_wraps_and_unwraps(void **state)
{
    json_t *json = scene_json("aes-kw"), *one;
    size_t i;
    (void)state;
    json_array_foreach(json_object_get(json, "cases"), i, one)
    {
        uint8_t out[64];
        struct bytes kek = hex_of(one, "KEK"), a0 = hex_of(one, "A0");
        struct bytes plain = hex_of(one, "plaintext");
        struct bytes wrapped = hex_of(one, "ciphertext");
        OK(mikey_aes_wrap(kek.b, a0.b, span_of(&plain), out));
        SAME(ts_span(out, plain.n + 8), span_of(&wrapped));
        OK(mikey_aes_unwrap(kek.b, a0.b, span_of(&wrapped), out));
        SAME(ts_span(out, plain.n), span_of(&plain));
        wrapped.b[3] ^= 1;
        FAILS(TS_E_AUTH, mikey_aes_unwrap(kek.b, a0.b, span_of(&wrapped), out));
    }
    assert_int_equal(i, 2);
    json_decref(json);
}

struct derived {
    json_t *want;
    size_t n;
};

static void compare_derived(void *arg, const char *name, struct ts_span value)
{
    struct derived *d = arg;
    struct bytes want = hex_of(d->want, name);
    SAME(value, span_of(&want));
    d->n++;
}

/* K0 to K6: R127, R137, R138, R140, R141, R143-R152, R155, R193-R195, R210,
 * R211, R218, R248, R301-R304 */
static void each_derived_key_is_the_published_one(void **state)
{
    static struct example e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        json_t *json = scene_json(i ? "exchange-256" : "exchange-128");
        struct derived d = {json_object_get(json, "derived"), 0};
        scene_load(&e, suites[i]);
        OK(example_each(&e, compare_derived, &d));
        assert_int_equal(d.n, json_object_size(d.want));
        json_decref(json);
    }
}

/* The inputs that mikeytool and the bench have built in are the published. */
static void the_example_has_the_published_inputs(void **state)
{
    static struct example published, built_in;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        scene_load(&published, suites[i]);
        example_init(&built_in, mikey_suite_bits(suites[i]));
        assert_int_equal(built_in.n_messages, published.n_messages);
        for (size_t k = 0; k < example_n_inputs; k++) {
            size_t at = example_inputs[k].offset;
            const struct ts_key *a =
                (const void *)((const uint8_t *)&built_in + at);
            const struct ts_key *b =
                (const void *)((const uint8_t *)&published + at);
            SAME(ts_key_span(a), ts_key_span(b));
        }
    }
}

/* R5-R7, R9, R13, R14, R21, R22, R31-R33, R35, R36, R38-R40, R42-R44, R50,
 * R52, R60, R61, R66-R69, R72, R74, R75, R77, R83, R84, R92-R94, R96, R100,
 * R101, R107, R108, R117-R119, R121-R124, R127, R128, R130-R132, R159-R161,
 * R164, R168, R169, R183-R185, R187-R189, R191, R196, R197, R199, R225, R230,
 * R237-R248, R290, R291, R293, R295-R297, R299, R300 */
static void each_message_is_built_to_the_octet(void **state)
{
    static struct example e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        scene_load(&e, suites[i]);
        for (enum example_message m = 0; m < e.n_messages; m++) {
            struct bytes want = {.n = e.msg[m].n};
            memcpy(want.b, e.msg[m].b, want.n);
            OK(example_build(&e, m));
            SAME(example_span(&e, m), span_of(&want));
        }
    }
}

/* R41, R84, R115, R125, R126, R133, R134, R144 */
static void each_message_is_opened_by_its_receiver(void **state)
{
    static struct example e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        scene_load(&e, suites[i]);
        for (enum example_message m = 0; m < e.n_messages; m++)
            OK(scene_open(&e, m, example_span(&e, m)));
    }
}

/* What each message says, by its number: T and RANDs, identities, HDR. */
static void each_message_reads_as_it_was_made(void **state)
{
    static const uint32_t csb[] = {0x11111111, 0x11111111, 0x22222222,
                                   0x33333333, 0x33333333, 0x22222222};
    static const uint8_t types[] = {11, 13, 14, 16, 18, 15};
    static const uint8_t k[] = {0, 2, 3, 4, 5, 6};
    static struct example e;
    struct mikey_msg m;
    (void)state;
    scene_load(&e, 128);
    for (enum example_message i = 0; i < e.n_messages; i++) {
        scene_read(&e, i, &m);
        assert_int_equal(m.hdr.type, types[i]);
        assert_int_equal(m.hdr.csb, csb[i]);
        assert_int_equal(m.hdr.prf, MIKEY_PRF_SHA1);
        assert_true(m.t.value ==
                    (UINT64_C(0xe100000080000000) | (uint64_t)k[i] << 32));
        assert_true(m.has_t && m.has_v);
        SAME(m.v.mac, ts_span(m.raw.p + m.raw.n - 20, 20));
    }
    scene_read(&e, TRANSFER_RESP, &m);
    SAME(m.rand[MIKEY_RAND_R], ts_key_span(&e.rand_r));
    SAME(m.rand[MIKEY_RAND_KMS], ts_key_span(&e.rand_kms));
    SAME(m.idr[MIKEY_IDR_R].data, e.bob.data);
    assert_int_equal(m.hdr.n_cs, 2);
}

/* --- the octets of section 11.2 --- */

static void the_parts_of_the_messages_are_the_published(void **state)
{
    static struct example e;
    struct mikey_msg req, grant, transfer, resp;
    struct mikey_base base;
    json_t *json = scene_json("exchange-128");
    json_t *octets = json_object_get(json, "octets");
    (void)state;
    scene_load(&e, 128);
    scene_read(&e, REQUEST_INIT, &req);
    scene_read(&e, REQUEST_RESP, &grant);
    scene_read(&e, TRANSFER_INIT, &transfer);
    scene_read(&e, TRANSFER_RESP, &resp);
    OK(mikey_base_read(&grant.ticket, &base));
    const struct {
        const char *name;
        struct ts_span span;
    } parts[] = {
        {"granted TP Data", grant.ticket.tp.data},
        {"MAC input of the ticket", base.covered},
        {"Key Data chain in ticket, encrypted", base.kemac.data},
        {"Key Data chain in REQUEST_RESP, encrypted", grant.kemac.data},
        {"Initiator Data", transfer.ticket.init},
        {"CS map of TRANSFER_INIT", transfer.hdr.map},
        {"CS map of TRANSFER_RESP", resp.hdr.map},
        {"requested TP payload body after next-payload octet",
         ts_span(req.tp.data.p - 9, req.tp.data.n + 9)},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct bytes want = hex_of(octets, parts[i].name);
        SAME(parts[i].span, span_of(&want));
    }
    json_decref(json);
}

/* R294, R297; AMB 5: the keystream begins with AES of the published IV. */
static void check_iv(struct ts_span key, const uint8_t *salt, uint32_t csb,
                     uint64_t t, const struct bytes *iv)
{
    struct aes128_ctx aes;
    uint8_t stream[16] = {0}, want[16];
    assert_int_equal(iv->n, sizeof want);
    aes128_set_encrypt_key(&aes, key.p);
    aes128_encrypt(&aes, sizeof want, want, iv->b);
    mikey_aes_cm(key, salt, csb, t, stream, sizeof stream);
    assert_memory_equal(stream, want, sizeof want);
}

static void aes_cm_has_the_published_ivs(void **state)
{
    json_t *json = scene_json("exchange-128");
    struct bytes key = scene_bytes(json, "derived", "K5 ticket encr_key");
    struct bytes salt = scene_bytes(json, "derived", "K5 ticket salt_key");
    struct bytes iv = scene_bytes(json, "octets", "IV of ticket");
    (void)state;
    check_iv(span_of(&key), salt.b, 0xffffffff, UINT64_C(0xe100000180000000),
             &iv);
    key = scene_bytes(json, "derived", "K2 encr, REQUEST_RESP");
    salt = scene_bytes(json, "derived", "K2 salt, REQUEST_RESP");
    iv = scene_bytes(json, "octets", "IV of REQUEST_RESP");
    check_iv(span_of(&key), salt.b, 0x11111111, UINT64_C(0xe100000280000000),
             &iv);
    /* reading B, which we do not take: T of REQUEST_INIT */
    struct bytes text =
        scene_bytes(json, "octets", "Key Data chain in REQUEST_RESP, plain");
    struct bytes b = scene_bytes(
        json, "octets", "Key Data chain in REQUEST_RESP, encrypted, reading B");
    mikey_aes_cm(span_of(&key), salt.b, 0x11111111,
                 UINT64_C(0xe100000080000000), text.b, text.n);
    SAME(span_of(&text), span_of(&b));
    json_decref(json);
}

static void each_kemac_opens_to_its_key_data(void **state)
{
    static struct example e;
    static struct mikey_reply reply;
    static struct mikey_opened opened;
    struct mikey_msg init;
    struct mikey_base base;
    json_t *json = scene_json("exchange-128");
    (void)state;
    scene_load(&e, 128);
    scene_read(&e, REQUEST_INIT, &init);
    OK(mikey_reply_open(&init, example_span(&e, REQUEST_RESP),
                        ts_key_span(&e.psk_i), &reply));
    struct bytes want =
        scene_bytes(json, "octets", "Key Data chain in REQUEST_RESP, plain");
    SAME(ts_span(reply.keys.plain, reply.keys.len), span_of(&want));

    OK(mikey_base_read(&reply.msg.ticket, &base));
    OK(mikey_base_open(&reply.msg.ticket, &base, ts_key_span(&e.tpk), &opened));
    want = scene_bytes(json, "octets", "Key Data chain in ticket, plain");
    SAME(ts_span(opened.keys.plain, opened.keys.len), span_of(&want));

    scene_read(&e, RESOLVE_INIT, &init);
    OK(mikey_reply_open(&init, example_span(&e, RESOLVE_RESP),
                        ts_key_span(&e.psk_r), &reply));
    want = scene_bytes(json, "octets", "Key Data chain in RESOLVE_RESP, plain");
    SAME(ts_span(reply.keys.plain, reply.keys.len), span_of(&want));
    json_decref(json);
}

/* --- both sides end with the same keys --- */

/* I: REQUEST_RESP opened, then forked by what TRANSFER_RESP says (R137). */
static void initiator_keys(const struct example *e, struct mikey_reply *reply,
                           struct ts_key *mpk_r1, struct ts_key *tgk1)
{
    struct mikey_msg init, resp;
    struct mikey_prf prf;
    scene_read(e, REQUEST_INIT, &init);
    scene_read(e, TRANSFER_RESP, &resp);
    OK(mikey_reply_open(&init, example_span(e, REQUEST_RESP),
                        ts_key_span(&e->psk_i), reply));
    struct mikey_key *k = reply->keys.k;
    mikey_prf_key(&prf, e->suite->prf, k[1].key);
    mikey_derive_fork(&prf, k[1].key.n, true, resp.idr[MIKEY_IDR_R].data,
                      resp.rand[MIKEY_RAND_KMS], mpk_r1);
    mikey_prf_key(&prf, e->suite->prf, k[2].key);
    mikey_derive_fork(&prf, k[2].key.n, false, resp.idr[MIKEY_IDR_R].data,
                      resp.rand[MIKEY_RAND_KMS], tgk1);
    k[2].key = ts_key_span(tgk1);
    scene_read(e, TRANSFER_INIT, &init);
    OK(mikey_answer_verify(&init, &resp, mpk_r1, NULL));
}

static void check_teks(const struct example *e, const struct mikey_keys *keys,
                       json_t *derived)
{
    struct mikey_msg init, resp;
    uint8_t tek[32], salt[MIKEY_SALT_LEN];
    scene_read(e, TRANSFER_INIT, &init);
    scene_read(e, TRANSFER_RESP, &resp);
    const struct mikey_tek_base base = {resp.hdr.prf, init.rand[MIKEY_RAND_I],
                                        resp.rand[MIKEY_RAND_R]};
    for (uint8_t id = 1; id <= 2; id++) {
        struct mikey_cs cs;
        size_t n = e->suite->encr_key;
        struct bytes want =
            hex_of(derived, id == 1 ? "TEK of CS 1 (K3)" : "TEK of CS 2 (K3)");
        OK(mikey_cs_find(&resp.hdr, id, &cs));
        OK(mikey_srtp_keys(keys, cs.spi, id, &base, tek, n, salt, sizeof salt));
        SAME(ts_span(tek, n), span_of(&want));
        SAME(ts_span(salt, sizeof salt), ts_key_span(&e->salt)); /* R153 */
    }
}

static void both_sides_get_the_same_traffic_keys(void **state)
{
    static struct example e;
    static struct mikey_reply i, r;
    static struct ts_key mpk_r1, tgk1; /* i points to it */
    struct mikey_msg init;
    (void)state;
    for (unsigned s = 0; s < 2; s++) {
        json_t *json = scene_json(s ? "exchange-256" : "exchange-128");
        json_t *derived = json_object_get(json, "derived");
        scene_load(&e, suites[s]);
        initiator_keys(&e, &i, &mpk_r1, &tgk1);
        check_teks(&e, &i.keys, derived);
        scene_read(&e, RESOLVE_INIT, &init);
        OK(mikey_reply_open(&init, example_span(&e, RESOLVE_RESP),
                            ts_key_span(&e.psk_r), &r));
        check_teks(&e, &r.keys, derived);
        SAME(r.keys.k[1].key, ts_key_span(&mpk_r1)); /* R124, R126 */
        assert_int_not_equal(i.keys.k[1].key.p[0], mpk_r1.b[0]);
        json_decref(json);
    }
}

static void the_update_carries_the_published_key(void **state)
{
    static struct example e;
    struct mikey_msg m;
    struct mikey_csb csb;
    struct mikey_keys fresh;
    json_t *json = scene_json("exchange-256");
    struct bytes want =
        scene_bytes(json, "octets", "Key Data chain in CSB update, plain");
    (void)state;
    scene_load(&e, 256);
    scene_read(&e, UPDATE_INIT, &m);
    assert_true(m.hdr.v); /* R161 */
    csb = (struct mikey_csb){.flags = e.flags, .i = e.alice, .r = e.bob};
    scene_auth(&e, UPDATE_INIT, &csb.keys);
    OK(mikey_update_open(&csb, &m, MIKEY_INITIATOR, ts_span(NULL, 0), &fresh));
    SAME(ts_span(fresh.plain, fresh.len), span_of(&want));
    assert_int_equal(fresh.k[0].type, MIKEY_TEK_SALT);
    json_decref(json);
}

/* --- RFC 4567 5.1 --- */

static void check_4567(json_t *one, struct mikey_msg *m, uint8_t *buf,
                       size_t cap)
{
    char line[512];
    size_t n;
    struct bytes want = hex_of(one, "message");
    snprintf(line, sizeof line, "mikey %s", text_of(one, "base64"));
    OK(mikey_sdp_read(ts_span_str(line), buf, cap, &n));
    SAME(ts_span(buf, n), span_of(&want));
    char again[512];
    OK(mikey_sdp_write(ts_span(buf, n), again, sizeof again));
    assert_string_equal(again, line);
    OK(mikey_msg_read(ts_span(buf, n), m, NULL));
    assert_int_equal(m->hdr.csb, 0xcd177e50);
    assert_true(m->t.value == UINT64_C(0xc8e350ea00000000));
}

static void the_messages_of_rfc_4567_are_read(void **state)
{
    json_t *json = scene_json("rfc4567");
    json_t *offer = json_object_get(json, "offer");
    json_t *answer = json_object_get(json, "answer");
    struct mikey_msg m;
    uint8_t buf[512];
    (void)state;
    check_4567(offer, &m, buf, sizeof buf);
    struct bytes encr = hex_of(offer, "encr data"), mac = hex_of(offer, "MAC");
    assert_int_equal(m.hdr.type, MIKEY_PSK);
    assert_int_equal(m.hdr.n_cs, 1);
    assert_int_equal(m.n_sp, 1);
    SAME(m.kemac.data, span_of(&encr));
    SAME(m.kemac.mac, span_of(&mac));
    check_4567(answer, &m, buf, sizeof buf);
    mac = hex_of(answer, "MAC");
    assert_int_equal(m.hdr.type, MIKEY_PSK_VERIFY);
    SAME(m.v.mac, span_of(&mac));
    json_decref(json);
}

UNIT_MAIN(cmocka_unit_test(the_prf_gives_the_published_keys),
          cmocka_unit_test(the_256_bit_prf_is_that_of_tls_1_2),
          cmocka_unit_test(aes_kw_wraps_and_unwraps),
          cmocka_unit_test(each_derived_key_is_the_published_one),
          cmocka_unit_test(the_example_has_the_published_inputs),
          cmocka_unit_test(each_message_is_built_to_the_octet),
          cmocka_unit_test(each_message_is_opened_by_its_receiver),
          cmocka_unit_test(each_message_reads_as_it_was_made),
          cmocka_unit_test(the_parts_of_the_messages_are_the_published),
          cmocka_unit_test(aes_cm_has_the_published_ivs),
          cmocka_unit_test(each_kemac_opens_to_its_key_data),
          cmocka_unit_test(both_sides_get_the_same_traffic_keys),
          cmocka_unit_test(the_update_carries_the_published_key),
          cmocka_unit_test(the_messages_of_rfc_4567_are_read))
