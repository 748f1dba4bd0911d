/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole exchanges with whatever a caller may ask for: the input is a list of
 * choices. A builder refuses them, or its message is believed by the peer.
 */
#include "fuzz/write_back.h"
#include "mikey/kms.h"
#include "mikey/srtp.h"

#define MSG_MAX 8192

static const struct ts_span none;
static const uint8_t octets[256] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct ts_reader choices;

/* What the exchange is about. */
static const struct mikey_suite *suite;
static struct mikey_id alice, bob, kms;
static unsigned omit;
static struct ts_span psk, tpk, rand_octets;
static struct ts_key mpk_i, mpk_r;

/* Messages, and what was read of them. */
static uint8_t request_buf[MSG_MAX], grant_buf[MSG_MAX];
static uint8_t transfer_buf[MSG_MAX], buf[MSG_MAX];
static struct mikey_msg request, granted, transfer;

static unsigned choose(unsigned n)
{
    return ts_get_u8(&choices) % n;
}

static bool toss(void)
{
    return choose(2);
}

/* Usual lengths mostly, and others: up to 255 octets. */
static struct ts_span some(void)
{
    static const uint8_t lens[] = {16, 32, 64, 14, 8, 1};
    unsigned n = ts_get_u8(&choices);
    return ts_span(octets, n < 128 ? lens[n % sizeof lens] : 2 * (n - 128));
}

static struct ts_span at_least(size_t n)
{
    struct ts_span s = some();
    return s.n < n && toss() ? ts_span(octets, n) : s;
}

static struct mikey_id identity(const char *text)
{
    struct mikey_id id = {0, (uint8_t)choose(3), ts_span_str(text)};
    if (choose(8) == 7)
        id.data = toss() ? none : some();
    return id;
}

static struct mikey_time now(void)
{
    static const uint8_t types[] = {MIKEY_NTP_UTC, MIKEY_NTP, MIKEY_COUNTER,
                                    MIKEY_NTP_UTC_32};
    uint8_t type = types[choose(4)];
    return (struct mikey_time){
        type, type == MIKEY_NTP_UTC_32 ? UINT64_C(7) << 32 : 7};
}

static struct ts_writer writer(uint8_t *to)
{
    size_t cap = choose(8) == 7 ? 2u * ts_get_u8(&choices) : MSG_MAX;
    return ts_writer_init(to, cap);
}

static size_t choose_keys(struct mikey_key *k, unsigned mpks, unsigned most)
{
    size_t n = mpks + choose(most + 1);
    for (size_t i = 0; i < n; i++) {
        k[i] = (struct mikey_key){
            .type = (uint8_t)(i < mpks ? MIKEY_MPK : choose(7)),
            .kv = MIKEY_KV_SPI,
            .key = some(),
            .spi = ts_span(octets + i, toss() ? 4 : choose(20)),
        };
        k[i].salt = some();
    }
    return n;
}

/* A refusal has one of these reasons. */
static bool refused(const struct ts_writer *w)
{
    MUST_HOLD(w->err == TS_OK || w->err == TS_E_SPACE || w->err == TS_E_RANGE ||
              w->err == TS_E_DENIED);
    return w->err;
}

static void must_read(const struct ts_writer *w, struct mikey_msg *m)
{
    MUST_HOLD(mikey_msg_read(ts_written(w), m, NULL) == TS_OK);
}

/* Keys that were written: what is wrong with them is said, never E_AUTH. */
static void check_opened(enum ts_err err, struct mikey_keys *keys,
                         unsigned mpks)
{
    MUST_HOLD(err == TS_OK || err == TS_E_FORMAT || err == TS_E_UNSUPPORTED ||
              err == TS_E_MISSING || err == TS_E_UNKNOWN);
    if (!err) {
        must_be_keys(keys, mpks);
        derive_all(keys);
    }
    mikey_keys_wipe(keys);
}

/* ---- with the KMS ---- */

static void choose_policy(struct mikey_policy *p)
{
    *p = (struct mikey_policy){
        .kms = kms,
        .initiator = alice,
        .has_start = toss(),
        .has_end = toss(),
        .has_rekey = toss(),
        .start = 1763922305,
        .end = 1763922305 + 86400,
        .rekey = 3600,
        .n_responders = choose(4),
        .n_apps = choose(3),
    };
    for (size_t i = 0; i < p->n_responders; i++)
        p->responder[i] = identity("sip:bob@example.com");
    for (size_t i = 0; i < p->n_apps; i++)
        p->app[i] = identity("app");
}

