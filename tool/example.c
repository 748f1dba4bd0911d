/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/example.h"

#define TRS 1565884800u /* NTP e1000000 */
#define TRE (TRS + 86400u)

static const struct ts_span none;

#define INPUT(name, field)                                                     \
    {                                                                          \
        name, offsetof(struct example, field)                                  \
    }
const struct example_input example_inputs[] = {
    INPUT("PSK(I,KMS)", psk_i),
    INPUT("PSK(R,KMS)", psk_r),
    INPUT("TPK", tpk),
    INPUT("MPK", mpk),
    INPUT("TGK", tgk),
    INPUT("master salt (in Key Data type 1)", salt),
    INPUT("RAND of ticket", rand_ticket),
    INPUT("RANDRi of REQUEST_INIT", rand_req),
    INPUT("RANDRi of TRANSFER_INIT", rand_i),
    INPUT("RANDRr of RESOLVE_INIT", rand_res),
    INPUT("RANDRr of TRANSFER_RESP", rand_r),
    INPUT("RANDRkms", rand_kms),
};
const size_t example_n_inputs =
    sizeof example_inputs / sizeof example_inputs[0];

const char *example_name(enum example_message which)
{
    static const char *const names[EXAMPLE_MESSAGES] = {
        "REQUEST_INIT_PSK",
        "REQUEST_RESP",
        "TRANSFER_INIT",
        "RESOLVE_INIT_PSK",
        "RESOLVE_RESP",
        "TRANSFER_RESP",
        "CSB-update TRANSFER_INIT",
        "CSB-update TRANSFER_RESP",
        "Error"};
    return names[which];
}

/* Octets that count up, by input: where they start in the two suites. */
static const uint8_t first[][2] = {
    {0x10, 0x10}, {0x20, 0x30}, {0x30, 0x50}, {0x40, 0x70},
    {0x50, 0x90}, {0x60, 0xb0}, {0xd0, 0xd0}, {0xe0, 0xe0},
    {0xa0, 0xa0}, {0x90, 0x90}, {0xb0, 0xb0}, {0xc0, 0xc0},
};

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

void example_init(struct example *e, const struct mikey_suite *suite)
{
    bool strong = suite->bits == 256;
    memset(e, 0, sizeof *e);
    e->suite = suite;
    e->flags = MIKEY_FLAGS_USUAL | MIKEY_FLAG_J;
    if (strong)
        e->flags |= MIKEY_FLAG_L | MIKEY_FLAG_M;
    e->n_messages = strong ? EXAMPLE_MESSAGES : UPDATE_INIT;
    e->alice = uri("sip:alice@example.com");
    e->called = uri("sip:it-support@example.com");
    e->bob = uri("sip:bob@example.com");
    e->kms = uri("sip:kms@example.com");
    for (size_t i = 0; i < example_n_inputs; i++) {
        uint8_t *at = (uint8_t *)e + example_inputs[i].offset;
        struct ts_key *k = (struct ts_key *)(void *)at;
        k->len = k == &e->salt ? MIKEY_SALT_LEN : suite->encr_key;
        for (unsigned j = 0; j < k->len; j++)
            k->b[j] = (uint8_t)(first[i][strong] + j);
    }
}

/* e1000000 + k, 80000000 */
static struct mikey_time at(uint32_t k)
{
    return (struct mikey_time){MIKEY_NTP_UTC,
                               (UINT64_C(0xe1000000) + k) << 32 | 0x80000000u};
}

static struct mikey_policy policy(const struct example *e)
{
    struct mikey_policy p = {
        .kms = e->kms,
        .initiator = e->alice,
        .has_start = true,
        .has_end = true,
        .start = TRS,
        .end = TRE,
        .n_responders = 1,
    };
    p.responder[0] = e->called;
    return p;
}

