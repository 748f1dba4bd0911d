/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages under a right MAC that say what they must not: from a KMS, an
 * Initiator or a Responder that is broken, or not honest. Whoever gets one
 * refuses it for what it says, and stays as it was.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;
static const struct ts_span none;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

#define SUITE mikey_suite_bits(256)

/* Compute the MAC at the end of a message anew. */
static void sign(struct troupe_message *m, struct mikey_protect *keys,
                 struct ts_span tail1, struct ts_span tail2)
{
    const struct mikey_msg read = troupe_read(m);
    const size_t at = mikey_at(&read, read.v.mac);
    struct mikey_hmac h;
    mikey_protect_auth(keys, &h);
    mikey_hmac_add(&h, ts_span(m->b, at));
    mikey_hmac_add(&h, tail1);
    mikey_hmac_add(&h, tail2);
    mikey_hmac_end(&h, m->b + at, 32);
}

static void sign_request(void)
{
    const struct mikey_msg m = troupe_read(&t.request);
    struct mikey_protect keys;
    mikey_protect_of(&m, NULL, t.psk[0], &keys);
    sign(&t.request, &keys, t.alice.self.data, t.kms.self.data);
}

/* ---- what a KMS grants (4.2.1.6) ---- */

/* REQUEST_RESP of a KMS that writes whatever it likes. */
static struct {
    struct mikey_tp tp;
    struct mikey_policy policy;
    const struct mikey_key *want; /* as KEMAC of the policy */
    size_t n_want;
    struct mikey_key keys[4];
    size_t n_keys;
} kms;

static void set_kms(unsigned flags)
{
    const uint64_t now = t.now.us / SECONDS;
    memset(&kms, 0, sizeof kms); /* lint: of the test */
    OK(troupe_request(&t));
    kms.tp = troupe_read(&t.request).tp;
    kms.tp.flags = (uint16_t)flags;
    kms.policy = (struct mikey_policy){.kms = t.kms.self,
                                       .initiator = t.alice.self,
                                       .has_start = true,
                                       .has_end = true,
                                       .start = now,
                                       .end = now + 1000,
                                       .n_responders = 1,
                                       .responder = {t.bob->party.self}};
    kms.keys[0] = troupe_key(MIKEY_MPK, 32, 1, 'm');
    kms.keys[1] = troupe_key(MIKEY_MPK, 32, 2, 'n');
    kms.keys[2] = troupe_key(MIKEY_TGK, 32, 3, 'a');
    kms.n_keys = 3;
}

static void grant(void)
{
    const struct mikey_msg init = troupe_read(&t.request);
    const struct mikey_hdr hdr = {.type = MIKEY_REQUEST_RESP,
                                  .prf = init.hdr.prf,
                                  .csb = init.hdr.csb,
                                  .map_type = MIKEY_MAP_EMPTY};
    struct mikey_protect psk;
    struct mikey_hmac h;
    struct ts_writer w = ts_writer_init(t.granted.b, TROUPE_MAX);
    struct mikey_build b = mikey_build_hdr(&w, &hdr);
    mikey_protect_of(&init, NULL, t.psk[0], &psk);
    psk.selector = MIKEY_SEL_RESP;
    mikey_build_t(&b, mikey_now_t(&t.now));
    mikey_build_payload(&b, MIKEY_TICKET);
    mikey_build_tp(&b, &kms.tp, &kms.policy, kms.want, kms.n_want);
    ts_put_u16(&w, 3); /* Ticket Data are nothing to Alice */
    ts_put(&w, "???", 3);
    ts_put_u16(&w, 0);
    mikey_build_keys(&b, &psk, mikey_now_t(&t.now), kms.keys, kms.n_keys);
    mikey_protect_auth(&psk, &h);
    mikey_build_v(&b, SUITE, &h, troupe_view(&t.request), none);
    assert_int_equal(w.err, TS_OK);
    t.granted.n = w.len;
}

