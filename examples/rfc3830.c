/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call with a peer that knows MIKEY (RFC 3830) but no tickets: one message
 * each way, under a key that both share. Both ends in one process.
 *
 *     rfc3830
 */
#include <mikey/plain.h>

#include "common.h"

static struct mikey_plain *caller, *callee;
static _Alignas(16) uint8_t memory[2][32768]; /* of these two */

/* The caller's message: one audio stream, 1 is ours and 2 the callee's. */
static enum ts_err offer(struct octets *m)
{
    static const uint8_t no[] = {0}; /* of the policy */
    const struct mikey_srtp_policy defaults = {.set = 0};
    const struct mikey_session sessions[] = {
        {.cs = 1, .known = true, .ssrc = 1, .policies = ts_span(no, 1)},
        {.cs = 2, .policies = ts_span(no, 1)},
    };
    const struct mikey_offer o = {
        .to = uri("sip:bob@example.org"),
        .session = sessions,
        .n_sessions = 2,
        .policy = &defaults,
        .n_policies = 1,
    };
    struct mikey_now t = now();
    return mikey_plain_offer(caller, &t, &o, m->b, sizeof m->b, &m->n);
}

/* The callee takes it and answers. Who calls is proven here already: it has
 * the key. */
static enum ts_err answer(const struct octets *in, struct octets *out)
{
    static const uint32_t ours = 2; /* SSRC */
    struct mikey_offered offered;
    struct mikey_now t = now();
    enum ts_err err = mikey_plain_offered(callee, &t, view(in), &offered, NULL);
    return err ? err
               : mikey_plain_answer(callee, &ours, 1, out->b, sizeof out->b,
                                    &out->n);
}

static enum ts_err show_keys(const struct mikey_plain *side)
{
    for (uint8_t cs = 1; cs <= 2; cs++) {
        struct mikey_srtp_key k;
        enum ts_err err = mikey_plain_srtp(side, cs, &k);
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
           !failed("take the answer",
                   mikey_plain_answered(caller, view(&resp))) &&
           !failed("the caller's keys", show_keys(caller)) &&
           !failed("the callee's keys", show_keys(callee));
}

int main(void)
{
    uint8_t key[16]; /* both have it, for example on paper */
    if (failed("random octets", random_octets(NULL, key, sizeof key)))
        return 1;
    const struct mikey_party alice = {
        .self = uri("sip:alice@example.org"),
        .bits = 128,
        .psk = ts_span(key, sizeof key),
        .random = random_octets,
    };
    struct mikey_party bob = alice;
    bob.self = uri("sip:bob@example.org");
    caller = mikey_plain_init(memory[0], sizeof memory[0], &alice, NULL);
    callee = mikey_plain_init(memory[1], sizeof memory[1], &bob, NULL);
    bool ok = caller && callee && call();
    mikey_plain_wipe(caller);
    mikey_plain_wipe(callee);
    explicit_bzero(key, sizeof key);
    return ok ? 0 : 1;
}