static struct mikey_key an_mpk(const struct ts_key *k, const char *spi)
{
    return (struct mikey_key){.type = MIKEY_MPK,
                              .kv = MIKEY_KV_SPI,
                              .key = ts_key_span(k),
                              .spi = ts_span(spi, 1)};
}

static struct mikey_key a_tgk(const struct example *e, const struct ts_key *k)
{
    return (struct mikey_key){.type = MIKEY_TGK_SALT,
                              .kv = MIKEY_KV_SPI,
                              .key = ts_key_span(k),
                              .salt = ts_key_span(&e->salt),
                              .spi = ts_span("\0\0\0\x0a", 4)};
}

static enum ts_err read_msg(const struct example *e, enum example_message which,
                            struct mikey_msg *m)
{
    return mikey_msg_read(example_span(e, which), m, NULL);
}

static void fork_key(const struct example *e, const struct ts_key *from,
                     bool mpk, struct ts_key *out)
{
    struct mikey_prf prf;
    mikey_prf_key(&prf, e->suite->prf, ts_key_span(from));
    mikey_derive_fork(&prf, from->len, mpk, e->bob.data,
                      ts_key_span(&e->rand_kms), out);
}

void example_derive(const struct example *e, struct example_keys *keys)
{
    struct mikey_prf prf;
    mikey_prf_key(&prf, e->suite->prf, ts_key_span(&e->mpk));
    mikey_derive_mpk(&prf, e->mpk.len, ts_key_span(&e->rand_ticket),
                     &keys->mpk_i, &keys->mpk_r);
    fork_key(e, &keys->mpk_r, true, &keys->mpk_r1);
    fork_key(e, &e->tgk, false, &keys->tgk1);
}

static void request_init(const struct example *e, struct ts_writer *w)
{
    const struct mikey_policy p = policy(e);
    const struct mikey_key want = a_tgk(e, &e->tgk);
    const struct mikey_request_new in = {
        .suite = e->suite,
        .csb = 0x11111111,
        .t = at(0),
        .rand_i = ts_key_span(&e->rand_req),
        .idr_i = e->alice,
        .idr_kms = e->kms,
        .flags = e->flags,
        .policy = &p,
        .want = &want,
        .n_want = 1,
        .cred = {.key = ts_key_span(&e->psk_i),
                 .key_id = ts_span_str("psk-alice-1")},
    };
    mikey_build_request_init(w, &in);
}

/* Read an initial message and begin the keys of its answer. */
static enum ts_err open_init(const struct example *e,
                             enum example_message which, struct mikey_msg *init,
                             struct mikey_protect *psk)
{
    const struct ts_key *key = which == REQUEST_INIT ? &e->psk_i : &e->psk_r;
    enum ts_err err = read_msg(e, which, init);
    return err ? err
               : mikey_init_verify(init, ts_key_span(key), none, none, psk);
}

static enum ts_err request_resp(const struct example *e, struct ts_writer *w)
{
    struct mikey_msg init;
    struct mikey_protect psk;
    struct example_keys k;
    const struct mikey_policy p = policy(e);
    enum ts_err err = open_init(e, REQUEST_INIT, &init, &psk);
    if (err)
        return err;
    example_derive(e, &k);
    const struct mikey_key in_ticket[] = {an_mpk(&e->mpk, "\1"),
                                          a_tgk(e, &e->tgk)};
    const struct mikey_key in_kemac[] = {
        an_mpk(&k.mpk_i, "\1"), an_mpk(&k.mpk_r, "\2"), a_tgk(e, &e->tgk)};
    const struct mikey_ticket_new ticket = {
        .suite = e->suite,
        .flags = e->flags,
        .policy = &p,
        .tpk = ts_key_span(&e->tpk),
        .tpk_id = ts_span_str("tpk-1"),
        .t = at(1),
        .rand = ts_key_span(&e->rand_ticket),
        .keys = in_ticket,
        .n_keys = 2,
    };
    const struct mikey_reply_new in = {.init = &init,
                                       .psk = &psk,
                                       .t = at(2),
                                       .idr_kms = e->kms,
                                       .keys = in_kemac,
                                       .n_keys = 3,
                                       .ticket = &ticket};
    mikey_build_request_resp(w, &in);
    return TS_OK;
}

