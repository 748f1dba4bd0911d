/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is changed in a message, it is refused: by its reader, by what its
 * receiver checks, or by a MAC (R22, R44, R61, R84, R108, R115, R132-R134,
 * R175, R177, R300).
 */
#include "tests/scene.h"

static const unsigned suites[] = {128, 256};

/* Each bit of an octet, and all of them. */
static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10,
                                  0x20, 0x40, 0x80, 0xff};
#define CHANGES (sizeof changes / sizeof changes[0])

/* A message, or the inside of one, to be changed. */
struct copy {
    size_t n;
    uint8_t b[EXAMPLE_MSG_MAX + 1];
};

static void copy_of(struct copy *c, const struct example *e,
                    enum example_message which)
{
    c->n = e->msg[which].n;
    memcpy(c->b, e->msg[which].b, c->n);
}

/* The one that gets a message, and the KMS that gets the ticket in it. */
static enum ts_err receive(const struct example *e, enum example_message which,
                           struct ts_span raw)
{
    struct mikey_msg m;
    struct mikey_opened opened;
    enum ts_err err = scene_open(e, which, raw);
    if (err || (which != TRANSFER_INIT && which != RESOLVE_INIT))
        return err;
    err = mikey_msg_read(raw, &m, NULL);
    return err ? err : scene_open_ticket(e, &m.ticket, &opened);
}

static void refused(const struct example *e, enum example_message which,
                    const struct copy *c, size_t at, uint8_t change)
{
    if (receive(e, which, ts_span(c->b, c->n)) == TS_OK)
        fail_msg("%s accepted with %02x at %zu", example_name(which), change,
                 at);
}

typedef void (*attack_fn)(const struct example *e, enum example_message which,
                          struct copy *c);

static void each_message(attack_fn attack)
{
    static struct example e;
    for (unsigned i = 0; i < 2; i++) {
        scene_load(&e, suites[i]);
        for (enum example_message m = 0; m < e.n_messages; m++) {
            struct copy c;
            copy_of(&c, &e, m);
            OK(receive(&e, m, ts_span(c.b, c.n)));
            attack(&e, m, &c);
        }
    }
}

static void change_octets(const struct example *e, enum example_message which,
                          struct copy *c)
{
    for (size_t at = 0; at < c->n; at++) {
        for (size_t i = 0; i < CHANGES; i++) {
            c->b[at] ^= changes[i];
            refused(e, which, c, at, changes[i]);
            c->b[at] ^= changes[i];
        }
    }
}

static void a_changed_octet_is_refused(void **state)
{
    (void)state;
    each_message(change_octets);
}

static void cut_off(const struct example *e, enum example_message which,
                    struct copy *c)
{
    size_t n = c->n;
    for (c->n = 0; c->n < n; c->n++)
        refused(e, which, c, c->n, 0);
}

static void a_message_cut_off_is_refused(void **state)
{
    (void)state;
    each_message(cut_off);
}

static void append(const struct example *e, enum example_message which,
                   struct copy *c)
{
    size_t n = c->n++;
    for (unsigned octet = 0; octet < 256; octet++) {
        c->b[n] = (uint8_t)octet;
        refused(e, which, c, n, (uint8_t)octet);
    }
}

static void an_octet_too_many_is_refused(void **state)
{
    (void)state;
    each_message(append);
}

static void leave_out(const struct example *e, enum example_message which,
                      struct copy *c)
{
    struct copy less;
    for (size_t at = 0; at < c->n; at++) {
        less.n = c->n - 1;
        memcpy(less.b, c->b, at);
        memcpy(less.b + at, c->b + at + 1, c->n - at - 1);
        refused(e, which, &less, at, 0);
    }
}

static void an_octet_left_out_is_refused(void **state)
{
    (void)state;
    each_message(leave_out);
}

/* A key of another user, a ticket key of another KMS. */
static void another_key_is_refused(void **state)
{
    static struct example e, other;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        scene_load(&e, suites[i]);
        other = e;
        other.psk_i.b[0] ^= 1;
        other.psk_r.b[15] ^= 0x80;
        other.mpk.b[7] ^= 1;
        for (enum example_message m = 0; m < e.n_messages; m++)
            FAILS(TS_E_AUTH, scene_open(&other, m, example_span(&e, m)));
        struct mikey_msg m;
        struct mikey_opened opened;
        scene_read(&e, RESOLVE_INIT, &m);
        other.tpk.b[3] ^= 4;
        FAILS(TS_E_AUTH, scene_open_ticket(&other, &m.ticket, &opened));
    }
}

/* --- an authentic R, with a ticket that was tampered with --- */

static void change_ticket(const struct example *e, struct copy *c, size_t at,
                          uint8_t change)
{
    struct mikey_msg m;
    struct mikey_opened opened;
    c->b[at] ^= change;
    scene_sign(e, RESOLVE_INIT, c->b, c->n);
    enum ts_err err = mikey_msg_read(ts_span(c->b, c->n), &m, NULL);
    if (!err) {
        OK(scene_open(e, RESOLVE_INIT, ts_span(c->b, c->n)));
        err = scene_open_ticket(e, &m.ticket, &opened);
    }
    if (!err)
        fail_msg("ticket opened with %02x at %zu", change, at);
    c->b[at] ^= change;
}