static void granted(enum ts_err wanted)
{
    grant();
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_granted(&t));
    if (wanted)
        troupe_unchanged(&t, &still);
}

#define USUAL (MIKEY_FLAG_D | MIKEY_FLAG_E | MIKEY_FLAG_I | TROUPE_FLAGS)

/* R47, R48, R217, R232, R233, R239, R278 */
static void a_policy_that_will_not_do_is_discarded(void **state)
{
    (void)state;
    const uint64_t now = t.now.us / SECONDS;
    const struct mikey_key tgk = troupe_key(MIKEY_TGK, 32, 1, 'a');
    set_kms(USUAL);
    granted(TS_OK);
    set_kms(USUAL);
    kms.want = &tgk; /* R239: a KEMAC in a granted policy */
    kms.n_want = 1;
    granted(TS_E_FORMAT);
    set_kms(USUAL);
    kms.tp.prf = MIKEY_PRF_SHA1; /* R278 */
    granted(TS_E_FORMAT);
    set_kms(USUAL);
    kms.tp.kind.version = 2; /* R47: another kind of ticket */
    granted(TS_E_UNSUPPORTED);
    kms.tp.kind = (struct mikey_kind){2, 1, 1};
    granted(TS_E_UNSUPPORTED);
    set_kms(USUAL);
    kms.policy.end = now - 301; /* R47, R232, R233 */
    kms.policy.start = 0;
    granted(TS_E_EXPIRED);
    kms.policy.end = now + 2000;
    kms.policy.start = now + 301;
    granted(TS_E_EXPIRED);
    kms.policy.has_end = kms.policy.has_start = false; /* for ever */
    granted(TS_OK);
    set_kms(USUAL);
    kms.policy.initiator = t.bob->party.self;
    granted(TS_E_MISMATCH);
    kms.policy.initiator.data.p = NULL; /* R15 is a SHOULD */
    granted(TS_OK);
}

/* R217, 2.17: flags that do not fit each other, or the keys. */
static void granted_flags_must_fit(void **state)
{
    (void)state;
    const unsigned d = MIKEY_FLAG_D, e = MIKEY_FLAG_E, f = MIKEY_FLAG_F,
                   g = MIKEY_FLAG_G, h = MIKEY_FLAG_H, i = MIKEY_FLAG_I,
                   m = MIKEY_FLAG_M, n = MIKEY_FLAG_N;
    t.wish.must = MIKEY_FLAG_D;
    const unsigned wrong[] = {d | e | f | i | n, d | f | h | i | n,
                              d | e | g | h | i | n, d | e | h | i | m | n,
                              d | e | h | i | n}; /* the last: R217 */
    for (size_t k = 0; k < 5; k++) {
        set_kms(wrong[k]);
        granted(TS_E_FORMAT);
    }
    kms.keys[2].type = MIKEY_GTGK; /* which is not forked */
    granted(TS_OK);
    set_kms(e | f | h | i | n | MIKEY_FLAG_L); /* made by nobody we asked */
    granted(TS_E_UNSUPPORTED);
}

/* R47: somebody was left out; somebody else got in. */
static void granted_to_whom_it_was_asked_for(void **state)
{
    (void)state;
    const struct mikey_id both[] = {t.bob->party.self, t.callee[1].party.self};
    t.wish.responder = both;
    t.wish.n_responders = 2;
    set_kms(USUAL);
    granted(TS_E_MISMATCH); /* Bob only */
    kms.policy.responder[1] = both[1];
    kms.policy.n_responders = 2;
    granted(TS_OK);
    t.wish.n_responders = 1;
    set_kms(USUAL);
    kms.policy.responder[1] = both[1];
    kms.policy.n_responders = 2;
    granted(TS_E_MISMATCH); /* Carol, too */
}

