/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets give a message, or an error with the place where it is: payloads
 * nested and repeated, fields of no length and of the greatest, chains that
 * would go on for ever, and numbers that nobody knows in each field that has a
 * list of them.
 */
#include <stdlib.h>

#include "mikey/keydata.h"
#include "mikey/policy.h"
#include "mikey/ticket.h"
#include "tests/unit.h"

#define MAX 300000

static uint8_t buf[MAX];
static struct ts_writer w;
static size_t next_at; /* octet that names the next payload */
static struct mikey_msg m;

/* HDR with an Empty map. */
static void message(uint8_t type)
{
    w = ts_writer_init(buf, sizeof buf);
    next_at = 2;
    ts_put(&w, (const uint8_t[]){1, type, 0, 0, 9, 9, 9, 9, 0, 1}, 10);
}

/* The first octet of a payload; its body follows. */
static void payload(uint8_t type)
{
    buf[next_at] = type;
    next_at = w.len;
    ts_put_u8(&w, 0);
}

static void octets(size_t n)
{
    static const uint8_t zeros[65536];
    ts_put(&w, zeros, n);
}

#define PUT(...)                                                               \
    ts_put(&w, (const uint8_t[]){__VA_ARGS__},                                 \
           sizeof((const uint8_t[]){__VA_ARGS__}))

static enum ts_err look(void)
{
    assert_int_equal(w.err, TS_OK);
    return mikey_msg_read(ts_written(&w), &m, NULL);
}

/* Refused, in the payload of that type that begins at that offset, or at an
 * octet behind it. */
static void refused(enum ts_err err, uint8_t in, size_t from)
{
    FAILS(err, look());
    assert_int_equal(m.bad_in, in);
    assert_true(m.bad_at >= from && m.bad_at <= w.len);
}

/* ---- one payload of each type, with a field of a given length ---- */

struct shape {
    uint8_t type;
    uint8_t head[8]; /* before the length */
    uint8_t n_head;
    uint8_t width;   /* octets of the length, 0: no such field */
    uint16_t most;   /* greatest length */
    uint8_t tail[8]; /* behind the field */
    uint8_t n_tail;
};

static const struct shape shapes[] = {
    {MIKEY_KEMAC, {1}, 1, 2, 0xffff, {0}, 1},
    {MIKEY_PKE, {0}, 0, 2, 0x3fff, {0}, 0},
    {MIKEY_ID, {1}, 1, 2, 0xffff, {0}, 0},
    {MIKEY_CERT, {0}, 1, 2, 0xffff, {0}, 0},
    {MIKEY_SP, {7, 0}, 2, 2, 0xffff, {0}, 0},
    {MIKEY_RAND, {0}, 0, 1, 0xff, {0}, 0},
    {MIKEY_IDR, {2, 1}, 2, 2, 0xffff, {0}, 0},
    {MIKEY_RANDR, {1}, 1, 1, 0xff, {0}, 0},
    {MIKEY_TP, {0, 1, 1, 1, 0, 0, 0}, 7, 2, 0xffff, {0}, 0},
    {MIKEY_TICKET, {0, 1, 1, 1, 0, 0, 0}, 7, 2, 0xffff, {0, 0, 0, 0}, 4},
    {MIKEY_EXT, {0}, 1, 2, 0xffff, {0}, 0},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static void put_shape(const struct shape *s, size_t claimed, size_t there)
{
    payload(s->type);
    ts_put(&w, s->head, s->n_head);
    if (s->width == 1)
        ts_put_u8(&w, (unsigned)claimed);
    else
        ts_put_u16(&w, (unsigned)claimed);
    octets(there);
    ts_put(&w, s->tail, s->n_tail);
}

static void fields_of_no_length_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        message(MIKEY_TRANSFER_INIT);
        put_shape(&shapes[i], 0, 0);
        OK(look());
    }
    message(MIKEY_TRANSFER_INIT);
    payload(MIKEY_T);
    PUT(2, 0, 0, 0, 1);
    buf[next_at] = MIKEY_SIGN; /* SIGN has no next payload octet */
    PUT(0, 0);
    OK(look());
    assert_int_equal(m.sign.data.n, 0);
}

