/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/vectors/ through <mikey/mikey.h>: an Initiator, a Responder and a KMS
 * play the exchange with the vector's random octets, and each of their
 * messages is the published one; in updates but for T (see t_of_ours()).
 *
 * So it is with 256 bits. With 128 our RANDs are longer than the vectors': the
 * Responder takes published offers; where G=0 the Initiator makes them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "mikey/session.h"
#include "tests/unit.h"
#include "tests/vector.h"

#define MESSAGE 4096
#define MEMORY  65536
#define DRAWS   4

static struct vector v;
static const struct ts_span none;

static struct {
    struct mikey_party alice, bob;
    struct mikey_now now;
    struct mikey_initiator *i;
    struct mikey_responder *r;
    struct mikey_bundle *at_i, *at_r;
    bool exact; /* RANDs are as long as ours */
    bool both;  /* the Initiator is ours, too */
    bool has_ticket, resolved;
    const struct vector_message *step; /* for the functions that we lend */
    const struct mikey_id *who;        /* who answers, as the KMS says */
    uint16_t flags;                    /* that the KMS grants */
    size_t n_draws, drawn;
    struct ts_span draw[DRAWS];
    struct vector_pk pk;
    uint8_t keys[MESSAGE], ticket[MESSAGE], out[MESSAGE];
    _Alignas(16) uint8_t mem_i[MEMORY], mem_r[MEMORY];
    _Alignas(16) uint8_t mem_at_i[MEMORY], mem_at_r[MEMORY];
} play;

/* --- what we lend to the roles --- */

static enum ts_err draw(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    if (play.drawn == play.n_draws || play.draw[play.drawn].n != n)
        return TS_E_IO;
    memcpy(buf, play.draw[play.drawn++].p, n);
    return TS_OK;
}

static void will_draw(struct ts_span a, struct ts_span b, struct ts_span c)
{
    const struct ts_span all[] = {a, b, c};
    play.n_draws = play.drawn = 0;
    for (size_t i = 0; i < 3; i++)
        if (all[i].n)
            play.draw[play.n_draws++] = all[i];
}

/* Everybody in a vector with the called group is a member of it. */
static bool same(void *arg, const struct mikey_id *a, const struct mikey_id *b)
{
    static const char called[] = "sip:it-support@example.com";
    (void)arg;
    return ts_span_equal(a->data, b->data) ||
           ts_span_equal(a->data, ts_span_str(called)) ||
           ts_span_equal(b->data, ts_span_str(called));
}

static struct mikey_id uri(struct ts_span text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, text};
}

static enum ts_err user(void *arg, const struct mikey_id *key_id,
                        const struct mikey_id *claimed, struct mikey_user *u)
{
    (void)arg;
    (void)key_id;
    (void)claimed;
    const struct vector_message *t = play.step;
    bool request = mikey_is_request_init(t->m.hdr.type);
    *u = (struct mikey_user){vector_secret(&v, t, "PSK"),
                             uri(request ? t->ids.i : t->ids.r), false};
    return TS_OK;
}

static enum ts_err decide(void *arg, struct mikey_case *c)
{
    (void)arg;
    if (c->resolve)
        c->who = *play.who;
    else
        c->flags = play.flags;
    return TS_OK;
}

/* --- steps --- */

static void at_time(const struct vector_message *t)
{
    uint64_t us;
    OK(mikey_time_unix(t->m.t, &us));
    play.now = (struct mikey_now){.us = us, .ts_type = t->m.t.type};
}

static void must_be(const struct vector_message *t, size_t n)
{
    size_t at = 0;
    while (at < n && at < t->raw.n && play.out[at] == t->raw.p[at])
        at++;
    if (n != t->raw.n || at < n)
        fail_msg("%s, %s: other octets from %zu on", v.name, t->name, at);
    assert_int_equal(play.drawn, play.n_draws);
}

/* T as our roles wrote it in an update, of n octets: later than what is
 * answered, odd from a Responder and even from an Initiator. The vectors repeat
 * a T, and do not say which bundle it is. */
static struct mikey_time t_of_ours(const struct vector_message *t, size_t n)
{
    struct mikey_msg m;
    OK(mikey_msg_read(ts_span(play.out, n), &m, NULL));
    const unsigned unit = m.t.type == MIKEY_NTP_UTC_32 ? 32 : 0;
    assert_int_equal(m.t.type, t->m.t.type);
    assert_true(!t->init || mikey_time_later(m.t, t->init->m.t));
    assert_int_equal(m.t.value >> unit & 1, vector_side(t) == MIKEY_RESPONDER);
    return m.t;
}

