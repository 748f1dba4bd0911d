/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/party.h"

#define RAND_LEN 32 /* as our UEs send */

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

static enum ts_err finish(const struct ts_writer *w, struct party_msg *out)
{
    out->n = w->len;
    return w->err;
}

enum ts_err party_request(const struct party *p, const char *whom, uint32_t csb,
                          uint64_t now, struct party_msg *out)
{
    uint8_t rand[RAND_LEN];
    struct ts_writer w = ts_writer_init(out->b, sizeof out->b);
    const struct mikey_policy policy = {
        .kms = uri(p->kms),
        .n_responders = 1,
        .responder = {uri(whom)},
    };
    const struct mikey_request_new in = {
        .suite = p->suite,
        .csb = csb,
        .t = mikey_time_ntp(now),
        .rand_i = ts_span(rand, sizeof rand),
        .idr_i = uri(p->uri),
        .idr_kms = uri(p->kms),
        .flags = MIKEY_FLAGS_USUAL,
        .policy = &policy,
        .cred = {.key = ts_key_span(&p->psk), .key_id = ts_span_str(p->psk_id)},
    };
    enum ts_err err = ts_random(NULL, rand, sizeof rand);
    if (err)
        return err;
    mikey_build_request_init(&w, &in);
    return finish(&w, out);
}

/* Nobody answers it: no crypto sessions, no policies. */
static enum ts_err transfer(const struct party *p,
                            const struct mikey_reply *grant,
                            struct party_msg *out)
{
    static const uint8_t rand[RAND_LEN];
    struct ts_writer w = ts_writer_init(out->b, sizeof out->b);
    struct ts_key mpk_i, mpk_r;
    enum ts_err err = ts_key_set(&mpk_i, grant->keys.k[0].key);
    if (!err)
        err = ts_key_set(&mpk_r, grant->keys.k[1].key);
    if (err)
        return err;
    const struct mikey_transfer_new in = {
        .suite = p->suite,
        .csb = grant->msg.hdr.csb,
        .t = grant->msg.t,
        .rand_i = ts_span(rand, sizeof rand),
        .ticket = &grant->msg.ticket,
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
    };
    mikey_build_transfer_init(&w, &in);
    ts_key_wipe(&mpk_i);
    ts_key_wipe(&mpk_r);
    return finish(&w, out);
}

enum ts_err party_transfer(const struct party *p,
                           const struct party_msg *request,
                           struct ts_span reply, struct party_msg *out)
{
    struct mikey_msg init;
    struct mikey_reply grant;
    enum ts_err err = mikey_msg_read(party_span(request), &init, NULL);
    if (err)
        return err;
    err = mikey_reply_open(&init, reply, ts_key_span(&p->psk), &grant);
    if (!err)
        err = transfer(p, &grant, out);
    mikey_keys_wipe(&grant.keys);
    return err;
}

enum ts_err party_resolve(const struct party *p,
                          const struct party_msg *transfer, uint32_t csb,
                          uint64_t now, struct party_msg *out)
{
    uint8_t rand[RAND_LEN];
    struct mikey_msg m;
    struct ts_writer w = ts_writer_init(out->b, sizeof out->b);
    enum ts_err err = mikey_msg_read(party_span(transfer), &m, NULL);
    if (!err)
        err = ts_random(NULL, rand, sizeof rand);
    if (err)
        return err;
    const struct mikey_resolve_new in = {
        .suite = p->suite,
        .csb = csb,
        .t = mikey_time_ntp(now),
        .rand_r = ts_span(rand, sizeof rand),
        .idr_r = uri(p->uri),
        .idr_kms = uri(p->kms),
        .ticket = &m.ticket,
        .cred = {.key = ts_key_span(&p->psk), .key_id = ts_span_str(p->psk_id)},
    };
    mikey_build_resolve_init(&w, &in);
    return finish(&w, out);
}