static void fields_of_the_greatest_length_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        const struct shape *s = &shapes[i];
        message(MIKEY_TRANSFER_INIT);
        put_shape(s, s->most, s->most);
        OK(look());
        assert_int_equal(m.bad_in, 0);
    }
    message(MIKEY_TRANSFER_INIT);
    buf[next_at] = MIKEY_SIGN;
    PUT(0x0f, 0xff);
    octets(0xfff);
    OK(look());
    assert_int_equal(m.sign.data.n, 0xfff);
}

static void a_length_that_reaches_over_the_end_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        const struct shape *s = &shapes[i];
        for (size_t there = 0; there <= s->most;
             there = there ? there * 4 + 3 : 1) {
            message(MIKEY_TRANSFER_INIT);
            size_t from = w.len;
            put_shape(s, s->most, there > s->n_tail ? there - s->n_tail : 0);
            if (there >= s->most)
                break;
            refused(TS_E_SHORT, s->type, from);
        }
    }
}

/* ---- nested and repeated ---- */

/* A payload is read where it is known, and its inside by whoever needs it: a
 * ticket in a ticket in a ticket costs no more than its octets. */
static void nested_tickets_are_octets(void **state)
{
    struct mikey_policy p;
    size_t marks[4000];
    (void)state;
    message(MIKEY_TRANSFER_INIT);
    payload(MIKEY_TP);
    for (size_t i = 0; i < 4000; i++) {
        PUT(0, 1, 1, 1, 3, 0xf8, 0x60);
        marks[i] = ts_open_u16(&w);
        PUT(MIKEY_TP, 0); /* First Payload, and the next octet of that one */
    }
    for (size_t i = 4000; i-- > 0;)
        ts_close_u16(&w, marks[i]);
    OK(look());
    FAILS(TS_E_MISSING, mikey_policy_read(m.tp.data, &p)); /* no IDRr */
}

static void what_may_stand_once_is_refused_twice(void **state)
{
    static const uint8_t once[] = {MIKEY_KEMAC, MIKEY_PKE,   MIKEY_RAND,
                                   MIKEY_IDR,   MIKEY_RANDR, MIKEY_TP,
                                   MIKEY_TICKET};
    (void)state;
    for (size_t i = 0; i < SHAPES; i++) {
        bool single = false;
        for (size_t k = 0; k < sizeof once; k++)
            single = single || once[k] == shapes[i].type;
        message(MIKEY_TRANSFER_INIT);
        put_shape(&shapes[i], 1, 1);
        size_t second = w.len;
        put_shape(&shapes[i], 1, 1);
        if (single) {
            refused(TS_E_DUPLICATE, shapes[i].type, second);
            assert_int_equal(m.bad_at, second);
        } else if (shapes[i].type == MIKEY_SP) {
            refused(TS_E_DUPLICATE, MIKEY_SP, second); /* the same number */
        } else {
            OK(look());
        }
    }
}

static void more_than_we_hold_is_refused(void **state)
{
    (void)state;
    message(MIKEY_TRANSFER_INIT);
    for (unsigned i = 0; i < MIKEY_SP_MAX; i++) {
        payload(MIKEY_SP);
        PUT((uint8_t)i, 0, 0, 0);
    }
    OK(look());
    assert_int_equal(m.n_sp, MIKEY_SP_MAX);
    payload(MIKEY_SP);
    PUT(200, 0, 0, 0);
    refused(TS_E_UNSUPPORTED, MIKEY_SP, 0);

    message(MIKEY_REQUEST_INIT_PK);
    for (unsigned i = 0; i < MIKEY_CERT_MAX; i++) {
        payload(MIKEY_CERT);
        PUT(0, 0, 1, (uint8_t)i);
    }
    OK(look());
    payload(MIKEY_CERT);
    PUT(0, 0, 0);
    refused(TS_E_UNSUPPORTED, MIKEY_CERT, 0);

    message(MIKEY_ERROR);
    for (unsigned i = 0; i < MIKEY_ERR_MAX; i++) {
        payload(MIKEY_ERR);
        PUT((uint8_t)i, 0, 0);
    }
    OK(look());
    assert_int_equal(m.n_err, MIKEY_ERR_MAX);
    payload(MIKEY_ERR);
    PUT(0, 0, 0);
    refused(TS_E_UNSUPPORTED, MIKEY_ERR, 0);
}