/* R38, R39: as many MPKs as there must be, first. */
static void granted_with_the_keys_that_there_must_be(void **state)
{
    (void)state;
    set_kms(USUAL);
    kms.keys[1].type = MIKEY_TGK;
    granted(TS_E_FORMAT);
    set_kms(USUAL & ~MIKEY_FLAG_I);
    t.i->must = MIKEY_FLAG_D;
    granted(TS_E_FORMAT); /* an MPK too many */
    kms.keys[1] = kms.keys[2];
    kms.n_keys = 2;
    granted(TS_OK);
    set_kms(USUAL);
    kms.keys[2].spi = kms.keys[1].spi; /* of an MPK: AMB 10 */
    granted(TS_OK);
    set_kms(USUAL);
    kms.keys[3] = kms.keys[2]; /* AMB 14 */
    kms.n_keys = 4;
    granted(TS_E_FORMAT);
}

/* ---- what a KMS resolves (4.2.3.6) ---- */

static struct mikey_reply_new resolve; /* as it should be; then changed */
static struct mikey_key resolved_keys[4];

static void set_resolve(unsigned more)
{
    static struct mikey_msg init;
    static struct mikey_protect psk;
    static uint8_t rand[32];
    begin(NULL);
    troupe_mode(&t, 1, more);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    init = troupe_read(&t.bob->resolve);
    mikey_protect_of(&init, NULL, t.psk[1], &psk);
    for (size_t k = 0; k < 32; k++)
        rand[k] = (uint8_t)k;
    resolved_keys[0] = t.i->keys.k[0]; /* MPKi is right */
    resolved_keys[1] = troupe_key(MIKEY_MPK, 32, 9, 'n');
    resolved_keys[2] = troupe_key(MIKEY_TGK, 32, 8, 'a');
    resolve = (struct mikey_reply_new){.init = &init,
                                       .psk = &psk,
                                       .t = mikey_now_t(&t.now),
                                       .idr_kms = t.kms.self,
                                       .keys = resolved_keys,
                                       .n_keys = 3,
                                       .idr_r = t.bob->party.self,
                                       .rand_kms = ts_span(rand, 32)};
}

static void resolved(enum ts_err wanted)
{
    struct ts_writer w = ts_writer_init(t.bob->resolved.b, TROUPE_MAX);
    mikey_build_resolve_resp(&w, &resolve);
    assert_int_equal(w.err, TS_OK);
    t.bob->resolved.n = w.len;
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_resolved(&t));
    if (wanted)
        troupe_unchanged(&t, &still);
}

/* R75, R77, R123-R125, R128, R133, R273 */
static void a_reply_that_resolves_nothing_is_discarded(void **state)
{
    (void)state;
    set_resolve(MIKEY_FLAG_I);
    resolve.n_keys = 1; /* R124 */
    resolved(TS_E_FORMAT);
    resolve.n_keys = 3;
    resolve.idr_r.data.p = NULL; /* R128 */
    resolved(TS_E_MISSING);
    resolve.idr_r = t.bob->party.self;
    resolve.rand_kms.n = 31; /* R273 */
    resolved(TS_E_FORMAT);
    resolve.rand_kms.n = 0;
    resolved(TS_E_MISSING);
    resolve.rand_kms.n = 32;
    resolved_keys[0] = troupe_key(MIKEY_MPK, 32, 7, 'm');
    resolved(TS_E_AUTH); /* R133: of another ticket */
    resolved_keys[0] = t.i->keys.k[0];
    resolved_keys[2] = troupe_key(MIKEY_TGK, 33, 8, 'a');
    resolved(TS_E_FORMAT);              /* R273: a longer key than RANDRkms */
    resolved_keys[2].type = MIKEY_GTGK; /* which it does not fork */
    resolved(TS_OK);
    set_resolve(0);
    resolved(TS_E_FORMAT); /* an MPK too many */
    resolved_keys[1] = resolved_keys[2];
    resolve.n_keys = 2;
    resolved(TS_OK);
    assert_int_equal(t.bob->r->rand_kms_n, 0); /* nothing was forked */
}

