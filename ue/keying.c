/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keying of calls with <mikey/mikey.h>: what the library leaves to a phone is
 * its policy, its clock, and what it says to a person.
 */
#include "ue/keying.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/identity.h"
#include "mikey/mikey.h"
#include "mikey/sdp.h"

/* CS IDs of the only m-line (RFC 4567 7.1; mikey_sdp_cs()). */
enum { CALLER_SENDS = 1, CALLEE_SENDS = 2 };

struct ue_keying {
    const struct ue_credential *cred;
    struct mikey_party party;
    uint32_t ssrc;
    unsigned bits;         /* suite of the call: 128 or 256 */
    int64_t clock_off;     /* microseconds to add to our clock for the KMS */
    bool corrected;        /* the clock was corrected once already */
    struct ts_identity to; /* whom we call */
    uint8_t tag[16];       /* of the offer */
    char reason[192];
    struct mikey_initiator *caller; /* at mem while we call, else NULL */
    struct mikey_responder *callee; /* at mem while we are called */
    alignas(max_align_t) uint8_t mem[];
};

/* ---- reasons ---- */

/* What an error of a step means to a person; the last one is any other. */
struct why {
    enum ts_err err;
    const char *text;
};

static enum ts_err fail(struct ue_keying *k, enum ts_err err, const char *why)
{
    snprintf(k->reason, sizeof k->reason, "%s", why);
    return err;
}

static enum ts_err explain(struct ue_keying *k, enum ts_err err,
                           const struct why *why)
{
    k->reason[0] = '\0';
    if (!err)
        return TS_OK;
    if (err == TS_E_IO)
        return fail(k, err, "no random numbers from the system");
    while (why->err && why->err != err)
        why++;
    return fail(k, err, why->text);
}

const char *ue_keying_reason(const struct ue_keying *k)
{
    return k->reason;
}

/* ---- the party ---- */

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){.type = MIKEY_ID_URI, .data = ts_span_str(text)};
}

static bool same(void *arg, const struct mikey_id *a, const struct mikey_id *b)
{
    (void)arg;
    return ts_identity_same(a->data, b->data);
}

/* The only policy that our media can do, as strong as the call's suite. */
static struct mikey_srtp_policy our_policy(const struct ue_keying *k)
{
    return mikey_srtp_aes_cm((uint8_t)(k->bits / 8));
}

static bool acceptable(void *arg, const struct mikey_srtp_policy *policy)
{
    const struct ue_keying *k = arg;
    const struct mikey_srtp_policy ours = our_policy(k);
    if (k->caller)
        return false; /* R85: only what we offered ourselves */
    return mikey_srtp_policy_equal(policy, &ours);
}

static size_t role_size(void)
{
    const size_t i = mikey_initiator_size(UE_MIKEY_MAX);
    const size_t r = mikey_responder_size(UE_MIKEY_MAX);
    const size_t most = i > r ? i : r, unit = alignof(max_align_t);
    return (most + unit - 1) / unit * unit;
}

static void *bundle_mem(struct ue_keying *k)
{
    return k->mem + role_size();
}

/* Forget the call; why it failed is still known. */
static void forget(struct ue_keying *k)
{
    mikey_initiator_wipe(k->caller);
    mikey_responder_wipe(k->callee);
    k->caller = NULL;
    k->callee = NULL;
}

enum ts_err ue_keying_new(struct ue_keying **out,
                          const struct ue_credential *cred, uint32_t ssrc)
{
    struct ue_keying *k =
        calloc(1, sizeof *k + role_size() + mikey_bundle_size(UE_MIKEY_MAX));
    *out = NULL;
    if (!k)
        return TS_E_NOMEM;
    k->cred = cred;
    k->ssrc = ssrc;
    k->party = (struct mikey_party){
        .self = uri(cred->identity),
        .kms = uri(cred->kms_identity),
        .bits = (unsigned)cred->suite,
        .psk = ts_key_span(&cred->psk),
        .psk_id = ts_span_str(cred->psk_id),
        .arg = k,
        .random = ts_random,
        .same = same,
        .acceptable = acceptable,
    };
    if (!mikey_initiator_init(k->mem, role_size(), &k->party)) {
        ue_keying_free(k);
        return TS_E_RANGE;
    }
    *out = k;
    return TS_OK;
}

