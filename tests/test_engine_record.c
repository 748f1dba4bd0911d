/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit record is one line of JSON, whatever stands in a message; the desk
 * reads back each one. Here are the worst messages.
 */
#include "tests/desk.h"

static uint8_t octets[256][256];

/* A message under a key id, for n receivers of len octets. */
static void ask_under(struct desk *d, struct ts_span key_id, size_t n,
                      size_t len)
{
    d->alice.key_id_len = (uint16_t)key_id.n;
    memcpy(d->alice.key_id, key_id.p, key_id.n);
    d->want.n_responders = n;
    for (size_t i = 0; i < n; i++) {
        uint8_t *uri = octets[i];
        memset(uri, 'a' + (int)i % 26, len);
        memcpy(uri, "sip:", 4);
        memcpy(uri + len - 2, "@x", 2);
        d->want.responder[i] =
            (struct mikey_id){0, MIKEY_ID_URI, ts_span(uri, len)};
    }
    d->now++; /* and so no two have the same name */
    desk_request(d);
}

static struct ts_span filled(uint8_t octet, size_t n)
{
    static uint8_t id[KMS_KEYID_MAX];
    memset(id, octet, sizeof id);
    return ts_span(id, n);
}

/* Each length, from a stranger and from a user. */
static void hostile_key_ids_leave_a_line_of_json(void **state)
{
    static const uint8_t hostile[] = {0, '\n', '"', '\\', 0x7f, 0xff, 'x'};
    (void)state;
    for (size_t i = 0; i < sizeof hostile; i++) {
        struct desk *d = desk_open(128);
        for (size_t n = 1; n <= KMS_KEYID_MAX; n++) {
            ask_under(d, filled(hostile[i], n), 1, 10);
            assert_string_equal(desk_said(d, "result"), "granted");
            d->sent.b[d->sent.n - 1] ^= 1;
            desk_ask(d);
            assert_string_equal(desk_said(d, "result"), "denied");
        }
    }
}

/* Together with an initiator whose length fills up what is left. */
static void no_length_breaks_the_line(void **state)
{
    static const char head[] = "sip:alice@example.org;x=";
    static char from[256];
    (void)state;
    struct desk *d = desk_open(128);
    memset(from, 'y', sizeof from);
    memcpy(from, head, sizeof head - 1);
    for (size_t n = 200; n < 255; n++)
        for (size_t plain = 0; plain < 6; plain++) {
            uint8_t id[KMS_KEYID_MAX];
            memset(id, 'k', sizeof id);
            memset(id + plain, 2, 234);
            d->self = (struct mikey_id){0, MIKEY_ID_URI, ts_span(from, n)};
            ask_under(d, ts_span(id, 234 + plain), 2, 100);
            assert_string_equal(desk_said(d, "result"), "granted");
        }
}

/* What nobody vouches for is not put down as anybody's words. */
static void a_stranger_names_nobody(void **state)
{
    (void)state;
    struct desk *d = desk_open(128);
    d->alice.psk.b[0] ^= 1;
    desk_write_request(d);
    d->alice.psk.b[0] ^= 1;
    desk_ask(d);
    assert_string_equal(desk_said(d, "result"), "denied");
    assert_string_equal(desk_said(d, "key-id"), "alice-1");
    assert_null(json_object_get(d->audit, "user"));
    assert_null(json_object_get(d->audit, "from"));
    assert_null(json_object_get(d->audit, "for"));
}

static void members_say_what_happened(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    d->want.n_responders = 2;
    d->want.responder[1] = desk_id("sip:group@example.org");
    desk_request(d);
    desk_granted(d);
    assert_string_equal(desk_said(d, "time"), "2026-11-23T18:00:00.000Z");
    assert_string_equal(desk_said(d, "event"), "request");
    assert_string_equal(desk_said(d, "result"), "granted");
    assert_string_equal(desk_said(d, "reason"), "");
    assert_string_equal(desk_said(d, "user"), DESK_ALICE);
    assert_string_equal(desk_said(d, "key-id"), "alice-1");
    assert_string_equal(desk_said(d, "from"), DESK_ALICE);
    assert_string_equal(desk_said(d, "csb"), "00000001");
    const json_t *list = json_object_get(d->audit, "for");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_array_get(list, 1)),
                        "sip:group@example.org");
    assert_int_equal(json_integer_value(json_object_get(d->audit, "suite")),
                     256);
}

/* What does not fit is counted. */
static void sixty_four_long_receivers_are_counted(void **state)
{
    (void)state;
    struct desk *d = desk_open(256);
    for (size_t len = 200; len <= 255; len++) {
        ask_under(d, LITERAL("nobody"), 64, len);
        const json_t *list = json_object_get(d->audit, "for");
        json_int_t more = json_integer_value(json_object_get(d->audit, "more"));
        assert_int_equal(json_array_size(list) + (size_t)more, 64);
        assert_true(json_array_size(list) >= 5);
        assert_string_equal(desk_said(d, "key-id"), "nobody");
    }
}

/* No key that was just given stands in the record of the giving. */
static void the_record_of_a_grant_has_no_key(void **state)
{
    char line[KMS_RECORD_MAX], hex[17];
    (void)state;
    struct desk *d = desk_open(256);
    desk_ring(d);
    desk_resolve(d, &d->bob);
    desk_granted(d);
    size_t n = kms_engine_record(&d->engine, &d->q, line);
    for (size_t k = 0; k < d->opened.keys.n; k++) {
        for (size_t j = 0; j < 8; j++)
            (void)snprintf(hex + 2 * j, 3, "%02x",
                           d->opened.keys.k[k].key.p[j]);
        assert_null(memmem(line, n, hex, 16));
    }
}

UNIT_MAIN(cmocka_unit_test(hostile_key_ids_leave_a_line_of_json),
          cmocka_unit_test(no_length_breaks_the_line),
          cmocka_unit_test(a_stranger_names_nobody),
          cmocka_unit_test(members_say_what_happened),
          cmocka_unit_test(sixty_four_long_receivers_are_counted),
          cmocka_unit_test(the_record_of_a_grant_has_no_key))
