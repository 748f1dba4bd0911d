/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a UE's keying refuses, and why: the KMS and the other UE are played by
 * libmikey, every MAC is right, and one thing in what they say is wrong
 * (RFC 6043 4.2; R35, R47, R48, R62, R63, R66, R68, R74, R85, R86, R128, R133,
 * R134, R206, R213, R221, R272, R273).
 */
#include "mikey/srtp.h"
#include "tests/unit.h"
#include "ue/keying.h"

#define NOW     (UINT64_C(1795456800) * 1000000) /* 2026-11-23 18:00 UTC */
#define SECONDS 1000000

#define KMS   "sip:kms@example.org"
#define ALICE "sip:alice@example.org"
#define BOB   "sip:bob@example.org"
#define EVE   "sip:eve@example.org"

#define SSRC_ALICE 0xa11ce000u
#define SSRC_BOB   0x0b0b0b0bu

/** Everything that a test may turn wrong. */
struct stage {
    const struct mikey_suite *suite;
    struct ue_credential alice, bob;
    struct ue_keying *caller, *callee;

    /* the ticket */
    uint8_t subtype, version;
    uint16_t type, flags;
    const struct mikey_suite *ticket_suite;
    struct mikey_policy policy;
    struct ts_key mpk_i, mpk_r, tgk;

    /* each message */
    int late; /* microseconds that its T is off */
    size_t n_keys;
    struct mikey_key keys[4]; /* of a reply */
    size_t n_cs;
    struct mikey_cs cs[3]; /* of an offer or answer */
    uint8_t ssrc[2][4];
    struct mikey_srtp_policy srtp;
    size_t n_sp;
    struct mikey_sp sp[2];
    const char *sdp_ids;
    struct mikey_id idr_i, idr_r;
    struct ts_key rand_i, rand_r, rand_kms;
    bool altered; /* the last octet of its MAC is wrong */

    size_t n;
    uint8_t raw[UE_MIKEY_MAX]; /* the last message written */
    size_t asked;
    uint8_t body[UE_MIKEY_MAX]; /* what a UE sent to the KMS */
    char line[UE_LINE_MAX], offer[UE_LINE_MAX];
    char claimed[257];
    struct ue_media_keys got;
};

static const struct ts_span none;
static struct stage stage;

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

static struct ts_key key_of(uint8_t first, uint8_t len)
{
    struct ts_key k = {.len = len};
    for (uint8_t i = 0; i < len; i++)
        k.b[i] = (uint8_t)(first + i);
    return k;
}

static void put_ssrc(uint8_t to[static 4], uint32_t ssrc)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(ssrc >> (24 - 8 * i));
}

static struct mikey_key key(enum mikey_key_type type, const struct ts_key *k,
                            const char *spi)
{
    return (struct mikey_key){.type = (uint8_t)type,
                              .key = ts_key_span(k),
                              .spi = ts_span_str(spi)};
}

static struct mikey_cs crypto_session(uint8_t id, const uint8_t *ssrc)
{
    return (struct mikey_cs){.id = id,
                             .policies = ts_span("", 1),
                             .session = ts_span(ssrc, ssrc ? 4 : 0),
                             .spi = ts_span_str("t")};
}

static void set_up_ticket(struct stage *s)
{
    s->type = MIKEY_BASE_TICKET;
    s->subtype = MIKEY_BASE_SUBTYPE;
    s->version = MIKEY_BASE_VERSION;
    s->flags = MIKEY_FLAGS_USUAL;
    s->ticket_suite = s->suite;
    s->policy.kms = uri(KMS);
    s->policy.initiator = uri(ALICE);
    s->policy.has_start = s->policy.has_end = true;
    s->policy.start = NOW / SECONDS - 60;
    s->policy.end = NOW / SECONDS + 3600;
    s->policy.n_responders = 1;
    s->policy.responder[0] = uri(BOB);
}