/* Make the vector's message what it would be with that T. */
static void retime(const struct vector_message *t, struct vector_opened *o,
                   size_t n)
{
    static uint8_t room[VECTOR_MESSAGES][MESSAGE];
    const size_t i = (size_t)(t - v.msg);
    struct ts_writer w = ts_writer_init(room[i], MESSAGE);
    v.msg[i].m.t = t_of_ours(t, n);
    OK(vector_build(&v, t, o, &w));
    v.msg[i].raw = ts_written(&w);
    OK(mikey_msg_read(v.msg[i].raw, &v.msg[i].m, NULL));
}

static struct ts_span csb_octets(const struct mikey_msg *m)
{
    return ts_span(m->raw.p + 4, 4);
}

/* What a message leaves out, and who vouches for it. */
static void dress(struct mikey_party *p, const struct vector_message *t,
                  struct ts_span self)
{
    p->self = uri(self);
    p->kms = uri(t->ids.kms);
    p->omit = 0;
    for (unsigned role = MIKEY_IDR_I; role <= MIKEY_IDR_KMS; role++)
        if (!t->m.idr[role].data.p)
            p->omit |= 1u << role;
    p->psk = vector_secret(&v, t, "PSK");
    p->psk_id = t->m.idr[MIKEY_IDR_PSK].data;
    p->signer = NULL;
    if (t->m.has_sign) {
        v.pk(&v, t, &play.pk);
        p->signer = &play.pk.signer;
        p->sealer = &play.pk.sealer;
    }
}

static void request(const struct vector_message *t)
{
    static struct mikey_keys want;
    struct mikey_policy p;
    size_t n = 0;
    dress(&play.alice, t, t->ids.i);
    OK(mikey_policy_read(t->m.tp.data, &p));
    if (p.has_kemac)
        OK(mikey_wanted_read(&p.kemac, &want));
    const struct mikey_wish wish = {
        .flags = t->m.tp.flags,
        .responder = p.responder,
        .n_responders = p.n_responders,
        .app = p.app,
        .n_apps = p.n_apps,
        .start = p.start,
        .end = p.end,
        .rekey = p.rekey,
        .keys = p.has_kemac ? want.k : NULL,
        .n_keys = p.has_kemac ? want.n : 0,
    };
    will_draw(t->m.has_sign ? vector_secret(&v, t, "env_key") : none,
              csb_octets(&t->m), t->m.rand[MIKEY_RAND_I]);
    OK(mikey_initiator_request(play.i, &play.now, &wish, play.out, MESSAGE,
                               &n));
    must_be(t, n);
}

/* A KMS in the place of the vector's. */
static struct mikey_kms kms_of(const struct vector_message *t,
                               const struct vector_message *init)
{
    play.step = init;
    v.pk(&v, init, &play.pk);
    struct mikey_kms kms = {
        .self = uri(init->ids.kms),
        .tpk = vector_secret(&v, t->m.has_ticket ? t : init, "TPK"),
        .random = draw,
        .user = user,
        .decide = decide,
    };
    if (init->m.has_sign) {
        kms.verifier = &play.pk.verifier;
        kms.opener = &play.pk.opener;
    }
    return kms;
}

/* MPK and session keys of a ticket, as the KMS draws them. */
static struct ts_span fresh_keys(const struct vector_opened *o)
{
    static uint8_t bytes[512];
    struct ts_writer w = ts_writer_init(bytes, sizeof bytes);
    for (size_t k = 0; k < o->ticket.keys.n; k++) {
        ts_put_span(&w, o->ticket.keys.k[k].key);
        ts_put_span(&w, o->ticket.keys.k[k].salt);
    }
    OK(w.err);
    return ts_written(&w);
}

/* The KMS's own answer has a RAND of another length, and one time for ticket
 * and message: policy and session keys are the vector's. */