/* R272: without RANDRr the offer's RANDRi serves all keys. */
static void an_offer_whose_rand_is_too_short_is_not_verified(void **state)
{
    (void)state;
    for (unsigned g = 0; g < 2; g++) {
        set_resolve(0);
        troupe_flags(&t, 1,
                     MIKEY_FLAG_F | MIKEY_FLAG_H | (g ? MIKEY_FLAG_G : 0));
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        OK(troupe_offered(&t));
        OK(troupe_resolve(&t));
        static struct mikey_msg init;
        static struct mikey_protect psk;
        init = troupe_read(&t.bob->resolve);
        mikey_protect_of(&init, NULL, t.psk[1], &psk);
        resolve.init = &init;
        resolve.psk = &psk;
        resolve.idr_r.data.p = NULL;
        resolve.rand_kms.n = 0;
        resolved_keys[0] = t.i->keys.k[0];
        resolved_keys[1] = troupe_key(MIKEY_TGK, 33, 8, 'a');
        resolve.n_keys = 2;
        resolved(g ? TS_OK : TS_E_FORMAT); /* else RANDRr makes up for it */
    }
}

/* ---- what a Responder answers (4.2.2.4) ---- */

static struct mikey_answer_new reply;
static struct ts_key mpk;
static struct mikey_msg offer;
static struct mikey_sp sps[2];

static void set_answer(unsigned flags)
{
    static uint8_t rand[64], map[128];
    struct ts_writer w = ts_writer_init(map, sizeof map);
    struct mikey_session s[2];
    begin(NULL);
    troupe_flags(&t, 1, flags);
    troupe_verified(&t);
    offer = troupe_read(&t.transfer);
    const unsigned first = flags & MIKEY_FLAG_I ? 2 : 1;
    for (size_t k = 0; k < 2; k++)
        s[k] = (struct mikey_session){.cs = (uint8_t)(1 + k),
                                      .known = true,
                                      .policies = ts_span("", 1),
                                      .spi = t.bob->r->keys.k[first].spi};
    OK(ts_key_set(&mpk, t.bob->r->keys.k[first - 1].key));
    reply = (struct mikey_answer_new){
        .init = &offer,
        .suite = SUITE,
        .t = mikey_now_t(&t.now),
        .rand_r = ts_span(rand, flags & MIKEY_FLAG_G ? 32 : 0),
        .idr_r = t.bob->party.self,
        .rand_kms = ts_span(t.bob->r->rand_kms, t.bob->r->rand_kms_n),
        .n_cs = 2,
        .map = mikey_put_sessions(&w, s, 2),
        .sp = sps,
        .mpk = &mpk};
    for (size_t k = 0; k < 2; k++)
        sps[k] = offer.sp[0];
}

static void take_answer(enum ts_err wanted)
{
    t.bob->at_i = NULL;
    troupe_freeze(&t, &still);
    FAILS(wanted, troupe_answered(&t));
    if (!wanted)
        return;
    t.bob->at_i = NULL;
    troupe_unchanged(&t, &still);
}

static void answered(enum ts_err wanted)
{
    struct ts_writer w = ts_writer_init(t.bob->resp.b, TROUPE_MAX);
    mikey_build_transfer_resp(&w, &reply);
    assert_int_equal(w.err, TS_OK);
    t.bob->resp.n = w.len;
    take_answer(wanted);
}