static struct mikey_credential choose_credential(void)
{
    static struct ts_span given;
    static struct mikey_id certs[2];
    static struct mikey_signer signer;
    static struct mikey_sealer sealer;
    struct mikey_credential cred = {.key = psk};
    if (toss())
        cred.key_id = some();
    if (choose(4) != 3)
        return cred;
    given = ts_span(octets, 128);
    certs[0] = certs[1] = identity("cert");
    signer = (struct mikey_signer){
        &given, (uint8_t)choose(16), (uint16_t)choose(129),
        certs,  choose(3),           sign_as};
    given.n = signer.len;
    sealer = (struct mikey_sealer){
        .arg = &given, .len = signer.len, .seal = seal_as};
    if (toss())
        sealer.chash =
            (struct mikey_chash){MIKEY_HASH_SHA256, ts_span(octets, 32)};
    cred.signer = &signer;
    cred.sealer = &sealer;
    return cred;
}

/* REQUEST_INIT; false when it was refused or is signed. */
static bool ask(struct mikey_policy *policy, uint16_t flags,
                struct mikey_protect *keys)
{
    struct mikey_key want[4];
    struct ts_writer w = writer(request_buf);
    uint8_t no;
    choose_policy(policy);
    struct mikey_request_new in = {
        .suite = suite,
        .csb = 1,
        .t = now(),
        .rand_i = at_least(psk.n),
        .idr_i = alice,
        .idr_kms = kms,
        .omit = omit,
        .flags = flags,
        .policy = policy,
        .want = toss() ? want : NULL,
        .n_want = choose_keys(want, 0, 3),
        .cred = choose_credential(),
    };
    if (toss())
        in.kind = (struct mikey_kind){2, 1, 1};
    mikey_build_request_init(&w, &in);
    if (refused(&w))
        return false;
    must_read(&w, &request);
    bool pk = in.cred.signer;
    MUST_HOLD(mikey_init_check(
                  &request, pk ? MIKEY_REQUEST_INIT_PK : MIKEY_REQUEST_INIT_PSK,
                  &no) == TS_OK);
    if (pk)
        return false;
    MUST_HOLD(mikey_init_verify(&request, psk, alice.data, kms.data, keys) ==
              TS_OK);
    return true;
}

static void use_kw(struct mikey_protect *keys)
{
    if (keys->suite->bits == 128 && toss())
        keys->suite = mikey_suite_kw();
}

/* REQUEST_RESP, with a ticket whose first key is the MPK. */
static bool answer_request(const struct mikey_policy *policy, uint16_t flags,
                           struct mikey_protect *keys)
{
    static struct mikey_reply reply;
    struct mikey_key in_ticket[6], in_kemac[6];
    struct ts_writer w = writer(grant_buf);
    const bool fork = flags & MIKEY_FLAG_I;
    const struct mikey_ticket_new ticket = {
        .suite = keys->suite->bits == 128 && toss() ? mikey_suite_kw() : suite,
        .flags = flags,
        .policy = policy,
        .tpk = tpk,
        .tpk_id = toss() ? some() : none,
        .t = now(),
        .rand = rand_octets,
        .keys = in_ticket,
        .n_keys = choose_keys(in_ticket, 1, 4),
    };
    use_kw(keys);
    const struct mikey_reply_new in = {
        .init = &request,
        .psk = keys,
        .t = now(),
        .idr_kms = kms,
        .keys = in_kemac,
        .n_keys = choose_keys(in_kemac, fork ? 2 : 1, 3),
        .ticket = &ticket,
    };
    mikey_build_request_resp(&w, &in);
    if (refused(&w))
        return false;
    must_read(&w, &granted);
    enum ts_err err = mikey_reply_open(&request, ts_written(&w), psk, &reply);
    check_opened(err, &reply.keys, fork ? 2 : 1);
    mpk_i.len = mpk_r.len = (uint8_t)(16 + choose(17));
    return true;
}