static void set_up_keys(struct stage *s)
{
    uint8_t len = s->suite->encr_key;
    s->mpk_i = key_of(1, len);
    s->mpk_r = key_of(41, len);
    s->tgk = key_of(81, len);
    s->keys[0] = key(MIKEY_MPK, &s->mpk_i, "i");
    s->keys[1] = key(MIKEY_MPK, &s->mpk_r, "r");
    s->keys[2] = key(MIKEY_TGK, &s->tgk, "t");
    s->n_keys = 3;
    s->rand_i = key_of(100, 32);
    s->rand_r = key_of(140, 32);
    s->rand_kms = key_of(180, 32);
}

static void set_up(struct stage *s, int suite)
{
    ue_keying_free(s->caller);
    ue_keying_free(s->callee);
    memset(s, 0, sizeof *s); /* lint: freed before */
    s->suite = mikey_suite_bits((unsigned)suite);
    s->alice = (struct ue_credential){
        ALICE, KMS, "alice-1", key_of(7, 32), suite, NULL};
    s->bob =
        (struct ue_credential){BOB, KMS, "bob-1", key_of(9, 32), suite, NULL};
    OK(ue_keying_new(&s->caller, &s->alice, SSRC_ALICE));
    OK(ue_keying_new(&s->callee, &s->bob, SSRC_BOB));
    set_up_ticket(s);
    set_up_keys(s);
    put_ssrc(s->ssrc[0], SSRC_ALICE);
    put_ssrc(s->ssrc[1], SSRC_BOB);
    s->n_cs = 2;
    s->cs[0] = crypto_session(1, s->ssrc[0]);
    s->cs[1] = crypto_session(2, NULL);
    s->srtp = mikey_srtp_usual(s->suite);
    s->n_sp = 1;
    s->sdp_ids = "mikey";
    s->idr_i = uri(ALICE);
    s->idr_r = uri(BOB);
}

static struct mikey_time time_now(const struct stage *s)
{
    return mikey_time_ntp(NOW + (uint64_t)(int64_t)s->late);
}

/* ---- the parts that KMS and peer play ---- */

static struct mikey_ticket_new ticket_new(const struct stage *s)
{
    static const uint8_t tpk[32];
    return (struct mikey_ticket_new){
        .suite = s->ticket_suite,
        .flags = s->flags,
        .policy = &s->policy,
        .tpk = ts_span(tpk, sizeof tpk),
        .tpk_id = ts_span_str("tpk"),
        .t = mikey_time_ntp(NOW),
        .rand = ts_key_span(&s->rand_i),
        .keys = s->keys,
        .n_keys = 1,
    };
}

/* The header of the ticket is at its own, known place. */
static void change_ticket(const struct stage *s, const struct mikey_ticket *t)
{
    uint8_t *body = (uint8_t *)(uintptr_t)t->body.p;
    body[2] = (uint8_t)s->type;
    body[3] = s->subtype;
    body[4] = s->version;
}

/* A ticket to send on: views into buf. */
static struct mikey_ticket ticket(const struct stage *s, uint8_t *buf,
                                  size_t cap)
{
    const struct mikey_hdr hdr = {.type = MIKEY_REQUEST_RESP,
                                  .map_type = MIKEY_MAP_EMPTY};
    const struct mikey_ticket_new in = ticket_new(s);
    struct mikey_msg m;
    struct ts_writer w = ts_writer_init(buf, cap);
    struct mikey_build b = mikey_build_hdr(&w, &hdr);
    mikey_build_ticket(&b, &in);
    OK(w.err);
    OK(mikey_msg_read(ts_written(&w), &m, NULL));
    change_ticket(s, &m.ticket);
    OK(mikey_msg_read(ts_written(&w), &m, NULL));
    return m.ticket;
}

static struct ts_span written(struct stage *s, const struct ts_writer *w)
{
    OK(w->err);
    s->n = w->len;
    s->raw[s->n - 1] ^= s->altered;
    return ts_span(s->raw, s->n);
}