void ue_keying_free(struct ue_keying *k)
{
    if (!k)
        return;
    forget(k);
    ts_wipe(k, sizeof *k);
    free(k);
}

/* ---- time ---- */

/* The time of a step, as the KMS sees it. We keep no counter of anybody's, so
 * no COUNTER is a new one. */
static struct mikey_now clock_of(const struct ue_keying *k, uint64_t now)
{
    return (struct mikey_now){.us = now + (uint64_t)k->clock_off,
                              .seen = UINT32_MAX};
}

/*
 * The KMS says why not. Error 1 shows its clock: we set ours by it, once, even
 * though it is not authenticated; a lie costs no more than the call, since a
 * request with a wrong time is refused.
 */
static enum ts_err refused(struct ue_keying *k, const struct mikey_refusal *r,
                           uint64_t now)
{
    uint64_t theirs;
    snprintf(k->reason, sizeof k->reason, "the KMS refused: error %u%s",
             r->no[0], r->proven ? "" : " (not authenticated)");
    if (r->no[0] != MIKEY_ERR_TS || k->corrected || !r->t.value ||
        mikey_time_unix(r->t, &theirs))
        return TS_E_PEER;
    k->corrected = true;
    k->clock_off = (int64_t)(theirs - now);
    return TS_E_AGAIN;
}

/* ---- key-mgmt values ---- */

static enum ts_err line_read(struct ue_keying *k, const char *line,
                             uint8_t raw[static UE_MIKEY_MAX], size_t *n)
{
    *n = 0;
    if (mikey_sdp_read(ts_span_str(line), raw, UE_MIKEY_MAX, n))
        return fail(k, TS_E_FORMAT, "key-mgmt is not \"mikey\" and base64");
    return TS_OK;
}

static enum ts_err line_write(struct ue_keying *k, struct ts_span msg,
                              char *line, size_t cap)
{
    enum ts_err err = mikey_sdp_write(msg, line, cap);
    return err ? fail(k, err, "no room for the key-mgmt value") : TS_OK;
}

/* ---- keys ---- */

/* One of the two crypto sessions. */
static enum ts_err take_session(struct ue_keying *k,
                                const struct mikey_bundle *b, size_t nth,
                                struct ue_media_keys *keys)
{
    static const struct why why[] = {{TS_OK, "no key for a crypto session"}};
    struct mikey_session s;
    struct mikey_srtp_key key;
    enum ts_err err = mikey_bundle_session(b, nth, &s);
    if (err || (s.cs != CALLER_SENDS && s.cs != CALLEE_SENDS))
        return fail(k, TS_E_MISMATCH, "a crypto session is missing");
    bool ours = s.cs == (k->caller ? CALLER_SENDS : CALLEE_SENDS);
    struct ue_srtp *to = ours ? &keys->send : &keys->recv;
    to->ssrc = s.ssrc;
    err = mikey_bundle_srtp(b, s.cs, &key);
    if (!err)
        err = ts_key_set(&to->master, ts_span(key.key, key.key_len));
    if (!err)
        memcpy(to->salt, key.salt, sizeof to->salt);
    ts_wipe(&key, sizeof key);
    return explain(k, err, why);
}

/* The bundle is as we want it: give what it has, and whose it is. */
static enum ts_err take_bundle(struct ue_keying *k,
                               const struct mikey_bundle *b,
                               struct ue_media_keys *keys)
{
    struct ts_identity who;
    enum ts_err err = TS_OK;
    if (mikey_bundle_sessions(b) != 2)
        return fail(k, TS_E_MISMATCH, "not two crypto sessions");
    for (size_t i = 0; !err && i < 2; i++)
        err = take_session(k, b, i, keys);
    if (err)
        return err;
    if (keys->send.ssrc != k->ssrc || keys->recv.ssrc == k->ssrc)
        return fail(k, TS_E_MISMATCH, "the SSRCs are not right"); /* R206 */
    if (ts_identity(mikey_bundle_peer(b).data, &who))
        return fail(k, TS_E_FORMAT, "the peer's identity is no URI");
    memcpy(keys->proven, who.text, who.len + 1);
    keys->aes256 = k->bits == 256;
    return TS_OK;
}

/* ---- the caller ---- */