/* R115, R300: all but the next payload octet, which is not the ticket's. */
static void a_changed_ticket_is_refused_by_the_kms(void **state)
{
    static struct example e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct copy c;
        struct mikey_msg m;
        scene_load(&e, suites[i]);
        scene_read(&e, RESOLVE_INIT, &m);
        copy_of(&c, &e, RESOLVE_INIT);
        size_t from = mikey_at(&m, m.ticket.body);
        for (size_t at = from + 1; at < from + m.ticket.body.n; at++)
            for (size_t k = 0; k < CHANGES; k++)
                change_ticket(&e, &c, at, changes[k]);
    }
}

/* Who resolved a ticket knows MPKi, and cannot make another one's Vr (R248). */
static void initiator_data_of_another_party_is_refused(void **state)
{
    static struct example e;
    struct mikey_msg m;
    struct mikey_opened opened;
    struct example_keys k;
    uint8_t mac[MIKEY_MAC_MAX] = {0}, init[MIKEY_INIT_DATA_MAX];
    (void)state;
    scene_load(&e, 128);
    scene_read(&e, RESOLVE_INIT, &m);
    example_derive(&e, &k);
    size_t n = mikey_init_data_make(&k.mpk_r, e.suite, mac, init);
    m.ticket.init = ts_span(init, n);
    OK(scene_open_ticket(&e, &m.ticket, &opened));
    n = mikey_init_data_make(&k.mpk_i, e.suite, mac, init);
    FAILS(TS_E_AUTH, scene_open_ticket(&e, &m.ticket, &opened));
    m.ticket.init = ts_span(init, 0);
    assert_int_not_equal(scene_open_ticket(&e, &m.ticket, &opened), TS_OK);
    assert_int_equal(n, 45);
}

/* --- a ticket whose MAC is right: what it says is read to the octet --- */

/* Write the keys again: each octet of the chain has a meaning. */
static void keys_are_written_back(const struct mikey_keys *keys)
{
    uint8_t buf[256];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    for (size_t i = 0; i < keys->n; i++)
        mikey_put_key(&w, &keys->k[i], i + 1 == keys->n);
    OK(w.err);
    assert_int_equal(w.len, keys->len);
    assert_memory_equal(buf, keys->plain, w.len);
}

/* Flip octets of the Key Data: AES-CM passes them on to the plain text. */
static void changed_key_data_is_refused_or_means_what_it_says(void **state)
{
    static struct example e;
    unsigned opened_n = 0;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct copy c;
        struct mikey_msg m;
        struct mikey_base base;
        scene_load(&e, suites[i]);
        copy_of(&c, &e, REQUEST_RESP);
        OK(mikey_msg_read(ts_span(c.b, c.n), &m, NULL));
        OK(mikey_base_read(&m.ticket, &base));
        uint8_t *data = c.b + mikey_at(&m, base.kemac.data);
        for (size_t at = 0; at < base.kemac.data.n * CHANGES; at++) {
            static struct mikey_opened o;
            data[at / CHANGES] ^= changes[at % CHANGES];
            scene_sign_ticket(&e, &m.ticket);
            if (!mikey_base_open(&m.ticket, &base, ts_key_span(&e.tpk), &o)) {
                keys_are_written_back(&o.keys);
                opened_n++;
            }
            data[at / CHANGES] ^= changes[at % CHANGES];
        }
    }
    /* only octets of the keys, the salt and the SPIs can be other ones, and
     * TGK+SALT can be TEK+SALT or GTGK+SALT */
    unsigned free_octets = 2 * (1 + 14 + 4) + 2 * (16 + 32);
    assert_int_equal(opened_n, CHANGES * free_octets + 2 * 2);
}

/* T and RAND enter the keys of the ticket (R294, R296). */
static void a_ticket_under_another_time_or_rand_does_not_open(void **state)
{
    static struct example e;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct copy c;
        struct mikey_msg m;
        struct mikey_base base;
        scene_load(&e, suites[i]);
        copy_of(&c, &e, REQUEST_RESP);
        OK(mikey_msg_read(ts_span(c.b, c.n), &m, NULL));
        OK(mikey_base_read(&m.ticket, &base));
        size_t rand = mikey_at(&m, base.rand);
        for (size_t at = rand - 10; at < rand + base.rand.n; at++) {
            static struct mikey_opened o;
            if (at >= rand - 2 && at < rand)
                continue; /* RAND's next payload octet and length */
            struct mikey_base changed;
            c.b[at] ^= 0x10;
            scene_sign_ticket(&e, &m.ticket);
            OK(mikey_base_read(&m.ticket, &changed));
            assert_int_not_equal(
                mikey_base_open(&m.ticket, &changed, ts_key_span(&e.tpk), &o),
                TS_OK);
            c.b[at] ^= 0x10;
        }
    }
}

UNIT_MAIN(cmocka_unit_test(a_changed_octet_is_refused),
          cmocka_unit_test(a_message_cut_off_is_refused),
          cmocka_unit_test(an_octet_too_many_is_refused),
          cmocka_unit_test(an_octet_left_out_is_refused),
          cmocka_unit_test(another_key_is_refused),
          cmocka_unit_test(a_changed_ticket_is_refused_by_the_kms),
          cmocka_unit_test(initiator_data_of_another_party_is_refused),
          cmocka_unit_test(changed_key_data_is_refused_or_means_what_it_says),
          cmocka_unit_test(a_ticket_under_another_time_or_rand_does_not_open))