/* A REQUEST_RESP whose ticket is of another kind, under a MAC that is right. */
static void sign_again(const struct stage *s, const struct ts_writer *w,
                       const struct mikey_msg *init, struct mikey_protect *psk)
{
    struct mikey_msg m;
    struct mikey_hmac h;
    OK(w->err);
    OK(mikey_msg_read(ts_written(w), &m, NULL));
    change_ticket(s, &m.ticket);
    mikey_protect_auth(psk, &h);
    mikey_hmac_add(&h, ts_span(m.raw.p, m.raw.n - m.v.mac.n));
    mikey_hmac_add(&h, init->raw);
    mikey_hmac_end(&h, w->buf + w->len - m.v.mac.n, m.v.mac.n);
}

/* The KMS's reply to what stands in body. */
static void write_reply(struct stage *s, const struct ue_credential *whose)
{
    struct mikey_msg init;
    struct mikey_protect psk;
    struct ts_writer w = ts_writer_init(s->raw, sizeof s->raw);
    const struct mikey_ticket_new new_ticket = ticket_new(s);
    OK(mikey_msg_read(ts_span(s->body, s->asked), &init, NULL));
    OK(mikey_init_verify(&init, ts_key_span(&whose->psk), none, none, &psk));
    bool request = init.hdr.type == MIKEY_REQUEST_INIT_PSK;
    const struct mikey_reply_new in = {
        .init = &init,
        .psk = &psk,
        .t = time_now(s),
        .idr_kms = uri(KMS),
        .keys = s->keys,
        .n_keys = s->n_keys,
        .ticket = &new_ticket,
        .idr_r = s->idr_r,
        .rand_kms = ts_key_span(&s->rand_kms),
    };
    if (request) {
        mikey_build_request_resp(&w, &in);
        sign_again(s, &w, &init, &psk);
    } else {
        mikey_build_resolve_resp(&w, &in);
    }
    mikey_protect_end(&psk);
    (void)written(s, &w);
}

static struct ts_span write_map(const struct stage *s, uint8_t *buf, size_t cap)
{
    struct ts_writer w = ts_writer_init(buf, cap);
    for (size_t i = 0; i < s->n_cs; i++)
        mikey_put_cs(&w, &s->cs[i]);
    OK(w.err);
    return ts_written(&w);
}

static void write_policy(struct stage *s, uint8_t *buf, size_t cap)
{
    struct ts_writer w = ts_writer_init(buf, cap);
    mikey_srtp_policy_write(&w, &s->srtp);
    for (size_t i = 0; i < s->n_sp; i++)
        s->sp[i].params = ts_written(&w);
}

/* Alice's TRANSFER_INIT, as another UE than ours might write it. */
static void write_offer(struct stage *s)
{
    uint8_t map[256], params[64];
    static uint8_t buf[2048];
    const struct mikey_ticket t = ticket(s, buf, sizeof buf);
    struct ts_writer w = ts_writer_init(s->raw, sizeof s->raw);
    write_policy(s, params, sizeof params);
    const struct mikey_transfer_new in = {
        .suite = s->suite,
        .csb = 0x01020304,
        .t = time_now(s),
        .rand_i = ts_key_span(&s->rand_i),
        .n_cs = (uint8_t)s->n_cs,
        .map = write_map(s, map, sizeof map),
        .idr_i = s->idr_i,
        .idr_r = uri(BOB),
        .sp = s->sp,
        .n_sp = s->n_sp,
        .ticket = &t,
        .sdp_ids = ts_span_str(s->sdp_ids),
        .mpk_i = &s->mpk_i,
        .mpk_r = &s->mpk_r,
    };
    mikey_build_transfer_init(&w, &in);
    OK(mikey_sdp_write(written(s, &w), s->offer, sizeof s->offer));
}