/* R66, R68, R74, R75, R77, R221, R273 */
static void an_answer_without_what_it_must_have_is_discarded(void **state)
{
    (void)state;
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I);
    answered(TS_OK);
    reply.rand_r.n = 0; /* R74, R221: G=1 */
    answered(TS_E_FORMAT);
    reply.rand_r.n = 32;
    reply.idr_r.data.p = NULL; /* R75 */
    answered(TS_E_MISSING);
    reply.idr_r = t.callee[1].party.self;
    answered(TS_E_AUTH); /* the KMS forked for Bob, not for Carol */
    reply.idr_r = t.bob->party.self;
    const struct ts_span rand = reply.rand_kms;
    reply.rand_kms.n = 0; /* R77 */
    answered(TS_E_MISSING);
    reply.rand_kms.n = 31; /* R273 */
    answered(TS_E_FORMAT);
    reply.rand_kms = rand;
    set_answer((TROUPE_FLAGS & ~MIKEY_FLAG_G) | MIKEY_FLAG_I);
    reply.rand_r.n = 32; /* R221: G=0 */
    answered(TS_E_FORMAT);
}

/* R82, R227; AMB 14 */
static void keys_that_must_not_be_in_an_answer_are_not_taken(void **state)
{
    (void)state;
    struct mikey_key key = troupe_key(MIKEY_TEK, 32, 1, 'x');
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I);
    struct mikey_msg lying = offer; /* M=0, and it does not care */
    lying.ticket.tp.flags |= MIKEY_FLAG_M;
    reply.init = &lying;
    reply.keys = &key;
    reply.n_keys = 1;
    answered(TS_E_FORMAT); /* R82, R227 */
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I | MIKEY_FLAG_M);
    reply.keys = &key;
    reply.n_keys = 1;
    answered(TS_OK);
    key.spi = t.bob->r->keys.k[2].spi; /* AMB 14: that of the TGK */
    answered(TS_E_EXISTS);
    key = troupe_key(MIKEY_MPK, 32, 1, 'x');
    answered(TS_E_FORMAT);
}

/* R79: a policy that is sent again is no new one; another one of its number is
 * none at all. */
static void policies_may_be_sent_again_as_they_were(void **state)
{
    (void)state;
    set_answer(TROUPE_FLAGS | MIKEY_FLAG_I);
    reply.n_sp = 1;
    answered(TS_OK);
    assert_int_equal(t.bob->at_i->sps.n, 1);
    sps[0].params.n -= 3;
    answered(TS_E_MISMATCH);
    sps[0].params.n += 3;
    sps[0].prot = MIKEY_PROT_TESLA;
    answered(TS_E_MISMATCH);
}

/* R197 */
static void an_answer_has_no_srtp_id_map(void **state)
{
    (void)state;
    struct mikey_protect keys;
    begin(NULL);
    t.offer.n_sessions = t.bob->answer.n_sessions = 0;
    troupe_verified(&t);
    OK(troupe_answer(&t));
    const struct mikey_msg init = troupe_read(&t.transfer);
    const struct mikey_msg resp = troupe_read(&t.bob->resp);
    OK(ts_key_set(&mpk, t.bob->r->keys.k[1].key));
    mikey_protect_of(&init, &resp, ts_key_span(&mpk), &keys);
    t.bob->resp.b[9] = MIKEY_MAP_SRTP;
    sign(&t.bob->resp, &keys, troupe_view(&t.transfer), none);
    take_answer(TS_E_FORMAT);
    t.bob->resp.b[9] = MIKEY_MAP_EMPTY;
    sign(&t.bob->resp, &keys, troupe_view(&t.transfer), none);
    take_answer(TS_OK);
    /* R67: V in HDR, if somebody sets it all the same, means nothing */
    t.bob->resp.b[3] |= 0x80;
    sign(&t.bob->resp, &keys, troupe_view(&t.transfer), none);
    take_answer(TS_OK);
}

/* ---- what an Initiator offers, and asks for ---- */

/* R59, R226: keys where L=0; R203: a policy that is none; all before the KMS
 * is asked (R62, R63). */
