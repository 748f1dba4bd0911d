/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is heard at all: keys, clocks, replays, and what is wrong in the open
 * (R4, R10, R13, R14, R22, R28, R30, R91, R97, R99-R101, R108, R116,
 * R175-R179, R183-R187, R188, R192).
 */
#include "tests/desk.h"

static bool same_bytes(const struct desk_bytes *a, const struct desk_bytes *b)
{
    return a->n == b->n && memcmp(a->b, b->b, a->n) == 0;
}

/* ---- not authenticated ---- */

/* What CSB ID and T say is the message's own; all else is compared. */
static struct desk_bytes refused_as_unknown(struct desk *d)
{
    struct desk_bytes out;
    desk_refused(d, MIKEY_ERR_AUTH, false, NULL);
    assert_string_equal(desk_said(d, "result"), "denied");
    assert_string_equal(desk_said(d, "user"), "(nothing)");
    out = d->got;
    memset(out.b + 4, 0, 4);
    memset(desk_edit(d->error.raw) + 4, 0, 4);
    memset(out.b + 12, 0, 8); /* HDR 10, next payload, TS type */
    return out;
}

static void nobody_learns_whether_a_key_id_is_known(void **state)
{
    static struct desk_bytes wrong_key, unknown, too_long, empty;
    static const uint8_t long_id[1000];
    (void)state;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        struct desk *d = desk_open(bits);
        d->alice.psk.b[0] ^= 1;
        desk_write_request(d);
        d->alice.psk.b[0] ^= 1;
        desk_ask(d);
        assert_string_equal(desk_said(d, "reason"), "wrong key");
        wrong_key = refused_as_unknown(d);

        struct kms_user alice = d->alice;
        d->alice.key_id[0] = 'x';
        desk_write_request(d);
        d->alice = alice;
        desk_ask(d);
        assert_string_equal(desk_said(d, "reason"), "unknown key id");
        unknown = refused_as_unknown(d);
        assert_true(same_bytes(&wrong_key, &unknown));

        d->name_key = false; /* IDRi names the key, of any length */
        d->self = (struct mikey_id){0, MIKEY_ID_URI,
                                    ts_span(long_id, sizeof long_id)};
        desk_write_request(d);
        desk_ask(d);
        too_long = refused_as_unknown(d);
        assert_true(same_bytes(&wrong_key, &too_long));

        d->self.data.n = 0;
        desk_write_request(d);
        desk_ask(d);
        empty = refused_as_unknown(d);
        assert_true(same_bytes(&wrong_key, &empty));
    }
}

/* The MAC of a known user over another message; and of a resolve. */
static void a_changed_octet_is_never_answered_with_keys(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    for (unsigned kind = 0; kind < 2; kind++) {
        if (kind)
            desk_write_resolve(d, &d->bob);
        else
            desk_write_request(d);
        for (size_t i = 0; i < d->sent.n; i++) {
            d->sent.b[i] ^= 0x10;
            desk_ask(d);
            assert_true(d->q.result == KMS_DENIED ||
                        d->q.result == KMS_INVALID);
            if (d->q.status == 200) {
                OK(mikey_msg_read(ts_span(d->got.b, d->got.n), &d->error,
                                  NULL));
                assert_false(d->error.has_v);
            }
            d->sent.b[i] ^= 0x10;
        }
        desk_ask(d); /* and none of it counts as seen */
        desk_granted(d);
    }
}

/* ---- the clock ---- */

static void ask_at(struct desk *d, struct mikey_time t)
{
    d->t = t;
    desk_write_request(d);
    desk_ask(d);
}

static void a_clock_that_is_off_gets_the_time_and_no_more(void **state)
{
    static const int64_t seconds[] = {-3600, -301, 301, 3600, 86400};
    (void)state;
    struct desk *d = desk_open(256);
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        ask_at(d, mikey_time_ntp(d->now + (uint64_t)seconds[i] * 1000000));
        desk_refused(d, MIKEY_ERR_TS, false, "clock off");
    }
    ask_at(d, mikey_time_ntp(d->now - 300 * 1000000 + 1));
    desk_granted(d);
    ask_at(d, mikey_time_ntp(d->now + 300 * 1000000));
    desk_granted(d);
    ask_at(d, mikey_time_ntp32(DESK_TIME)); /* R215 */
    desk_granted(d);
}