/* ---- chains ---- */

/* No payload leads back: each one lies behind the one before, so a chain ends
 * with the octets, whatever types it names. */
static void the_longest_chain_ends(void **state)
{
    unsigned n = 0;
    struct mikey_payload p;
    (void)state;
    message(MIKEY_TRANSFER_INIT);
    for (unsigned i = 0; i < 16000; i++) { /* four octets each */
        payload(MIKEY_EXT);
        PUT(0, 0, 0);
    }
    OK(look());
    struct mikey_chain c =
        mikey_chain_init(ts_span(buf + 10, w.len - 10), MIKEY_EXT);
    while (mikey_chain_next(&c, &p))
        n++;
    OK(mikey_chain_end(&c));
    assert_int_equal(n, 16000);
}

static void a_chain_that_names_one_more_is_refused(void **state)
{
    (void)state;
    for (unsigned type = 1; type < 256; type++) {
        message(MIKEY_TRANSFER_INIT);
        payload(MIKEY_RAND);
        PUT(1, 7);
        buf[next_at] = (uint8_t)type; /* itself, or any other */
        enum ts_err err = look();
        assert_true(err == TS_E_SHORT || err == TS_E_UNKNOWN);
        assert_int_equal(m.bad_in, type);
        assert_int_equal(m.bad_at, w.len);
    }
}

static void octets_behind_the_last_payload_are_refused(void **state)
{
    (void)state;
    message(MIKEY_TRANSFER_INIT);
    payload(MIKEY_RAND);
    PUT(1, 7);
    size_t end = w.len;
    for (unsigned i = 0; i < 3; i++) {
        PUT(0);
        FAILS(TS_E_TRAILING, look());
        assert_int_equal(m.bad_at, end);
    }
    message(MIKEY_TRANSFER_INIT); /* SIGN ends a chain, wherever it stands */
    buf[next_at] = MIKEY_SIGN;
    PUT(0, 1, 0xaa, MIKEY_T);
    FAILS(TS_E_TRAILING, look());
}

/* ---- numbers that nobody knows ---- */

/* What is read anyway: the field behind does not depend on it. */
static void unknown_numbers_are_kept_where_lengths_are_known(void **state)
{
    static const struct {
        uint8_t type;
        uint8_t body[12];
        uint8_t n, at; /* at: the octet with the number */
    } fields[] = {
        {MIKEY_KEMAC, {0, 0, 0, 0}, 4, 0},             /* Encr alg */
        {MIKEY_PKE, {0, 0}, 2, 0},                     /* C */
        {MIKEY_ID, {0, 0, 0}, 3, 0},                   /* ID type */
        {MIKEY_CERT, {0, 0, 0}, 3, 0},                 /* Cert type */
        {MIKEY_SP, {0, 0, 0, 0}, 4, 1},                /* Prot type */
        {MIKEY_ERR, {0, 0, 0}, 3, 0},                  /* Error no */
        {MIKEY_IDR, {1, 0, 0, 0}, 4, 0},               /* ID role */
        {MIKEY_IDR, {1, 0, 0, 0}, 4, 1},               /* ID type */
        {MIKEY_RANDR, {1, 0}, 2, 0},                   /* RAND role */
        {MIKEY_TR, {1, 3, 0, 0, 0, 0}, 6, 0},          /* TS role */
        {MIKEY_EXT, {0, 0, 0}, 3, 0},                  /* Type */
        {MIKEY_TP, {0, 1, 1, 1, 0, 0, 0, 0, 0}, 9, 1}, /* Ticket Type */
        {MIKEY_TP, {0, 1, 1, 1, 0, 0, 0, 0, 0}, 9, 2}, /* Subtype */
        {MIKEY_TP, {0, 1, 1, 1, 0, 0, 0, 0, 0}, 9, 3}, /* Version */
        {MIKEY_TP, {0, 1, 1, 1, 0, 0, 0, 0, 0}, 9, 4}, /* PRF func */
    };
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (unsigned v = 0; v < 256; v++) {
            message(MIKEY_TRANSFER_INIT);
            payload(fields[i].type);
            size_t body = w.len;
            ts_put(&w, fields[i].body, fields[i].n);
            if (fields[i].type == MIKEY_PKE)
                buf[body] = (uint8_t)((v & 3) << 6);
            else
                buf[body + fields[i].at] = (uint8_t)v;
            OK(look());
        }
    }
}

