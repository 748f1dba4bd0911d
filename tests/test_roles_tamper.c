/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each message of a call with each bit turned, and cut at each octet: nobody
 * takes it, everybody is as before, and the right message is taken then.
 */
#include "tests/troupe.h"

static struct troupe t;
static struct troupe_still still;

/* A call in one mode, up to the step before which a message is changed. */
struct route {
    struct troupe_message *m; /* which one */
    enum ts_err (*take)(struct troupe *t);
};

/* Whoever takes an offer, or a RESOLVE_INIT, goes on as far as it can. */
static enum ts_err take_offer(struct troupe *all)
{
    return troupe_verify(all);
}

static enum ts_err take_resolve(struct troupe *all)
{
    enum ts_err err = troupe_resolve_at_kms(all);
    return err ? err : troupe_resolved(all);
}

static const struct route routes[] = {{&t.request, troupe_grant},
                                      {&t.granted, troupe_granted},
                                      {&t.transfer, take_offer},
                                      {&t.callee[0].resolve, take_resolve},
                                      {&t.callee[0].resolved, troupe_resolved},
                                      {&t.callee[0].resp, troupe_answered}};
#define ROUTES (sizeof routes / sizeof routes[0])

static void up_to(size_t route)
{
    if (route == 0) {
        OK(troupe_request(&t));
    } else if (route == 1) {
        OK(troupe_request(&t));
        OK(troupe_grant(&t));
    } else {
        troupe_ticket(&t);
        OK(troupe_transfer(&t));
    }
    if (route <= 2)
        return;
    if (route == 5) {
        OK(troupe_verify(&t));
        OK(troupe_answer(&t));
        return;
    }
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    if (route == 4)
        OK(troupe_resolve_at_kms(&t));
}

static void set(unsigned mode, unsigned bits, unsigned more)
{
    troupe_begin(&t, bits);
    troupe_mode(&t, mode, more);
}

/* R177: nothing that was changed is taken. Where nothing is but a message is
 * taken, the one who takes it is as before. */
static void each_bit_counts(size_t route)
{
    const struct route *r = &routes[route];
    const bool whole = r->take != take_offer; /* an offer may be heard */
    static struct troupe_message good, bad;
    up_to(route);
    good = *r->m;
    troupe_freeze(&t, &still);
    for (size_t at = 0; at < good.n; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            bad = good;
            bad.b[at] ^= (uint8_t)(1u << bit);
            *r->m = bad;
            assert_int_not_equal(r->take(&t), TS_OK);
            if (route == 0 || route == 3)
                continue; /* the KMS keeps nothing */
            assert_null(t.bob->at_i);
        }
    if (whole)
        troupe_unchanged(&t, &still);
    *r->m = good;
    OK(r->take(&t));
}

static void each_cut_counts(size_t route)
{
    const struct route *r = &routes[route];
    static struct troupe_message good;
    up_to(route);
    good = *r->m;
    troupe_freeze(&t, &still);
    for (size_t n = 0; n < good.n; n++) {
        *r->m = good;
        r->m->n = n;
        assert_int_not_equal(r->take(&t), TS_OK);
    }
    *r->m = good;
    r->m->b[good.n] = 0; /* and one too many */
    r->m->n = good.n + 1;
    assert_int_not_equal(r->take(&t), TS_OK);
    troupe_unchanged(&t, &still);
    *r->m = good;
    OK(r->take(&t));
}

static void nobody_takes_an_altered_message(void **state)
{
    (void)state;
    for (size_t route = 0; route < ROUTES; route++) {
        set(1, 256, MIKEY_FLAG_I);
        each_bit_counts(route);
        set(1, 128, 0);
        each_bit_counts(route);
    }
}

static void nobody_takes_an_altered_message_without_the_kms(void **state)
{
    (void)state;
    set(4, 256, 0);
    each_bit_counts(2);
    set(4, 128, MIKEY_FLAG_M);
    each_bit_counts(5);
    set(2, 256, 0);
    each_bit_counts(2);
    set(3, 256, MIKEY_FLAG_I);
    each_bit_counts(2);
}

static void nobody_takes_a_message_that_was_cut(void **state)
{
    (void)state;
    for (size_t route = 0; route < ROUTES; route++) {
        set(1, 256, MIKEY_FLAG_I);
        each_cut_counts(route);
        set(1, 128, 0);
        each_cut_counts(route);
    }
    set(4, 256, 0);
    each_cut_counts(2);
}