static void grant(const struct vector_message *t)
{
    static struct vector_opened o;
    static struct mikey_reply reply;
    static const uint8_t rand[MIKEY_KEY_MAX] = {1};
    size_t n = 0;
    if (!vector_secret(&v, t, "TPK").p || vector_bends(t))
        return;
    OK(vector_open(&v, t, t->raw, &o));
    if (o.ticket.keys.n == 1)
        return; /* nothing was asked for: we then give one TGK (R37) */
    const struct mikey_kms kms = kms_of(t, t->init);
    play.flags = t->m.ticket.tp.flags & (uint16_t)~MIKEY_FLAG_K;
    will_draw(ts_span(rand, sizeof rand), ts_span(rand, 4), fresh_keys(&o));
    at_time(t->init);
    OK(mikey_kms_answer(&kms, &play.now, t->init->raw, play.out, MESSAGE, &n));
    OK(mikey_reply_open(&t->init->m, ts_span(play.out, n), vector_key(&v, t),
                        &reply));
    assert_true(ts_span_equal(reply.msg.ticket.tp.data, t->m.ticket.tp.data));
    assert_int_equal(reply.msg.ticket.tp.flags, t->m.ticket.tp.flags);
    assert_int_equal(reply.keys.n, o.kemac.n);
    for (size_t k = reply.fork ? 2 : 1; k < reply.keys.n; k++) {
        assert_true(ts_span_equal(reply.keys.k[k].key, o.kemac.k[k].key));
        assert_true(ts_span_equal(reply.keys.k[k].salt, o.kemac.k[k].salt));
        assert_true(ts_span_equal(reply.keys.k[k].spi, o.kemac.k[k].spi));
    }
    at_time(t);
}

static void granted(const struct vector_message *t)
{
    OK(mikey_initiator_granted(play.i, &play.now, t->raw));
    play.has_ticket = true;
}

/* The ticket of a TRANSFER_INIT as its Initiator has it. */
static void adopt(const struct vector_message *t,
                  const struct vector_opened *opened)
{
    const struct mikey_opened *o = &opened->ticket;
    struct ts_writer keys = ts_writer_init(play.keys, sizeof play.keys);
    struct ts_writer ticket = ts_writer_init(play.ticket, sizeof play.ticket);
    struct mikey_key all[2 + MIKEY_WANT_MAX];
    struct mikey_build b = {&ticket, 0, 0};
    mikey_build_ticket_as(&b, &t->m.ticket, none);
    size_t n = mikey_reply_keys(o->keys.k, o->keys.n, &o->mpk_i, &o->mpk_r,
                                t->m.ticket.tp.flags & MIKEY_FLAG_I, all);
    for (size_t k = 0; k < n; k++)
        mikey_put_key(&keys, &all[k], k + 1 == n);
    OK(keys.err);
    OK(ticket.err);
    const struct mikey_held held = {.ticket = ts_written(&ticket),
                                    .keys = ts_written(&keys)};
    OK(mikey_initiator_adopt(play.i, &play.now, &held));
    play.has_ticket = true;
}

static size_t sessions_of(const struct mikey_hdr *hdr, struct mikey_session *s)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    for (size_t i = 0; i < hdr->n_cs; i++) {
        struct mikey_cs cs;
        OK(mikey_cs_read(&r, &cs));
        s[i] = mikey_cs_session(&cs);
    }
    return hdr->n_cs;
}

/* What one side says of itself in a message of the vector. */
struct part {
    struct vector_opened o;
    struct mikey_session session[8];
    struct mikey_srtp_policy policy[MIKEY_SP_MAX];
    uint8_t no[MIKEY_SP_MAX];
    struct mikey_answer says;
};

static void part_of(const struct vector_message *t, struct part *p)
{
    OK(vector_open(&v, t, t->raw, &p->o));
    for (size_t i = 0; i < t->m.n_sp; i++) {
        OK(mikey_srtp_policy_read(&t->m.sp[i], &p->policy[i]));
        p->no[i] = t->m.sp[i].no;
    }
    p->says = (struct mikey_answer){
        .session = p->session,
        .n_sessions = sessions_of(&t->m.hdr, p->session),
        .policy = p->policy,
        .policy_no = p->no,
        .n_policies = t->m.n_sp,
        .keys = p->o.kemac.k,
        .n_keys = p->o.kemac.n,
    };
}

