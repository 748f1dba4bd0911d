/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage.h"

#include "mikey/sdp.h"

static const struct ts_span none;

struct mikey_id stage_uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

struct ts_key stage_key(uint8_t first, uint8_t len)
{
    struct ts_key k = {.len = len};
    for (uint8_t i = 0; i < len; i++)
        k.b[i] = (uint8_t)(first + i);
    return k;
}

void stage_put_ssrc(uint8_t to[static 4], uint32_t ssrc)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(ssrc >> (24 - 8 * i));
}

static struct mikey_key key(enum mikey_key_type type, const struct ts_key *k,
                            const char *spi)
{
    return (struct mikey_key){
        .type = (uint8_t)type, .key = ts_key_span(k), .spi = ts_span_str(spi)};
}

struct mikey_cs stage_session(uint8_t id, const uint8_t *ssrc)
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
    s->policy.kms = stage_uri(KMS);
    s->policy.initiator = stage_uri(ALICE);
    s->policy.has_start = s->policy.has_end = true;
    s->policy.start = NOW / SECONDS - 60;
    s->policy.end = NOW / SECONDS + 3600;
    s->policy.n_responders = 1;
    s->policy.responder[0] = stage_uri(BOB);
}

static void set_up_keys(struct stage *s)
{
    uint8_t len = s->suite->encr_key;
    s->mpk_i = stage_key(1, len);
    s->mpk_r = stage_key(41, len);
    s->tgk = stage_key(81, len);
    s->keys[0] = key(MIKEY_MPK, &s->mpk_i, "i");
    s->keys[1] = key(MIKEY_MPK, &s->mpk_r, "r");
    s->keys[2] = key(MIKEY_TGK, &s->tgk, "t");
    s->n_keys = 3;
    s->rand_i = stage_key(100, 32);
    s->rand_r = stage_key(140, 32);
    s->rand_kms = stage_key(180, 32);
}

void stage_set(struct stage *s, int suite)
{
    ue_keying_free(s->caller);
    ue_keying_free(s->callee);
    memset(s, 0, sizeof *s); /* lint: freed before */
    s->suite = mikey_suite_bits((unsigned)suite);
    s->alice = (struct ue_credential){ALICE, KMS, "alice-1", stage_key(7, 32),
                                      suite, NULL};
    s->bob = (struct ue_credential){BOB,   KMS, "bob-1", stage_key(9, 32),
                                    suite, NULL};
    OK(ue_keying_new(&s->caller, &s->alice, SSRC_ALICE));
    OK(ue_keying_new(&s->callee, &s->bob, SSRC_BOB));
    set_up_ticket(s);
    set_up_keys(s);
    stage_put_ssrc(s->ssrc[0], SSRC_ALICE);
    stage_put_ssrc(s->ssrc[1], SSRC_BOB);
    s->cap = sizeof s->line;
    s->n_cs = 2;
    s->cs[0] = stage_session(1, s->ssrc[0]);
    s->cs[1] = stage_session(2, NULL);
    s->srtp = mikey_srtp_usual(s->suite);
    s->n_sp = 1;
    s->sdp_ids = "mikey";
    s->idr_i = stage_uri(ALICE);
    s->idr_r = stage_uri(BOB);
}

void stage_answering(struct stage *s)
{
    s->cs[1] = stage_session(2, s->ssrc[1]);
    s->n_sp = 0;
}

void stage_no_keys(const struct stage *s)
{
    static const struct ue_media_keys nothing;
    assert_memory_equal(&s->got, &nothing, sizeof nothing);
}

static struct mikey_time time_now(const struct stage *s)
{
    return s->counter ? (struct mikey_time){MIKEY_COUNTER, UINT32_MAX}
                      : mikey_time_ntp(NOW + (uint64_t)(int64_t)s->late);
}

/* ---- the parts that KMS and peer play ---- */

static struct mikey_ticket_new ticket_new(const struct stage *s)
{
    static const uint8_t tpk[32];
    return (struct mikey_ticket_new){
        .suite = s->ticket_suite,
        /* flags that contradict each other only get in afterwards */
        .flags = mikey_flags_ok(s->flags, false) ? s->flags : MIKEY_FLAGS_USUAL,
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
    body[5] = (uint8_t)((body[5] & 0xfe) | s->flags >> 11);
    body[6] = (uint8_t)(s->flags >> 3);
    body[7] = (uint8_t)(s->flags << 5);
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
        .idr_kms = stage_uri(KMS),
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
void stage_write_offer(struct stage *s)
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
        .idr_r = stage_uri(BOB),
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
void stage_write_answer(struct stage *s)
{
    uint8_t map[256], params[64], raw[4096];
    struct mikey_msg init;
    struct mikey_prf prf;
    struct ts_key mpk_r1;
    size_t n;
    struct ts_writer w = ts_writer_init(s->raw, sizeof s->raw);
    write_policy(s, params, sizeof params);
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

enum ts_err stage_granted(struct stage *s)
{
    s->now = s->caller;
    OK(ue_keying_request(s->caller, BOB, NOW, s->body, sizeof s->body,
                         &s->asked));
    write_reply(s, &s->alice);
    return ue_keying_granted(s->caller, s->raw, s->n, NOW, s->offer, s->cap);
}

enum ts_err stage_offered(struct stage *s)
{
    s->now = s->callee;
    stage_write_offer(s);
    s->asked = 0;
    enum ts_err err = ue_keying_offered(s->callee, s->offer, NOW, s->claimed,
                                        s->body, sizeof s->body, &s->asked);
    assert_int_equal(err == TS_OK, s->asked > 0); /* R63 */
    assert_string_equal(s->claimed, err ? "" : ALICE);
    return err;
}

enum ts_err stage_resolved(struct stage *s)
{
    write_reply(s, &s->bob);
    memset(&s->got, 0xa5, sizeof s->got); /* lint: no key yet */
    return ue_keying_resolved(s->callee, s->raw, s->n, NOW, s->line, s->cap,
                              &s->got);
}

enum ts_err stage_answered(struct stage *s)
{
    s->now = s->caller;
    stage_write_answer(s);
    memset(&s->got, 0xa5, sizeof s->got); /* lint: no key yet */
    return ue_keying_answered(s->caller, s->line, NOW, &s->got);
}
