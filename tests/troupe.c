/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/troupe.h"

#define NOW (UINT64_C(1795456800) * SECONDS) /* 2026-11-23 18:00 UTC */

static const char tpk[] = "the ticket key of the KMS itself";

static const struct {
    const char *uri, *psk, *psk_id;
} users[] = {
    {"sip:alice@example.org", "0123456789abcdef0123456789ABCDEF", "alice-1"},
    {"sip:bob@example.org", "fedcba9876543210FEDCBA9876543210", "bob-1"},
    {"sip:carol@example.org", "00112233445566778899aabbccddeeff", "carol-1"},
    {"sip:dave@example.org", "ffeeddccbbaa99887766554433221100", "dave-1"},
};
#define USERS (sizeof users / sizeof users[0])

struct mikey_id troupe_uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

struct mikey_key troupe_key(uint8_t type, size_t n, uint8_t first, char spi)
{
    static uint8_t octets[256 + MIKEY_KEY_MAX + 255];
    static const char spis[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
    const char *at = strchr(spis, spi);
    const bool salted = type & 1 && type != MIKEY_K_PR;
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)i;
    assert_non_null(at);
    return (struct mikey_key){
        .type = type,
        .kv = MIKEY_KV_SPI,
        .key = ts_span(octets + first, n),
        .salt = ts_span(octets + first + 100, salted ? 14 : 0),
        .spi = ts_span(at, 1)};
}

/* Octets that never come twice. */
static enum ts_err count_up(void *arg, uint8_t *buf, size_t n)
{
    struct troupe *t = arg;
    if (++t->draws >= t->fails_from && t->fails_from)
        return TS_E_IO;
    for (size_t i = 0; i < n; i++) {
        t->drawn++;
        buf[i] = (uint8_t)(t->drawn * 37 + (t->drawn >> 8));
    }
    return TS_OK;
}

/* ---- who is who ---- */

static bool names(const struct mikey_id *id, const char *text)
{
    return ts_span_equal(id->data, ts_span_str(text));
}

bool troupe_same(void *arg, const struct mikey_id *a, const struct mikey_id *b)
{
    (void)arg;
    bool member = names(b, users[1].uri) || names(b, users[2].uri) ||
                  names(b, users[3].uri) || names(b, TEAM);
    return a->type == b->type &&
           (ts_span_equal(a->data, b->data) || (names(a, TEAM) && member));
}

static enum ts_err find_user(void *arg, const struct mikey_id *key_id,
                             const struct mikey_id *claimed,
                             struct mikey_user *user)
{
    const struct troupe *t = arg;
    (void)claimed;
    for (size_t i = 0; i < USERS; i++)
        if (names(key_id, users[i].psk_id) || names(key_id, users[i].uri))
            *user = (struct mikey_user){.psk = t->psk[i],
                                        .self = troupe_uri(users[i].uri)};
    return TS_OK;
}

/* Grants what is asked for, and gives keys to whom the ticket names. */
static enum ts_err as_asked(void *arg, struct mikey_case *c)
{
    c->flags = c->ticket.flags & (uint16_t)~MIKEY_FLAG_K;
    for (size_t i = 0; c->resolve && i < c->ticket.n_responders; i++)
        if (troupe_same(arg, &c->responder[i], &c->who))
            return TS_OK;
    return c->resolve ? TS_E_DENIED : TS_OK;
}

static struct mikey_party party(struct troupe *t, size_t nth, unsigned bits)
{
    return (struct mikey_party){
        .self = troupe_uri(users[nth].uri),
        .kms = t->kms.self,
        .bits = bits,
        .psk = t->psk[nth],
        .psk_id = ts_span_str(users[nth].psk_id),
        .tpk_id = ts_span_str("tpk-1"),
        .arg = t,
        .random = count_up,
    };
}