/* Bob's TRANSFER_RESP to the offer of our caller. */
static void write_answer(struct stage *s)
{
    uint8_t map[256], raw[4096];
    struct mikey_msg init;
    struct mikey_prf prf;
    struct ts_key mpk_r1;
    size_t n;
    struct ts_writer w = ts_writer_init(s->raw, sizeof s->raw);
    OK(mikey_sdp_read(ts_span_str(s->offer), raw, sizeof raw, &n));
    OK(mikey_msg_read(ts_span(raw, n), &init, NULL));
    mikey_prf_key(&prf, s->suite->prf, ts_key_span(&s->mpk_r));
    struct ts_span id = s->idr_r.data;
    id.n = id.n > MIKEY_ID_MAX ? MIKEY_ID_MAX : id.n;
    mikey_derive_fork(&prf, s->mpk_r.len, true, id, ts_key_span(&s->rand_kms),
                      &mpk_r1);
    const struct mikey_answer_new in = {
        .init = &init,
        .suite = s->suite,
        .t = time_now(s),
        .rand_r = ts_key_span(&s->rand_r),
        .idr_r = s->idr_r,
        .rand_kms = ts_key_span(&s->rand_kms),
        .n_cs = (uint8_t)s->n_cs,
        .map = write_map(s, map, sizeof map),
        .sp = s->sp,
        .n_sp = s->n_sp,
        .mpk = &mpk_r1,
    };
    mikey_build_transfer_resp(&w, &in);
    OK(mikey_sdp_write(written(s, &w), s->line, sizeof s->line));
}

/* ---- the steps of our UEs ---- */

static enum ts_err granted(struct stage *s)
{
    OK(ue_keying_request(s->caller, BOB, NOW, s->body, sizeof s->body,
                         &s->asked));
    write_reply(s, &s->alice);
    return ue_keying_granted(s->caller, s->raw, s->n, NOW, s->offer,
                             sizeof s->offer);
}

static enum ts_err offered(struct stage *s)
{
    write_offer(s);
    s->asked = 0;
    enum ts_err err =
        ue_keying_offered(s->callee, s->offer, NOW, s->claimed, s->body,
                          sizeof s->body, &s->asked);
    assert_int_equal(err == TS_OK, s->asked > 0); /* R63 */
    assert_string_equal(s->claimed, err ? "" : ALICE);
    return err;
}

static enum ts_err resolved(struct stage *s)
{
    write_reply(s, &s->bob);
    memset(&s->got, 0xa5, sizeof s->got); /* lint: no key yet */
    return ue_keying_resolved(s->callee, s->raw, s->n, NOW, s->line,
                              sizeof s->line, &s->got);
}

static enum ts_err answered(struct stage *s)
{
    write_answer(s);
    memset(&s->got, 0xa5, sizeof s->got); /* lint: no key yet */
    return ue_keying_answered(s->caller, s->line, NOW, &s->got);
}

/* ---- one thing wrong at a time ---- */

struct wrong {
    void (*make)(struct stage *s);
    enum ts_err err;
    const char *reason;
};

static void is_refused(const struct wrong *w, enum ts_err err,
                       const struct ue_keying *k)
{
    if (err != w->err || strcmp(ue_keying_reason(k), w->reason) != 0)
        fail_msg("%s (%s), wanted %s (%s)", ts_strerror(err),
                 ue_keying_reason(k), ts_strerror(w->err), w->reason);
}

/* Nothing of keys is left where keys would have been. */
static void no_keys(const struct stage *s)
{
    static const struct ue_media_keys nothing;
    assert_memory_equal(&s->got, &nothing, sizeof nothing);
}

/* Each case is one line that is run on a stage of its own. */
#define WRONG(name, line)                                                      \
    static void name(struct stage *s)                                          \
    {                                                                          \
        line;                                                                  \
    }

