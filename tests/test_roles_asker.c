/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages under a right MAC that say what they must not: from an Initiator, or
 * from a user of the KMS.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

static int begin(void **state)
{
    (void)state;
    troupe_begin(&t, 256);
    return 0;
}

static void sign_request(void)
{
    const struct mikey_msg m = troupe_read(&t.request);
    struct mikey_protect keys;
    mikey_protect_of(&m, NULL, t.psk[0], &keys);
    troupe_sign(&t.request, &keys, t.alice.self.data, t.kms.self.data);
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

static void is_refused(enum ts_err wanted, uint8_t error)
{
    uint8_t no;
    troupe_freeze(&t, &still);
    FAILS(wanted,
          mikey_responder_offered(t.bob->r, &t.now, troupe_view(&t.transfer),
                                  &t.bob->offered, &no));
    assert_int_equal(no, error);
    troupe_unchanged(&t, &still);
}

/* R239, R278 */
static void an_offer_of_two_suites_is_refused(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    const struct mikey_msg m = troupe_read(&t.transfer);
    uint8_t *prf = t.transfer.b + mikey_at(&m, m.ticket.body) + 5;
    uint8_t *alg = t.transfer.b + mikey_at(&m, m.v.mac) - 1;
    assert_int_equal(*prf >> 1, MIKEY_PRF_SHA256);
    *prf ^= MIKEY_PRF_SHA256 << 1;
    is_refused(TS_E_UNSUPPORTED, MIKEY_ERR_PRF);
    *prf ^= MIKEY_PRF_SHA256 << 1;
    assert_int_equal(*alg, MIKEY_AUTH_SHA256);
    *alg = MIKEY_AUTH_SHA1;
    t.transfer.n -= 12; /* 20 octets are left */
    is_refused(TS_E_UNSUPPORTED, MIKEY_ERR_MAC);
    *alg = MIKEY_AUTH_SHA256;
    t.transfer.n += 12;
    OK(troupe_verify(&t));
}

/* Turn IDRi of a Ticket Policy in a message, which is not the first payload,
 * into a KEMAC of nothing. */
static void idr_to_kemac(struct troupe_message *message)
{
    const struct mikey_msg m = troupe_read(message);
    uint8_t *b = message->b;
    struct mikey_policy p;
    OK(mikey_policy_read(m.ticket.tp.data, &p));
    const size_t id = mikey_at(&m, p.initiator.data) - 5;
    b[mikey_at(&m, p.kms.data) - 5] = MIKEY_KEMAC; /* next payload */
    b[id + 1] = MIKEY_ENCR_NULL;
    b[id + 2] = 0; /* as long as IDRi was */
    b[id + 3] = (uint8_t)p.initiator.data.n;
    b[id + 4 + p.initiator.data.n] = MIKEY_AUTH_NULL;
}

/* R239 */
static void an_offer_names_no_keys(void **state)
{
    (void)state;
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    idr_to_kemac(&t.transfer);
    troupe_sign_offer(&t);
    is_refused(TS_E_FORMAT, MIKEY_ERR_TPPAR);
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
    static struct troupe_message was;
    was = t.request;
    const size_t auth = (size_t)(encr - t.request.b) + 3 + p.kemac.data.n;
    assert_int_equal(t.request.b[auth], MIKEY_AUTH_NULL);
    t.request.b[auth] = MIKEY_AUTH_SHA256; /* and a MAC of 32 octets */
    memmove(t.request.b + auth + 33, t.request.b + auth + 1,
            t.request.n - auth - 1); /* lint: of the test */
    t.request.n += 32;
    const size_t tp = mikey_at(&m, m.tp.data);
    t.request.b[tp - 2] = (uint8_t)((m.tp.data.n + 32) >> 8);
    t.request.b[tp - 1] = (uint8_t)(m.tp.data.n + 32);
    asked(TS_E_UNSUPPORTED, MIKEY_ERR_MAC);
    t.request = was;
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

/* And the KMS that made it: others are sent there to have it resolved. */
static void a_ticket_names_the_kms_that_made_it(void **state)
{
    (void)state;
    struct mikey_policy p;
    OK(troupe_request(&t));
    const struct mikey_msg m = troupe_read(&t.request);
    OK(mikey_policy_read(m.tp.data, &p));
    t.request.b[mikey_at(&m, p.kms.data) + 4] ^= 1;
    asked(TS_OK, 0);
    const struct mikey_msg granted_msg = troupe_read(&t.granted);
    OK(mikey_policy_read(granted_msg.ticket.tp.data, &p));
    assert_true(ts_span_equal(p.kms.data, t.kms.self.data));
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
        if (k == 1)
            idr_to_kemac(&t.bob->resolve); /* R239 */
        if (k == 2) /* R279: a strong ticket in a weak message */
            b[3] = 0x80;
        if (k < 2) {
            m = troupe_read(&t.bob->resolve);
            mikey_protect_of(&m, NULL, t.psk[1], &keys);
            troupe_sign(&t.bob->resolve, &keys, t.bob->party.self.data,
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

UNIT_MAIN(TEST(an_offer_that_says_what_it_must_not_is_refused),
          TEST(an_offer_of_two_suites_is_refused), TEST(an_offer_names_no_keys),
          TEST(flags_of_a_request_must_fit),
          TEST(keys_that_are_wanted_are_named_in_clear),
          TEST(a_ticket_is_in_the_name_of_who_asked),
          TEST(a_ticket_names_the_kms_that_made_it),
          TEST(a_ticket_that_cannot_be_is_not_resolved),
          TEST(a_strong_ticket_is_not_resolved_by_a_weak_message))