static bool resolve(void)
{
    static struct mikey_opened opened;
    static struct mikey_reply reply;
    struct mikey_protect keys;
    struct mikey_msg init;
    struct mikey_base base;
    struct mikey_key k[6];
    uint8_t no;
    struct ts_writer w = writer(buf);
    const bool fork = transfer.ticket.tp.flags & MIKEY_FLAG_I;
    const struct mikey_resolve_new in = {
        .suite = suite,
        .csb = 2,
        .t = now(),
        .rand_r = at_least(psk.n),
        .idr_r = bob,
        .idr_kms = kms,
        .omit = omit,
        .ticket = &transfer.ticket,
        .cred = choose_credential(),
    };
    mikey_build_resolve_init(&w, &in);
    if (refused(&w))
        return false;
    must_read(&w, &init);
    bool pk = in.cred.signer;
    MUST_HOLD(mikey_init_check(
                  &init, pk ? MIKEY_RESOLVE_INIT_PK : MIKEY_RESOLVE_INIT_PSK,
                  &no) == TS_OK);
    if (pk)
        return true;
    MUST_HOLD(mikey_init_verify(&init, psk, bob.data, kms.data, &keys) ==
              TS_OK);
    MUST_HOLD(mikey_base_read(&init.ticket, &base) == TS_OK);
    enum ts_err err = mikey_base_open(&init.ticket, &base, tpk, &opened);
    check_opened(err, &opened.keys, 1);
    const struct mikey_reply_new reply_in = {
        .init = &init,
        .psk = &keys,
        .t = now(),
        .idr_kms = kms,
        .keys = k,
        .n_keys = choose_keys(k, fork ? 2 : 1, 3),
        .idr_r = fork ? bob : (struct mikey_id){0},
        .rand_kms = fork ? some() : none,
    };
    uint8_t *to = buf + MSG_MAX / 2;
    w = ts_writer_init(to, MSG_MAX / 2);
    use_kw(&keys);
    mikey_build_resolve_resp(&w, &reply_in);
    if (!refused(&w))
        check_opened(mikey_reply_open(&init, ts_written(&w), psk, &reply),
                     &reply.keys, fork ? 2 : 1);
    return true;
}

/* ---- between the two ends ---- */

/* Sessions, of which those of an answer must be complete. */
static struct ts_span choose_map(uint8_t *to, uint8_t *n_cs)
{
    struct ts_writer w = ts_writer_init(to, 256);
    *n_cs = (uint8_t)choose(4);
    for (uint8_t i = 0; i < *n_cs; i++) {
        const struct mikey_cs cs = {
            .id = (uint8_t)(i + 1),
            .prot = (uint8_t)(choose(4) == 3),
            .policies = ts_span("\0\1", choose(4) == 3 ? 2 : 1),
            .session = ts_span(octets, choose(4) == 3 ? 0 : 4),
            .spi = ts_span(octets, choose(4) == 3 ? 0 : 4),
        };
        mikey_put_cs(&w, &cs);
    }
    return ts_written(&w);
}

static size_t choose_sp(struct mikey_sp *sp, uint8_t params[2][64])
{
    size_t n = choose(3);
    for (size_t i = 0; i < n; i++) {
        struct ts_writer w = ts_writer_init(params[i], sizeof params[i]);
        const struct mikey_srtp_policy p =
            toss() ? mikey_srtp_usual(suite) : mikey_srtp_gcm(suite);
        mikey_srtp_policy_write(&w, &p);
        sp[i] = (struct mikey_sp){(uint8_t)i, MIKEY_PROT_SRTP, ts_written(&w)};
    }
    return n;
}

static bool offer(void)
{
    static struct mikey_policy policy;
    static struct mikey_keys keys;
    uint8_t map[256], params[2][64], no;
    struct mikey_sp sp[2];
    struct mikey_key k[4];
    struct ts_writer w = writer(transfer_buf);
    struct mikey_transfer_new in = {
        .suite = suite,
        .csb = 3,
        .t = now(),
        .rand_i = at_least(mpk_i.len),
        .idr_i = alice,
        .idr_r = bob,
        .omit = omit,
        .sp = sp,
        .n_sp = choose_sp(sp, params),
        .ticket = &granted.ticket,
        .sdp_ids = toss() ? ts_span_str("mikey") : none,
        .mpk_i = &mpk_i,
        .mpk_r = &mpk_r,
        .keys = k,
        .n_keys = choose_keys(k, 0, 2),
    };
    in.map = choose_map(map, &in.n_cs);
    mikey_build_transfer_init(&w, &in);
    if (refused(&w))
        return false;
    must_read(&w, &transfer);
    if (mikey_transfer_check(&transfer, &policy, &no))
        return false;
    const struct mikey_names names = {alice.data, bob.data, none};
    check_opened(mikey_transfer_verify(&transfer, &mpk_i, &names, &keys), &keys,
                 0);
    return true;
}