enum ts_err ue_keying_request(struct ue_keying *k, const char *callee,
                              uint64_t now, uint8_t *body, size_t cap,
                              size_t *len)
{
    static const struct why why[] = {{TS_OK, "the request is too long"}};
    forget(k);
    if (ts_identity(ts_span_str(callee), &k->to))
        return fail(k, TS_E_FORMAT, "the callee is not a SIP or tel URI");
    const struct mikey_now at = clock_of(k, now);
    const struct mikey_id id = uri(k->to.text);
    const struct mikey_wish wish = {
        .must = MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_F | MIKEY_FLAG_I |
                MIKEY_FLAG_N,
        .responder = &id,
        .n_responders = 1,
    };
    k->bits = k->party.bits;
    k->caller = mikey_initiator_init(k->mem, role_size(), &k->party);
    return explain(
        k, mikey_initiator_request(k->caller, &at, &wish, body, cap, len), why);
}

/* What we need beyond what the library sees to (R47). */
static enum ts_err check_grant(struct ue_keying *k)
{
    struct mikey_ticket_info info;
    enum ts_err err = mikey_initiator_ticket(k->caller, &info);
    if (err || !info.initiator.data.p)
        return fail(k, TS_E_MISMATCH, "the ticket is not in our name");
    if (info.n_keys == 0)
        return fail(k, TS_E_UNSUPPORTED, "the ticket has no session key");
    return TS_OK;
}

/* Two crypto sessions for the one m-line; the callee's SSRC is not known. */
static enum ts_err write_offer(struct ue_keying *k, const struct mikey_now *at,
                               char *line, size_t cap)
{
    static const struct why why[] = {{TS_OK, "the ticket is too long"}};
    static const uint8_t no[] = {0}; /* of the only policy */
    uint8_t raw[UE_MIKEY_MAX];
    size_t n;
    const struct mikey_srtp_policy policy = our_policy(k);
    const struct mikey_session session[] = {
        {.cs = CALLER_SENDS,
         .known = true,
         .ssrc = k->ssrc,
         .policies = ts_span(no, 1)},
        {.cs = CALLEE_SENDS, .policies = ts_span(no, 1)},
    };
    const struct mikey_offer offer = {
        .to = uri(k->to.text),
        .session = session,
        .n_sessions = 2,
        .policy = &policy,
        .n_policies = 1,
        .sdp_ids = ts_span_str("mikey"),
    };
    enum ts_err err = explain(
        k, mikey_initiator_transfer(k->caller, at, &offer, raw, sizeof raw, &n),
        why);
    return err ? err : line_write(k, ts_span(raw, n), line, cap);
}

enum ts_err ue_keying_granted(struct ue_keying *k, const uint8_t *body,
                              size_t len, uint64_t now, char *line, size_t cap)
{
    static const struct why why[] = {
        {TS_E_STATE, "nothing was asked of the KMS"},
        {TS_E_TIME, "the KMS's reply has a wrong time"},
        {TS_E_AUTH, "the KMS's reply is not from our KMS"},
        {TS_E_EXPIRED, "the ticket is not valid now"},
        {TS_E_UNSUPPORTED, "a ticket of a kind we do not use"},
        {TS_E_SPACE, "the ticket is too long"},
        {TS_E_MISMATCH, "the KMS's reply, or its ticket, is for somebody else"},
        {TS_OK, "the KMS's reply, or its ticket, is not well-formed"},
    };
    const struct mikey_now at = clock_of(k, now);
    enum ts_err err = TS_E_STATE;
    if (k->caller)
        err = mikey_initiator_granted(k->caller, &at, ts_span(body, len));
    if (err == TS_E_PEER)
        return refused(k, mikey_initiator_refusal(k->caller), now);
    if (err)
        return explain(k, err, why);
    err = check_grant(k);
    if (!err)
        err = write_offer(k, &at, line, cap);
    if (err)
        forget(k); /* the ticket is of no use */
    return err;
}