/* Two crypto sessions; in the offer only the first has an SSRC and an SPI. */
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

static enum ts_err transfer_init(const struct example *e, struct ts_writer *w)
{
    uint8_t map_buf[64], params[64];
    struct ts_writer sp_w = ts_writer_init(params, sizeof params);
    struct mikey_msg grant;
    struct example_keys k;
    const struct mikey_srtp_policy srtp = mikey_srtp_usual(e->suite);
    enum ts_err err = read_msg(e, REQUEST_RESP, &grant);
    if (err)
        return err;
    example_derive(e, &k);
    mikey_srtp_policy_write(&sp_w, &srtp);
    const struct mikey_sp sp = {0, MIKEY_PROT_SRTP, ts_written(&sp_w)};
    const struct mikey_transfer_new in = {
        .suite = e->suite,
        .csb = 0x22222222,
        .t = at(3),
        .rand_i = ts_key_span(&e->rand_i),
        .n_cs = 2,
        .map = map(map_buf, sizeof map_buf, false, 0x0a),
        .idr_i = e->alice,
        .idr_r = e->called,
        .sp = &sp,
        .n_sp = 1,
        .ticket = &grant.ticket,
        .mpk_i = &k.mpk_i,
        .mpk_r = &k.mpk_r,
    };
    mikey_build_transfer_init(w, &in);
    return TS_OK;
}

static enum ts_err resolve_init(const struct example *e, struct ts_writer *w)
{
    struct mikey_msg transfer;
    enum ts_err err = read_msg(e, TRANSFER_INIT, &transfer);
    if (err)
        return err;
    const struct mikey_resolve_new in = {
        .suite = e->suite,
        .csb = 0x33333333,
        .t = at(4),
        .rand_r = ts_key_span(&e->rand_res),
        .idr_r = e->bob,
        .idr_kms = e->kms,
        .ticket = &transfer.ticket,
        .cred = {.key = ts_key_span(&e->psk_r),
                 .key_id = ts_span_str("psk-bob-1")},
    };
    mikey_build_resolve_init(w, &in);
    return TS_OK;
}

static enum ts_err resolve_resp(const struct example *e, struct ts_writer *w)
{
    struct mikey_msg init;
    struct mikey_protect psk;
    struct example_keys k;
    enum ts_err err = open_init(e, RESOLVE_INIT, &init, &psk);
    if (err)
        return err;
    example_derive(e, &k);
    const struct mikey_key keys[] = {
        an_mpk(&k.mpk_i, "\1"), an_mpk(&k.mpk_r1, "\2"), a_tgk(e, &k.tgk1)};
    const struct mikey_reply_new in = {
        .init = &init,
        .psk = &psk,
        .t = at(5),
        .idr_kms = e->kms,
        .keys = keys,
        .n_keys = 3,
        .idr_r = e->bob,
        .rand_kms = ts_key_span(&e->rand_kms),
    };
    mikey_build_resolve_resp(w, &in);
    return TS_OK;
}

static enum ts_err transfer_resp(const struct example *e, struct ts_writer *w)
{
    uint8_t map_buf[64];
    struct mikey_msg init;
    struct example_keys k;
    enum ts_err err = read_msg(e, TRANSFER_INIT, &init);
    if (err)
        return err;
    example_derive(e, &k);
    const struct mikey_answer_new in = {
        .init = &init,
        .suite = e->suite,
        .t = at(6),
        .rand_r = ts_key_span(&e->rand_r),
        .idr_r = e->bob,
        .rand_kms = ts_key_span(&e->rand_kms),
        .n_cs = 2,
        .map = map(map_buf, sizeof map_buf, true, 0x0a),
        .mpk = &k.mpk_r1,
    };
    mikey_build_transfer_resp(w, &in);
    return TS_OK;
}