static void answer(void)
{
    static struct mikey_keys keys;
    uint8_t map[256], params[2][64];
    struct mikey_sp sp[2];
    struct mikey_key k[4];
    struct mikey_msg m;
    struct ts_writer w = writer(buf);
    struct mikey_answer_new in = {
        .init = &transfer,
        .suite = suite,
        .t = now(),
        .rand_r = toss() ? some() : none,
        .idr_r = bob,
        .rand_kms = toss() ? some() : none,
        .sp = sp,
        .n_sp = choose_sp(sp, params),
        .mpk = &mpk_r,
        .keys = k,
        .n_keys = choose_keys(k, 0, 2),
    };
    in.map = choose_map(map, &in.n_cs);
    mikey_build_transfer_resp(&w, &in);
    if (refused(&w))
        return;
    must_read(&w, &m);
    if (mikey_answer_check(&transfer, &m) == TS_OK)
        check_opened(mikey_answer_verify(&transfer, &m, &mpk_r, &keys), &keys,
                     0);
}

static void update(uint16_t flags)
{
    static struct mikey_keys keys;
    uint8_t map[256], params[2][64];
    struct mikey_sp sp[2];
    struct mikey_key k[4];
    struct mikey_msg m;
    struct ts_writer w = writer(buf);
    struct mikey_csb csb = {.flags = flags, .i = alice, .r = bob};
    struct mikey_update_new in = {
        .from = toss() ? MIKEY_INITIATOR : MIKEY_RESPONDER,
        .response = toss(),
        .init = transfer.raw,
        .want_response = toss(),
        .t = now(),
        .omit = omit,
        .sp = sp,
        .n_sp = choose_sp(sp, params),
        .new_keys = k,
        .n_keys = choose_keys(k, 0, 2),
    };
    mikey_protect_of(&transfer, NULL, ts_key_span(&mpk_r), &csb.keys);
    in.map = choose_map(map, &in.n_cs);
    mikey_build_update(&w, &csb, &in);
    if (refused(&w))
        return;
    must_read(&w, &m);
    check_opened(mikey_update_open(&csb, &m, in.from,
                                   in.response ? in.init : none, &keys),
                 &keys, 0);
}

static void refuse(struct mikey_protect *keys)
{
    static struct ts_span given = {octets, 64};
    static const struct mikey_signer signer = {&given, 1, 64, NULL, 0, sign_as};
    uint8_t params[2][64];
    struct mikey_sp sp[2];
    struct mikey_msg m;
    struct ts_writer w = writer(buf);
    const struct mikey_error_new in = {
        .about = &request.hdr,
        .t = now(),
        .no = {MIKEY_ERR_AUTH, MIKEY_ERR_TS},
        .n_no = 1 + choose(2),
        .sp = sp,
        .n_sp = choose_sp(sp, params),
        .auth = toss() ? keys : NULL,
        .signer = toss() ? &signer : NULL,
    };
    keys->selector = MIKEY_SEL_INIT;
    mikey_build_error(&w, &in);
    if (refused(&w))
        return;
    must_read(&w, &m);
    MUST_HOLD(m.n_err == in.n_no && m.has_v == !!in.auth);
    MUST_HOLD(mikey_error_verify(&request, NULL, &m, psk) ==
              (in.auth ? TS_OK : TS_E_MISSING));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct mikey_policy policy;
    struct mikey_protect keys;
    if (n > 1024)
        return 0;
    choices = ts_reader_init(data, n);
    suite = mikey_suite_bits(toss() ? 128 : 256);
    alice = identity("sip:alice@example.com");
    bob = identity("sip:bob@example.com");
    kms = identity("sip:kms@example.com");
    omit = choose(16) << 1;
    psk = at_least(16);
    tpk = at_least(16);
    rand_octets = at_least(32);
    mpk_i = (struct ts_key){32, {1}};
    mpk_r = (struct ts_key){32, {2}};
    uint16_t flags = ts_get_u16(&choices) & 0x0fff;
    if (toss())
        flags = MIKEY_FLAGS_USUAL | MIKEY_FLAG_L | MIKEY_FLAG_M;
    if (!ask(&policy, flags, &keys))
        return 0;
    refuse(&keys);
    if (answer_request(&policy, flags, &keys) && offer()) {
        (void)resolve();
        answer();
        update(flags);
    }
    return 0;
}