static void set_callee(struct troupe *t, size_t nth, unsigned bits)
{
    struct troupe_callee *c = &t->callee[nth];
    c->party = party(t, 1 + nth, bits);
    c->session = (struct mikey_session){
        .cs = 2, .known = true, .ssrc = 0xb0b + (uint32_t)nth};
    c->answer = (struct mikey_answer){.session = &c->session, .n_sessions = 1};
    c->r = mikey_responder_init(c->mem_r, sizeof c->mem_r, &c->party);
    assert_non_null(c->r);
}

void troupe_begin(struct troupe *t, unsigned bits)
{
    memset(t, 0, sizeof *t); /* lint: of the test, whatever was in it */
    t->now.us = NOW;
    t->kms = (struct mikey_kms){
        .self = troupe_uri("sip:kms@example.org"),
        .tpk = ts_span(tpk, bits / 8),
        .tpk_id = ts_span_str("tpk-1"),
        .arg = t,
        .random = count_up,
        .user = find_user,
        .decide = as_asked,
    };
    for (size_t i = 0; i < USERS; i++)
        t->psk[i] = ts_span(users[i].psk, bits / 8);
    t->alice = party(t, 0, bits);
    for (size_t i = 0; i < 3; i++)
        set_callee(t, i, bits);
    t->bob = t->callee;
    t->responder = t->bob->party.self;
    t->wish.responder = &t->responder;
    t->wish.n_responders = 1;
    t->policy = mikey_srtp_usual(mikey_suite_bits(bits));
    t->session[0] = (struct mikey_session){
        .cs = 1, .known = true, .ssrc = 0xa11ce, .policies = ts_span("", 1)};
    t->session[1] = (struct mikey_session){.cs = 2, .policies = ts_span("", 1)};
    t->offer = (struct mikey_offer){.to = t->bob->party.self,
                                    .session = t->session,
                                    .n_sessions = 2,
                                    .policy = &t->policy,
                                    .n_policies = 1,
                                    .sdp_ids = ts_span_str("mikey")};
    t->i = mikey_initiator_init(t->mem_i, sizeof t->mem_i, &t->alice);
    assert_non_null(t->i);
    troupe_mode(t, 1, MIKEY_FLAG_I);
}

void troupe_flags(struct troupe *t, unsigned mode, unsigned flags)
{
    t->self_made = mode >= 3;
    t->local = mode == 2 || mode == 4;
    flags |= t->self_made ? MIKEY_FLAG_L : MIKEY_FLAG_D;
    if (!t->local)
        flags |= MIKEY_FLAG_E;
    t->wish.flags = (uint16_t)flags;
    if (t->self_made)
        t->alice.tpk = t->kms.tpk;
    for (size_t i = 0; t->local && i < 3; i++)
        t->callee[i].party.tpk = t->kms.tpk;
}

void troupe_mode(struct troupe *t, unsigned mode, unsigned more)
{
    troupe_flags(t, mode, TROUPE_FLAGS | more);
}

struct mikey_msg troupe_read(const struct troupe_message *m)
{
    struct mikey_msg read;
    OK(mikey_msg_read(troupe_view(m), &read, NULL));
    return read;
}

/* ---- the steps ---- */

enum ts_err troupe_request(struct troupe *t)
{
    return mikey_initiator_request(t->i, &t->now, &t->wish, t->request.b,
                                   TROUPE_MAX, &t->request.n);
}

enum ts_err troupe_grant(struct troupe *t)
{
    t->asked++;
    return mikey_kms_answer(&t->kms, &t->now, troupe_view(&t->request),
                            t->granted.b, TROUPE_MAX, &t->granted.n);
}

enum ts_err troupe_granted(struct troupe *t)
{
    return mikey_initiator_granted(t->i, &t->now, troupe_view(&t->granted));
}

enum ts_err troupe_transfer(struct troupe *t)
{
    return mikey_initiator_transfer(t->i, &t->now, &t->offer, t->transfer.b,
                                    TROUPE_MAX, &t->transfer.n);
}