/* What decides a length: nobody can tell where the next payload begins. */
static void unknown_numbers_that_decide_lengths_are_refused(void **state)
{
    static const struct {
        uint8_t type, known;  /* numbers from 0 to known */
        uint8_t before, tail; /* octets around the number */
    } fields[] = {
        {MIKEY_T, MIKEY_NTP_UTC_32, 0, 8},       /* TS type */
        {MIKEY_TR, MIKEY_NTP_UTC_32, 1, 8},      /* TS type */
        {MIKEY_V, MIKEY_AUTH_SHA256, 0, 32},     /* Auth alg */
        {MIKEY_CHASH, MIKEY_HASH_SHA256, 0, 32}, /* Hash func */
        {MIKEY_DH, 2, 0, 200},                   /* DH-Group */
        {MIKEY_KEMAC, MIKEY_AUTH_SHA256, 3, 32}, /* Mac alg */
    };
    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        for (unsigned v = fields[i].known + 1u; v < 256; v++) {
            message(MIKEY_TRANSFER_INIT);
            size_t from = w.len;
            payload(fields[i].type);
            octets(fields[i].before);
            ts_put_u8(&w, v);
            octets(fields[i].tail);
            refused(TS_E_UNKNOWN, fields[i].type, from);
        }
    }
    for (unsigned v = 3; v < 256; v++) { /* KV of DH, and its reserved bits */
        message(MIKEY_DH_INIT);
        payload(MIKEY_DH);
        ts_put_u8(&w, 1);
        octets(96);
        ts_put_u8(&w, v);
        octets(2);
        if ((v & 0x0f) > MIKEY_KV_INTERVAL)
            refused(TS_E_UNKNOWN, MIKEY_DH, 10);
    }
}

static void unknown_numbers_in_hdr(void **state)
{
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        bool hdr_ok;
        message((uint8_t)v); /* data type: known to whoever handles it */
        OK(look());
        assert_int_equal(m.hdr.type, v);
        message(MIKEY_ERROR);
        buf[3] = (uint8_t)v; /* V and PRF func */
        OK(look());
        assert_int_equal(m.hdr.prf, v & 0x7f);
        message(MIKEY_ERROR);
        buf[0] = (uint8_t)v; /* version */
        FAILS(v == 1 ? TS_OK : TS_E_UNKNOWN, look());
        assert_int_equal(m.bad_in, 0);
        message(MIKEY_ERROR);
        buf[9] = (uint8_t)v; /* CS ID map type */
        FAILS(v <= MIKEY_MAP_GENERIC ? TS_OK : TS_E_UNKNOWN, look());
        (void)!mikey_msg_read(ts_written(&w), &m, &hdr_ok);
        assert_int_equal(hdr_ok, v <= MIKEY_MAP_GENERIC);
    }
}

static void unknown_numbers_in_key_data(void **state)
{
    struct mikey_keys keys;
    (void)state;
    for (unsigned v = 0; v < 256; v++) {
        uint8_t chain[32] = {0, (uint8_t)v, 0, 2, 0xaa, 0xbb};
        enum ts_err err = mikey_keys_read(ts_span(chain, 12), &keys);
        unsigned type = v >> 4, kv = v & 0x0f;
        if (type > MIKEY_MPK || kv > MIKEY_KV_INTERVAL)
            assert_int_equal(err, TS_E_UNKNOWN);
        else
            assert_true(err == TS_OK || err == TS_E_TRAILING);
        chain[0] = (uint8_t)v; /* what follows a key is a key, or nothing */
        chain[1] = 0x00;
        err = mikey_keys_read(ts_span(chain, 6), &keys);
        if (v == MIKEY_LAST)
            assert_int_equal(err, TS_OK);
        else
            assert_int_equal(err,
                             v == MIKEY_KEY_DATA ? TS_E_SHORT : TS_E_UNKNOWN);
    }
}

