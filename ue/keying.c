/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/keying_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/identity.h"
#include "mikey/sdp.h"

enum ts_err ue_fail(struct ue_keying *k, enum ts_err err, const char *why)
{
    snprintf(k->reason, sizeof k->reason, "%s", why);
    return err;
}

void ue_begin(struct ue_keying *k)
{
    k->step = UE_IDLE;
    k->reason[0] = '\0';
    k->sent_n = k->transfer_n = 0;
    ts_key_wipe(&k->mpk_i);
    ts_key_wipe(&k->mpk_r);
    mikey_keys_wipe(&k->keys);
}

enum ts_err ue_expect(struct ue_keying *k, enum ue_step step)
{
    k->reason[0] = '\0';
    if (k->step == step)
        return TS_OK;
    return ue_fail(k, TS_E_STATE,
                   step == UE_GRANTED ? "nothing was offered"
                                      : "nothing was asked of the KMS");
}

enum ts_err ue_keying_new(struct ue_keying **out,
                          const struct ue_credential *cred, uint32_t ssrc)
{
    const struct mikey_suite *suite = mikey_suite_bits((unsigned)cred->suite);
    *out = NULL;
    if (!suite || cred->psk.len < 16 || cred->psk.len > TS_KEY_MAX)
        return TS_E_RANGE; /* R271 */
    struct ue_keying *k = calloc(1, sizeof *k);
    if (!k)
        return TS_E_NOMEM;
    k->cred = cred;
    k->suite = suite;
    k->ssrc = ssrc;
    *out = k;
    return TS_OK;
}

enum ts_err ue_keying_clone(struct ue_keying **out,
                            const struct ue_keying *from)
{
    struct ue_keying *k = malloc(sizeof *k);
    *out = k;
    if (!k)
        return TS_E_NOMEM;
    *k = *from;
    /* the views go into the old state's bytes: read them anew */
    struct ts_span plain = ts_span(k->keys.plain, k->keys.len);
    if (k->keys.n == 0 || mikey_keys_read(plain, &k->keys) == TS_OK)
        return TS_OK;
    ue_keying_free(k);
    *out = NULL;
    return TS_E_INTERNAL;
}

void ue_keying_free(struct ue_keying *k)
{
    if (!k)
        return;
    ts_wipe(k, sizeof *k);
    free(k);
}

const char *ue_keying_reason(const struct ue_keying *k)
{
    return k->reason;
}

uint64_t ue_kms_time(const struct ue_keying *k, uint64_t now)
{
    return now + (uint64_t)k->clock_off;
}

size_t ue_rand_len(const struct ue_keying *k)
{
    size_t n = k->cred->psk.len > 32 ? k->cred->psk.len : 32;
    for (size_t i = 0; i < k->keys.n; i++)
        if (k->keys.k[i].key.n > n)
            n = k->keys.k[i].key.n;
    return n;
}

enum ts_err ue_draw(struct ue_keying *k, uint32_t *csb, uint8_t *rand, size_t n)
{
    uint8_t id[4];
    enum ts_err err = ts_random(NULL, id, sizeof id);
    if (!err)
        err = ts_random(NULL, rand, n);
    if (err)
        return ue_fail(k, err, "no random numbers from the system");
    *csb = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
           (uint32_t)id[2] << 8 | id[3];
    return TS_OK;
}

struct mikey_id ue_uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

/*
 * The KMS says why not. Error 1 shows its clock: we set ours by it, once, even
 * though it is not authenticated; a lie costs no more than the call, since a
 * request with a wrong time is refused.
 */
static enum ts_err peer_error(struct ue_keying *k, const struct mikey_msg *sent,
                              const struct mikey_msg *reply, uint64_t now)
{
    uint64_t theirs;
    uint8_t no = reply->err[0];
    bool proven = mikey_error_verify(sent, NULL, reply,
                                     ts_key_span(&k->cred->psk)) == TS_OK;
    snprintf(k->reason, sizeof k->reason, "the KMS refused: error %u%s", no,
             proven ? "" : " (not authenticated)");
    if (no == MIKEY_ERR_TS && !k->corrected && reply->has_t &&
        mikey_time_unix(reply->t, &theirs) == TS_OK) {
        k->corrected = true;
        k->clock_off = (int64_t)(theirs - now);
        return TS_E_AGAIN;
    }
    return TS_E_PEER;
}

static enum ts_err keep_keys(struct ue_keying *k, struct mikey_reply *r)
{
    enum ts_err err = ts_key_set(&k->mpk_i, r->keys.k[0].key);
    if (!err)
        err = ts_key_set(&k->mpk_r, r->keys.k[1].key);
    if (err)
        return err;
    memcpy(k->keys.plain, r->keys.plain, r->keys.len);
    k->keys.len = r->keys.len;
    return mikey_keys_read(ts_span(k->keys.plain, k->keys.len), &k->keys);
}

/* What a reply that opened must be beyond that, before its keys are ours. */
static enum ts_err take_reply(struct ue_keying *k, struct mikey_reply *r,
                              uint64_t now)
{
    if (mikey_time_check(r->msg.t, ue_kms_time(k, now), UE_SKEW))
        return ue_fail(k, TS_E_TIME, "the KMS's reply has a wrong time");
    if (!r->fork)
        return ue_fail(k, TS_E_UNSUPPORTED, "a ticket without key forking");
    return keep_keys(k, r);
}

