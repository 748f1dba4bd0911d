/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-parse: what libmikey takes to read a message of about 500 octets, in
 * turns with one HMAC-SHA-256 over as many under a key that is set each time,
 * in CPU time of this process; and how often it allocates in whole calls. All
 * of it through the functions that others have.
 *
 * Prints a figure a line: name, value, unit, bound, with tabs between.
 */
#include <mikey/mikey.h>

#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "bench/measure.h"

#define ROUNDS 301
#define BATCH  256
#define CALLS  100
#define MAX    2048

struct message {
    size_t n;
    uint8_t b[MAX];
};

/* ---- a call in mode 1, suite of 256 bits ---- */

static const uint8_t psk_alice[32] = {1}, psk_bob[32] = {2}, tpk[32] = {3};
static _Alignas(16) uint8_t mem_i[16384], mem_r[16384];
static _Alignas(16) uint8_t mem_at_i[16384], mem_at_r[16384];

static void must(enum ts_err err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "bench-parse: %s: %s\n", what, ts_strerror(err));
    exit(1);
}

static enum ts_err draw(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    return getrandom(buf, n, 0) == (ssize_t)n ? TS_OK : TS_E_IO;
}

static struct ts_span view(const struct message *m)
{
    return ts_span(m->b, m->n);
}

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

static enum ts_err find(void *arg, const struct mikey_id *key_id,
                        const struct mikey_id *claimed, struct mikey_user *user)
{
    (void)arg;
    (void)claimed;
    if (ts_span_equal(key_id->data, ts_span_str("alice")))
        *user = (struct mikey_user){ts_span(psk_alice, 32),
                                    uri("sip:a@example.org"), false};
    else if (ts_span_equal(key_id->data, ts_span_str("bob")))
        *user = (struct mikey_user){ts_span(psk_bob, 32),
                                    uri("sip:b@example.org"), false};
    return TS_OK;
}

static struct mikey_now now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (struct mikey_now){.us = (uint64_t)t.tv_sec * 1000000};
}

static struct mikey_kms kms(void)
{
    return (struct mikey_kms){
        .self = uri("sip:kms@example.org"),
        .tpk = ts_span(tpk, sizeof tpk),
        .tpk_id = ts_span_str("1"),
        .random = draw,
        .user = find,
    };
}

static struct mikey_party party(const char *self, const uint8_t *psk,
                                const char *psk_id)
{
    return (struct mikey_party){
        .self = uri(self),
        .kms = uri("sip:kms@example.org"),
        .bits = 256,
        .psk = ts_span(psk, 32),
        .psk_id = ts_span_str(psk_id),
        .random = draw,
    };
}

/* Alice asks for a ticket and offers a call with it. */
static void offer(struct mikey_initiator *i, struct message *transfer)
{
    static struct message request, granted;
    const struct mikey_kms k = kms();
    const struct mikey_now t = now();
    const struct mikey_id to = uri("sip:b@example.org");
    const struct mikey_wish wish = {.responder = &to, .n_responders = 1};
    const struct mikey_srtp_policy policy = {.set = 1u << MIKEY_SP_ENCR_KEY,
                                             .encr_key = 32};
    const struct mikey_session session[] = {
        {.cs = 1, .known = true, .ssrc = 1, .policies = ts_span("", 1)},
        {.cs = 2, .policies = ts_span("", 1)},
    };
    const struct mikey_offer o = {.to = to,
                                  .session = session,
                                  .n_sessions = 2,
                                  .policy = &policy,
                                  .n_policies = 1};
    must(mikey_initiator_request(i, &t, &wish, request.b, MAX, &request.n),
         "request");
    must(mikey_kms_answer(&k, &t, view(&request), granted.b, MAX, &granted.n),
         "issue");
    must(mikey_initiator_granted(i, &t, view(&granted)), "granted");
    must(mikey_initiator_transfer(i, &t, &o, transfer->b, MAX, &transfer->n),
         "transfer");
}

