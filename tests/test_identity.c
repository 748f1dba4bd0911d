/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include "base/identity.h"

struct pair {
    const char *uri;
    const char *canonical;
};

static const struct pair pairs[] = {
    {"sip:alice@example.org", "sip:alice@example.org"},
    {"sip:Alice%41@EXAMPLE.org:5060;transport=tcp?x=y",
     "sip:AliceA@example.org:5060"},
    /* scheme and host without regard to case, user with it */
    {"SIP:alice@example.org", "sip:alice@example.org"},
    {"SiPs:Alice@Example.ORG", "sips:Alice@example.org"},
    {"sip:ALICE@example.org", "sip:ALICE@example.org"},
    /* hosts */
    {"sip:kms.example.org", "sip:kms.example.org"},
    {"sip:alice@example.org.", "sip:alice@example.org"},
    {"sip:alice@localhost", "sip:alice@localhost"},
    {"sip:alice@10.0.0.1", "sip:alice@10.0.0.1"},
    {"sip:alice@3gpp.ims.mnc001.mcc001.3gppnetwork.org",
     "sip:alice@3gpp.ims.mnc001.mcc001.3gppnetwork.org"},
    {"sip:alice@a-b.x--y.org", "sip:alice@a-b.x--y.org"},
    /* IPv6 as in RFC 5952 */
    {"sip:alice@[::1]", "sip:alice@[::1]"},
    {"sip:alice@[0:0:0:0:0:0:0:1]:5061", "sip:alice@[::1]:5061"},
    {"sip:alice@[2001:0DB8:0000:0000:0001:0000:0000:0001];x",
     "sip:alice@[2001:db8::1:0:0:1]"},
    {"sip:alice@[2001:db8:0:1:1:1:1:1]", "sip:alice@[2001:db8:0:1:1:1:1:1]"},
    {"sip:alice@[::FFFF:10.0.0.1]", "sip:alice@[::ffff:10.0.0.1]"},
    {"sip:[::1]", "sip:[::1]"},
    /* ports: neither added nor removed */
    {"sip:alice@h:5060", "sip:alice@h:5060"},
    {"sip:alice@h:005060", "sip:alice@h:5060"},
    {"sip:alice@h:65535", "sip:alice@h:65535"},
    {"sips:alice@h:5061", "sips:alice@h:5061"},
    /* escapes: unreserved ones are decoded, others in upper-case hex */
    {"sip:%61%6c%69%63%65@h", "sip:alice@h"},
    {"sip:a%2db%5Fc%2ed%21%7e%2a%27%28%29@h", "sip:a-b_c.d!~*'()@h"},
    {"sip:a%3ab%40c%2fd@h", "sip:a%3Ab%40c%2Fd@h"},
    {"sip:caf%c3%A9@h", "sip:caf%C3%A9@h"},
    {"sip:a%25b@h", "sip:a%25b@h"},
    {"sip:a%2541@h", "sip:a%2541@h"},
    {"sip:a%20b@h", "sip:a%20b@h"},
    /* reserved characters stay as they are */
    {"sip:a&b=c+d$e,f;g?h/i@h", "sip:a&b=c+d$e,f;g?h/i@h"},
    {"sip:room;x=1@h;y=2", "sip:room;x=1@h"},
    {"sip:group!.*!@h", "sip:group!.*!@h"},
    /* parameters and headers go */
    {"sip:alice@h;lr;maddr=1.2.3.4;ttl=1", "sip:alice@h"},
    {"sip:alice@h?Subject=%20x&Call-ID=a", "sip:alice@h"},
    {"sip:alice@h;user=ip", "sip:alice@h"},
    /* global numbers: sip with user=phone is tel */
    {"tel:+49301234", "tel:+49301234"},
    {"TEL:+49-30.(12)34", "tel:+49301234"},
    {"sip:+49-30-1234@h;user=phone", "tel:+49301234"},
    {"sip:+49-30-1234@h:5060;transport=udp;USER=Phone?x=y", "tel:+49301234"},
    {"sip:+49%2d30%2D1234@h;us%65r=phon%65", "tel:+49301234"},
    {"tel:+49301234;ext=5;isub=1", "tel:+49301234"},
    {"sip:+49301234;ext=5@h;user=phone", "tel:+49301234"},
    {"sip:+49-30-1234@h", "sip:+49-30-1234@h"},
    {"sips:+49-30-1234@h;user=phone", "sips:+49-30-1234@h"},
    /* local numbers: only with their context */
    {"tel:70-42;phone-context=Example.COM",
     "tel:7042;phone-context=example.com"},
    {"tel:7042;ext=1;Phone-Context=+1-914-555",
     "tel:7042;phone-context=+1914555"},
    {"sip:7042;phone-context=example.com@h;user=phone",
     "tel:7042;phone-context=example.com"},
    {"tel:*21#;phone-context=h", "tel:*21%23;phone-context=h"},
    {"tel:*21%23;phone-context=h", "tel:*21%23;phone-context=h"},
    {"sip:%2a21%23;phone-context=h@h;user=phone", "tel:*21%23;phone-context=h"},
    {"tel:aB1;phone-context=h", "tel:AB1;phone-context=h"},
};