enum ts_err ue_open_reply(struct ue_keying *k, struct ts_span body,
                          uint64_t now, struct mikey_msg *reply)
{
    struct mikey_msg sent;
    struct mikey_reply r;
    enum ts_err err = mikey_msg_read(ts_span(k->sent, k->sent_n), &sent, NULL);
    if (err)
        return ue_fail(k, TS_E_INTERNAL, "what was asked cannot be read");
    err = mikey_reply_open(&sent, body, ts_key_span(&k->cred->psk), &r);
    if (err == TS_E_PEER) {
        err = peer_error(k, &sent, &r.msg, now);
    } else if (err) {
        (void)ue_fail(k, err,
                      "the KMS's reply is not what was asked for, or "
                      "not from our KMS");
    } else {
        err = take_reply(k, &r, now);
    }
    *reply = r.msg;
    mikey_keys_wipe(&r.keys);
    return err;
}

enum ts_err ue_line_read(struct ue_keying *k, const char *line, uint8_t *buf,
                         size_t *n)
{
    enum ts_err err = mikey_sdp_read(ts_span_str(line), buf, UE_MIKEY_MAX, n);
    if (!err)
        return TS_OK;
    *n = 0;
    return ue_fail(k, TS_E_FORMAT, "key-mgmt is not \"mikey\" and base64");
}

enum ts_err ue_line_write(struct ue_keying *k, struct ts_span msg, char *line,
                          size_t cap)
{
    enum ts_err err = mikey_sdp_write(msg, line, cap);
    return err ? ue_fail(k, err, "no room for the key-mgmt value") : TS_OK;
}

enum ts_err ue_check_ticket(struct ue_keying *k, const struct mikey_tp *tp,
                            uint16_t must)
{
    if (mikey_kind_equal(tp->kind, mikey_kind_base) &&
        (tp->flags & must) == must)
        return TS_OK;
    return ue_fail(k, TS_E_UNSUPPORTED, "a ticket of a kind we do not use");
}

bool ue_is_forked(const struct mikey_key *key)
{
    return key->type == MIKEY_TGK || key->type == MIKEY_TGK_SALT;
}

enum ts_err ue_check_rand_kms(struct ue_keying *k, struct ts_span rand)
{
    bool enough = rand.n >= k->mpk_r.len;
    for (size_t i = 0; i < k->keys.n; i++)
        if (ue_is_forked(&k->keys.k[i]) && k->keys.k[i].key.n > rand.n)
            enough = false;
    return enough ? TS_OK : ue_fail(k, TS_E_FORMAT, "RANDRkms is too short");
}

enum ts_err ue_check_policy(struct ue_keying *k, const struct mikey_sp *sp,
                            const struct mikey_suite *suite)
{
    const struct mikey_srtp_policy ours = mikey_srtp_usual(suite);
    struct mikey_srtp_policy p;
    enum ts_err err = mikey_srtp_policy_read(sp, &p);
    bool same = !err && mikey_srtp_policy_equal(&p, &ours);
    return same ? TS_OK
                : ue_fail(k, TS_E_UNSUPPORTED, "an SRTP policy we cannot do");
}

/* One direction: the crypto session, its policy and its keys. */
static enum ts_err derive_one(struct ue_keying *k,
                              const struct mikey_keys *keys,
                              const struct mikey_msg *answer, uint8_t id,
                              const struct mikey_tek_base *base,
                              struct ue_srtp *out)
{
    struct mikey_cs cs;
    enum ts_err err = mikey_cs_find(&answer->hdr, id, &cs);
    if (err || cs.prot != MIKEY_PROT_SRTP || cs.policies.p[0] != 0)
        return ue_fail(k, TS_E_MISMATCH, "a crypto session is missing");
    const struct mikey_suite *suite = mikey_suite_prf(answer->hdr.prf);
    out->ssrc = cs.ssrc;
    out->master.len = suite->encr_key;
    err = mikey_srtp_keys(keys, cs.spi, id, base, out->master.b,
                          suite->encr_key, out->salt, sizeof out->salt);
    return err ? ue_fail(k, err, "no key for a crypto session") : TS_OK;
}

enum ts_err ue_derive(struct ue_keying *k, const struct mikey_keys *keys,
                      const struct mikey_msg *init,
                      const struct mikey_msg *answer, bool caller,
                      struct ue_media_keys *out)
{
    uint16_t flags = init->ticket.tp.flags;
    const struct ts_span none = {NULL, 0};
    const struct mikey_tek_base base = {
        .prf = init->hdr.prf,
        .rand_i = flags & MIKEY_FLAG_H ? init->rand[MIKEY_RAND_I] : none,
        .rand_r = flags & MIKEY_FLAG_G ? answer->rand[MIKEY_RAND_R] : none,
    }; /* R152, R155, R156 */
    out->aes256 = mikey_suite_prf(init->hdr.prf)->bits == 256;
    enum ts_err err =
        derive_one(k, keys, answer, caller ? UE_CS_CALLER : UE_CS_CALLEE, &base,
                   &out->send);
    if (!err)
        err = derive_one(k, keys, answer, caller ? UE_CS_CALLEE : UE_CS_CALLER,
                         &base, &out->recv);
    if (!err && (out->send.ssrc != k->ssrc || out->recv.ssrc == k->ssrc))
        err = ue_fail(k, TS_E_MISMATCH, "the SSRCs are not right"); /* R206 */
    return err;
}