static void transfer(const struct vector_message *t)
{
    static struct part p;
    const bool own = t->m.ticket.tp.flags & MIKEY_FLAG_G; /* R251 */
    size_t n = 0;
    part_of(t, &p);
    dress(&play.alice, t, t->ids.i);
    if (!play.has_ticket)
        adopt(t, &p.o);
    const struct mikey_offer offer = {
        .to = uri(t->ids.r),
        .session = p.says.session,
        .n_sessions = p.says.n_sessions,
        .policy = p.says.policy,
        .n_policies = p.says.n_policies,
        .keys = p.says.keys,
        .n_keys = p.says.n_keys,
        .sdp_ids = t->m.sdp_ids,
        .rand_i = own ? none : t->m.rand[MIKEY_RAND_I],
        .csb = own ? 0 : t->m.hdr.csb,
    };
    will_draw(own ? t->m.rand[MIKEY_RAND_I] : none,
              own ? csb_octets(&t->m) : none, none);
    OK(mikey_initiator_transfer(play.i, &play.now, &offer, play.out, MESSAGE,
                                &n));
    must_be(t, n);
}

/* The Responder has the offer; who it is stands in the answer. */
static void offered(const struct vector_message *t,
                    const struct vector_message *answer)
{
    struct mikey_offered offer;
    dress(&play.bob, answer ? answer : t, (answer ? answer : t)->ids.r);
    play.bob.tpk = none;
    if (!(t->m.ticket.tp.flags & MIKEY_FLAG_E))
        play.bob.tpk = vector_secret(&v, t, "TPK");
    OK(mikey_responder_offered(play.r, &play.now, t->raw, &offer, NULL));
    assert_int_equal(offer.bits, play.bob.bits);
    if (!offer.needs_kms)
        OK(mikey_responder_open(play.r, &play.now));
}

static void resolve(const struct vector_message *t)
{
    size_t n = 0;
    dress(&play.bob, t, t->ids.r);
    will_draw(t->m.has_sign ? vector_secret(&v, t, "env_key") : none,
              csb_octets(&t->m), t->m.rand[MIKEY_RAND_R]);
    OK(mikey_responder_resolve(play.r, &play.now, play.out, MESSAGE, &n));
    must_be(t, n);
}

static void resolved_by_kms(const struct vector_message *t)
{
    const struct mikey_kms kms = kms_of(t, t->init);
    struct mikey_id who = uri(t->ids.r);
    size_t n = 0;
    play.who = &who;
    will_draw(t->m.rand[MIKEY_RAND_KMS], none, none);
    if (!play.n_draws) /* it draws one in any case, and sends it if I=1 */
        will_draw(t->init->m.rand[MIKEY_RAND_R], none, none);
    OK(mikey_kms_answer(&kms, &play.now, t->init->raw, play.out, MESSAGE, &n));
    if (t->m.idr[MIKEY_IDR_KMS].data.p)
        must_be(t, n);
}

static void say_nothing(void)
{
    size_t n = 1;
    OK(mikey_responder_answer(play.r, &play.now, NULL, play.out, MESSAGE, &n,
                              play.mem_at_r, MEMORY, &play.at_r));
    assert_int_equal(n, 0);
}

/* F=0: the Responder has its bundle now, as there is nothing to send. */
static void resolved(const struct vector_message *t)
{
    OK(mikey_responder_resolved(play.r, &play.now, t->raw));
    play.resolved = true;
    if (!(t->init->m.ticket.tp.flags & MIKEY_FLAG_F))
        say_nothing();
}

/* With 128 bits, or when a ticket is used again: what was kept. */
static void reuse(const struct vector_message *reply)
{
    static struct vector_opened o;
    OK(vector_open(&v, reply, reply->raw, &o));
    const struct mikey_held held = {
        .ticket = reply->init->m.ticket.body,
        .keys = ts_span(o.kemac.plain, o.kemac.len),
        .idr_r = uri(reply->ids.r),
        .rand_kms = reply->m.rand[MIKEY_RAND_KMS],
    };
    OK(mikey_responder_reuse(play.r, &play.now, &held));
}

static void answer(const struct vector_message *t)
{
    static struct part p;
    uint8_t rand[32] = {7};
    struct ts_span rand_r = t->m.rand[MIKEY_RAND_R];
    size_t n = 0;
    part_of(t, &p);
    if (!play.exact && rand_r.n)
        rand_r = ts_span(rand, sizeof rand);
    will_draw(rand_r, none, none);
    OK(mikey_responder_answer(play.r, &play.now, &p.says, play.out, MESSAGE, &n,
                              play.mem_at_r, MEMORY, &play.at_r));
    if (play.exact && t->m.idr[MIKEY_IDR_R].data.p)
        must_be(t, n);
}