static const char *const ill_formed[] = {
    "",
    "sip",
    "sip:",
    ":",
    ":alice@h",
    "alice@h",
    "+49301234",
    "<sip:alice@h>",
    " sip:alice@h",
    "sip :alice@h",
    "sip: alice@h",
    "sip:alice@h ",
    "s\xc3\xadp:alice@h",
    /* user */
    "sip:@h",
    "sip:a@b@h",
    "sip:alice:secret@h",
    "sip::@h",
    "sip:a b@h",
    "sip:a\nb@h",
    "sip:a\tb@h",
    "sip:a\x7f@h",
    "sip:a\"b@h",
    "sip:a<b@h",
    "sip:a[b]@h",
    "sip:a#b@h",
    "sip:a\\b@h",
    "sip:caf\xc3\xa9@h",
    "sip:a%@h",
    "sip:a%4@h",
    "sip:a%4g@h",
    "sip:a%g4@h",
    "sip:a%%41@h",
    "sip:a%00@h",
    "sip:a%0a@h",
    "sip:a%0D@h",
    "sip:a%1f@h",
    "sip:a%7F@h",
    /* host */
    "sip:alice@",
    "sip:alice@;lr",
    "sip:alice@?x=y",
    "sip:alice@:5060",
    "sip:alice@.",
    "sip:alice@.h",
    "sip:alice@h..",
    "sip:alice@a..b",
    "sip:alice@-h",
    "sip:alice@h-",
    "sip:alice@a_b",
    "sip:alice@%68",
    "sip:alice@h/x",
    "sip:alice@h\n",
    "sip:alice@1.2.3",
    "sip:alice@1.2.3.4.5",
    "sip:alice@1.2.3.256",
    "sip:alice@01.2.3.4",
    "sip:alice@127.1",
    "sip:alice@5",
    "sip:alice@1.2.3.4.",
    "sip:alice@10.0.0.1111111111111111",
    "sip:alice@h\xc3\xa9",
    /* IPv6 */
    "sip:alice@[]",
    "sip:alice@[::1",
    "sip:alice@[:::]",
    "sip:alice@::1",
    "sip:alice@[::1]x",
    "sip:alice@[::1]]",
    "sip:alice@[fe80::1%25eth0]",
    "sip:alice@[1.2.3.4]",
    "sip:alice@[::12345]",
    "sip:alice@[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
    /* port */
    "sip:alice@h:",
    "sip:alice@h:0",
    "sip:alice@h:65536",
    "sip:alice@h:-1",
    "sip:alice@h:5060x",
    "sip:alice@h:99999999999999999999",
    "sip:alice@h:5060:1",
    "sip:alice@h:%35",
    /* parameters and headers */
    "sip:alice@h;",
    "sip:alice@h;;lr",
    "sip:alice@h;=x",
    "sip:alice@h;x=",
    "sip:alice@h;x=a=b",
    "sip:alice@h;x=a b",
    "sip:alice@h;x=%0a",
    "sip:alice@h;x=\"a\"",
    "sip:alice@h?",
    "sip:alice@h?x=a\nb",
    "sip:alice@h;x@y",
    "sip:alice@h;user=phone;user=phone",
    "sip:+49@h;user=phone;user=ip",
    "sip:+49@h;user=",
    "sip:+49@h;user",
    /* numbers */
    "tel:",
    "tel:+",
    "tel:-",
    "tel:+-",
    "tel:7042",
    "tel:+49x",
    "tel:+49a",
    "tel:++49",
    "tel:49+",
    "sip:a@1a",
    "sip:a@b.1a",
    "sip:a@b..c",
    "sip:a@b-.c",
    "sip:a@b.c-",
    "tel:+49@h",
    "tel:+49?x=y",
    "tel:+49;",
    "tel:+49;;ext=1",
    "tel:+4 9",
    "tel:+49#",
    "tel:+49*",
    "tel:%2b49",
    "tel:7042;ext=1",
    "tel:7042;phone-context=",
    "tel:7042;phone-context",
    "tel:7042;phone-context=+",
    "tel:7042;phone-context=+1a",
    "tel:7042;phone-context=a..b",
    "tel:7042;phone-context=h\n",
    "tel:7042;phone-context=a;phone-context=b",
    "tel:70/42;phone-context=h",
    "tel:;phone-context=h",
    "sip:alice@h;user=phone",
    "sip:7042@h;user=phone",
    "sip:h;user=phone",
    "sip:%2b49301@h;user=phone",
};

static const char *const other_schemes[] = {
    "http://example.org/", "mailto:alice@example.org",
    "sipx:alice@h",        "urn:service:sos",
    "im:alice@h",
};

