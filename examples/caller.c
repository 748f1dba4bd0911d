/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller (Initiator) of a call in mode 1: gets a ticket from the KMS, sends
 * it to the callee, and takes the answer.
 *
 *     caller URI KEY-ID KEY-FILE CALLEE-URI
 *
 * It speaks through the named pipes caller-kms, kms-caller, caller-callee and
 * callee-caller, and prints the SRTP keys.
 */
#include "common.h"

/* Ask the KMS for a ticket that only the callee can resolve. */
static bool get_ticket(struct mikey_initiator *i, const struct mikey_id *callee)
{
    static struct octets m;
    struct mikey_wish wish = {.responder = callee, .n_responders = 1};
    struct mikey_now t = now();
    if (failed("request",
               mikey_initiator_request(i, &t, &wish, m.b, sizeof m.b, &m.n)) ||
        failed("ask the KMS", exchange("caller-kms", "kms-caller", &m)))
        return false;
    t = now();
    enum ts_err err = mikey_initiator_granted(i, &t, view(&m));
    if (err == TS_E_PEER)
        fprintf(stderr, "error %u: ", mikey_initiator_refusal(i)->no[0]);
    return !failed("the KMS's answer", err);
}

/* Offer two crypto sessions: in 1 we send, in 2 the callee does. */
static enum ts_err make_offer(struct mikey_initiator *i,
                              const struct mikey_id *callee, struct octets *m)
{
    static const uint8_t no[] = {0}; /* the policy that both use */
    const struct mikey_srtp_policy policy = mikey_srtp_aes_cm(32);
    const struct mikey_session sessions[] = {
        {.cs = 1, .known = true, .ssrc = 0xca11e4, .policies = ts_span(no, 1)},
        {.cs = 2, .policies = ts_span(no, 1)},
    };
    const struct mikey_offer offer = {
        .to = *callee,
        .session = sessions,
        .n_sessions = 2,
        .policy = &policy,
        .n_policies = 1,
        .sdp_ids = ts_span_str("mikey"), /* against bidding down */
    };
    struct mikey_now t = now();
    return mikey_initiator_transfer(i, &t, &offer, m->b, sizeof m->b, &m->n);
}

/* Call; the answer gives a bundle, which has the keys. */
static bool call(struct mikey_initiator *i, const struct mikey_id *callee)
{
    static struct octets m;
    if (failed("offer", make_offer(i, callee, &m)) ||
        failed("call", exchange("caller-callee", "callee-caller", &m)))
        return false;
    struct mikey_bundle *bundle = NULL;
    const size_t size = mikey_bundle_size(MESSAGE_MAX);
    void *mem = malloc(size);
    struct mikey_now t = now();
    bool ok = !failed("the answer", mikey_initiator_answered(
                                        i, &t, view(&m), mem, size, &bundle)) &&
              !failed("keys", print_keys(bundle));
    mikey_bundle_wipe(bundle);
    free(mem);
    return ok;
}

int main(int argc, char **argv)
{
    struct octets key = {0};
    if (argc != 5 || failed(argv[3], read_key(argv[3], &key))) {
        fprintf(stderr, "usage: caller URI KEY-ID KEY-FILE CALLEE-URI\n");
        return 2;
    }
    const struct mikey_id callee = uri(argv[4]);
    const struct mikey_party me = {
        .self = uri(argv[1]),
        .kms = uri("sip:kms@example.org"),
        .bits = 256,
        .psk = view(&key),
        .psk_id = ts_span_str(argv[2]),
        .random = random_octets,
    };
    const size_t size = mikey_initiator_size(MESSAGE_MAX);
    void *mem = malloc(size);
    struct mikey_initiator *i = mikey_initiator_init(mem, size, &me);
    bool ok = !failed("this party", i ? TS_OK : TS_E_RANGE) &&
              get_ticket(i, &callee) && call(i, &callee);
    mikey_initiator_wipe(i);
    free(mem);
    explicit_bzero(&key, sizeof key);
    return ok ? 0 : 1;
}