enum ts_err ue_keying_answered(struct ue_keying *k, const char *line,
                               uint64_t now, struct ue_media_keys *keys)
{
    static const struct why why[] = {
        {TS_E_STATE, "nothing was offered"},
        {TS_E_PEER, "the callee answered with a MIKEY error"},
        {TS_E_AUTH, "the answer is not authentic"},
        {TS_E_TIME, "the answer has a wrong time"},
        {TS_E_NOTFOUND, "no key for a crypto session"},
        {TS_OK, "the answer does not fit what was offered"},
    };
    const struct mikey_now at = clock_of(k, now);
    struct mikey_bundle *b = NULL;
    uint8_t raw[UE_MIKEY_MAX];
    size_t n;
    ts_wipe(keys, sizeof *keys);
    if (!k->caller)
        return explain(k, TS_E_STATE, why);
    enum ts_err err = line_read(k, line, raw, &n);
    if (err)
        return err;
    err =
        mikey_initiator_answered(k->caller, &at, ts_span(raw, n), bundle_mem(k),
                                 mikey_bundle_size(UE_MIKEY_MAX), &b);
    err = explain(k, err, why);
    if (err)
        return err;
    err = take_bundle(k, b, keys);
    mikey_bundle_wipe(b);
    if (err)
        ts_wipe(keys, sizeof *keys);
    return err;
}

/* ---- the callee ---- */

/* mikey-ticket.md 6.2: R looks before it asks the KMS, adds after; and looks
   once more then, since a copy may have been taken meanwhile. */
static enum ts_err check_seen(struct ue_keying *k)
{
    const struct ue_seen *seen = k->cred->seen;
    for (unsigned i = 0; seen && i < UE_SEEN_MAX; i++)
        if (memcmp(seen->tag[i], k->tag, sizeof k->tag) == 0)
            return fail(k, TS_E_REPLAY, "this offer was here before");
    return TS_OK;
}

static void remember(const struct ue_keying *k)
{
    struct ue_seen *seen = k->cred->seen;
    if (seen)
        memcpy(seen->tag[seen->next++ % UE_SEEN_MAX], k->tag, sizeof k->tag);
}

/* Two crypto sessions that a phone can do. */
static enum ts_err check_sessions(struct ue_keying *k,
                                  const struct mikey_offered *o)
{
    struct mikey_session s;
    for (size_t i = 0; i < 2; i++) {
        enum ts_err err = mikey_responder_session(k->callee, i, &s);
        if (err || o->n_sessions != 2 ||
            (s.cs != CALLER_SENDS && s.cs != CALLEE_SENDS) ||
            (s.cs == CALLER_SENDS && !s.known))
            return fail(k, TS_E_UNSUPPORTED, "not two crypto sessions");
        if (s.prot != MIKEY_PROT_SRTP || s.policies.n == 0)
            return fail(k, TS_E_UNSUPPORTED, "an SRTP policy we cannot do");
    }
    return TS_OK;
}

/* What we want beyond what the library sees to. */
static enum ts_err check_offer(struct ue_keying *k,
                               const struct mikey_offered *o)
{
    const uint16_t must = MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_F |
                          MIKEY_FLAG_I | MIKEY_FLAG_O;
    const struct mikey_ticket_info *t = &o->ticket;
    if (t->kind.type != MIKEY_BASE_TICKET ||
        t->kind.subtype != MIKEY_BASE_SUBTYPE ||
        t->kind.version != MIKEY_BASE_VERSION || (t->flags & must) != must)
        return fail(k, TS_E_UNSUPPORTED, "a ticket of a kind we do not use");
    if (!same(NULL, &t->kms, &k->party.kms))
        return fail(k, TS_E_DENIED, "a ticket of a KMS we do not trust");
    if (!same(NULL, &t->initiator, &o->initiator))
        return fail(k, TS_E_DENIED, "the caller is not the ticket's owner");
    /* bidding down (RFC 4567 7.1): the list is under the MAC, and ue/sdp.c
       takes one key-mgmt line only */
    if (!ts_span_equal(o->sdp_ids, ts_span_str("mikey")))
        return fail(k, TS_E_MISMATCH, "the list of protocols is not ours");
    return check_sessions(k, o);
}

