/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Updates that are not taken, and what stays as it was: T, replays and
 * messages that come back, both sides at once, what must not stand in an
 * update, and Errors (RFC 6043 5.2, 5.4).
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;
static struct troupe_message msg, answer, other;

#define I MIKEY_INITIATOR
#define R MIKEY_RESPONDER

static uint8_t forged_map; /* of an update that nobody made */

static int begin(void **state)
{
    (void)state;
    forged_map = MIKEY_MAP_EMPTY;
    troupe_begin(&t, 256);
    troupe_mode(&t, 1, MIKEY_FLAG_I | MIKEY_FLAG_L | MIKEY_FLAG_M);
    troupe_call(&t);
    return 0;
}

static struct ts_span view(const struct troupe_message *m)
{
    return troupe_view(m);
}

/* An update that says nothing new. */
static enum ts_err start(enum mikey_side from, bool want_answer,
                         struct troupe_message *m)
{
    const struct mikey_update u = {.want_answer = want_answer};
    return mikey_bundle_update(troupe_end(&t, from), &t.now, &u, m->b,
                               TROUPE_MAX, &m->n);
}

static enum ts_err receive(enum mikey_side to, const struct troupe_message *m)
{
    return mikey_bundle_receive(troupe_end(&t, to), &t.now, view(m), NULL,
                                answer.b, TROUPE_MAX, &answer.n);
}

static void refused(enum ts_err wanted, enum mikey_side to,
                    const struct troupe_message *m)
{
    troupe_freeze(&t, &still);
    FAILS(wanted, receive(to, m));
    assert_int_equal(answer.n, 0);
    troupe_unchanged(&t, &still);
}

/* ---- T ---- */

/* R160 */
static void an_update_is_taken_once(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 4; k++) {
        const enum mikey_side from = k & 1 ? I : R, to = k & 1 ? R : I;
        begin(NULL);
        OK(start(from, k & 2, &msg));
        OK(receive(to, &msg));
        other = answer;
        refused(TS_E_REPLAY, to, &msg);
        if (k & 2) {
            OK(receive(from, &other));
            refused(TS_E_STATE, from, &other); /* nothing is waited for */
            OK(start(from, true, &msg));
            refused(TS_E_AUTH, from, &other); /* it answers another one */
        }
    }
}

/* Both sides use the same keys: what one sent must not come back to it. */
static void a_message_of_ours_is_not_taken_from_the_other(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        const enum mikey_side from = k ? I : R, to = k ? R : I;
        begin(NULL);
        OK(start(from, false, &msg));
        refused(TS_E_REPLAY, from, &msg);
        OK(receive(to, &msg));
        OK(start(from, true, &msg));
        refused(TS_E_STATE, from, &msg);
        mikey_bundle_abandon(troupe_end(&t, from));
        refused(TS_E_REPLAY, from, &msg);
        OK(start(from, true, &other)); /* two were given up */
        mikey_bundle_abandon(troupe_end(&t, from));
        refused(TS_E_REPLAY, from, &msg);
        refused(TS_E_REPLAY, from, &other);
        OK(start(from, true, &msg));
        OK(receive(to, &msg));
        other = answer;
        OK(receive(from, &other));
        refused(TS_E_STATE, from, &other);
    }
}

/* The clock of the sender stands still, or runs back. */
static void t_grows_whatever_the_clock_says(void **state)
{
    (void)state;
    for (uint8_t type = MIKEY_NTP_UTC; type <= MIKEY_NTP_UTC_32; type++) {
        struct mikey_time last;
        troupe_begin(&t, 256);
        t.kms.replay = NULL;
        t.now.ts_type = type == MIKEY_COUNTER ? MIKEY_NTP_UTC : type;
        troupe_verified(&t);
        t.now.ts_type = type;
        t.now.counter = 5;
        troupe_finish(&t);
        last = troupe_read(&t.bob->resp).t;
        for (unsigned k = 0; k < 20; k++) {
            OK(start(k & 1 ? I : R, k & 2, &msg));
            struct mikey_msg m = troupe_read(&msg);
            assert_int_equal(m.t.type, type);
            assert_true(mikey_time_later(m.t, last));
            const unsigned unit = type == MIKEY_NTP_UTC_32 ? 32 : 0;
            assert_int_equal(m.t.value >> unit & 1, !(k & 1)); /* whose it is */
            OK(receive(k & 1 ? R : I, &msg));
            last = m.t;
            if (k & 2) {
                other = answer;
                OK(receive(k & 1 ? I : R, &other));
                last = troupe_read(&other).t;
                assert_true(mikey_time_later(last, m.t));
            }
            if (type != MIKEY_COUNTER && k == 10)
                t.now.us -= 100 * SECONDS;
        }
    }
}