WRONG(nothing, (void)s)
WRONG(altered, s->altered = true)
WRONG(late, s->late = 301 * SECONDS)
WRONG(early, s->late = -301 * SECONDS)
WRONG(for_eve, s->policy.responder[0] = uri(EVE))
WRONG(for_nobody, s->policy.n_responders = 0)
WRONG(expired, s->policy.end = NOW / SECONDS - 1)
WRONG(not_yet, s->policy.start = NOW / SECONDS + 1)
WRONG(no_forking, s->flags &= (uint16_t)~MIKEY_FLAG_I)
WRONG(no_answer, s->flags &= (uint16_t)~(MIKEY_FLAG_F | MIKEY_FLAG_G))
WRONG(no_n, s->flags &= (uint16_t)~MIKEY_FLAG_N)
WRONG(no_o, s->flags &= (uint16_t)~MIKEY_FLAG_O)
WRONG(by_initiator, s->flags ^= MIKEY_FLAG_D | MIKEY_FLAG_L)
WRONG(no_rand, s->flags &= (uint16_t)~(MIKEY_FLAG_G | MIKEY_FLAG_H))
WRONG(other_type, s->type = 2)
WRONG(other_subtype, s->subtype = 2)
WRONG(other_version, s->version = 2)
WRONG(other_suite, s->ticket_suite = mikey_suite_bits(128))
WRONG(no_session_key, s->n_keys = 2)
WRONG(no_spi, s->keys[2].spi = none)
WRONG(one_mpk, s->keys[1] = s->keys[2]; s->n_keys = 2)
WRONG(bare_tek, s->keys[2].type = MIKEY_TEK)
WRONG(other_kms, s->policy.kms = uri("sip:kms@example.net"))
WRONG(unnamed_kms, s->policy.kms.data = none)
WRONG(eves_ticket, s->policy.initiator = uri(EVE))
WRONG(nobodys_ticket, s->policy.initiator.data = none)
WRONG(eves_offer, s->idr_i = uri(EVE))
WRONG(nobodys_offer, s->idr_i.data = none)
WRONG(no_ids, s->sdp_ids = "")
WRONG(more_ids, s->sdp_ids = "mikey;keyp1")
WRONG(upper_ids, s->sdp_ids = "MIKEY")
WRONG(no_policy, s->n_sp = 0)
WRONG(policy_1, s->sp[0].no = 1)
WRONG(policy_0, s->n_sp = 1)
WRONG(session_of_1, s->cs[1].policies = ts_span("\1", 1))
WRONG(session_of_none, s->cs[1].policies = none)
WRONG(session_of_two, s->cs[1].policies = ts_span("\0\1", 2))
WRONG(tesla_policy, s->sp[0].prot = 1)
WRONG(tesla_session, s->cs[1].prot = 1)
WRONG(no_encryption, s->srtp.encr_alg = 0)
WRONG(gcm, s->srtp.encr_alg = 6)
WRONG(short_key, s->srtp.encr_key = 16)
WRONG(no_mac, s->srtp.auth_alg = 0)
WRONG(short_mac_key, s->srtp.auth_key = 16)
WRONG(short_salt, s->srtp.salt = 12)
WRONG(other_prf, s->srtp.prf = 1)
WRONG(rekeying, s->srtp.kdr = 1)
WRONG(clear_rtp, s->srtp.srtp_encr = false)
WRONG(clear_rtcp, s->srtp.srtcp_encr = false)
WRONG(unauthenticated, s->srtp.srtp_auth = false)
WRONG(short_tag, s->srtp.tag = 4)
WRONG(prefix, s->srtp.prefix = 4)
WRONG(one_session, s->n_cs = 1)
WRONG(three_sessions, s->cs[2] = crypto_session(3, s->ssrc[1]); s->n_cs = 3)
WRONG(session_3, s->cs[1].id = 3)
WRONG(no_ssrc, s->cs[0].session = none)
WRONG(unnamed_key, s->cs[1].spi = none)
WRONG(unknown_key, s->cs[1].spi = ts_span_str("x"))
WRONG(bobs_ssrc, put_ssrc(s->ssrc[0], SSRC_BOB))
WRONG(alices_ssrc, put_ssrc(s->ssrc[1], SSRC_ALICE))
WRONG(other_mpk_i, s->mpk_i.b[0] ^= 1)
WRONG(other_mpk_r, s->mpk_r.b[0] ^= 1)
WRONG(short_rand_kms, s->rand_kms.len = 31)
WRONG(no_rand_kms, s->rand_kms.len = 0)
WRONG(no_rand_r, s->rand_r.len = 0)
WRONG(long_tgk, s->tgk = key_of(1, 40); s->keys[2].key = ts_key_span(&s->tgk))
WRONG(no_name, s->idr_r.data = none)
WRONG(no_uri, s->idr_r = uri("bob"))
WRONG(long_name, static char text[260]; memset(text, 'x', 259);
      s->idr_r = uri(text))