static void a_counter_is_no_time(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    ask_at(d, (struct mikey_time){MIKEY_COUNTER, 7});
    desk_refused(d, MIKEY_ERR_TS, false, "clock off");
}

/* What was seen before the start is not known. */
static void a_time_before_the_start_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    uint64_t start = DESK_NOW - 10 * MINUTES;
    d->now = start + MINUTES;
    ask_at(d, mikey_time_ntp(start - 1));
    desk_refused(d, MIKEY_ERR_TS, false, "before the start");
    assert_true(d->error.t.value == mikey_time_ntp(d->now).value);
    ask_at(d, mikey_time_ntp(start + 1));
    desk_granted(d);
}

/* ---- replay ---- */

static void the_same_bytes_get_the_same_reply_for_two_minutes(void **state)
{
    static struct desk_bytes first;
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    for (unsigned kind = 0; kind < 2; kind++) {
        d->now = DESK_NOW;
        if (kind)
            desk_write_resolve(d, &d->bob);
        else
            desk_write_request(d);
        desk_ask(d);
        desk_granted(d);
        first = d->got;
        for (uint64_t s = 0; s <= 120; s += 60) {
            d->now = DESK_NOW + s * 1000000;
            desk_ask(d);
            assert_int_equal(d->q.result, KMS_REPEATED);
            assert_true(same_bytes(&first, &d->got));
        }
        d->now = DESK_NOW + 121 * 1000000;
        desk_ask(d);
        desk_refused(d, MIKEY_ERR_TS, true, "replay");
    }
}

static void a_refusal_is_repeated_too(void **state)
{
    static struct desk_bytes first;
    (void)state;
    struct desk *d = desk_open(128);
    desk_ring(d);
    desk_resolve(d, &d->eve);
    desk_refused(d, MIKEY_ERR_UNSPECIFIED, true, "wrong receiver");
    first = d->got;
    desk_ask(d);
    assert_int_equal(d->q.result, KMS_REPEATED);
    assert_true(same_bytes(&first, &d->got));
}

/* Same key id, T, CSB ID and type, other bytes. */
static void a_message_under_a_used_name_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_request(d);
    desk_granted(d);
    d->csb--; /* only the RANDRi differs */
    desk_request(d);
    desk_refused(d, MIKEY_ERR_TS, true, "replay");
    assert_string_equal(desk_said(d, "result"), "refused");
}

/* Until T leaves the skew window, whatever was forgotten. */
static void a_replay_is_refused_until_its_time_is_over(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->t = mikey_time_ntp(d->now + 299 * 1000000);
    desk_request(d);
    desk_granted(d);
    for (unsigned s = 121; s <= 599; s++) {
        d->now = DESK_NOW + s * UINT64_C(1000000);
        desk_ask(d);
        desk_refused(d, MIKEY_ERR_TS, true, "replay");
    }
    d->now = DESK_NOW + 600 * UINT64_C(1000000);
    desk_ask(d);
    desk_refused(d, MIKEY_ERR_TS, false, "clock off");
}

/* R281: with a credential the rate is limited. */
static void a_share_of_the_table_is_all_one_credential_gets(void **state)
{
    (void)state;
    struct desk *d = desk_open(128);
    desk_ring(d);
    for (unsigned i = 0; i < 8192 && d->q.status == 200; i++)
        desk_request(d);
    assert_int_equal(d->q.status, 503);
    assert_string_equal(desk_said(d, "reason"), "replay table full");
    assert_int_equal(d->got.n, 0);
    desk_resolve(d, &d->bob); /* others are served */
    desk_granted(d);
}

/* ---- wrong in what everybody can see ---- */

typedef void (*spoil_fn)(struct desk *d, struct mikey_msg *m);

static void auth_other(struct desk *d, struct mikey_msg *m)
{
    (void)d;
    desk_edit(m->v.mac)[-1] = MIKEY_AUTH_SHA1;
}

static void prf_unknown(struct desk *d, struct mikey_msg *m)
{
    (void)m;
    d->sent.b[3] = 0x80 | 7;
}

static void prf_of_ticket_unknown(struct desk *d, struct mikey_msg *m)
{
    (void)d;
    const struct mikey_tp *tp = m->has_tp ? &m->tp : &m->ticket.tp;
    desk_edit(tp->data)[-5] = 7 << 1 | 1;
}

static void prf_of_ticket_other(struct desk *d, struct mikey_msg *m)
{
    (void)d;
    desk_edit(m->tp.data)[-5] ^= 2;
}