/* A message that is right, but to somebody else, or of another call. */
static void nobody_takes_the_message_of_another_call(void **state)
{
    (void)state;
    static struct troupe_message granted, resolved, resp;
    set(1, 256, MIKEY_FLAG_I | MIKEY_FLAG_J);
    troupe_call(&t);
    granted = t.granted;
    resolved = t.bob->resolved;
    resp = t.bob->resp;
    FAILS(TS_E_STATE, troupe_granted(&t));
    FAILS(TS_E_STATE, troupe_resolved(&t));
    OK(troupe_request(&t));
    t.granted = granted;
    troupe_freeze(&t, &still);
    FAILS(TS_E_MISMATCH, troupe_granted(&t)); /* R31 */
    t.granted = resolved;
    FAILS(TS_E_MISMATCH, troupe_granted(&t));
    troupe_unchanged(&t, &still);
    OK(troupe_transfer(&t));
    OK(troupe_offered(&t));
    OK(troupe_resolve(&t));
    troupe_freeze(&t, &still);
    t.bob->resolved = resolved;
    FAILS(TS_E_MISMATCH, troupe_resolved(&t)); /* R117 */
    t.bob->resolved = granted;
    FAILS(TS_E_MISMATCH, troupe_resolved(&t));
    t.bob->resp = resp;
    FAILS(TS_E_MISMATCH, troupe_answered(&t)); /* R66 */
    t.bob->resp = t.transfer;                  /* our own, once more */
    FAILS(TS_E_MISMATCH, troupe_answered(&t));
    troupe_unchanged(&t, &still);
}

/* R44, R84, R132, R191: a response to a message that is the same but for one
 * octet. The Responder hears another offer than the Initiator sent. */
static void a_response_is_to_one_message_only(void **state)
{
    (void)state;
    set(1, 256, MIKEY_FLAG_I);
    troupe_ticket(&t);
    OK(troupe_transfer(&t));
    OK(troupe_verify(&t));
    OK(troupe_answer(&t));
    struct mikey_buf *b = &t.i->offered;
    for (size_t k = 10; k < b->n; k++) {
        b->p[k] ^= 1;
        assert_int_not_equal(troupe_answered(&t), TS_OK);
        b->p[k] ^= 1;
    }
    OK(troupe_answered(&t));
    set(1, 256, MIKEY_FLAG_I);
    OK(troupe_request(&t));
    OK(troupe_grant(&t));
    b = &t.i->sent;
    for (size_t k = 10; k < b->n; k++) {
        b->p[k] ^= 1;
        assert_int_not_equal(troupe_granted(&t), TS_OK);
        b->p[k] ^= 1;
    }
    OK(troupe_granted(&t));
}

/* R30, R46, R64, R88, R116, R135: what nobody expects is ignored, wherever it
 * stands; but it is under the MAC like all else. */
static void a_payload_that_nobody_expects_is_under_the_mac(void **state)
{
    (void)state;
    static const uint8_t ext[] = {0, 42, 0, 3, 1, 2, 3};
    static struct troupe_message good;
    for (size_t route = 0; route < ROUTES; route++) {
        set(1, 256, MIKEY_FLAG_I);
        up_to(route);
        const struct route *r = &routes[route];
        good = *r->m;
        struct mikey_msg m = troupe_read(&good);
        size_t at = m.hdr.map.n + 10;
        memcpy(r->m->b + at, ext, sizeof ext);
        r->m->b[at] = good.b[2];
        r->m->b[2] = MIKEY_EXT;
        memcpy(r->m->b + at + sizeof ext, good.b + at, good.n - at);
        r->m->n = good.n + sizeof ext;
        (void)troupe_read(r->m);
        FAILS(TS_E_AUTH, r->take(&t));
        *r->m = good;
        OK(r->take(&t));
    }
}

#define TEST(name) cmocka_unit_test(name)

UNIT_MAIN(TEST(nobody_takes_an_altered_message),
          TEST(nobody_takes_an_altered_message_without_the_kms),
          TEST(nobody_takes_a_message_that_was_cut),
          TEST(nobody_takes_the_message_of_another_call),
          TEST(a_response_is_to_one_message_only),
          TEST(a_payload_that_nobody_expects_is_under_the_mac))