static void an_offer_that_says_what_it_must_not_is_refused(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TEK, 32, 1, 'x');
    uint8_t no;
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_L);
    t.offer.keys = &key;
    t.offer.n_keys = 1;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    const struct mikey_msg m = troupe_read(&t.transfer);
    uint8_t *flags = t.transfer.b + mikey_at(&m, m.ticket.body) + 6;
    flags[0] &= 0xfe; /* L */
    troupe_sign_offer(&t);
    troupe_freeze(&t, &still);
    FAILS(TS_E_FORMAT,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_TPPAR);
    flags[0] |= 1;
    t.transfer.b[13] = 77; /* the first session's policy */
    troupe_sign_offer(&t);
    FAILS(TS_E_MISMATCH,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, MIKEY_ERR_SPPAR);
    troupe_unchanged(&t, &still);
    t.transfer.b[13] = 0;
    troupe_sign_offer(&t);
    OK(troupe_verify(&t));
}

static void asked(enum ts_err wanted, uint8_t no)
{
    sign_request();
    FAILS(wanted, troupe_grant(&t));
    struct mikey_msg m = troupe_read(&t.granted);
    if (wanted)
        assert_int_equal(m.err[0], no);
}

/* R37, R217, R225: K counts for nothing; one TGK is meant where no keys are
 * named. */
static void flags_of_a_request_must_fit(void **state)
{
    (void)state;
    t.kms.decide = NULL; /* D is set, whatever was asked for */
    OK(troupe_request(&t));
    const struct mikey_msg m = troupe_read(&t.request);
    uint8_t *flags = t.request.b + mikey_at(&m, m.tp.data) - 5;
    flags[0] &= 0xfe; /* D=0, L=1 */
    flags[1] |= 0x03; /* K, too: it does not make D wanted */
    asked(TS_OK, 0);
    flags[1] &= 0xbf; /* F=0, hence G=0: R37, R217 */
    flags[1] &= 0xdf;
    asked(TS_E_FORMAT, MIKEY_ERR_TPPAR);
    flags[1] &= 0xf7; /* without I there is nothing to fork */
    asked(TS_OK, 0);
}

/* R237: the KEMAC of a TP is in clear. */
static void keys_that_are_wanted_are_named_in_clear(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TGK, 32, 1, 'a');
    struct mikey_policy p;
    t.wish.keys = &key;
    t.wish.n_keys = 1;
    OK(troupe_request(&t));
    const struct mikey_msg m = troupe_read(&t.request);
    OK(mikey_policy_read(m.tp.data, &p));
    uint8_t *encr = t.request.b + mikey_at(&m, p.kemac.data) - 3;
    assert_int_equal(*encr, MIKEY_ENCR_NULL);
    *encr = MIKEY_ENCR_AES_CM_256;
    asked(TS_E_UNSUPPORTED, MIKEY_ERR_EA);
    *encr = MIKEY_ENCR_NULL;
    asked(TS_OK, 0);
    for (size_t k = 0; k < 32; k++) /* R238: nobody looks at the octets */
        encr[3 + 4 + k] ^= (uint8_t)(k + 1);
    asked(TS_OK, 0);
}

/* R15: the ticket names who asked, whatever the request says of that. */
static void a_ticket_is_in_the_name_of_who_asked(void **state)
{
    (void)state;
    struct mikey_policy p;
    OK(troupe_request(&t));
    const struct mikey_msg m = troupe_read(&t.request);
    OK(mikey_policy_read(m.tp.data, &p));
    t.request.b[mikey_at(&m, p.initiator.data) + 4] ^= 1;
    asked(TS_OK, 0);
    const struct mikey_msg granted_msg = troupe_read(&t.granted);
    OK(mikey_policy_read(granted_msg.ticket.tp.data, &p));
    assert_true(ts_span_equal(p.initiator.data, t.alice.self.data));
    assert_true(granted_msg.ticket.tp.flags & MIKEY_FLAG_K);
}