/* Keystream would repeat if both wrote at the same T. */
static void both_sides_never_use_the_same_t(void **state)
{
    (void)state;
    for (uint8_t type = MIKEY_NTP_UTC; type <= MIKEY_NTP_UTC_32; type++) {
        troupe_begin(&t, 256);
        troupe_verified(&t);
        t.now.ts_type = type;
        troupe_finish(&t);
        for (unsigned k = 0; k < 4; k++) {
            OK(start(I, true, &msg));
            OK(start(R, true, &other));
            assert_int_not_equal(troupe_read(&msg).t.value,
                                 troupe_read(&other).t.value);
            mikey_bundle_abandon(t.bob->at_i);
            mikey_bundle_abandon(t.bob->at_r);
        }
    }
}

/* ... nor if one of them counts in whole seconds and the other does not. */
static void clocks_of_two_kinds_never_meet(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        uint64_t t_of[2][8];
        troupe_begin(&t, 256);
        troupe_call(&t);
        for (size_t j = 0; j < 8; j++) {
            t.now.us += SECONDS;
            t.now.ts_type = k ? MIKEY_NTP_UTC : MIKEY_NTP_UTC_32;
            OK(start(I, true, &msg));
            t.now.ts_type = k ? MIKEY_NTP_UTC_32 : MIKEY_NTP;
            OK(start(R, true, &other));
            t_of[0][j] = troupe_read(&msg).t.value;
            t_of[1][j] = troupe_read(&other).t.value;
            mikey_bundle_abandon(t.bob->at_i);
            mikey_bundle_abandon(t.bob->at_r);
        }
        for (size_t j = 0; j < 64; j++)
            assert_int_not_equal(t_of[0][j / 8], t_of[1][j % 8]);
    }
}

static void an_update_out_of_time_is_refused(void **state)
{
    (void)state;
    t.now.us += 400 * SECONDS;
    OK(start(I, true, &msg));
    t.now.us -= 400 * SECONDS;
    refused(TS_E_TIME, R, &msg);
    t.now.us += 800 * SECONDS;
    refused(TS_E_TIME, R, &msg);
    t.now.us -= 400 * SECONDS;
    OK(receive(R, &msg));
}

