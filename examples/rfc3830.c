/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call with a peer that knows MIKEY (RFC 3830) but no tickets: one message
 * each way, under a key that both share. Both ends in one process.
 *
 *     rfc3830
 */
#include <mikey/rfc3830.h>

#include "common.h"

static struct mikey_peer *caller, *callee;
static _Alignas(16) uint8_t memory[2][65536]; /* of these two */

/* The caller's message: two streams, 1 is ours and 2 the callee's. */
static enum ts_err offer(struct octets *m)
{
    const struct mikey_session sessions[] = {
        {.known = true, .ssrc = 1},
        {.known = false},
    };
    const struct mikey_terms terms = {
        .session = sessions,
        .n_sessions = 2,
        .want_answer = true,
    };
    struct mikey_now t = now();
    return mikey_peer_offer(caller, &t, &terms, m->b, sizeof m->b, &m->n);
}

/* The callee takes it and answers. Who calls is proven here already: it has
 * the key. */
static enum ts_err answer(const struct octets *in, struct octets *out)
{
    const struct mikey_session ours = {.cs = 2, .known = true, .ssrc = 2};
    struct mikey_proposal proposal;
    struct mikey_now t = now();
    enum ts_err err = mikey_peer_offered(callee, &t, view(in), &proposal, NULL);
    return err ? err
               : mikey_peer_answer(callee, &ours, 1, out->b, sizeof out->b,
                                   &out->n);
}

static enum ts_err take(const struct octets *in)
{
    struct mikey_now t = now();
    return mikey_peer_answered(caller, &t, view(in));
}

static enum ts_err show_keys(const struct mikey_peer *side)
{
    for (uint8_t cs = 1; cs <= 2; cs++) {
        struct mikey_srtp_key k;
        enum ts_err err = mikey_peer_srtp(side, cs, &k);
        if (err)
            return err;
        printf("crypto session %u: ", cs);
        put_hex(stdout, k.key, k.key_len);
        putchar(' ');
        put_hex(stdout, k.salt, k.salt_len);
        putchar('\n');
        explicit_bzero(&k, sizeof k);
    }
    return TS_OK;
}

static bool call(void)
{
    static struct octets init, resp;
    return !failed("offer", offer(&init)) &&
           !failed("answer", answer(&init, &resp)) &&
           !failed("take the answer", take(&resp)) &&
           !failed("the caller's keys", show_keys(caller)) &&
           !failed("the callee's keys", show_keys(callee));
}

int main(void)
{
    uint8_t key[16]; /* both have it, for example on paper */
    if (failed("random octets", random_octets(NULL, key, sizeof key)))
        return 1;
    const struct mikey_peer_party alice = {
        .self = uri("sip:alice@example.org"),
        .peer = uri("sip:bob@example.org"),
        .bits = 128,
        .psk = ts_span(key, sizeof key),
        .random = random_octets,
    };
    struct mikey_peer_party bob = alice;
    bob.self = alice.peer;
    bob.peer = alice.self;
    caller = mikey_peer_init(memory[0], sizeof memory[0], &alice);
    callee = mikey_peer_init(memory[1], sizeof memory[1], &bob);
    bool ok = caller && callee && call();
    mikey_peer_wipe(caller);
    mikey_peer_wipe(callee);
    explicit_bzero(key, sizeof key);
    return ok ? 0 : 1;
}
