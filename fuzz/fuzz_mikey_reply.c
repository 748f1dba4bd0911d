/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reply of the KMS that is authentic: the input is REQUEST_RESP or
 * RESOLVE_RESP with its Key Data in the clear; what fits the question is
 * filled in, the Key Data is encrypted and the MAC made right, so that all
 * that lies behind them is reached.
 */
#include "fuzz/mikey.h"

#define MSG_MAX 4096

static const struct ts_span none;
static struct example example;

/* The question: REQUEST_INIT or RESOLVE_INIT, and the keys of its answer. */
static const struct ts_key *ask(bool request, struct mikey_msg *init,
                                struct mikey_protect *keys)
{
    const struct ts_key *psk = request ? &example.psk_i : &example.psk_r;
    if (example.n_messages == 0) {
        example_init(&example, mikey_suite_bits(256));
        for (enum example_message i = 0; i <= RESOLVE_INIT; i++)
            MUST_HOLD(example_build(&example, i) == TS_OK);
    }
    struct ts_span raw =
        example_span(&example, request ? REQUEST_INIT : RESOLVE_INIT);
    MUST_HOLD(mikey_msg_read(raw, init, NULL) == TS_OK);
    MUST_HOLD(mikey_init_verify(init, ts_key_span(psk), none, none, keys) ==
              TS_OK);
    keys->selector = MIKEY_SEL_RESP;
    return psk;
}

/* In place. False if there is no KEMAC or V to make right. */
static bool seal(uint8_t *buf, size_t n, const struct mikey_msg *init,
                 struct mikey_protect *keys)
{
    struct mikey_msg m;
    struct mikey_cipher c;
    struct mikey_hmac h;
    memcpy(buf + 4, init->raw.p + 4, 4); /* CSB ID */
    buf[3] = init->hdr.prf;
    if (mikey_msg_read(ts_span(buf, n), &m, NULL) || !m.has_v ||
        m.v.mac.n != keys->suite->mac)
        return false;
    mikey_protect_cipher(keys, &c);
    if (m.has_kemac)
        mikey_aes_cm(ts_span(c.key, keys->suite->encr_key), c.salt,
                     init->hdr.csb, m.t.value, buf + mikey_at(&m, m.kemac.data),
                     m.kemac.data.n);
    mikey_protect_auth(keys, &h);
    mikey_hmac_add(&h, ts_span(buf, n - m.v.mac.n));
    mikey_hmac_add(&h, init->raw);
    mikey_hmac_end(&h, buf + n - m.v.mac.n, m.v.mac.n);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static uint8_t buf[MSG_MAX];
    static struct mikey_reply reply;
    static struct mikey_policy policy;
    struct mikey_msg init;
    struct mikey_protect keys;
    if (n < 10 || n > sizeof buf)
        return 0;
    memcpy(buf, data, n);
    bool request = buf[1] != MIKEY_RESOLVE_RESP;
    const struct ts_key *psk = ask(request, &init, &keys);
    if (!seal(buf, n, &init, &keys))
        return 0;
    enum ts_err err =
        mikey_reply_open(&init, ts_span(buf, n), ts_key_span(psk), &reply);
    MUST_HOLD(err != TS_E_AUTH);
    if (!err) {
        must_be_keys(&reply.keys, reply.fork ? 2 : 1);
        derive_all(&reply.keys);
        if (request)
            (void)!mikey_policy_read(reply.msg.ticket.tp.data, &policy);
    }
    mikey_keys_wipe(&reply.keys);
    return 0;
}