/* One clock for all of a bundle: T of another kind cannot be compared. */
static void clocks_are_not_mixed(void **state)
{
    (void)state;
    const struct mikey_update u = {.want_answer = false};
    t.now.ts_type = MIKEY_COUNTER;
    t.now.counter = UINT32_MAX;
    troupe_freeze(&t, &still);
    FAILS(TS_E_RANGE, start(I, true, &msg));
    troupe_unchanged(&t, &still);
    /* one of the other kind, whose sender believes in it */
    t.now.counter = UINT32_MAX - 1;
    t.bob->at_i->last = t.bob->at_i->own =
        (struct mikey_time){MIKEY_COUNTER, 1};
    OK(mikey_bundle_update(t.bob->at_i, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
    refused(TS_E_TIME, R, &msg);
    FAILS(TS_E_RANGE, start(I, true, &msg)); /* no counter is left */
    t.now.ts_type = 4;                       /* no such type */
    FAILS(TS_E_RANGE, start(R, true, &msg));
}

/* R214: NTP starts anew in 2036. */
static void an_update_crosses_2036(void **state)
{
    (void)state;
    const uint64_t end = UINT64_C(2085978496) * SECONDS; /* 2036-02-07 */
    troupe_begin(&t, 256);
    t.now.us = end - 5 * SECONDS;
    troupe_call(&t);
    for (unsigned k = 0; k < 4; k++) {
        t.now.us += 2 * SECONDS;
        OK(start(k & 1 ? I : R, true, &msg));
        OK(receive(k & 1 ? R : I, &msg));
        OK(receive(k & 1 ? I : R, &answer));
    }
    assert_true(t.now.us > end);
    assert_true(t.bob->at_i->last.value >> 32 < 100);
}

/* ---- both at once ---- */

static void where_both_start_the_responder_gives_up(void **state)
{
    (void)state;
    const struct mikey_key i = troupe_key(MIKEY_TEK_SALT, 32, 1, 'i');
    const struct mikey_key r = troupe_key(MIKEY_TEK_SALT, 32, 2, 'r');
    const struct mikey_update ui = {
        .keys = &i, .n_keys = 1, .want_answer = true};
    const struct mikey_update ur = {
        .keys = &r, .n_keys = 1, .want_answer = true};
    for (unsigned late = 0; late < 2; late++) { /* whose T is greater */
        begin(NULL);
        t.now.us += late * SECONDS;
        OK(mikey_bundle_update(t.bob->at_r, &t.now, &ur, other.b, TROUPE_MAX,
                               &other.n));
        t.now.us += (1 - late) * SECONDS;
        OK(mikey_bundle_update(t.bob->at_i, &t.now, &ui, msg.b, TROUPE_MAX,
                               &msg.n));
        refused(TS_E_STATE, I, &other);
        refused(TS_E_STATE, R, &msg);
        FAILS(TS_E_STATE, start(I, true, &msg));
        mikey_bundle_abandon(t.bob->at_r);
        OK(receive(R, &msg));
        OK(receive(I, &answer));
        troupe_same_keys(&t, 1, NULL);
        refused(TS_E_REPLAY, I, &other); /* it is too late for that */
        OK(mikey_bundle_update(t.bob->at_r, &t.now, &ur, other.b, TROUPE_MAX,
                               &other.n));
        OK(receive(I, &other));
        OK(receive(R, &answer));
        const struct mikey_key *keys[2];
        assert_int_equal(mikey_bundle_keys(t.bob->at_i, &keys[0]), 3);
        assert_int_equal(mikey_bundle_keys(t.bob->at_r, &keys[1]), 3);
        for (size_t k = 0; k < 3; k++)
            assert_true(ts_span_equal(keys[0][k].spi, keys[1][k].spi));
    }
}

/* ---- what may stand in an update ---- */

/* An update of Alice's with a payload more; its MAC is right. */
static void forge(uint8_t type, struct ts_span payload)
{
    struct mikey_csb *csb = &t.bob->at_i->csb;
    struct ts_writer w = ts_writer_init(msg.b, TROUPE_MAX);
    struct mikey_hmac h;
    const struct mikey_hdr hdr = {.type = MIKEY_TRANSFER_INIT,
                                  .prf = csb->keys.suite->prf,
                                  .csb = csb->keys.csb,
                                  .n_cs = 0,
                                  .map_type = forged_map};
    struct mikey_build b = mikey_build_hdr(&w, &hdr);
    struct mikey_time time = mikey_now_t(&t.now);
    time.value += 100;
    mikey_build_t(&b, time);
    mikey_build_payload(&b, type);
    ts_put_span(&w, ts_span(payload.p + 1, payload.n - 1));
    mikey_protect_auth(&csb->keys, &h);
    mikey_build_v(&b, csb->keys.suite, &h, csb->i.data, csb->r.data);
    assert_int_equal(w.err, TS_OK);
    msg.n = w.len;
}

/* The payload of that type, the nth of it, of a message. */
static struct ts_span payload_of(const struct troupe_message *m, uint8_t type,
                                 unsigned nth)
{
    struct mikey_walk walk = {0};
    struct mikey_item item;
    while (mikey_walk(view(m), &walk, &item))
        if (item.type == type && nth-- == 0)
            return item.octets;
    fail();
    return ts_span(NULL, 0);
}

/* R162: what stood in the initial exchange may stand again. R163: nothing else
 * may. */
static void static_payloads_may_be_repeated_but_not_changed(void **state)
{
    (void)state;
    const struct {
        const struct troupe_message *m;
        uint8_t type;
        unsigned nth, from;
    } statics[] = {
        {&t.transfer, MIKEY_RANDR, 0, 3},
        {&t.transfer, MIKEY_TICKET, 0, 1},
        {&t.bob->resp, MIKEY_RANDR, 0, 3}, /* RANDRr */
        {&t.bob->resp, MIKEY_RANDR, 1, 3}, /* RANDRkms */
    };
    static uint8_t changed[TROUPE_MAX];
    for (size_t k = 0; k < 4; k++) {
        begin(NULL);
        struct ts_span p =
            payload_of(statics[k].m, statics[k].type, statics[k].nth);
        memcpy(changed, p.p, p.n);
        forge(statics[k].type, p);
        OK(receive(R, &msg));
        for (size_t at = statics[k].from; at < p.n; at += 1 + p.n / 40) {
            changed[at] ^= 1;
            forge(statics[k].type, ts_span(changed, p.n));
            troupe_freeze(&t, &still);
            /* a TICKET that was changed may not even be read */
            assert_int_not_equal(receive(R, &msg), TS_OK);
            troupe_unchanged(&t, &still);
            changed[at] ^= 1;
        }
        changed[p.n - 1] ^= 1;
        forge(statics[k].type, ts_span(changed, p.n));
        refused(TS_E_ORDER, R, &msg);
    }
}

/* Where there was none there is none to repeat. */
static void a_rand_that_was_not_there_must_not_come(void **state)
{
    (void)state;
    static const uint8_t rand_r[] = {0, 2, 4, 1, 2, 3, 4};
    troupe_begin(&t, 256);
    troupe_flags(&t, 1, MIKEY_FLAG_F | MIKEY_FLAG_H | MIKEY_FLAG_N);
    troupe_call(&t);
    forge(MIKEY_RANDR, ts_span(rand_r, sizeof rand_r));
    refused(TS_E_ORDER, R, &msg);
}

/* A bundle with little memory takes no update that would not fit. */
static void a_ticket_that_does_not_fit_is_not_kept(void **state)
{
    (void)state;
    struct troupe_callee *c = t.bob;
    OK(mikey_initiator_answered(t.i, &t.now, view(&c->resp), c->mem_at_i,
                                mikey_bundle_size(200), &c->at_i));
    assert_null(c->at_i->csb.ticket.p);
    OK(start(R, true, &msg)); /* others do */
    OK(receive(I, &msg));
    OK(receive(R, &answer));
    forge(MIKEY_TICKET, payload_of(&t.transfer, MIKEY_TICKET, 0));
    refused(TS_E_ORDER, I, &msg);
}

static void payloads_that_nobody_expects_are_ignored(void **state)
{
    (void)state;
    static const uint8_t ext[] = {0, 99, 0, 2, 1, 2};
    static const uint8_t id[] = {0, 1, 0, 1, 'x'};
    forge(MIKEY_EXT, ts_span(ext, sizeof ext));
    OK(receive(R, &msg));
    t.now.us += SECONDS;
    forge(MIKEY_ID, ts_span(id, sizeof id));
    OK(receive(R, &msg));
}

/* R197 */
static void an_update_has_no_srtp_id_map(void **state)
{
    (void)state;
    static const uint8_t id[] = {0, 1, 0, 1, 'x'};
    const uint8_t maps[] = {MIKEY_MAP_SRTP, MIKEY_MAP_EMPTY};
    for (size_t k = 0; k < 2; k++) {
        forged_map = maps[k];
        forge(MIKEY_ID, ts_span(id, sizeof id));
        if (k == 0)
            refused(TS_E_FORMAT, R, &msg);
    }
    OK(receive(R, &msg));
}

/* HDR: of this bundle, this suite, and one of the messages of an update. */
static void an_update_of_another_bundle_is_not_ours(void **state)
{
    (void)state;
    OK(start(I, true, &msg));
    other = msg;
    other.b[4] ^= 1; /* CSB ID: R159 */
    refused(TS_E_MISMATCH, R, &other);
    other = msg;
    other.b[3] ^= 1; /* PRF */
    refused(TS_E_MISMATCH, R, &other);
    other = msg;
    other.b[1] = MIKEY_RESOLVE_RESP;
    refused(TS_E_UNKNOWN, R, &other);
    other.b[1] = MIKEY_TRANSFER_RESP;
    refused(TS_E_STATE, R, &other);
    refused(TS_E_AUTH, R, &t.transfer); /* not even the offer again */
    OK(receive(R, &msg));
    msg = other = answer;
    other.b[1] = MIKEY_TRANSFER_INIT;
    refused(TS_E_STATE, I, &other);
    mikey_bundle_abandon(t.bob->at_i);
    refused(TS_E_STATE, I, &msg);
}

/* Each octet under the MAC, each cut. */
static void an_update_that_was_changed_is_not_taken(void **state)
{
    (void)state;
    const struct mikey_key key = troupe_key(MIKEY_TEK_SALT, 32, 1, 'n');
    const struct mikey_update u = {
        .keys = &key, .n_keys = 1, .want_answer = true};
    OK(mikey_bundle_update(t.bob->at_i, &t.now, &u, msg.b, TROUPE_MAX, &msg.n));
    for (unsigned pass = 0; pass < 2; pass++) {
        const enum mikey_side to = pass ? I : R;
        const struct troupe_message *m = pass ? &answer : &msg;
        static struct troupe_message good;
        good = *m;
        troupe_freeze(&t, &still);
        for (size_t at = 0; at < good.n; at++)
            for (unsigned bit = 0; bit < 8; bit++) {
                other = good;
                other.b[at] ^= (uint8_t)(1u << bit);
                assert_int_not_equal(receive(to, &other), TS_OK);
            }
        for (size_t n = 0; n < good.n; n++) {
            other = good;
            other.n = n;
            assert_int_not_equal(receive(to, &other), TS_OK);
        }
        troupe_unchanged(&t, &still);
        OK(receive(to, &good));
    }
    const struct mikey_key *keys;
    assert_int_equal(mikey_bundle_keys(t.bob->at_i, &keys), 2);
}

/* R68, R69, R199, R205, R208: what an answer leaves open is found. */
static void an_answer_that_leaves_something_open_is_refused(void **state)
{
    (void)state;
    static const uint8_t twice[] = {0, 0};
    for (unsigned k = 0; k < 4; k++) {
        struct mikey_csb *csb = &t.bob->at_r->csb;
        struct mikey_session s;
        uint8_t map[64];
        struct ts_writer w = ts_writer_init(map, sizeof map);
        begin(NULL);
        OK(start(I, true, &msg));
        OK(mikey_bundle_session(t.bob->at_r, 0, &s));
        if (k == 0)
            s.policies = ts_span(twice, 2);
        else if (k == 1)
            s.known = false;
        else if (k == 2)
            s.spi.n = 0;
        const struct mikey_update_new in = {
            .from = R,
            .response = true,
            .init = view(&msg),
            .t = {MIKEY_NTP_UTC, t.bob->at_i->own.value + 1},
            .n_cs = k < 3 ? 1 : 0,
            .map = k < 3 ? mikey_put_sessions(&w, &s, 1) : ts_span(NULL, 0),
        };
        struct ts_writer out = ts_writer_init(other.b, TROUPE_MAX);
        mikey_build_update(&out, csb, &in);
        other.n = out.len;
        refused(k == 0 ? TS_E_FORMAT : TS_E_MISSING, I, &other);
        OK(receive(R, &msg));
        OK(receive(I, &answer));
    }
}

/* ---- Errors (5.4) ---- */

/* R181-R183, R185, R187: whoever refuses an update says so under the same
 * keys. */
static void an_error_about_an_update_ends_it(void **state)
{
    (void)state;
    static const uint8_t no[] = {MIKEY_ERR_SPPAR, MIKEY_ERR_UNSPECIFIED};
    struct mikey_srtp_policy policy = mikey_srtp_gcm(mikey_suite_bits(256));
    struct mikey_srtp_policy told;
    uint8_t number;
    OK(start(I, true, &msg));
    t.now.us += SECONDS;
    OK(mikey_bundle_refuse(t.bob->at_r, &t.now, view(&msg), no, 2, &policy, 1,
                           other.b, TROUPE_MAX, &other.n));
    struct mikey_msg m = troupe_read(&other);
    assert_int_equal(m.hdr.csb, mikey_bundle_csb(t.bob->at_i));
    assert_int_equal(m.hdr.type, MIKEY_ERROR);
    assert_int_equal(m.t.value, mikey_now_t(&t.now).value);
    FAILS(TS_E_PEER, receive(I, &other));
    const struct mikey_refusal *r = mikey_bundle_refusal(t.bob->at_i);
    assert_true(r->proven);
    assert_int_equal(r->n, 2);
    assert_memory_equal(r->no, no, 2);
    assert_int_equal(r->t.value, m.t.value);
    OK(mikey_look_policy(view(&other), 0, &number, &told)); /* R182 */
    assert_true(mikey_srtp_policy_equal(&told, &policy));
    FAILS(TS_E_NOTFOUND, mikey_look_policy(view(&other), 1, &number, &told));
    OK(start(I, true, &msg)); /* the next one */
    OK(receive(R, &msg));
    OK(receive(I, &answer));
    FAILS(TS_E_STATE, /* never about an Error */
          mikey_bundle_refuse(t.bob->at_i, &t.now, view(&other), no, 1, NULL, 0,
                              msg.b, TROUPE_MAX, &msg.n));
}

/* R177, R178: an Error that anybody might have sent is a hint. */
static void an_error_that_is_not_proven_ends_nothing(void **state)
{
    (void)state;
    static const uint8_t no[] = {MIKEY_ERR_UNSPECIFIED};
    OK(start(I, true, &msg));
    other = msg;
    other.b[other.n - 1] ^= 1; /* about something that we never sent */
    OK(mikey_bundle_refuse(t.bob->at_r, &t.now, view(&other), no, 1, NULL, 0,
                           answer.b, TROUPE_MAX, &answer.n));
    assert_false(troupe_read(&answer).has_v);
    other = answer;
    FAILS(TS_E_PEER, receive(I, &other));
    assert_false(mikey_bundle_refusal(t.bob->at_i)->proven);
    OK(mikey_bundle_refuse(t.bob->at_r, &t.now, view(&msg), no, 1, NULL, 0,
                           other.b, TROUPE_MAX, &other.n));
    for (size_t at = 0; at < other.n; at++) {
        static struct troupe_message bad;
        bad = other;
        bad.b[at] ^= 4;
        assert_int_not_equal(receive(I, &bad), TS_OK);
    }
    t.now.us += 301 * SECONDS; /* an old one */
    FAILS(TS_E_PEER, receive(I, &other));
    assert_false(mikey_bundle_refusal(t.bob->at_i)->proven);
    t.now.us -= 301 * SECONDS;
    OK(receive(R, &msg));
    OK(receive(I, &answer)); /* it waits still */
}

/* About an answer of ours; nothing is waited for. */
static void an_error_about_an_answer_is_told(void **state)
{
    (void)state;
    static const uint8_t no[] = {MIKEY_ERR_SP};
    OK(start(I, true, &msg));
    OK(receive(R, &msg));
    OK(mikey_bundle_refuse(t.bob->at_i, &t.now, view(&answer), no, 1, NULL, 0,
                           other.b, TROUPE_MAX, &other.n));
    FAILS(TS_E_PEER, receive(R, &other));
    assert_true(mikey_bundle_refusal(t.bob->at_r)->proven);
    assert_int_equal(mikey_bundle_refusal(t.bob->at_r)->no[0], MIKEY_ERR_SP);
}

static void an_error_of_another_bundle_is_not_ours(void **state)
{
    (void)state;
    static const uint8_t no[9] = {MIKEY_ERR_SP};
    OK(start(I, true, &msg));
    msg.b[7] ^= 1;
    OK(mikey_bundle_refuse(t.bob->at_r, &t.now, view(&msg), no, 1, NULL, 0,
                           other.b, TROUPE_MAX, &other.n));
    refused(TS_E_MISMATCH, I, &other); /* R183 */
    FAILS(TS_E_RANGE,
          mikey_bundle_refuse(t.bob->at_r, &t.now, view(&msg), no, 0, NULL, 0,
                              other.b, TROUPE_MAX, &other.n));
    FAILS(TS_E_RANGE,
          mikey_bundle_refuse(t.bob->at_r, &t.now, view(&msg), no, 9, NULL, 0,
                              other.b, TROUPE_MAX, &other.n));
    FAILS(TS_E_SHORT,
          mikey_bundle_refuse(t.bob->at_r, &t.now, ts_span(msg.b, 9), no, 1,
                              NULL, 0, other.b, TROUPE_MAX, &other.n));
}

#define TEST(name) cmocka_unit_test_setup(name, begin)

UNIT_MAIN(TEST(an_update_is_taken_once),
          TEST(a_message_of_ours_is_not_taken_from_the_other),
          TEST(t_grows_whatever_the_clock_says),
          TEST(both_sides_never_use_the_same_t),
          TEST(clocks_of_two_kinds_never_meet),
          TEST(an_update_out_of_time_is_refused), TEST(clocks_are_not_mixed),
          TEST(an_update_crosses_2036),
          TEST(where_both_start_the_responder_gives_up),
          TEST(static_payloads_may_be_repeated_but_not_changed),
          TEST(a_rand_that_was_not_there_must_not_come),
          TEST(a_ticket_that_does_not_fit_is_not_kept),
          TEST(payloads_that_nobody_expects_are_ignored),
          TEST(an_update_has_no_srtp_id_map),
          TEST(an_update_of_another_bundle_is_not_ours),
          TEST(an_update_that_was_changed_is_not_taken),
          TEST(an_answer_that_leaves_something_open_is_refused),
          TEST(an_error_about_an_update_ends_it),
          TEST(an_error_that_is_not_proven_ends_nothing),
          TEST(an_error_about_an_answer_is_told),
          TEST(an_error_of_another_bundle_is_not_ours))