#define KIND   "a ticket of a kind we do not use"
#define POLICY "the granted ticket policy is wrong"
#define REPLY                                                                  \
    "the KMS's reply is not what was asked for, or not from our KMS"
#define NOT_NOW   "the ticket is not valid now"
#define SESSIONS  "not two crypto sessions"
#define SRTP      "an SRTP policy we cannot do"
#define NO_POLICY "no policy 0"
#define LIST      "the list of protocols is not ours"
#define OWNER     "the caller is not the ticket's owner"
#define UNFIT     "the answer does not fit what was offered"
#define MISSING   "a crypto session is missing"
#define SSRCS     "the SSRCs are not right"
#define NO_KEY    "no key for a crypto session"
#define SHORT     "RANDRkms is too short"
#define BARE      "the ticket has no session key"

/* R47, R48; R35, R213 and R271 in what libmikey reads */
static void a_ticket_that_is_not_as_wanted_is_not_used(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_E_AUTH, REPLY},
        {late, TS_E_TIME, "the KMS's reply has a wrong time"},
        {early, TS_E_TIME, "the KMS's reply has a wrong time"},
        {for_eve, TS_E_MISMATCH, "the ticket is for somebody else"},
        {for_nobody, TS_E_FORMAT, POLICY},
        {expired, TS_E_EXPIRED, NOT_NOW},
        {not_yet, TS_E_EXPIRED, NOT_NOW},
        {no_forking, TS_E_UNSUPPORTED, KIND},
        {no_answer, TS_E_FORMAT, POLICY},
        {no_rand, TS_E_FORMAT, POLICY},
        {no_n, TS_E_UNSUPPORTED, KIND},
        {by_initiator, TS_E_UNSUPPORTED, KIND},
        {other_type, TS_E_UNSUPPORTED, KIND},
        {other_subtype, TS_E_UNSUPPORTED, KIND},
        {other_version, TS_E_UNSUPPORTED, KIND},
        {other_suite, TS_E_FORMAT, POLICY},
        {no_session_key, TS_E_UNSUPPORTED, BARE},
        {no_spi, TS_E_FORMAT, REPLY},
        {one_mpk, TS_E_FORMAT, REPLY},
    };
    struct stage *s = &stage;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_up(s, 256);
        wrong[i].make(s);
        is_refused(&wrong[i], granted(s), s->caller);
    }
}

/* R62, R63: what everybody can see is checked first, and the KMS not asked. */
static void a_ticket_that_is_not_for_this_call_is_not_resolved(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_OK, ""}, /* nobody can see that yet */
        {late, TS_E_TIME, "the offer has a wrong time"},
        {early, TS_E_TIME, "the offer has a wrong time"},
        {for_eve, TS_E_DENIED, "the ticket is not for us"},
        {for_nobody, TS_E_MISSING,
         "the offer is not a TRANSFER_INIT we can use"},
        {expired, TS_E_EXPIRED, NOT_NOW},
        {not_yet, TS_E_EXPIRED, NOT_NOW},
        {no_forking, TS_E_UNSUPPORTED, KIND},
        {no_answer, TS_E_UNSUPPORTED, KIND},
        {no_rand, TS_E_FORMAT, "the offer is not a TRANSFER_INIT we can use"},
        {no_o, TS_E_UNSUPPORTED, KIND},
        {by_initiator, TS_E_UNSUPPORTED, KIND},
        {other_type, TS_E_UNSUPPORTED, KIND},
        {other_subtype, TS_E_UNSUPPORTED, KIND},
        {other_version, TS_E_UNSUPPORTED, KIND},
        {other_suite, TS_E_UNSUPPORTED,
         "the offer is not a TRANSFER_INIT we can use"},
        {other_kms, TS_E_DENIED, "a ticket of a KMS we do not trust"},
        {unnamed_kms, TS_E_DENIED, "a ticket of a KMS we do not trust"},
        {eves_ticket, TS_E_DENIED, OWNER},
        {nobodys_ticket, TS_E_DENIED, OWNER},
        {eves_offer, TS_E_DENIED, OWNER},
        {nobodys_offer, TS_E_DENIED, OWNER},
    };
    struct stage *s = &stage;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_up(s, 256);
        wrong[i].make(s);
        is_refused(&wrong[i], offered(s), s->callee);
    }
}