/* Tables of arrays, for the loops below. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void each_uri_has_its_canonical_form(void **state)
{
    struct ts_identity id;
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        enum ts_err err = ts_identity(ts_span_str(pairs[i].uri), &id);
        if (err)
            print_error("%s: %s\n", pairs[i].uri, ts_strerror(err));
        OK(err);
        assert_string_equal(id.text, pairs[i].canonical);
        assert_int_equal(id.len, strlen(id.text));
    }
}

static void the_canonical_form_is_its_own(void **state)
{
    struct ts_identity id;
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        OK(ts_identity(ts_span_str(pairs[i].canonical), &id));
        assert_string_equal(id.text, pairs[i].canonical);
    }
}

static void pairs_are_the_same_identity_when_their_forms_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        for (size_t j = 0; j < COUNT(pairs); j++) {
            bool same = strcmp(pairs[i].canonical, pairs[j].canonical) == 0;
            assert_int_equal(ts_identity_same(ts_span_str(pairs[i].uri),
                                              ts_span_str(pairs[j].uri)),
                             same);
        }
    }
}

static void what_is_no_such_uri_is_refused(void **state)
{
    struct ts_identity id;
    (void)state;
    for (size_t i = 0; i < COUNT(ill_formed); i++) {
        enum ts_err err = ts_identity(ts_span_str(ill_formed[i]), &id);
        if (err != TS_E_FORMAT)
            print_error("\"%s\": %s\n", ill_formed[i], ts_strerror(err));
        FAILS(TS_E_FORMAT, err);
        assert_int_equal(id.len, 0);
        assert_string_equal(id.text, "");
    }
}

static void a_nul_is_refused_wherever_it_stands(void **state)
{
    static const char uri[] = "sip:al@[::1]:5;user=ip?x=y";
    uint8_t with[sizeof uri];
    struct ts_identity id;
    (void)state;
    OK(ts_identity(LITERAL("sip:al@[::1]:5;user=ip?x=y"), &id));
    for (size_t i = 0; i < sizeof uri - 1; i++) {
        memcpy(with, uri, sizeof uri - 1);
        with[i] = 0;
        FAILS(TS_E_FORMAT, ts_identity(ts_span(with, sizeof uri - 1), &id));
    }
    FAILS(TS_E_FORMAT, ts_identity(LITERAL("sip:alice@h\0"), &id));
    FAILS(TS_E_FORMAT, ts_identity(LITERAL("tel:+49\0"), &id));
    FAILS(TS_E_FORMAT, ts_identity(ts_span(NULL, 0), &id));
}

static void another_scheme_is_unknown(void **state)
{
    struct ts_identity id;
    (void)state;
    for (size_t i = 0; i < COUNT(other_schemes); i++)
        FAILS(TS_E_UNKNOWN, ts_identity(ts_span_str(other_schemes[i]), &id));
}

/* "sip:" user "@h", with a user of n octets. */
static struct ts_span long_uri(char *buf, size_t n)
{
    memcpy(buf, "sip:", 4);
    memset(buf + 4, 'a', n);
    memcpy(buf + 4 + n, "@h", 2);
    return ts_span(buf, n + 6);
}

static void a_form_of_255_octets_fits_and_no_longer_one(void **state)
{
    static char buf[70000];
    struct ts_identity id;
    (void)state;
    OK(ts_identity(long_uri(buf, TS_IDENTITY_MAX - 6), &id));
    assert_int_equal(id.len, TS_IDENTITY_MAX);
    FAILS(TS_E_SPACE, ts_identity(long_uri(buf, TS_IDENTITY_MAX - 5), &id));
    assert_int_equal(id.len, 0);
    FAILS(TS_E_SPACE, ts_identity(long_uri(buf, sizeof buf - 6), &id));
}

static void what_is_dropped_may_be_long(void **state)
{
    static char buf[2000];
    struct ts_identity id;
    (void)state;
    memcpy(buf, "sip:a@h;", 8);
    memset(buf + 8, 'x', sizeof buf - 8);
    OK(ts_identity(ts_span(buf, sizeof buf), &id));
    assert_string_equal(id.text, "sip:a@h");
}

static void what_is_refused_is_not_even_the_same_as_itself(void **state)
{
    (void)state;
    assert_false(ts_identity_same(LITERAL("sip:@h"), LITERAL("sip:@h")));
    assert_false(ts_identity_same(LITERAL("sip:a@h"), LITERAL("x")));
    assert_false(ts_identity_same(LITERAL(""), LITERAL("")));
}

static void sip_and_sips_are_kept_apart(void **state)
{
    (void)state;
    assert_false(ts_identity_same(LITERAL("sip:a@h"), LITERAL("sips:a@h")));
    assert_false(ts_identity_same(LITERAL("sips:+49301@h;user=phone"),
                                  LITERAL("tel:+49301")));
}

UNIT_MAIN(cmocka_unit_test(each_uri_has_its_canonical_form),
          cmocka_unit_test(the_canonical_form_is_its_own),
          cmocka_unit_test(pairs_are_the_same_identity_when_their_forms_are),
          cmocka_unit_test(what_is_no_such_uri_is_refused),
          cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
          cmocka_unit_test(another_scheme_is_unknown),
          cmocka_unit_test(a_form_of_255_octets_fits_and_no_longer_one),
          cmocka_unit_test(what_is_dropped_may_be_long),
          cmocka_unit_test(what_is_refused_is_not_even_the_same_as_itself),
          cmocka_unit_test(sip_and_sips_are_kept_apart))
