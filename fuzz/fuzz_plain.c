/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alice and Bob through <mikey/plain.h>: the input says who takes which step,
 * and how messages are changed on their way.
 *
 *   - nobody takes a message that was changed, or under another key;
 *   - where both say OK both have the same keys.
 *
 * A byte chooses the step (low three bits) and how it is taken (the rest);
 * next() gives its further arguments.
 */
#include "fuzz/mikey.h"
#include "mikey/plain.h"

#define MAX 2048

static const uint8_t *input;
static size_t input_n;
static const uint8_t psk[] = "a key that both have, and nobody else";
static const char alice_uri[] = "sip:alice@example.org";
static const char bob_uri[] = "sip:bob@example.org";

static struct {
    struct mikey_party alice, bob;
    struct mikey_plain_trust trust;
    struct mikey_plain *a, *b;
    struct mikey_now now;
    uint8_t drawn;
    bool no_random, other_key, picky;
    size_t n_init, n_resp;
    uint8_t init[MAX], resp[MAX];
    bool taken;    /* Bob has an offer */
    bool its_last; /* and that is Alice's last */
    bool answered; /* and she has taken his answer */
} w;

static uint8_t next(void)
{
    if (input_n == 0)
        return 0;
    input_n--;
    return *input++;
}

/* ---- what the library is lent ---- */

static enum ts_err count_up(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    for (size_t i = 0; i < n; i++)
        buf[i] = w.drawn++;
    return w.no_random ? TS_E_IO : TS_OK;
}

static bool acceptable(void *arg, const struct mikey_srtp_policy *policy)
{
    (void)arg;
    return !w.picky || policy->encr_key == 16;
}

static enum ts_err find_psk(void *arg, const struct mikey_id *initiator,
                            struct ts_span *key)
{
    (void)arg;
    if (ts_span_equal(initiator->data, ts_span_str(alice_uri)))
        *key = ts_span(psk + w.other_key, 32);
    return TS_OK;
}

static void mac(const struct ts_span *parts, size_t n, uint8_t out[32])
{
    struct mikey_hmac h;
    mikey_hmac_key(&h, MIKEY_AUTH_SHA256, ts_span(psk, 16));
    for (size_t i = 0; i < n; i++)
        mikey_hmac_add(&h, parts[i]);
    mikey_hmac_end(&h, out, 32);
}

static enum ts_err sign(void *arg, const struct ts_span *parts, size_t n,
                        uint8_t *sig)
{
    (void)arg;
    mac(parts, n, sig);
    return TS_OK;
}

static enum ts_err certify(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t now,
                           struct mikey_id *who)
{
    (void)arg;
    (void)cert;
    (void)n;
    *who = *claimed;
    return now ? TS_OK : TS_E_EXPIRED;
}

static enum ts_err verify(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig)
{
    uint8_t want[32];
    (void)arg;
    (void)s_type;
    mac(parts, n, want);
    return ts_equal(want, 32, sig.p, sig.n) ? TS_OK : TS_E_AUTH;
}

static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    (void)arg;
    memset(out, 0, MIKEY_KEY_MAX); /* lint: a toy, nothing secret */
    memcpy(out, env_key.p, env_key.n);
    return TS_OK;
}

static enum ts_err open_sealed(void *arg, const struct mikey_chash *chash,
                               struct ts_span sealed,
                               uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    (void)chash;
    *n = w.alice.bits / 8;
    if (sealed.n != MIKEY_KEY_MAX)
        return TS_E_NOTFOUND;
    memcpy(env_key, sealed.p, *n);
    return TS_OK;
}

static const struct mikey_signer signer = {.len = 32, .sign = sign};
static const struct mikey_sealer sealer = {.len = MIKEY_KEY_MAX, .seal = seal};
static const struct mikey_verifier verifier = {NULL, certify, verify};
static const struct mikey_opener opener = {NULL, open_sealed};

/* ---- the steps ---- */

static void begin(void)
{
    static _Alignas(16) uint8_t mem[2][16384];
    const uint8_t how = next();
    memset(&w, 0, sizeof w); /* lint: of the target, nothing secret */
    w.now.us = UINT64_C(1795456800) * 1000000;
    w.alice = (struct mikey_party){
        .self = {0, MIKEY_ID_URI, ts_span_str(alice_uri)},
        .bits = how & 1 ? 256 : 128,
        .psk = ts_span(how & 2 ? NULL : psk, how & 2 ? 0 : 32),
        .signer = how & 2 ? &signer : NULL,
        .sealer = how & 2 ? &sealer : NULL,
        .random = count_up,
        .acceptable = acceptable,
    };
    w.bob = w.alice;
    w.bob.self.data = ts_span_str(bob_uri);
    w.bob.signer = NULL;
    w.trust.psk = how & 4 ? find_psk : NULL;
    w.trust.verifier = how & 8 ? NULL : &verifier;
    w.trust.opener = how & 8 ? NULL : &opener;
    w.a = mikey_plain_init(mem[0], how & 16 ? 9000 : 16384, &w.alice, NULL);
    w.b = mikey_plain_init(mem[1], sizeof mem[1], &w.bob, &w.trust);
    MUST_HOLD(w.a && w.b);
}

