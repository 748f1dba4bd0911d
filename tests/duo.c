/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/duo.h"

#define NOW UINT64_C(1565884800500000) /* pair.t: 2019-08-15 16:00 UTC */

/* Octets that never come twice. */
static enum ts_err count_up(void *arg, uint8_t *buf, size_t n)
{
    struct duo *d = arg;
    static unsigned drawn;
    if (++d->draws == d->fail_at)
        return TS_E_IO;
    for (size_t i = 0; i < n; i++) {
        drawn++;
        buf[i] = (uint8_t)(drawn * 37 + (drawn >> 8));
    }
    return TS_OK;
}

static bool is_accepted(void *arg, const struct mikey_srtp_policy *policy)
{
    const struct duo *d = arg;
    return !d->strict && policy->encr_alg != MIKEY_SRTP_AES_F8;
}

static void begin(struct duo *d, unsigned bits)
{
    const struct ts_span zero = LITERAL("\0");
    memset(d, 0, sizeof *d); /* lint: of the test, whatever was in it */
    pair_init(&d->pair, mikey_suite_bits(bits));
    d->now.us = NOW;
    d->alice = (struct mikey_peer_party){.self = d->pair.alice,
                                         .peer = d->pair.bob,
                                         .bits = bits,
                                         .arg = d,
                                         .random = count_up,
                                         .acceptable = is_accepted};
    d->bob = d->alice;
    d->bob.self = d->pair.bob;
    d->bob.peer = d->pair.alice;
    d->policy = mikey_srtp_usual(d->pair.suite);
    for (unsigned i = 0; i < 3; i++)
        d->session[i].policies = zero;
    d->session[0].known = true;
    d->session[0].ssrc = 0xa11ce;
    d->bobs[0] = (struct mikey_session){.cs = 2, .known = true, .ssrc = 0xb0b};
    d->bobs[1] = (struct mikey_session){.cs = 3, .known = true, .ssrc = 0xb0c};
    d->n_bobs = 1;
    d->terms = (struct mikey_terms){.session = d->session,
                                    .n_sessions = 2,
                                    .policy = &d->policy,
                                    .n_policies = 1,
                                    .want_answer = true,
                                    .sdp_ids = LITERAL("mikey")};
}

void duo_begin(struct duo *d, unsigned bits)
{
    begin(d, bits);
    d->alice.psk = d->bob.psk = ts_key_span(&d->pair.psk);
    duo_again(d);
}

void duo_begin_pk(struct duo *d, unsigned bits)
{
    begin(d, bits);
    d->alice.signer = &d->pair.signer;
    d->alice.sealer = &d->pair.to_bob;
    d->bob.verifier = &d->pair.trust;
    d->bob.opener = &d->pair.bobs_key;
    duo_again(d);
}

void duo_again(struct duo *d)
{
    d->a = mikey_peer_init(d->mem_a, sizeof d->mem_a, &d->alice);
    d->b = mikey_peer_init(d->mem_b, sizeof d->mem_b, &d->bob);
    assert_non_null(d->a);
    assert_non_null(d->b);
}

void duo_later(struct duo *d)
{
    d->now.us += 1000000;
    d->terms = (struct mikey_terms){.want_answer = true};
    d->n_bobs = 0;
}

enum ts_err duo_offer(struct duo *d)
{
    return mikey_peer_offer(d->a, &d->now, &d->terms, d->init.b,
                            sizeof d->init.b, &d->init.n);
}

enum ts_err duo_update(struct duo *d)
{
    return mikey_peer_update(d->a, &d->now, &d->terms, d->init.b,
                             sizeof d->init.b, &d->init.n);
}

enum ts_err duo_offered(struct duo *d, struct ts_span message)
{
    return mikey_peer_offered(d->b, &d->now, message, &d->proposal, &d->error);
}

enum ts_err duo_updated(struct duo *d, struct ts_span message)
{
    return mikey_peer_updated(d->b, &d->now, message, &d->proposal, &d->error);
}

enum ts_err duo_answer(struct duo *d)
{
    return mikey_peer_answer(d->b, d->bobs, d->n_bobs, d->resp.b,
                             sizeof d->resp.b, &d->resp.n);
}

enum ts_err duo_answered(struct duo *d, struct ts_span message)
{
    return mikey_peer_answered(d->a, &d->now, message);
}

static void finish(struct duo *d)
{
    OK(duo_answer(d));
    assert_int_equal(d->resp.n > 0, d->terms.want_answer);
    if (d->resp.n)
        OK(duo_answered(d, span_of(&d->resp)));
}

void duo_call(struct duo *d)
{
    OK(duo_offer(d));
    OK(duo_offered(d, span_of(&d->init)));
    finish(d);
}

void duo_renew(struct duo *d)
{
    OK(duo_update(d));
    OK(duo_updated(d, span_of(&d->init)));
    finish(d);
}

/* A policy read back names more than its writer did. */
static void same(const struct mikey_srtp_key *a, const struct mikey_srtp_key *b)
{
    assert_true(mikey_srtp_policy_equal(&a->policy, &b->policy));
    SAME(ts_span(a->key, a->key_len), ts_span(b->key, b->key_len));
    SAME(ts_span(a->salt, a->salt_len), ts_span(b->salt, b->salt_len));
    SAME(ts_span(a->spi, a->spi_len), ts_span(b->spi, b->spi_len));
}

void duo_same_keys(struct duo *d, uint8_t cs, struct mikey_srtp_key *out)
{
    struct mikey_srtp_key a, b;
    OK(mikey_peer_srtp(d->a, cs, &a));
    OK(mikey_peer_srtp(d->b, cs, &b));
    same(&a, &b);
    assert_int_equal(a.key_len, a.policy.encr_key);
    assert_int_equal(a.salt_len, a.policy.salt);
    if (out)
        *out = a;
}

void duo_same_as(struct duo *d, uint8_t cs, const struct mikey_srtp_key *old)
{
    struct mikey_srtp_key now;
    duo_same_keys(d, cs, &now);
    same(&now, old);
}

void duo_hold(const struct mikey_peer *p, struct duo_held *held)
{
    assert_true(mikey_peer_size(0) <= sizeof held->b);
    memcpy(held->b, p, mikey_peer_size(0));
}

void duo_unchanged(const struct mikey_peer *p, const struct duo_held *held)
{
    assert_memory_equal(held->b, p, mikey_peer_size(0));
}