static void type_other(struct desk *d, struct mikey_msg *m)
{
    (void)m;
    d->sent.b[1] = MIKEY_TRANSFER_INIT;
}

static void ticket_type_other(struct desk *d, struct mikey_msg *m)
{
    (void)d;
    const struct mikey_tp *tp = m->has_tp ? &m->tp : &m->ticket.tp;
    desk_edit(tp->data)[-9] = 2;
}

static void ticket_version_other(struct desk *d, struct mikey_msg *m)
{
    (void)d;
    const struct mikey_tp *tp = m->has_tp ? &m->tp : &m->ticket.tp;
    desk_edit(tp->data)[-6] = 2;
}

/* I without E */
static void flags_at_odds(struct desk *d, struct mikey_msg *m)
{
    (void)d;
    const struct mikey_tp *tp = m->has_tp ? &m->tp : &m->ticket.tp;
    desk_edit(tp->data)[-4] &= 0x7f;
}

static void with_crypto_sessions(struct desk *d, struct mikey_msg *m)
{
    (void)m;
    d->sent.b[9] = MIKEY_MAP_GENERIC;
}

static void kemac_encrypted(struct desk *d, struct mikey_msg *m)
{
    struct mikey_policy p;
    (void)d;
    OK(mikey_policy_read(m->tp.data, &p));
    desk_edit(p.kemac.data)[-3] = MIKEY_ENCR_AES_CM_128;
}

static void key_without_spi(struct desk *d, struct mikey_msg *m)
{
    struct mikey_policy p;
    (void)d;
    OK(mikey_policy_read(m->tp.data, &p));
    desk_edit(p.kemac.data)[1] = MIKEY_TGK << 4 | MIKEY_KV_NULL;
}

static void keys_that_do_not_end(struct desk *d, struct mikey_msg *m)
{
    struct mikey_policy p;
    (void)d;
    OK(mikey_policy_read(m->tp.data, &p));
    desk_edit(p.kemac.data)[0] = MIKEY_KEY_DATA;
}

static void no_receiver(struct desk *d, struct mikey_msg *m)
{
    struct mikey_policy p;
    (void)d;
    const struct mikey_tp *tp = m->has_tp ? &m->tp : &m->ticket.tp;
    OK(mikey_policy_read(tp->data, &p));
    desk_edit(p.responder[0].data)[-4] = MIKEY_IDR_APP;
}

static void chain_broken(struct desk *d, struct mikey_msg *m)
{
    (void)m;
    d->sent.b[2] = 19; /* no such payload */
}

/* R175, R176: each row proves one number; both exchanges where both can have
 * it. */
static const struct {
    spoil_fn spoil;
    uint8_t error;
    bool request, resolve;
} open_faults[] = {
    {prf_unknown, MIKEY_ERR_PRF, true, true},
    {prf_of_ticket_unknown, MIKEY_ERR_PRF, true, true},
    {kemac_encrypted, MIKEY_ERR_EA, true, false},
    {type_other, MIKEY_ERR_DT, true, true},
    {ticket_type_other, MIKEY_ERR_TICKET, true, true},
    {ticket_version_other, MIKEY_ERR_TICKET, true, true},
    {flags_at_odds, MIKEY_ERR_TPPAR, true, true},
    {prf_of_ticket_other, MIKEY_ERR_TPPAR, true, false}, /* R278 */
    {key_without_spi, MIKEY_ERR_TPPAR, true, false},
    {keys_that_do_not_end, MIKEY_ERR_TPPAR, true, false},
    {no_receiver, MIKEY_ERR_TPPAR, true, true},
    {with_crypto_sessions, MIKEY_ERR_UNSPECIFIED, true, true},
    {chain_broken, MIKEY_ERR_UNSPECIFIED, true, true},
};

static void spoil_and_ask(struct desk *d, spoil_fn spoil, uint8_t error)
{
    struct mikey_msg m;
    OK(mikey_msg_read(ts_span(d->sent.b, d->sent.n), &m, NULL));
    spoil(d, &m);
    desk_ask(d);
    desk_refused(d, error, false, NULL);
    assert_int_equal(d->q.result, KMS_INVALID);
    assert_int_equal(d->q.key_id.n, 0); /* nobody was looked up */
}