static void media_that_we_cannot_protect_so_are_not_resolved(void **state)
{
    static const struct wrong wrong[] = {
        {no_ids, TS_E_MISMATCH, LIST},
        {more_ids, TS_E_MISMATCH, LIST},
        {upper_ids, TS_E_MISMATCH, LIST},
        {no_policy, TS_E_UNSUPPORTED, NO_POLICY},
        {policy_1, TS_E_UNSUPPORTED, NO_POLICY},
        {session_of_1, TS_E_UNSUPPORTED, NO_POLICY},
        {session_of_none, TS_E_UNSUPPORTED, NO_POLICY},
        {session_of_two, TS_OK, ""},
        {tesla_policy, TS_E_UNSUPPORTED, SRTP},
        {tesla_session, TS_E_UNSUPPORTED, "not SRTP"},
        {no_encryption, TS_E_UNSUPPORTED, SRTP},
        {gcm, TS_E_UNSUPPORTED, SRTP},
        {short_key, TS_E_UNSUPPORTED, SRTP},
        {no_mac, TS_E_UNSUPPORTED, SRTP},
        {short_mac_key, TS_E_UNSUPPORTED, SRTP},
        {short_salt, TS_E_UNSUPPORTED, SRTP},
        {other_prf, TS_E_UNSUPPORTED, SRTP},
        {rekeying, TS_E_UNSUPPORTED, SRTP},
        {clear_rtp, TS_E_UNSUPPORTED, SRTP},
        {clear_rtcp, TS_E_UNSUPPORTED, SRTP},
        {unauthenticated, TS_E_UNSUPPORTED, SRTP},
        {short_tag, TS_E_UNSUPPORTED, SRTP},
        {prefix, TS_E_UNSUPPORTED, SRTP},
        {one_session, TS_E_UNSUPPORTED, SESSIONS},
        {three_sessions, TS_E_UNSUPPORTED, SESSIONS},
        {session_3, TS_E_UNSUPPORTED, SESSIONS},
        {no_ssrc, TS_E_UNSUPPORTED, SESSIONS},
        {unnamed_key, TS_OK, ""},
    };
    struct stage *s = &stage;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_up(s, 256);
        wrong[i].make(s);
        is_refused(&wrong[i], offered(s), s->callee);
    }
}

/* The offer is right, the reply to RESOLVE_INIT is not. */
static void a_reply_that_gives_no_usable_keys_is_refused(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_E_AUTH, REPLY},
        {late, TS_E_TIME, "the KMS's reply has a wrong time"},
        {no_session_key, TS_E_UNSUPPORTED, BARE},
        {bare_tek, TS_E_UNSUPPORTED, NO_KEY},
        {other_mpk_i, TS_E_AUTH, "the offer is not authentic"},
        {short_rand_kms, TS_E_FORMAT, SHORT},
        {long_tgk, TS_E_FORMAT, SHORT},
        {no_rand_kms, TS_E_MISSING, REPLY},
        {no_name, TS_E_MISSING, REPLY},
        {long_name, TS_E_UNSUPPORTED, REPLY},
    };
    struct stage *s = &stage;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_up(s, 256);
        OK(offered(s));
        wrong[i].make(s);
        is_refused(&wrong[i], resolved(s), s->callee);
        if (wrong[i].err)
            no_keys(s);
    }
}