/* The new TEK of the update. */
static struct mikey_key fresh_key(uint8_t key[static 32],
                                  uint8_t salt[static MIKEY_SALT_LEN])
{
    for (unsigned i = 0; i < 32; i++)
        key[i] = (uint8_t)(0xc1 + i);
    for (unsigned i = 0; i < MIKEY_SALT_LEN; i++)
        salt[i] = (uint8_t)(0xe1 + i);
    return (struct mikey_key){.type = MIKEY_TEK_SALT,
                              .kv = MIKEY_KV_SPI,
                              .key = ts_span(key, 32),
                              .salt = ts_span(salt, MIKEY_SALT_LEN),
                              .spi = ts_span("\0\0\0\x0b", 4)};
}

static enum ts_err update(const struct example *e, struct ts_writer *w,
                          bool response)
{
    uint8_t map_buf[64], key[32], salt[MIKEY_SALT_LEN];
    struct mikey_msg init, answer;
    struct mikey_csb csb = {.flags = e->flags, .i = e->alice, .r = e->bob};
    struct example_keys k;
    enum ts_err err = read_msg(e, TRANSFER_INIT, &init);
    if (!err)
        err = read_msg(e, TRANSFER_RESP, &answer);
    if (err)
        return err;
    const struct mikey_key fresh = fresh_key(key, salt);
    example_derive(e, &k);
    mikey_protect_of(&init, &answer, ts_key_span(&k.mpk_r1), &csb.keys);
    const struct mikey_update_new in = {
        .response = response,
        .init = response ? example_span(e, UPDATE_INIT) : none,
        .want_response = true,
        .from = response ? MIKEY_RESPONDER : MIKEY_INITIATOR,
        .t = at(response ? 101 : 100),
        .n_cs = 2,
        .map = map(map_buf, sizeof map_buf, true, 0x0b),
        .new_keys = &fresh,
        .n_keys = response ? 0 : 1,
    };
    mikey_build_update(w, &csb, &in);
    return TS_OK;
}

static enum ts_err error_message(const struct example *e, struct ts_writer *w)
{
    struct mikey_msg init;
    struct mikey_protect keys;
    struct example_keys k;
    enum ts_err err = read_msg(e, TRANSFER_INIT, &init);
    if (err)
        return err;
    example_derive(e, &k);
    mikey_protect_of(&init, NULL, ts_key_span(&k.mpk_i), &keys);
    const struct mikey_error_new in = {
        .about = &init.hdr,
        .t = {MIKEY_NTP_UTC, UINT64_C(0xe1000003c0000000)},
        .no = {MIKEY_ERR_SPPAR},
        .n_no = 1,
        .auth = &keys,
    };
    mikey_build_error(w, &in);
    return TS_OK;
}

enum ts_err example_write(const struct example *e, enum example_message which,
                          struct ts_writer *w)
{
    switch (which) {
    case REQUEST_INIT:
        request_init(e, w);
        return TS_OK;
    case REQUEST_RESP:
        return request_resp(e, w);
    case TRANSFER_INIT:
        return transfer_init(e, w);
    case RESOLVE_INIT:
        return resolve_init(e, w);
    case RESOLVE_RESP:
        return resolve_resp(e, w);
    case TRANSFER_RESP:
        return transfer_resp(e, w);
    case UPDATE_INIT:
    case UPDATE_RESP:
        return update(e, w, which == UPDATE_RESP);
    default:
        return error_message(e, w);
    }
}

enum ts_err example_build(struct example *e, enum example_message which)
{
    struct ts_writer w = ts_writer_init(e->msg[which].b, EXAMPLE_MSG_MAX);
    enum ts_err err = example_write(e, which, &w);
    e->msg[which].n = w.len;
    return err ? err : w.err;
}
