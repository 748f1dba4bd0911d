/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRS 1565884800u /* NTP e1000000 */
#define TRE (TRS + 86400u)

static void die(const char *what, const char *name)
{
    fprintf(stderr, "scene: %s: %s\n", what, name);
    abort();
}

struct bytes scene_hex(const char *hex)
{
    struct bytes out = {0};
    size_t n = strlen(hex);
    if (n % 2 || n / 2 > sizeof out.b)
        die("not hex", hex);
    for (; out.n < n / 2; out.n++) {
        unsigned v;
        if (sscanf(hex + 2 * out.n, "%2x", &v) != 1)
            die("not hex", hex);
        out.b[out.n] = (uint8_t)v;
    }
    return out;
}

json_t *scene_json(const char *name)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s.json", TEST_VECTORS, name);
    json_t *json = json_load_file(path, 0, &error);
    if (!json)
        die(error.text, path);
    return json;
}

struct bytes scene_bytes(json_t *json, const char *group, const char *name)
{
    const char *hex =
        json_string_value(json_object_get(json_object_get(json, group), name));
    if (!hex)
        die("no such vector", name);
    return scene_hex(hex);
}

static struct mikey_id uri(json_t *json, const char *name)
{
    const char *text = json_string_value(
        json_object_get(json_object_get(json, "identities"), name));
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

static void load_inputs(struct scene *s)
{
    s->psk_i = scene_bytes(s->json, "inputs", "PSK(I,KMS)");
    s->psk_r = scene_bytes(s->json, "inputs", "PSK(R,KMS)");
    s->tpk = scene_bytes(s->json, "inputs", "TPK");
    s->mpk = scene_bytes(s->json, "inputs", "MPK");
    s->tgk = scene_bytes(s->json, "inputs", "TGK");
    s->salt =
        scene_bytes(s->json, "inputs", "master salt (in Key Data type 1)");
    s->rand_ticket = scene_bytes(s->json, "inputs", "RAND of ticket");
    s->rand_req = scene_bytes(s->json, "inputs", "RANDRi of REQUEST_INIT");
    s->rand_i = scene_bytes(s->json, "inputs", "RANDRi of TRANSFER_INIT");
    s->rand_res = scene_bytes(s->json, "inputs", "RANDRr of RESOLVE_INIT");
    s->rand_r = scene_bytes(s->json, "inputs", "RANDRr of TRANSFER_RESP");
    s->rand_kms = scene_bytes(s->json, "inputs", "RANDRkms");
    s->alice = uri(s->json, "Identity_i");
    s->called = uri(s->json, "called");
    s->bob = uri(s->json, "Identity_r");
    s->kms = uri(s->json, "Identity_kms");
}

void scene_load(struct scene *s, const char *name)
{
    static const char *const names[SCENE_MESSAGES] = {
        "REQUEST_INIT_PSK",         "REQUEST_RESP",
        "TRANSFER_INIT",            "RESOLVE_INIT_PSK",
        "RESOLVE_RESP",             "TRANSFER_RESP",
        "CSB-update TRANSFER_INIT", "CSB-update TRANSFER_RESP",
        "Error"};
    memset(s, 0, sizeof *s);
    s->json = scene_json(name);
    load_inputs(s);
    s->suite = mikey_suite_prf(
        (uint8_t)json_integer_value(json_object_get(s->json, "PRF")));
    struct bytes f = scene_hex(
        json_string_value(json_object_get(s->json, "flags")));
    s->flags = (uint16_t)((f.b[0] & 1) << 11 | (f.b[1] << 8 | f.b[2]) >> 5);
    s->n_messages = s->suite->bits == 256 ? SCENE_MESSAGES : UPDATE_INIT;
    for (size_t i = 0; i < s->n_messages; i++)
        s->want[i] = scene_bytes(s->json, "messages", names[i]);
}

void scene_free(struct scene *s)
{
    json_decref(s->json);
}

void scene_read(const struct scene *s, enum scene_message which,
                struct mikey_msg *m)
{
    if (mikey_msg_read(span_of(&s->want[which]), m, NULL))
        die("refused", "a published message");
}

/* e1000000 + k, 80000000 */
static struct mikey_time at(uint32_t k)
{
    return (struct mikey_time){MIKEY_NTP_UTC,
                               (UINT64_C(0xe1000000) + k) << 32 | 0x80000000u};
}

static struct mikey_policy policy(const struct scene *s)
{
    struct mikey_policy p = {
        .kms = s->kms,
        .initiator = s->alice,
        .has_start = true,
        .has_end = true,
        .start = TRS,
        .end = TRE,
        .n_responders = 1,
    };
    p.responder[0] = s->called;
    return p;
}

static struct mikey_key key(uint8_t type, struct ts_span k, struct ts_span salt,
                            const char *spi, size_t n)
{
    return (struct mikey_key){.type = type,
                              .kv = MIKEY_KV_SPI,
                              .key = k,
                              .salt = salt,
                              .spi = ts_span(spi, n)};
}

static struct mikey_key tgk_key(const struct scene *s, struct ts_span k)
{
    return key(MIKEY_TGK_SALT, k, span_of(&s->salt), "\0\0\0\x0a", 4);
}

static void build_request_init(const struct scene *s, struct ts_writer *w)
{
    struct mikey_policy p = policy(s);
    struct mikey_key want = tgk_key(s, span_of(&s->tgk));
    const struct mikey_request_new in = {
        .suite = s->suite,
        .csb = 0x11111111,
        .t = at(0),
        .rand_i = span_of(&s->rand_req),
        .idr_i = s->alice,
        .idr_kms = s->kms,
        .flags = s->flags,
        .policy = &p,
        .want = &want,
        .n_want = 1,
        .psk = span_of(&s->psk_i),
        .psk_id = ts_span_str("psk-alice-1"),
    };
    mikey_build_request_init(w, &in);
}

/* The keys that the KMS had: MPKi and MPKr from the MPK. */
static void mpks(const struct scene *s, struct ts_key *i, struct ts_key *r)
{
    struct mikey_prf prf;
    mikey_prf_key(&prf, s->suite->prf, span_of(&s->mpk));
    mikey_derive_mpk(&prf, s->mpk.n, span_of(&s->rand_ticket), i, r);
}

static void build_request_resp(const struct scene *s, struct ts_writer *w)
{
    struct mikey_msg init;
    struct mikey_protect psk;
    struct ts_key mpk_i, mpk_r;
    struct mikey_policy p = policy(s);
    scene_read(s, REQUEST_INIT, &init);
    if (mikey_init_verify(&init, span_of(&s->psk_i), s->alice.data,
                          s->kms.data, &psk))
        die("not authentic", "REQUEST_INIT_PSK");
    mpks(s, &mpk_i, &mpk_r);
    const struct mikey_key in_ticket[] = {
        key(MIKEY_MPK, span_of(&s->mpk), ts_span("", 0), "\1", 1),
        tgk_key(s, span_of(&s->tgk))};
    const struct mikey_key in_kemac[] = {
        key(MIKEY_MPK, ts_key_span(&mpk_i), ts_span("", 0), "\1", 1),
        key(MIKEY_MPK, ts_key_span(&mpk_r), ts_span("", 0), "\2", 1),
        in_ticket[1]};
    const struct mikey_ticket_new ticket = {
        .suite = s->suite,
        .flags = s->flags,
        .policy = &p,
        .tpk = span_of(&s->tpk),
        .tpk_id = ts_span_str("tpk-1"),
        .t = at(1),
        .rand = span_of(&s->rand_ticket),
        .keys = in_ticket,
        .n_keys = 2,
    };
    const struct mikey_reply_new in = {.init = &init,
                                       .psk = &psk,
                                       .t = at(2),
                                       .idr_kms = s->kms,
                                       .keys = in_kemac,
                                       .n_keys = 3,
                                       .ticket = &ticket};
    mikey_build_request_resp(w, &in);
}

/* Two crypto sessions; in the offer only the first has an SSRC and SPI. */
static struct ts_span map(uint8_t *buf, size_t cap, bool answer, uint8_t spi)
{
    static const uint8_t spi_a[] = {0, 0, 0, 0x0a}, spi_b[] = {0, 0, 0, 0x0b};
    static const uint8_t ssrc[] = {0x11, 0x22, 0x33, 0x44};
    static const uint8_t other[] = {0x55, 0x66, 0x77, 0x88};
    struct ts_writer w = ts_writer_init(buf, cap);
    struct mikey_cs cs = {.id = 1,
                          .policies = ts_span("", 1),
                          .session = ts_span(ssrc, 4),
                          .spi = ts_span(spi == 0x0b ? spi_b : spi_a, 4)};
    mikey_put_cs(&w, &cs);
    cs = (struct mikey_cs){.id = 2, .policies = ts_span("", 1)};
    if (answer) {
        cs.session = ts_span(other, 4);
        cs.spi = ts_span(spi_a, 4);
    }
    mikey_put_cs(&w, &cs);
    return ts_written(&w);
}

static void build_transfer_init(const struct scene *s, struct ts_writer *w)
{
    uint8_t map_buf[64], params[64];
    struct ts_writer sp_w = ts_writer_init(params, sizeof params);
    struct mikey_msg grant;
    struct ts_key mpk_i, mpk_r;
    struct mikey_srtp_policy srtp = mikey_srtp_usual(s->suite);

    scene_read(s, REQUEST_RESP, &grant);
    mpks(s, &mpk_i, &mpk_r);
    mikey_srtp_policy_write(&sp_w, &srtp);
    const struct mikey_sp sp = {0, MIKEY_PROT_SRTP, ts_written(&sp_w)};
    const struct mikey_transfer_new in = {
        .suite = s->suite,
        .csb = 0x22222222,
        .t = at(3),
        .rand_i = span_of(&s->rand_i),
        .n_cs = 2,
        .map = map(map_buf, sizeof map_buf, false, 0x0a),
        .idr_i = s->alice,
        .idr_r = s->called,
        .sp = &sp,
        .n_sp = 1,
        .ticket = &grant.ticket,
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
    };
    mikey_build_transfer_init(w, &in);
}

static void build_resolve_init(const struct scene *s, struct ts_writer *w)
{
    struct mikey_msg transfer;
    scene_read(s, TRANSFER_INIT, &transfer);
    const struct mikey_resolve_new in = {
        .suite = s->suite,
        .csb = 0x33333333,
        .t = at(4),
        .rand_r = span_of(&s->rand_res),
        .idr_r = s->bob,
        .idr_kms = s->kms,
        .ticket = &transfer.ticket,
        .psk = span_of(&s->psk_r),
        .psk_id = ts_span_str("psk-bob-1"),
    };
    mikey_build_resolve_init(w, &in);
}

static void fork_key(const struct scene *s, struct ts_span from, bool mpk,
                     struct ts_key *out)
{
    struct mikey_prf prf;
    mikey_prf_key(&prf, s->suite->prf, from);
    mikey_derive_fork(&prf, from.n, mpk, s->bob.data, span_of(&s->rand_kms),
                      out);
}

static void build_resolve_resp(const struct scene *s, struct ts_writer *w)
{
    struct mikey_msg init;
    struct mikey_protect psk;
    struct ts_key mpk_i, mpk_r, mpk_r1, tgk1;
    scene_read(s, RESOLVE_INIT, &init);
    if (mikey_init_verify(&init, span_of(&s->psk_r), s->bob.data, s->kms.data,
                          &psk))
        die("not authentic", "RESOLVE_INIT_PSK");
    mpks(s, &mpk_i, &mpk_r);
    fork_key(s, ts_key_span(&mpk_r), true, &mpk_r1);
    fork_key(s, span_of(&s->tgk), false, &tgk1);
    const struct mikey_key keys[] = {
        key(MIKEY_MPK, ts_key_span(&mpk_i), ts_span("", 0), "\1", 1),
        key(MIKEY_MPK, ts_key_span(&mpk_r1), ts_span("", 0), "\2", 1),
        tgk_key(s, ts_key_span(&tgk1))};
    const struct mikey_reply_new in = {
        .init = &init,
        .psk = &psk,
        .t = at(5),
        .idr_kms = s->kms,
        .keys = keys,
        .n_keys = 3,
        .idr_r = s->bob,
        .rand_kms = span_of(&s->rand_kms),
    };
    mikey_build_resolve_resp(w, &in);
}

static void build_transfer_resp(const struct scene *s, struct ts_writer *w)
{
    uint8_t map_buf[64];
    struct mikey_msg init;
    struct ts_key mpk_i, mpk_r, mpk_r1;
    scene_read(s, TRANSFER_INIT, &init);
    mpks(s, &mpk_i, &mpk_r);
    fork_key(s, ts_key_span(&mpk_r), true, &mpk_r1);
    const struct mikey_answer_new in = {
        .init = &init,
        .suite = s->suite,
        .t = at(6),
        .rand_r = span_of(&s->rand_r),
        .idr_r = s->bob,
        .rand_kms = span_of(&s->rand_kms),
        .n_cs = 2,
        .map = map(map_buf, sizeof map_buf, true, 0x0a),
        .mpk = &mpk_r1,
    };
    mikey_build_transfer_resp(w, &in);
}

static void build_update(const struct scene *s, struct ts_writer *w, bool resp)
{
    uint8_t map_buf[64];
    struct mikey_msg init, answer;
    struct mikey_protect keys;
    struct ts_key mpk_i, mpk_r, mpk_r1;
    struct mikey_keys fresh;
    struct bytes plain = scene_bytes(s->json, "octets",
                                     "Key Data chain in CSB update, plain");
    scene_read(s, TRANSFER_INIT, &init);
    scene_read(s, TRANSFER_RESP, &answer);
    mpks(s, &mpk_i, &mpk_r);
    fork_key(s, ts_key_span(&mpk_r), true, &mpk_r1);
    mikey_update_keys(&init, &answer, &mpk_r1, &keys);
    if (mikey_keys_read(span_of(&plain), &fresh))
        die("refused", "the Key Data of the update");
    const struct mikey_update_new in = {
        .response = resp,
        .init = span_of(&s->want[UPDATE_INIT]),
        .want_response = true,
        .keys = &keys,
        .t = at(resp ? 101 : 100),
        .n_cs = 2,
        .map = map(map_buf, sizeof map_buf, true, 0x0b),
        .idr_i = s->alice,
        .idr_r = s->bob,
        .new_keys = fresh.k,
        .n_keys = resp ? 0 : fresh.n,
    };
    mikey_build_update(w, &in);
}

static void build_error(const struct scene *s, struct ts_writer *w)
{
    struct mikey_msg init;
    struct mikey_protect keys;
    struct ts_key mpk_i, mpk_r;
    scene_read(s, TRANSFER_INIT, &init);
    mpks(s, &mpk_i, &mpk_r);
    mikey_update_keys(&init, NULL, &mpk_i, &keys);
    const struct mikey_error_new in = {
        .about = &init.hdr,
        .t = {MIKEY_NTP_UTC, UINT64_C(0xe1000003c0000000)},
        .no = MIKEY_ERR_SPPAR,
        .auth = &keys,
    };
    mikey_build_error(w, &in);
}

struct bytes scene_build(const struct scene *s, enum scene_message which)
{
    struct bytes out = {0};
    struct ts_writer w = ts_writer_init(out.b, sizeof out.b);
    switch (which) {
    case REQUEST_INIT:
        build_request_init(s, &w);
        break;
    case REQUEST_RESP:
        build_request_resp(s, &w);
        break;
    case TRANSFER_INIT:
        build_transfer_init(s, &w);
        break;
    case RESOLVE_INIT:
        build_resolve_init(s, &w);
        break;
    case RESOLVE_RESP:
        build_resolve_resp(s, &w);
        break;
    case TRANSFER_RESP:
        build_transfer_resp(s, &w);
        break;
    case UPDATE_INIT:
    case UPDATE_RESP:
        build_update(s, &w, which == UPDATE_RESP);
        break;
    default:
        build_error(s, &w);
    }
    if (w.err)
        die("not built", ts_strerror(w.err));
    out.n = w.len;
    return out;
}
