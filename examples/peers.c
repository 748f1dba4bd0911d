/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mode 4: two who share a ticket key need no KMS. Both ends of a call in one
 * process; the messages need not travel, so this is the shortest program that
 * shows all steps.
 *
 *     peers
 */
#include "common.h"

static struct mikey_initiator *caller;
static struct mikey_responder *callee;
static struct mikey_bundle *at_caller, *at_callee;
static _Alignas(16) uint8_t memory[4][32768]; /* of these four */

/* TRANSFER_INIT, with a ticket that the caller makes itself. */
static enum ts_err offer(const struct mikey_id *to, struct octets *m)
{
    static const uint8_t no[] = {0}; /* of the policy */
    const struct mikey_srtp_policy defaults = {.set = 0};
    const struct mikey_session session = {
        .cs = 1, .known = true, .ssrc = 1, .policies = ts_span(no, 1)};
    const struct mikey_wish wish = {
        .responder = to,
        .n_responders = 1,
        .flags = MIKEY_FLAG_F | MIKEY_FLAG_G | MIKEY_FLAG_H | MIKEY_FLAG_L |
                 MIKEY_FLAG_N | MIKEY_FLAG_O, /* no E: no KMS is asked */
    };
    const struct mikey_offer o = {
        .to = *to,
        .session = &session,
        .n_sessions = 1,
        .policy = &defaults,
        .n_policies = 1,
    };
    struct mikey_now t = now();
    enum ts_err err = mikey_initiator_make(caller, &t, &wish);
    return err ? err
               : mikey_initiator_transfer(caller, &t, &o, m->b, sizeof m->b,
                                          &m->n);
}

/* Open the ticket, verify the offer, and answer all as it was offered. */
static enum ts_err answer(const struct octets *in, struct octets *out)
{
    struct mikey_offered offered;
    struct mikey_now t = now();
    enum ts_err err =
        mikey_responder_offered(callee, &t, view(in), &offered, NULL);
    if (!err)
        err = mikey_responder_open(callee, &t);
    if (!err)
        err = mikey_responder_answer(callee, &t, NULL, out->b, sizeof out->b,
                                     &out->n, memory[2], sizeof memory[2],
                                     &at_callee);
    return err;
}

static enum ts_err take(const struct octets *m)
{
    struct mikey_now t = now();
    return mikey_initiator_answered(caller, &t, view(m), memory[3],
                                    sizeof memory[3], &at_caller);
}

static bool call(const struct mikey_id *to)
{
    static struct octets init, resp;
    return !failed("offer", offer(to, &init)) &&
           !failed("answer", answer(&init, &resp)) &&
           !failed("take the answer", take(&resp)) &&
           !failed("the caller's keys", print_keys(at_caller)) &&
           !failed("the callee's keys", print_keys(at_callee));
}

int main(void)
{
    uint8_t key[32]; /* both have it, for example on paper */
    if (failed("random octets", random_octets(NULL, key, sizeof key)))
        return 1;
    struct mikey_party alice = {
        .self = uri("sip:alice@example.org"),
        .bits = 128,
        .tpk = ts_span(key, sizeof key),
        .random = random_octets,
    };
    struct mikey_party bob = alice;
    bob.self = uri("sip:bob@example.org");
    caller = mikey_initiator_init(memory[0], sizeof memory[0], &alice);
    callee = mikey_responder_init(memory[1], sizeof memory[1], &bob);
    bool ok = caller && callee && call(&bob.self);
    mikey_bundle_wipe(at_caller);
    mikey_bundle_wipe(at_callee);
    mikey_initiator_wipe(caller);
    mikey_responder_wipe(callee);
    explicit_bzero(key, sizeof key);
    return ok ? 0 : 1;
}