/* Bob has it resolved, verifies the offer and answers. */
static struct mikey_bundle *answer(struct mikey_responder *r,
                                   const struct message *transfer,
                                   struct message *resp)
{
    static struct message resolve, resolved;
    const struct mikey_kms k = kms();
    const struct mikey_now t = now();
    const struct mikey_session session = {.cs = 2, .known = true, .ssrc = 2};
    const struct mikey_answer a = {.session = &session, .n_sessions = 1};
    struct mikey_bundle *bundle;
    struct mikey_offered offered;
    must(mikey_responder_offered(r, &t, view(transfer), &offered, NULL),
         "offered");
    must(mikey_responder_resolve(r, &t, resolve.b, MAX, &resolve.n), "resolve");
    must(mikey_kms_answer(&k, &t, view(&resolve), resolved.b, MAX, &resolved.n),
         "resolve at the KMS");
    must(mikey_responder_resolved(r, &t, view(&resolved)), "resolved");
    must(mikey_responder_answer(r, &t, &a, resp->b, MAX, &resp->n, mem_at_r,
                                sizeof mem_at_r, &bundle),
         "answer");
    return bundle;
}

/* A whole call; its TRANSFER_INIT stays. */
static void call(struct message *transfer)
{
    static struct message resp;
    const struct mikey_now t = now();
    const struct mikey_party alice =
        party("sip:a@example.org", psk_alice, "alice");
    const struct mikey_party bob = party("sip:b@example.org", psk_bob, "bob");
    struct mikey_initiator *i =
        mikey_initiator_init(mem_i, sizeof mem_i, &alice);
    struct mikey_responder *r = mikey_responder_init(mem_r, sizeof mem_r, &bob);
    struct mikey_bundle *at_i;
    struct mikey_srtp_key key;
    must(i && r ? TS_OK : TS_E_RANGE, "parties");
    offer(i, transfer);
    struct mikey_bundle *at_r = answer(r, transfer, &resp);
    must(mikey_initiator_answered(i, &t, view(&resp), mem_at_i, sizeof mem_at_i,
                                  &at_i),
         "answered");
    must(mikey_bundle_srtp(at_i, 1, &key), "keys");
    mikey_bundle_wipe(at_i);
    mikey_bundle_wipe(at_r);
    mikey_initiator_wipe(i);
    mikey_responder_wipe(r);
}

/* ---- rounds ---- */

static double run_parse(struct ts_span message)
{
    struct mikey_glance g;
    double start = measure_now_ns();
    for (unsigned i = 0; i < BATCH; i++)
        must(mikey_look(message, &g), "look");
    return (measure_now_ns() - start) / BATCH;
}

static double run_hmac(struct ts_span message)
{
    __attribute__((uninitialized)) struct hmac_sha256_ctx h;
    uint8_t mac[32];
    double start = measure_now_ns();
    for (unsigned i = 0; i < BATCH; i++) {
        hmac_sha256_set_key(&h, sizeof tpk, tpk);
        hmac_sha256_update(&h, message.n, message.p);
        hmac_sha256_digest(&h, sizeof mac, mac);
    }
    return (measure_now_ns() - start) / BATCH;
}

int main(void)
{
    static struct message transfer;
    static double parse[ROUNDS], hmac[ROUNDS], ratio[ROUNDS];
    unsigned long before = measure_allocations();
    for (unsigned i = 0; i < CALLS; i++)
        call(&transfer);
    unsigned long counted = measure_allocations() - before;
    if (transfer.n < 450 || transfer.n > 550)
        must(TS_E_RANGE, "a TRANSFER_INIT is not of 500 octets any more");
    for (unsigned i = 0; i < ROUNDS; i++) {
        parse[i] = run_parse(view(&transfer));
        hmac[i] = run_hmac(view(&transfer));
        ratio[i] = parse[i] / hmac[i];
    }
    printf("parse-vs-hmac\t%.3f\tratio\t3\n", measure_median(ratio, ROUNDS));
    printf("parse-500-ns\t%.0f\tns\t1000\n", measure_median(parse, ROUNDS));
    printf("hmac-500-ns\t%.0f\tns\t\n", measure_median(hmac, ROUNDS));
    printf("libmikey-allocations\t%lu\tcalls\t0\n", counted);
    fprintf(stderr, "bench-parse: %zu octets\n", transfer.n);
    return 0;
}