static void what_is_wrong_in_the_open_has_its_number(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_want(d, MIKEY_TGK, 32, 0, 4);
    desk_ring(d);
    for (size_t i = 0; i < sizeof open_faults / sizeof open_faults[0]; i++) {
        if (open_faults[i].request) {
            desk_write_request(d);
            spoil_and_ask(d, open_faults[i].spoil, open_faults[i].error);
        }
        if (open_faults[i].resolve) {
            desk_write_resolve(d, &d->bob);
            spoil_and_ask(d, open_faults[i].spoil, open_faults[i].error);
        }
    }
}

/* A MAC of the other suite, and none at all: Error 3 (R278). */
static void another_mac_algorithm_is_refused(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    struct mikey_msg m;
    desk_write_request(d);
    OK(mikey_msg_read(ts_span(d->sent.b, d->sent.n), &m, NULL));
    auth_other(d, &m);
    d->sent.n -= 12;
    desk_ask(d);
    desk_refused(d, MIKEY_ERR_MAC, false, NULL);
    desk_edit(m.v.mac)[-1] = MIKEY_AUTH_NULL;
    d->sent.n -= 20;
    desk_ask(d);
    desk_refused(d, MIKEY_ERR_MAC, false, NULL);
}

/* R279: keys of 256 bits do not leave under 128-bit algorithms. */
static void a_strong_ticket_is_not_resolved_with_the_weak_suite(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    d->suite = mikey_suite_bits(128);
    d->bob.psk.len = 16;
    desk_resolve(d, &d->bob);
    desk_refused(d, MIKEY_ERR_TPPAR, false, NULL);

    d = desk_open(128);
    desk_ring(d);
    d->suite = mikey_suite_bits(256);
    desk_resolve(d, &d->bob);
    desk_granted(d);
}

static void a_message_without_readable_header_is_400(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_write_request(d);
    size_t n = d->sent.n;
    for (d->sent.n = 0; d->sent.n < 10; d->sent.n++) {
        desk_ask(d);
        assert_int_equal(d->q.status, 400);
        assert_int_equal(d->got.n, 0);
    }
    for (; d->sent.n < n; d->sent.n++) { /* from here on it has one */
        desk_ask(d);
        desk_refused(d, MIKEY_ERR_UNSPECIFIED, false, NULL);
    }
    d->sent.b[d->sent.n++] = 0;
    desk_ask(d);
    desk_refused(d, MIKEY_ERR_UNSPECIFIED, false, NULL);
    d->sent.b[0] = 2;
    desk_ask(d);
    assert_int_equal(d->q.status, 400);
}

/* R10, R97, R192: the V flag; R30, R116: payloads without a meaning here. */
static void what_does_not_matter_is_ignored(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    for (unsigned kind = 0; kind < 2; kind++) {
        if (kind)
            desk_write_resolve(d, &d->bob);
        else
            desk_write_request(d);
        static const uint8_t ext[] = {MIKEY_T, 0, 0, 3, 'a', 'b', 'c'};
        d->sent.b[3] &= 0x7f;
        memmove(d->sent.b + 10 + sizeof ext, d->sent.b + 10, d->sent.n - 10);
        memcpy(d->sent.b + 10, ext, sizeof ext);
        d->sent.b[2] = MIKEY_EXT;
        d->sent.n += sizeof ext;
        desk_sign(d);
        desk_ask(d);
        desk_granted(d);
    }
}

UNIT_MAIN(cmocka_unit_test(nobody_learns_whether_a_key_id_is_known),
          cmocka_unit_test(a_changed_octet_is_never_answered_with_keys),
          cmocka_unit_test(a_clock_that_is_off_gets_the_time_and_no_more),
          cmocka_unit_test(a_counter_is_no_time),
          cmocka_unit_test(a_time_before_the_start_is_refused),
          cmocka_unit_test(the_same_bytes_get_the_same_reply_for_two_minutes),
          cmocka_unit_test(a_refusal_is_repeated_too),
          cmocka_unit_test(a_message_under_a_used_name_is_refused),
          cmocka_unit_test(a_replay_is_refused_until_its_time_is_over),
          cmocka_unit_test(a_share_of_the_table_is_all_one_credential_gets),
          cmocka_unit_test(what_is_wrong_in_the_open_has_its_number),
          cmocka_unit_test(another_mac_algorithm_is_refused),
          cmocka_unit_test(a_strong_ticket_is_not_resolved_with_the_weak_suite),
          cmocka_unit_test(a_message_without_readable_header_is_400),
          cmocka_unit_test(what_does_not_matter_is_ignored))