/* R217, R239, R279: what Bob's RESOLVE_INIT carries. */
static void a_ticket_that_cannot_be_is_not_resolved(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 3; k++) {
        struct mikey_protect keys;
        begin(NULL);
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
        OK(troupe_offered(&t));
        OK(troupe_resolve(&t));
        struct mikey_msg m = troupe_read(&t.bob->resolve);
        uint8_t *b = t.bob->resolve.b;
        size_t at = mikey_at(&m, m.ticket.body);
        if (k == 0)
            b[at + 6] &= 0x7f; /* I without E */
        if (k == 1) { /* R239: its IDRi becomes a KEMAC of nothing ... */
            struct mikey_policy p;
            OK(mikey_policy_read(m.ticket.tp.data, &p));
            size_t id = mikey_at(&m, p.initiator.data) - 5;
            b[mikey_at(&m, p.kms.data) - 5] = MIKEY_KEMAC; /* next payload */
            b[id + 1] = MIKEY_ENCR_NULL;
            b[id + 2] = 0; /* ... as long as IDRi was */
            b[id + 3] = (uint8_t)p.initiator.data.n;
            b[id + 4 + p.initiator.data.n] = MIKEY_AUTH_NULL;
        }
        if (k == 2) /* R279: a strong ticket in a weak message */
            b[3] = 0x80;
        if (k < 2) {
            m = troupe_read(&t.bob->resolve);
            mikey_protect_of(&m, NULL, t.psk[1], &keys);
            sign(&t.bob->resolve, &keys, t.bob->party.self.data,
                 t.kms.self.data);
        }
        const enum ts_err err = troupe_resolve_at_kms(&t);
        const struct mikey_msg e = troupe_read(&t.bob->resolved);
        assert_int_equal(err, k == 2 ? TS_E_UNSUPPORTED : TS_E_FORMAT);
        assert_int_equal(e.err[0], k == 2 ? MIKEY_ERR_MAC : MIKEY_ERR_TPPAR);
    }
}

/* R278, R279: the same, with a MAC of the weak suite. */
static void a_strong_ticket_is_not_resolved_by_a_weak_message(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    const struct mikey_msg m = troupe_read(&t.transfer);
    const struct mikey_resolve_new in = {
        .suite = mikey_suite_bits(128),
        .csb = 1,
        .t = mikey_now_t(&t.now),
        .rand_r = m.rand[MIKEY_RAND_I],
        .idr_r = t.bob->party.self,
        .idr_kms = t.kms.self,
        .ticket = &m.ticket,
        .cred = {t.psk[1], t.bob->party.psk_id, NULL, NULL}};
    struct ts_writer w = ts_writer_init(t.bob->resolve.b, TROUPE_MAX);
    mikey_build_resolve_init(&w, &in);
    t.bob->resolve.n = w.len;
    FAILS(TS_E_UNSUPPORTED, troupe_resolve_at_kms(&t));
    assert_int_equal(troupe_read(&t.bob->resolved).err[0], MIKEY_ERR_TPPAR);
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(a_policy_that_will_not_do_is_discarded),
          TEST(granted_flags_must_fit), TEST(granted_to_whom_it_was_asked_for),
          TEST(granted_with_the_keys_that_there_must_be),
          TEST(a_reply_that_resolves_nothing_is_discarded),
          TEST(an_offer_whose_rand_is_too_short_is_not_verified),
          TEST(an_answer_without_what_it_must_have_is_discarded),
          TEST(keys_that_must_not_be_in_an_answer_are_not_taken),
          TEST(policies_may_be_sent_again_as_they_were),
          TEST(an_answer_has_no_srtp_id_map),
          TEST(an_offer_that_says_what_it_must_not_is_refused),
          TEST(flags_of_a_request_must_fit),
          TEST(keys_that_are_wanted_are_named_in_clear),
          TEST(a_ticket_is_in_the_name_of_who_asked),
          TEST(a_ticket_that_cannot_be_is_not_resolved),
          TEST(a_strong_ticket_is_not_resolved_by_a_weak_message))
