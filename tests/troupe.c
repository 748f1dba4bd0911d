/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/troupe.h"

#define NOW (UINT64_C(1795456800) * 1000000) /* 2026-11-23 18:00 UTC */

static const char psk_alice[] = "0123456789abcdef0123456789ABCDEF";
static const char psk_bob[] = "fedcba9876543210FEDCBA9876543210";
static const char tpk[] = "the ticket key of the KMS itself";

struct mikey_id troupe_uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

/* Octets that never come twice. */
static enum ts_err count_up(void *arg, uint8_t *buf, size_t n)
{
    struct troupe *t = arg;
    if (t->no_random)
        return TS_E_IO;
    for (size_t i = 0; i < n; i++) {
        t->drawn++;
        buf[i] = (uint8_t)(t->drawn * 37 + (t->drawn >> 8));
    }
    return TS_OK;
}

static bool names(const struct mikey_id *id, const char *text)
{
    return ts_span_equal(id->data, ts_span_str(text));
}

static enum ts_err find_user(void *arg, const struct mikey_id *key_id,
                             struct mikey_user *user)
{
    const struct troupe *t = arg;
    if (names(key_id, "alice-1"))
        *user = (struct mikey_user){t->alice.psk, t->alice.self, false};
    else if (names(key_id, "bob-1"))
        *user = (struct mikey_user){t->bob.psk, t->bob.self, false};
    return TS_OK;
}

static struct mikey_party party(struct troupe *t, const char *uri,
                                const char *psk, const char *psk_id,
                                unsigned bits)
{
    return (struct mikey_party){
        .self = troupe_uri(uri),
        .kms = t->kms.self,
        .bits = bits,
        .psk = ts_span(psk, bits / 8),
        .psk_id = ts_span_str(psk_id),
        .tpk_id = ts_span_str("tpk-1"),
        .arg = t,
        .random = count_up,
    };
}

void troupe_begin(struct troupe *t, unsigned bits)
{
    memset(t, 0, sizeof *t); /* lint: of the test, whatever was in it */
    t->now.us = NOW;
    t->kms = (struct mikey_kms){
        .self = troupe_uri("sip:kms@example.org"),
        .tpk = ts_span(tpk, 32),
        .tpk_id = ts_span_str("tpk-1"),
        .arg = t,
        .random = count_up,
        .user = find_user,
    };
    t->alice = party(t, "sip:alice@example.org", psk_alice, "alice-1", bits);
    t->bob = party(t, "sip:bob@example.org", psk_bob, "bob-1", bits);
    t->responder = t->bob.self;
    t->wish.responder = &t->responder;
    t->wish.n_responders = 1;
    t->policy = mikey_srtp_usual(mikey_suite_bits(bits));
    t->session[0] = (struct mikey_session){
        .cs = 1, .known = true, .ssrc = 0xa11ce, .policies = ts_span("", 1)};
    t->session[1] = (struct mikey_session){.cs = 2, .policies = ts_span("", 1)};
    t->offer = (struct mikey_offer){.to = t->bob.self,
                                    .session = t->session,
                                    .n_sessions = 2,
                                    .policy = &t->policy,
                                    .n_policies = 1,
                                    .sdp_ids = ts_span_str("mikey")};
    static const struct mikey_session bobs = {
        .cs = 2, .known = true, .ssrc = 0xb0b};
    t->answer = (struct mikey_answer){.session = &bobs, .n_sessions = 1};
    t->i = mikey_initiator_init(t->mem_i, sizeof t->mem_i, &t->alice);
    t->r = mikey_responder_init(t->mem_r, sizeof t->mem_r, &t->bob);
    assert_non_null(t->i);
    assert_non_null(t->r);
}

static struct ts_span view(const struct troupe_message *m)
{
    return ts_span(m->b, m->n);
}

enum ts_err troupe_request(struct troupe *t)
{
    return mikey_initiator_request(t->i, &t->now, &t->wish, t->request.b,
                                   TROUPE_MAX, &t->request.n);
}

enum ts_err troupe_grant(struct troupe *t)
{
    t->asked++;
    return mikey_kms_answer(&t->kms, &t->now, view(&t->request), t->granted.b,
                            TROUPE_MAX, &t->granted.n);
}

enum ts_err troupe_granted(struct troupe *t)
{
    return mikey_initiator_granted(t->i, &t->now, view(&t->granted));
}

enum ts_err troupe_transfer(struct troupe *t)
{
    return mikey_initiator_transfer(t->i, &t->now, &t->offer, t->transfer.b,
                                    TROUPE_MAX, &t->transfer.n);
}

enum ts_err troupe_offered(struct troupe *t)
{
    return mikey_responder_offered(t->r, &t->now, view(&t->transfer),
                                   &t->offered, NULL);
}

enum ts_err troupe_resolve(struct troupe *t)
{
    enum ts_err err = mikey_responder_resolve(t->r, &t->now, t->resolve.b,
                                              TROUPE_MAX, &t->resolve.n);
    if (err)
        return err;
    t->asked++;
    return mikey_kms_answer(&t->kms, &t->now, view(&t->resolve), t->resolved.b,
                            TROUPE_MAX, &t->resolved.n);
}

enum ts_err troupe_resolved(struct troupe *t)
{
    return mikey_responder_resolved(t->r, &t->now, view(&t->resolved));
}

enum ts_err troupe_answer(struct troupe *t)
{
    return mikey_responder_answer(t->r, &t->now, &t->answer, t->resp.b,
                                  TROUPE_MAX, &t->resp.n, t->mem_at_r,
                                  sizeof t->mem_at_r, &t->at_r);
}

enum ts_err troupe_answered(struct troupe *t)
{
    if (t->resp.n == 0)
        return mikey_initiator_unanswered(t->i, &t->now, t->mem_at_i,
                                          sizeof t->mem_at_i, &t->at_i);
    return mikey_initiator_answered(t->i, &t->now, view(&t->resp), t->mem_at_i,
                                    sizeof t->mem_at_i, &t->at_i);
}

void troupe_ticket(struct troupe *t)
{
    if (t->self_made) {
        OK(mikey_initiator_make(t->i, &t->now, &t->wish));
        return;
    }
    OK(troupe_request(t));
    OK(troupe_grant(t));
    OK(troupe_granted(t));
}

void troupe_verified(struct troupe *t)
{
    troupe_ticket(t);
    OK(troupe_transfer(t));
    OK(troupe_offered(t));
    if (t->local) {
        OK(mikey_responder_open(t->r, &t->now));
        return;
    }
    OK(troupe_resolve(t));
    OK(troupe_resolved(t));
}

void troupe_call(struct troupe *t)
{
    troupe_verified(t);
    OK(troupe_answer(t));
    OK(troupe_answered(t));
}