static void answered(const struct vector_message *t)
{
    OK(mikey_initiator_answered(play.i, &play.now, t->raw, play.mem_at_i,
                                MEMORY, &play.at_i));
}

/* --- updates, Errors --- */

static void update(struct mikey_bundle *b, const struct vector_message *t)
{
    static struct part p;
    part_of(t, &p);
    const struct mikey_update u = {
        .keys = p.says.keys,
        .n_keys = p.says.n_keys,
        .session = p.says.session,
        .n_sessions = p.says.n_sessions,
        .policy = p.says.policy,
        .policy_no = p.says.policy_no,
        .n_policies = p.says.n_policies,
        .want_answer = t->m.hdr.v,
    };
    size_t n = 0;
    OK(mikey_bundle_update(b, &play.now, &u, play.out, MESSAGE, &n));
    retime(t, &p.o, n);
    must_be(t, n);
}

/* The other side takes it, and answers as the vector does. */
static void updated(struct mikey_bundle *b, const struct vector_message *t,
                    const struct vector_message *response, struct part *ours)
{
    size_t n = 0;
    if (response)
        at_time(response);
    OK(mikey_bundle_receive(b, &play.now, t->raw, &ours->says, play.out,
                            MESSAGE, &n));
    assert_int_equal(n > 0, response != NULL);
    if (!response)
        return;
    retime(response, &ours->o, n);
    must_be(response, n);
}

static void play_update(const struct vector_message *t,
                        const struct vector_message *response)
{
    static struct part ours, nothing;
    const bool by_i = vector_side(t) == MIKEY_INITIATOR;
    const struct vector_message *other = response ? response : t;
    struct mikey_bundle *sender = by_i ? play.at_i : play.at_r;
    size_t n = 0;
    dress(&play.alice, by_i ? t : other, t->ids.i);
    dress(&play.bob, by_i ? other : t, t->ids.r);
    if (response) /* as long as it answers the vector's own octets */
        part_of(response, &ours);
    update(sender, t);
    updated(by_i ? play.at_r : play.at_i, t, response,
            response ? &ours : &nothing);
    if (response)
        OK(mikey_bundle_receive(sender, &play.now, response->raw, NULL,
                                play.out, MESSAGE, &n));
}

/* About TRANSFER_INIT, to the Initiator. */
static void error(const struct vector_message *t)
{
    struct mikey_bundle *bundle;
    static uint8_t mem[MEMORY];
    if (t->init->m.hdr.type != MIKEY_TRANSFER_INIT)
        return;
    FAILS(TS_E_PEER, mikey_initiator_answered(play.i, &play.now, t->raw, mem,
                                              MEMORY, &bundle));
    const struct mikey_refusal *refusal = mikey_initiator_refusal(play.i);
    assert_int_equal(refusal->n, t->m.n_err);
    assert_int_equal(refusal->no[0], t->m.err[0]);
    assert_int_equal(refusal->proven, t->m.has_v);
}

/* --- one vector --- */

static const struct vector_message *find(const struct vector_message *init,
                                         uint8_t type)
{
    for (size_t i = 0; i < v.n; i++)
        if (v.msg[i].init == init && v.msg[i].m.hdr.type == type)
            return &v.msg[i];
    return NULL;
}

/* The RESOLVE_RESP about the ticket of this offer. */
static const struct vector_message *reply_about(const struct vector_message *t)
{
    for (size_t i = 0; i < v.n; i++) {
        const struct vector_message *b = &v.msg[i];
        if (b->m.hdr.type == MIKEY_RESOLVE_RESP &&
            ts_span_equal(b->init->m.ticket.data, t->m.ticket.data))
            return b;
    }
    return NULL;
}

static void play_transfer(const struct vector_message *t)
{
    const struct vector_message *reply = reply_about(t);
    const uint16_t flags = t->m.ticket.tp.flags;
    play.both = play.exact || !(flags & MIKEY_FLAG_G);
    if (play.both)
        transfer(t);
    offered(t, find(t, MIKEY_TRANSFER_RESP));
    if (reply && (play.resolved || !play.exact))
        reuse(reply);
    if (flags & MIKEY_FLAG_F)
        return;
    if (!play.exact)
        say_nothing();
    if (play.both)
        OK(mikey_initiator_unanswered(play.i, &play.now, play.mem_at_i, MEMORY,
                                      &play.at_i));
}