static void offer(unsigned how)
{
    struct mikey_session session[4];
    struct mikey_srtp_policy policy[2] = {
        {.set = 0}, {.set = 1u << MIKEY_SP_ENCR_KEY, .encr_key = 32}};
    uint8_t no[4];
    for (unsigned i = 0; i < 4; i++) {
        no[i] = next() & 3;
        session[i] = (struct mikey_session){.cs = (uint8_t)(i + 1),
                                            .known = i % 2 == 0,
                                            .ssrc = 7 + i,
                                            .policies = ts_span(&no[i], 1)};
    }
    const struct mikey_offer o = {
        .to = {0, MIKEY_ID_URI, ts_span_str(how & 1 ? alice_uri : bob_uri)},
        .session = session,
        .n_sessions = how >> 1 & 7 & 3,
        .policy = policy,
        .n_policies = 1 + (how >> 3 & 1),
        .sdp_ids = ts_span_str(how & 16 ? "mikey" : ""),
    };
    w.its_last = w.answered = false;
    w.n_resp = 0;
    if (mikey_plain_offer(w.a, &w.now, &o, w.init, MAX, &w.n_init))
        w.n_init = 0;
}

/* A copy of a message, perhaps changed: whether it is as it was. */
static bool on_its_way(const uint8_t *b, size_t n, unsigned how, uint8_t *copy,
                       size_t *len)
{
    memcpy(copy, b, n);
    *len = n;
    if (n == 0 || !(how & 1))
        return n > 0;
    const size_t at = (next() | (size_t)next() << 8) % n;
    if (how & 2) {
        *len = at;
        return false;
    }
    const uint8_t change = next();
    copy[at] ^= change;
    return change == 0;
}

static void ring(unsigned how)
{
    static uint8_t copy[MAX];
    size_t n;
    struct mikey_offered o;
    uint8_t error;
    const bool whole = on_its_way(w.init, w.n_init, how, copy, &n);
    enum ts_err err =
        mikey_plain_offered(w.b, &w.now, ts_span(copy, n), &o, &error);
    MUST_HOLD(err ||
              (whole && !(w.other_key && w.trust.psk && !w.alice.signer)));
    w.taken = w.its_last = !err;
    w.answered = false;
    w.n_resp = 0;
    if (!err)
        MUST_HOLD(ts_span_equal(o.initiator.data, ts_span_str(alice_uri)));
}

static void answer(unsigned how)
{
    static const uint32_t ssrc[] = {100, 101, 102, 103};
    if (mikey_plain_answer(w.b, ssrc, how & 3, w.resp, MAX, &w.n_resp)) {
        w.n_resp = 0;
        return;
    }
    MUST_HOLD(w.taken);
}

static void refuse(unsigned how)
{
    static const uint8_t why[9] = {MIKEY_ERR_SP};
    if (mikey_plain_refuse(w.b, why, how & 15, w.resp, MAX, &w.n_resp))
        w.n_resp = 0;
}

static void answered(unsigned how)
{
    static uint8_t copy[MAX];
    size_t n;
    const bool whole = on_its_way(w.resp, w.n_resp, how, copy, &n);
    enum ts_err err = mikey_plain_answered(w.a, ts_span(copy, n));
    MUST_HOLD(err || whole);
    MUST_HOLD(err != TS_E_PEER || !mikey_plain_refusal(w.a)->proven || whole);
    w.answered = w.answered || !err;
}

static void compare(unsigned how)
{
    struct mikey_srtp_key at_a, at_b;
    struct mikey_session a, b;
    const uint8_t cs = (uint8_t)(how & 7);
    enum ts_err err_a = mikey_plain_srtp(w.a, cs, &at_a);
    enum ts_err err_b = mikey_plain_srtp(w.b, cs, &at_b);
    if (w.its_last && w.answered) {
        MUST_HOLD(err_a == err_b);
        MUST_HOLD(err_a || memcmp(&at_a, &at_b, sizeof at_a) == 0);
    }
    err_a = mikey_plain_session(w.a, how & 7, &a);
    err_b = mikey_plain_session(w.b, how & 7, &b);
    if (w.its_last && w.answered)
        MUST_HOLD(err_a == err_b && (err_a || a.ssrc == b.ssrc));
}

static void turn(unsigned how)
{
    w.no_random = how & 1;
    w.other_key = how & 2;
    w.picky = how & 4;
    w.now.us += how & 8 ? UINT64_C(400) * 1000000 : 0;
    if (how & 16)
        begin();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static void (*const steps[])(unsigned how) = {
        offer, ring, answer, answered, refuse, compare, turn, turn};
    input = data;
    input_n = n;
    begin();
    while (input_n) {
        const uint8_t step = next();
        steps[step & 7](step >> 3);
    }
    mikey_plain_wipe(w.a);
    mikey_plain_wipe(w.b);
    return 0;
}