/* ---- maps ---- */

static void maps_are_bounded_by_the_message(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 256; n++) { /* GENERIC-ID, shortest entries */
        message(MIKEY_TRANSFER_INIT);
        w.len = 8;
        PUT((uint8_t)n, MIKEY_MAP_GENERIC);
        for (unsigned i = 0; i < n; i++)
            PUT((uint8_t)i, 0, 0, 0, 0, 0);
        OK(look());
        w.len -= n ? 1 : 0;
        FAILS(n ? TS_E_SHORT : TS_OK, look());
    }
    message(MIKEY_TRANSFER_INIT); /* greatest: 127 policies, 65535, 255 */
    w.len = 8;
    PUT(1, MIKEY_MAP_GENERIC, 1, 1, 0x7f);
    octets(127);
    PUT(0xff, 0xff);
    octets(0xffff);
    PUT(0xff);
    octets(255);
    OK(look());
    w.len--;
    FAILS(TS_E_SHORT, look());
    assert_int_equal(m.bad_in, 0);
    message(MIKEY_TRANSFER_INIT);
    w.len = 8;
    PUT(255, MIKEY_MAP_SRTP);
    octets(255u * 9 - 1);
    FAILS(TS_E_SHORT, look());
    octets(1);
    OK(look());
}

/* ---- the inside of a ticket ---- */

static enum ts_err read_ticket(const uint8_t *data, size_t n)
{
    struct mikey_base base;
    struct mikey_payload p;
    message(MIKEY_RESOLVE_INIT_PSK);
    payload(MIKEY_TICKET);
    PUT(0, 1, 1, 1, 3, 0xf8, 0x60, 0, 1, 0);
    ts_put_u16(&w, (unsigned)n);
    ts_put(&w, data, n);
    ts_put_u16(&w, 0);
    OK(look());
    struct mikey_chain c =
        mikey_chain_init(ts_span(buf + 10, w.len - 10), MIKEY_TICKET);
    assert_true(mikey_chain_next(&c, &p));
    return mikey_base_read(&p.u.ticket, &base);
}

static void ticket_data_of_any_length_are_read_or_refused(void **state)
{
    static uint8_t data[66000];
    (void)state;
    data[1] = data[2] = 0; /* it runs more than once */
    FAILS(TS_E_SHORT, read_ticket(data, 0));
    FAILS(TS_E_SHORT, read_ticket(data, 2));
    FAILS(TS_E_MISSING, read_ticket(data, 3)); /* THDR alone */
    data[1] = data[2] = 0xff;
    FAILS(TS_E_SHORT, read_ticket(data, 65000));
    data[1] = (uint8_t)(65000 >> 8);
    data[2] = (uint8_t)65000;
    FAILS(TS_E_MISSING, read_ticket(data, 65003)); /* THDR Data is skipped */
    FAILS(TS_E_TRAILING, read_ticket(data, 65004));
}

UNIT_MAIN(cmocka_unit_test(fields_of_no_length_are_read),
          cmocka_unit_test(fields_of_the_greatest_length_are_read),
          cmocka_unit_test(a_length_that_reaches_over_the_end_is_refused),
          cmocka_unit_test(nested_tickets_are_octets),
          cmocka_unit_test(what_may_stand_once_is_refused_twice),
          cmocka_unit_test(more_than_we_hold_is_refused),
          cmocka_unit_test(the_longest_chain_ends),
          cmocka_unit_test(a_chain_that_names_one_more_is_refused),
          cmocka_unit_test(octets_behind_the_last_payload_are_refused),
          cmocka_unit_test(unknown_numbers_are_kept_where_lengths_are_known),
          cmocka_unit_test(unknown_numbers_that_decide_lengths_are_refused),
          cmocka_unit_test(unknown_numbers_in_hdr),
          cmocka_unit_test(unknown_numbers_in_key_data),
          cmocka_unit_test(maps_are_bounded_by_the_message),
          cmocka_unit_test(ticket_data_of_any_length_are_read_or_refused))