static void play_kms(const struct vector_message *t)
{
    switch (t->m.hdr.type) {
    case MIKEY_REQUEST_INIT_PSK:
    case MIKEY_REQUEST_INIT_PK:
        request(t);
        break;
    case MIKEY_REQUEST_RESP:
        grant(t);
        granted(t);
        break;
    case MIKEY_RESOLVE_INIT_PSK:
    case MIKEY_RESOLVE_INIT_PK:
        resolve(t);
        break;
    default:
        resolved_by_kms(t);
        resolved(t);
    }
}

static void play_message(const struct vector_message *t)
{
    at_time(t);
    switch (t->m.hdr.type) {
    case MIKEY_TRANSFER_INIT:
        if (vector_is_update(t))
            play_update(t, find(t, MIKEY_TRANSFER_RESP));
        else
            play_transfer(t);
        break;
    case MIKEY_TRANSFER_RESP:
        if (vector_is_update(t))
            break; /* with the message that it answers */
        answer(t);
        if (play.both)
            answered(t);
        break;
    case MIKEY_ERROR:
        error(t);
        break;
    default:
        if (play.exact)
            play_kms(t);
    }
}

/* Without answer the Responder has its bundle from answer(), too. */
static void compare_keys(const struct mikey_bundle *b)
{
    const json_t *sessions = json_object_get(v.json, "sessions");
    size_t n = json_array_size(sessions);
    assert_non_null(b);
    assert_int_equal(mikey_bundle_sessions(b), n);
    for (size_t i = 0; i < n; i++) {
        const json_t *want = json_array_get(sessions, i);
        struct mikey_srtp_key k;
        OK(mikey_bundle_srtp(
            b, (uint8_t)json_integer_value(json_object_get(want, "CS ID")),
            &k));
        OK(vector_same(&v, ts_span(k.key, k.key_len), want, "key"));
        OK(vector_same(&v, ts_span(k.salt, k.salt_len), want, "salt"));
        OK(vector_same(&v, ts_span(k.spi, k.spi_len), want, "SPI"));
    }
}

static void begin(void)
{
    unsigned bits = v.suite->bits;
    play.exact = bits == 256;
    play.has_ticket = play.resolved = false;
    play.at_i = play.at_r = NULL;
    play.alice = (struct mikey_party){.self = uri(v.msg[0].ids.i),
                                      .bits = bits,
                                      .random = draw,
                                      .same = same};
    play.bob = play.alice;
    play.i = mikey_initiator_init(play.mem_i, MEMORY, &play.alice);
    play.r = mikey_responder_init(play.mem_r, MEMORY, &play.bob);
    assert_non_null(play.i);
    assert_non_null(play.r);
}

static void play_vector(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.json", TEST_PUBLISHED, name);
    json_t *json = json_load_file(path, 0, NULL);
    assert_non_null(json);
    OK(vector_load(&v, json));
    begin();
    for (size_t i = 0; i < v.n; i++)
        play_message(&v.msg[i]);
    if (play.both) {
        compare_keys(play.at_i);
        compare_keys(play.at_r);
    }
    json_decref(json);
}

static void each_role_sends_the_published_messages(void **state)
{
    static const char *const names[] = {
        "mode1-nofork-256",   "mode1-no-response-256",
        "mode1-fork-256",     "mode1-pk-256",
        "mode1-pk-pss-256",   "mode2-256",
        "mode1-pk-ecdsa-256", "mode3-256",
        "mode4-256",          "preencrypted-256",
        "initiator-keys-256", "update-by-i-256",
        "update-by-r-256",    "reuse-256",
        "aead-256",
    };
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        play_vector(names[i]);
}

static void vectors_of_128_bits_play_as_far_as_randoms_allow(void **state)
{
    static const char *const names[] = {"mode1-no-response-128",
                                        "mode1-fork-128",
                                        "mode2-128",
                                        "mode3-128",
                                        "mode4-128",
                                        "reuse-128"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        play_vector(names[i]);
        assert_int_equal(play.both, i == 0);
    }
}

UNIT_MAIN(cmocka_unit_test(each_role_sends_the_published_messages),
          cmocka_unit_test(vectors_of_128_bits_play_as_far_as_randoms_allow))