/* The other way round; R133: only now can it be known. */
static void an_offer_that_does_not_verify_is_refused(void **state)
{
    static const struct wrong wrong[] = {
        {altered, TS_E_AUTH, "the offer is not authentic"},
        {unknown_key, TS_E_NOTFOUND, NO_KEY},
        {bobs_ssrc, TS_E_MISMATCH, SSRCS},
    };
    struct stage *s = &stage;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_up(s, 256);
        wrong[i].make(s);
        OK(offered(s));
        s->altered = false;
        is_refused(&wrong[i], resolved(s), s->callee);
        no_keys(s);
    }
}

/* R134: Vi is what ties the offer to the one who got the ticket. */
static void initiator_data_of_another_offer_is_refused(void **state)
{
    struct stage *s = &stage;
    struct mikey_msg m;
    (void)state;
    set_up(s, 256);
    write_offer(s);
    OK(mikey_msg_read(ts_span(s->raw, s->n), &m, NULL));
    s->raw[mikey_at(&m, m.ticket.init) + 5] ^= 1; /* in the MAC of Vi */
    OK(mikey_sdp_write(m.raw, s->offer, sizeof s->offer));
    OK(ue_keying_offered(s->callee, s->offer, NOW, s->claimed, s->body,
                         sizeof s->body, &s->asked));
    FAILS(TS_E_AUTH, resolved(s));
    no_keys(s);
}

static void to_answer(struct stage *s)
{
    s->cs[1] = crypto_session(2, s->ssrc[1]);
    s->n_sp = 0;
}

/* R66, R68, R74, R75, R77, R84-R86, R205, R206, R208, R273 */
static void an_answer_that_does_not_fit_is_refused(void **state)
{
    static const struct wrong wrong[] = {
        {nothing, TS_OK, ""},
        {altered, TS_E_AUTH, "the answer is not authentic"},
        {other_mpk_r, TS_E_AUTH, "the answer is not authentic"},
        {late, TS_E_TIME, "the answer has a wrong time"},
        {policy_0, TS_E_MISMATCH, "the policy was changed"},
        {session_of_1, TS_E_MISMATCH, MISSING},
        {session_of_none, TS_E_FORMAT, UNFIT},
        {session_of_two, TS_E_FORMAT, UNFIT},
        {tesla_session, TS_E_MISMATCH, MISSING},
        {one_session, TS_E_MISMATCH, UNFIT},
        {three_sessions, TS_E_MISMATCH, UNFIT},
        {session_3, TS_E_MISMATCH, MISSING},
        {no_ssrc, TS_E_FORMAT, UNFIT},
        {bobs_ssrc, TS_E_MISMATCH, SSRCS},
        {alices_ssrc, TS_E_MISMATCH, SSRCS},
        {unnamed_key, TS_E_FORMAT, UNFIT},
        {unknown_key, TS_E_NOTFOUND, NO_KEY},
        {no_rand_r, TS_E_FORMAT, UNFIT},
        {no_rand_kms, TS_E_MISSING, UNFIT},
        {short_rand_kms, TS_E_FORMAT, SHORT},
        {no_name, TS_E_MISSING, UNFIT},
        {no_uri, TS_E_FORMAT, "the callee's identity is no URI"},
        {long_name, TS_E_UNSUPPORTED, UNFIT},
    };
    struct stage *s = &stage;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        set_up(s, 256);
        OK(granted(s));
        to_answer(s);
        wrong[i].make(s);
        is_refused(&wrong[i], answered(s), s->caller);
        if (wrong[i].err)
            no_keys(s);
        else
            assert_string_equal(s->got.proven, BOB);
    }
}
