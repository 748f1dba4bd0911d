/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The callee (Responder) of a call in mode 1: takes an offer, has the KMS
 * resolve its ticket, and answers.
 *
 *     callee URI KEY-ID KEY-FILE
 *
 * It speaks through the named pipes caller-callee, callee-kms, kms-callee and
 * callee-caller, and prints the SRTP keys.
 */
#include "common.h"

/* Take the offer. Until the KMS has resolved its ticket nothing in it is
 * proven; this is the place to refuse what we would not do anyway. */
static bool take_offer(struct mikey_responder *r)
{
    static struct octets m;
    struct mikey_offered offered;
    if (failed("wait for a call", receive_message("caller-callee", &m)))
        return false;
    struct mikey_now t = now();
    if (failed("offer",
               mikey_responder_offered(r, &t, view(&m), &offered, NULL)))
        return false;
    fprintf(stderr, "%.*s calls\n", (int)offered.initiator.data.n,
            (const char *)offered.initiator.data.p);
    return true;
}

/* Let the KMS resolve the ticket; then the offer is proven. */
static bool resolve(struct mikey_responder *r)
{
    static struct octets m;
    struct mikey_now t = now();
    if (failed("resolve",
               mikey_responder_resolve(r, &t, m.b, sizeof m.b, &m.n)) ||
        failed("ask the KMS", exchange("callee-kms", "kms-callee", &m)))
        return false;
    t = now();
    enum ts_err err = mikey_responder_resolved(r, &t, view(&m));
    if (err == TS_E_PEER)
        fprintf(stderr, "error %u: ", mikey_responder_refusal(r)->no[0]);
    return !failed("the KMS's answer", err);
}

/* Answer: crypto session 2 is ours, the rest is as offered. */
static bool answer(struct mikey_responder *r)
{
    static struct octets m;
    const struct mikey_session ours = {
        .cs = 2, .known = true, .ssrc = 0xca11ee};
    const struct mikey_answer a = {.session = &ours, .n_sessions = 1};
    struct mikey_bundle *bundle = NULL;
    const size_t size = mikey_bundle_size(MESSAGE_MAX);
    void *mem = malloc(size);
    struct mikey_now t = now();
    bool ok =
        !failed("answer", mikey_responder_answer(r, &t, &a, m.b, sizeof m.b,
                                                 &m.n, mem, size, &bundle)) &&
        !failed("send", send_message("callee-caller", view(&m))) &&
        !failed("keys", print_keys(bundle));
    mikey_bundle_wipe(bundle);
    free(mem);
    return ok;
}

int main(int argc, char **argv)
{
    struct octets key = {0};
    if (argc != 4 || failed(argv[3], read_key(argv[3], &key))) {
        fprintf(stderr, "usage: callee URI KEY-ID KEY-FILE\n");
        return 2;
    }
    const struct mikey_party me = {
        .self = uri(argv[1]),
        .kms = uri("sip:kms@example.org"),
        .bits = 256,
        .psk = view(&key),
        .psk_id = ts_span_str(argv[2]),
        .random = random_octets,
    };
    const size_t size = mikey_responder_size(MESSAGE_MAX);
    void *mem = malloc(size);
    struct mikey_responder *r = mikey_responder_init(mem, size, &me);
    bool ok = !failed("this party", r ? TS_OK : TS_E_RANGE) && take_offer(r) &&
              resolve(r) && answer(r);
    mikey_responder_wipe(r);
    free(mem);
    explicit_bzero(&key, sizeof key);
    return ok ? 0 : 1;
}