/* R62, R63: what everybody can see. */
static enum ts_err hear_offer(struct ue_keying *k, const struct mikey_now *at,
                              struct ts_span raw, struct mikey_offered *o)
{
    static const struct why why[] = {
        {TS_E_TIME, "the offer has a wrong time"},
        {TS_E_REPLAY, "the offer has a wrong time"}, /* a COUNTER */
        {TS_E_EXPIRED, "the ticket is not valid now"},
        {TS_E_DENIED, "the ticket is not for us, or not the caller's"},
        {TS_OK, "the offer is not a TRANSFER_INIT we can use"},
    };
    struct mikey_glance g;
    uint8_t no;
    if (mikey_look(raw, &g) == TS_OK) /* the call's suite is the caller's */
        k->bits = g.prf == MIKEY_PRF_SHA1 ? 128 : 256;
    k->callee = mikey_responder_init(k->mem, role_size(), &k->party);
    enum ts_err err = mikey_responder_offered(k->callee, at, raw, o, &no);
    if (err && no == MIKEY_ERR_SPPAR)
        return fail(k, err, "an SRTP policy we cannot do");
    if (err && no == MIKEY_ERR_TICKET)
        return fail(k, err, "a ticket of a kind we do not use");
    if (err)
        return explain(k, err, why);
    memcpy(k->tag, o->tag.p, sizeof k->tag); /* the shortest MAC has 20 */
    err = check_offer(k, o);
    return err ? err : check_seen(k);
}

enum ts_err ue_keying_offered(struct ue_keying *k, const char *line,
                              uint64_t now, char caller[static 257],
                              uint8_t *body, size_t cap, size_t *len)
{
    static const struct why why[] = {{TS_OK, "the ticket is too long"}};
    const struct mikey_now at = clock_of(k, now);
    struct mikey_offered o;
    struct ts_identity who;
    uint8_t raw[UE_MIKEY_MAX];
    size_t n;
    caller[0] = '\0';
    forget(k);
    enum ts_err err = line_read(k, line, raw, &n);
    if (!err)
        err = hear_offer(k, &at, ts_span(raw, n), &o);
    if (!err && ts_identity(o.ticket.initiator.data, &who))
        err = fail(k, TS_E_FORMAT, "the caller's identity is no URI");
    if (!err)
        err = explain(
            k, mikey_responder_resolve(k->callee, &at, body, cap, len), why);
    if (err)
        forget(k);
    else
        memcpy(caller, who.text, who.len + 1);
    return err;
}

/* R68, R69: our SSRC into our session, all else as offered. */
static enum ts_err write_answer(struct ue_keying *k, const struct mikey_now *at,
                                char *line, size_t cap,
                                struct ue_media_keys *keys)
{
    static const struct why why[] = {
        {TS_E_SPACE, "the answer is too long"},
        {TS_OK, "no key for a crypto session"},
    };
    struct mikey_bundle *b = NULL;
    uint8_t raw[UE_MIKEY_MAX];
    size_t n;
    const struct mikey_session session = {
        .cs = CALLEE_SENDS, .known = true, .ssrc = k->ssrc};
    const struct mikey_answer answer = {.session = &session, .n_sessions = 1};
    enum ts_err err = mikey_responder_answer(
        k->callee, at, &answer, raw, sizeof raw, &n, bundle_mem(k),
        mikey_bundle_size(UE_MIKEY_MAX), &b);
    err = explain(k, err, why);
    if (err)
        return err;
    err = take_bundle(k, b, keys);
    mikey_bundle_wipe(b);
    return err ? err : line_write(k, ts_span(raw, n), line, cap);
}

enum ts_err ue_keying_resolved(struct ue_keying *k, const uint8_t *body,
                               size_t len, uint64_t now, char *line, size_t cap,
                               struct ue_media_keys *keys)
{
    static const struct why why[] = {
        {TS_E_STATE, "nothing was asked of the KMS"},
        {TS_E_TIME, "the KMS's reply has a wrong time"},
        {TS_E_AUTH, "the KMS's reply, or the offer, is not authentic"},
        {TS_E_MISMATCH, "the KMS's reply is for somebody else"},
        {TS_OK, "the KMS's reply is not well-formed"},
    };
    const struct mikey_now at = clock_of(k, now);
    enum ts_err err = TS_E_STATE;
    ts_wipe(keys, sizeof *keys);
    if (k->callee)
        err = mikey_responder_resolved(k->callee, &at, ts_span(body, len));
    if (err == TS_E_PEER)
        return refused(k, mikey_responder_refusal(k->callee), now);
    if (err)
        return explain(k, err, why);
    k->reason[0] = '\0';
    err = check_seen(k);
    if (!err)
        err = write_answer(k, &at, line, cap, keys);
    if (!err)
        remember(k);
    else
        ts_wipe(keys, sizeof *keys);
    forget(k); /* a reply is taken once */
    return err;
}