enum ts_err troupe_offered(struct troupe *t)
{
    return mikey_responder_offered(
        t->bob->r, &t->now, troupe_view(&t->transfer), &t->bob->offered, NULL);
}

enum ts_err troupe_resolve(struct troupe *t)
{
    return mikey_responder_resolve(t->bob->r, &t->now, t->bob->resolve.b,
                                   TROUPE_MAX, &t->bob->resolve.n);
}

enum ts_err troupe_resolve_at_kms(struct troupe *t)
{
    t->asked++;
    return mikey_kms_answer(&t->kms, &t->now, troupe_view(&t->bob->resolve),
                            t->bob->resolved.b, TROUPE_MAX,
                            &t->bob->resolved.n);
}

enum ts_err troupe_resolved(struct troupe *t)
{
    return mikey_responder_resolved(t->bob->r, &t->now,
                                    troupe_view(&t->bob->resolved));
}

enum ts_err troupe_answer(struct troupe *t)
{
    struct troupe_callee *c = t->bob;
    return mikey_responder_answer(c->r, &t->now, &c->answer, c->resp.b,
                                  TROUPE_MAX, &c->resp.n, c->mem_at_r,
                                  sizeof c->mem_at_r, &c->at_r);
}

enum ts_err troupe_answered(struct troupe *t)
{
    struct troupe_callee *c = t->bob;
    if (!(t->wish.flags & MIKEY_FLAG_F))
        return mikey_initiator_unanswered(t->i, &t->now, c->mem_at_i,
                                          sizeof c->mem_at_i, &c->at_i);
    return mikey_initiator_answered(t->i, &t->now, troupe_view(&c->resp),
                                    c->mem_at_i, sizeof c->mem_at_i, &c->at_i);
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

enum ts_err troupe_verify(struct troupe *t)
{
    enum ts_err err = troupe_offered(t);
    if (err)
        return err;
    if (t->local)
        return mikey_responder_open(t->bob->r, &t->now);
    err = troupe_resolve(t);
    if (!err)
        err = troupe_resolve_at_kms(t);
    return err ? err : troupe_resolved(t);
}

void troupe_verified(struct troupe *t)
{
    troupe_ticket(t);
    OK(troupe_transfer(t));
    OK(troupe_verify(t));
}

void troupe_finish(struct troupe *t)
{
    OK(troupe_answer(t));
    OK(troupe_answered(t));
}

void troupe_call(struct troupe *t)
{
    troupe_verified(t);
    troupe_finish(t);
}

void troupe_sign_offer(struct troupe *t)
{
    uint8_t *b = t->transfer.b;
    const struct mikey_msg m = troupe_read(&t->transfer);
    const struct mikey_suite *suite = mikey_suite_prf(m.hdr.prf);
    const size_t cut = mikey_at(&m, m.ticket.init) - 2;
    const size_t resume = cut + 2 + m.ticket.init.n;
    const size_t mac = mikey_at(&m, m.v.mac);
    struct mikey_protect keys;
    struct mikey_hmac h;
    struct ts_key mpk_r;
    uint8_t data[MIKEY_INIT_DATA_MAX];
    mikey_protect_of(&m, NULL, t->i->keys.k[0].key, &keys);
    mikey_protect_auth(&keys, &h);
    mikey_hmac_add(&h, ts_span(b, cut));
    mikey_hmac_add(&h, ts_span(b + resume, mac - resume));
    mikey_hmac_add(&h, t->alice.self.data);
    mikey_hmac_add(&h, t->offer.to.data);
    mikey_hmac_end(&h, b + mac, suite->mac);
    if (!m.ticket.init.n)
        return;
    OK(ts_key_set(&mpk_r, t->i->keys.k[1].key));
    size_t n = mikey_init_data_make(&mpk_r, suite, b + mac, data);
    assert_int_equal(n, m.ticket.init.n);
    memcpy(b + cut + 2, data, n);
}

void troupe_same_keys(const struct troupe *t, uint8_t cs,
                      struct mikey_srtp_key *out)
{
    struct mikey_srtp_key a, b;
    OK(mikey_bundle_srtp(t->bob->at_i, cs, &a));
    OK(mikey_bundle_srtp(t->bob->at_r, cs, &b));
    assert_true(a.key_len >= 16);
    assert_int_equal(a.key_len, b.key_len);
    assert_memory_equal(a.key, b.key, a.key_len);
    assert_int_equal(a.salt_len, b.salt_len);
    assert_memory_equal(a.salt, b.salt, a.salt_len);
    assert_int_equal(a.spi_len, b.spi_len);
    assert_memory_equal(a.spi, b.spi, a.spi_len);
    assert_true(mikey_srtp_policy_equal(&a.policy, &b.policy));
    if (out)
        *out = a;
}

enum ts_err troupe_update(struct troupe *t, enum mikey_side from,
                          const struct mikey_update *update,
                          struct troupe_message *m)
{
    static struct troupe_message answer;
    const enum mikey_side to =
        from == MIKEY_INITIATOR ? MIKEY_RESPONDER : MIKEY_INITIATOR;
    struct mikey_bundle *a = troupe_end(t, from), *b = troupe_end(t, to);
    enum ts_err err =
        mikey_bundle_update(a, &t->now, update, m->b, TROUPE_MAX, &m->n);
    if (!err)
        err = mikey_bundle_receive(b, &t->now, troupe_view(m), NULL, answer.b,
                                   TROUPE_MAX, &answer.n);
    assert_true(err || (answer.n > 0) == update->want_answer);
    if (!err && answer.n)
        err = mikey_bundle_receive(a, &t->now, troupe_view(&answer), NULL, NULL,
                                   0, &answer.n);
    return err;
}

/* ---- nothing changes ---- */

/* Its buffers; scratch is not for keeping, pending is while it waits. */
static size_t buffers(const struct troupe *t, const struct mikey_buf *b[8])
{
    size_t n = 0;
    b[n++] = &t->i->sent;
    b[n++] = &t->i->ticket;
    b[n++] = &t->i->offered;
    b[n++] = &t->bob->r->offer;
    b[n++] = &t->bob->r->sent;
    b[n++] = &t->bob->r->ticket;
    if (t->bob->at_i)
        b[n++] = &t->bob->at_i->entries;
    if (t->bob->at_r)
        b[n++] = &t->bob->at_r->entries;
    return n;
}

/* Without what may change when a step fails. */
static void copy_objects(const struct troupe *t, struct troupe_still *s)
{
    const struct mikey_bundle *end[] = {t->bob->at_i, t->bob->at_r};
    s->i = *t->i;
    s->i.refusal = (struct mikey_refusal){0};
    s->r = *t->bob->r;
    s->r.refusal = (struct mikey_refusal){0};
    s->r.refused = false;
    s->r.about = (struct mikey_hdr){0};
    for (size_t k = 0; k < 2; k++) {
        if (!end[k])
            continue;
        s->end[k] = *end[k];
        s->end[k].refusal = (struct mikey_refusal){0};
        s->end[k].pending.n = 0;
        /* behind the end, where a change was tried out */
        for (size_t i = s->end[k].sps.n; i < MIKEY_SP_MAX; i++) {
            s->end[k].sps.sp[i] = (struct mikey_sp){0};
            s->end[k].sps.ours[i] = false;
        }
    }
}

void troupe_freeze(const struct troupe *t, struct troupe_still *s)
{
    const struct mikey_buf *b[8];
    const size_t n = buffers(t, b);
    memset(s, 0, sizeof *s); /* lint: of the test, whatever was in it */
    copy_objects(t, s);
    for (size_t i = 0; i < n; i++)
        if (b[i]->n)
            memcpy(s->bytes[i], b[i]->p, b[i]->n);
}

void troupe_unchanged(const struct troupe *t, const struct troupe_still *s)
{
    static struct troupe_still now;
    troupe_freeze(t, &now);
    assert_memory_equal(&now, s, sizeof now);
}
