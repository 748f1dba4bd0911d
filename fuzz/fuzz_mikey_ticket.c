/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a ticket. The first octet tells as what the others are read:
 * 0 Ticket Data, 1 TP Data, 2 Initiator Data, 3 the Key Data in a ticket that
 * the right ticket key encrypted and signed.
 */
#include "fuzz/mikey.h"

static const uint8_t tpk[32] = {1, 2, 3};
static const uint8_t rand_octets[32] = {4, 5, 6};

static void read_ticket(const struct mikey_ticket *t, bool genuine)
{
    static struct mikey_opened opened;
    struct mikey_base base;
    if (mikey_base_read(t, &base)) {
        MUST_HOLD(!genuine);
        return;
    }
    must_be_inside(base.covered, t->body);
    must_be_inside(base.rand, t->data);
    must_be_inside(base.tpk_id.data, t->data);
    enum ts_err err =
        mikey_base_open(t, &base, ts_span(tpk, sizeof tpk), &opened);
    MUST_HOLD(genuine ? err != TS_E_AUTH : err != TS_OK);
    if (!err) {
        must_be_keys(&opened.keys, 1);
        derive_all(&opened.keys);
        MUST_HOLD(opened.mpk_i.len == opened.keys.k[0].key.n);
    }
    mikey_opened_wipe(&opened);
}

/* Put a TICKET payload around the parts, read it as a receiver does. */
static void as_ticket(struct ts_span data)
{
    static uint8_t buf[70000];
    const uint8_t head[] = {0, 0, 1, 1, 1, 3, 0xf8, 0x60, 0, 1, 0};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct mikey_payload p;
    ts_put(&w, head, sizeof head);
    size_t mark = ts_open_u16(&w);
    ts_put_span(&w, data);
    ts_close_u16(&w, mark);
    ts_put_u16(&w, 0);
    struct mikey_chain c = mikey_chain_init(ts_written(&w), MIKEY_TICKET);
    MUST_HOLD(mikey_chain_next(&c, &p) && mikey_chain_end(&c) == TS_OK);
    read_ticket(&p.u.ticket, false);
}

static void as_policy(struct ts_span data)
{
    static struct mikey_policy policy, again;
    static uint8_t buf[70000];
    const struct mikey_tp tp = {.kind = mikey_kind_base};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct mikey_build b = mikey_build_first(&w);
    if (mikey_policy_read(data, &policy))
        return;
    (void)!mikey_policy_valid(&policy, 1763922305, 0);
    mikey_build_tp(&b, &tp, &policy, NULL, 0);
    if (w.err)
        return;
    MUST_HOLD(mikey_policy_read(ts_span(buf + 10, w.len - 10), &again) ==
              TS_OK);
    MUST_HOLD(again.n_responders == policy.n_responders &&
              again.n_apps == policy.n_apps && again.rekey == policy.rekey);
    MUST_HOLD(!policy.has_start || again.start == policy.start);
    MUST_HOLD(!policy.has_end || again.end == policy.end);
}

static void as_initiator_data(struct ts_span data)
{
    struct mikey_v vi, vr;
    struct mikey_prf prf;
    if (mikey_init_data_read(data, &vi, &vr))
        return;
    must_be_inside(vi.mac, data);
    must_be_inside(vr.mac, data);
    mikey_prf_key(&prf, MIKEY_PRF_SHA256, ts_span(tpk, sizeof tpk));
    MUST_HOLD(mikey_init_data_verify(data, &prf, mikey_suite_bits(256)));
}

/* Ticket Data around a chain of Key Data: encrypted, signed. */
static void as_key_data(struct ts_span plain)
{
    static uint8_t buf[70000];
    const struct mikey_suite *suite = mikey_suite_bits(256);
    const uint8_t head[] = {0, 0, 1, 1, 1, 3, 0xf8, 0x60, 0, 1, 0, 0, 0};
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    struct mikey_protect keys;
    struct mikey_cipher cipher;
    struct mikey_hmac h;
    struct mikey_payload p;
    ts_put(&w, head, sizeof head);
    struct mikey_build b = {&w, w.len, w.len}; /* THDR, without data */
    ts_put(&w, "\0\0", 3);
    mikey_build_t(&b, (struct mikey_time){MIKEY_NTP_UTC, 7});
    mikey_build_rand(&b, 0, ts_span(rand_octets, sizeof rand_octets));
    mikey_protect_begin(
        &keys, suite, ts_span(tpk, sizeof tpk), MIKEY_SEL_TICKET, 0xffffffff,
        ts_span(rand_octets, sizeof rand_octets), ts_span(NULL, 0));
    size_t mark = mikey_kemac_begin(&b, suite->encr);
    ts_put_span(&w, plain);
    mikey_protect_cipher(&keys, &cipher);
    mikey_kemac_end(&b, mark, suite, &cipher, 0xffffffff, 7);
    uint8_t *mac = mikey_build_v_room(&b, suite);
    ts_close_u16(&w, sizeof head);
    MUST_HOLD(mac && !w.err);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, ts_span(buf + 1, (size_t)(mac - buf) - 1));
    mikey_hmac_end(&h, mac, suite->mac);
    ts_put_u16(&w, 0);
    struct mikey_chain c = mikey_chain_init(ts_written(&w), MIKEY_TICKET);
    MUST_HOLD(mikey_chain_next(&c, &p) && mikey_chain_end(&c) == TS_OK);
    read_ticket(&p.u.ticket, true);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const as[])(struct ts_span) = {
        as_ticket, as_policy, as_initiator_data, as_key_data};
    if (n == 0 || n > 60000)
        return 0;
    as[data[0] % 4](ts_span(data + 1, n - 1));
    return 0;
}
