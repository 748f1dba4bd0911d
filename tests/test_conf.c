/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/conf.h"

static const struct ts_conf_key keys[] = {
    {"kms", "identity", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {"http", "listen", TS_CONF_TEXT, TS_CONF_MANY, 0, 0, "127.0.0.1:8080"},
    {"policy", "skew", TS_CONF_UINT, 0, 1, 86400, "300"},
    {"policy", "strict", TS_CONF_BOOL, 0, 0, 0, "yes"},
    {"policy", "note", TS_CONF_TEXT, 0, 0, 0, NULL},
    {"policy", "big", TS_CONF_UINT, 0, 0, UINT64_MAX, NULL},
    {"https", "cert", TS_CONF_TEXT, TS_CONF_REQUIRED | TS_CONF_OPTIONAL_SECTION,
     0, 0, NULL},
    {"peer *", "url", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {NULL, NULL, TS_CONF_TEXT, 0, 0, 0, NULL},
};

#define KMS "[kms]\nidentity = sip:kms@example.org\n"

static void free_conf(struct ts_conf **conf)
{
    ts_conf_free(*conf);
}

/* A configuration that the end of the block releases. */
#define CONF __attribute__((cleanup(free_conf))) struct ts_conf *

static void parse_good(const char *text, struct ts_conf **conf)
{
    char msg[TS_CONF_MSG];
    OK(ts_conf_parse(ts_span_str(text), "test.ini", keys, conf, msg));
    assert_string_equal(msg, "");
}

static void values_are_found_by_section_and_key(void **state)
{
    CONF conf = NULL;
    (void)state;
    parse_good("# comment\n; another\n\n" KMS
               "\t[http]\n  listen=[::1]:80 ; behind\nlisten : a\r\n"
               "[policy]\nskew = 60\nstrict = no\nnote = a  b;c",
               &conf);
    assert_string_equal(ts_conf_text(conf, "kms", "identity"),
                        "sip:kms@example.org");
    assert_string_equal(ts_conf_nth(conf, "http", "listen", 0), "[::1]:80");
    assert_string_equal(ts_conf_nth(conf, "http", "listen", 1), "a");
    assert_null(ts_conf_nth(conf, "http", "listen", 2));
    assert_int_equal(ts_conf_uint(conf, "policy", "skew"), 60);
    assert_false(ts_conf_bool(conf, "policy", "strict"));
    assert_string_equal(ts_conf_text(conf, "policy", "note"), "a  b;c");
}

static void what_is_absent_has_its_fallback(void **state)
{
    CONF conf = NULL;
    (void)state;
    parse_good(KMS, &conf);
    assert_string_equal(ts_conf_nth(conf, "http", "listen", 0),
                        "127.0.0.1:8080");
    assert_null(ts_conf_nth(conf, "http", "listen", 1));
    assert_int_equal(ts_conf_uint(conf, "policy", "skew"), 300);
    assert_true(ts_conf_bool(conf, "policy", "strict"));
    assert_null(ts_conf_text(conf, "policy", "note"));
    assert_int_equal(ts_conf_uint(conf, "policy", "big"), 0);
    assert_false(ts_conf_has(conf, "http"));
    assert_true(ts_conf_has(conf, "kms"));
}

static void an_empty_section_is_there(void **state)
{
    CONF conf = NULL;
    (void)state;
    parse_good(KMS "[http] ; nothing\n[policy]#", &conf);
    assert_true(ts_conf_has(conf, "http"));
    assert_true(ts_conf_has(conf, "policy"));
    assert_false(ts_conf_has(conf, "https"));
}

static void sections_with_a_name_are_kept_apart(void **state)
{
    CONF conf = NULL;
    (void)state;
    parse_good(KMS "[peer sip:kms@a-rather-long-name.of.a.domain.example]\n"
                   "url = one\n[peer b]\nurl = two\n",
               &conf);
    const char *first = ts_conf_section(conf, "peer *", 0);
    assert_string_equal(first,
                        "peer sip:kms@a-rather-long-name.of.a.domain.example");
    assert_string_equal(ts_conf_text(conf, first, "url"), "one");
    assert_string_equal(ts_conf_section(conf, "peer *", 1), "peer b");
    assert_string_equal(ts_conf_text(conf, "peer b", "url"), "two");
    assert_null(ts_conf_section(conf, "peer *", 2));
    assert_true(ts_conf_has(conf, "peer *"));
}

static void numbers_go_up_to_their_bounds(void **state)
{
    CONF conf = NULL;
    (void)state;
    parse_good(KMS "[policy]\nskew=086400\nbig=18446744073709551615", &conf);
    assert_int_equal(ts_conf_uint(conf, "policy", "skew"), 86400);
    assert_true(ts_conf_uint(conf, "policy", "big") == UINT64_MAX);
}

static void a_byte_order_mark_is_skipped(void **state)
{
    CONF conf = NULL;
    (void)state;
    parse_good("\xef\xbb\xbf" KMS, &conf);
    assert_true(ts_conf_has(conf, "kms"));
}

struct refused {
    const char *text;
    const char *msg;
};

static const struct refused refused[] = {
    {"", "t: section [kms] with identity = ... is missing"},
    {"[http]\n", "t: section [kms] with identity = ... is missing"},
    {"\n[kms]\n", "t:2: [kms] needs identity = ..."},
    {KMS "[https]\n", "t:3: [https] needs cert = ..."},
    {KMS "[peer x]\n", "t:3: [peer x] needs url = ..."},
    {"[kmss]\n", "t:1: unknown section [kmss]; the nearest is [kms]"},
    {"[htp]\n", "t:1: unknown section [htp]; the nearest is [http]"},
    {"[KMS]\n", "t:1: unknown section [KMS]; the nearest is [kms]"},
    {"[ kms]\n", "t:1: unknown section [ kms]; the nearest is [kms]"},
    {"[peer]\n", "t:1: unknown section [peer]; the nearest is [peer *]"},
    {"[peer ]\n", "t:1: unknown section [peer ]; the nearest is [peer *]"},
    {"[kms]\nidentiti=x\n",
     "t:2: unknown key identiti in [kms]; the nearest is identity"},
    {KMS "[policy]\nskw=1\n",
     "t:4: unknown key skw in [policy]; the nearest is skew"},
    {KMS "[peer b]\nurll=1\n",
     "t:4: unknown key urll in [peer b]; the nearest is url"},
    {KMS "identity=y\n", "t:3: identity stands on line 2 already; keep one"},
    {KMS "[kms]\n",
     "t:3: section [kms] stands on line 1 already; join the two"},
    {"identity=x\n", "t:1: identity stands before the first [section]"},
    {"[kms]\nidentity=\n",
     "t:2: identity has no value; give one or drop the line"},
    {"[kms]\nidentity= ; x\n",
     "t:2: identity has no value; give one or drop the line"},
    {KMS "[policy]\nstrict=true\n", "t:4: strict is yes or no, not \"true\""},
    {KMS "[policy]\nskew=0\n",
     "t:4: skew is a number from 1 to 86400, not \"0\""},
    {KMS "[policy]\nskew=86401\n",
     "t:4: skew is a number from 1 to 86400, not \"86401\""},
    {KMS "[policy]\nskew=-1\n",
     "t:4: skew is a number from 1 to 86400, not \"-1\""},
    {KMS "[policy]\nskew=1h\n",
     "t:4: skew is a number from 1 to 86400, not \"1h\""},
    {KMS "[policy]\nskew=0x10\n",
     "t:4: skew is a number from 1 to 86400, not \"0x10\""},
    {KMS "[policy]\nskew=\xc3\xa9\n",
     "t:4: skew is a number from 1 to 86400, not \"??\""},
    {KMS "[policy]\nbig=18446744073709551616\n",
     "t:4: big is a number from 0 to 18446744073709551615, not "
     "\"18446744073709551616\""},
    {"[kms\n", "t:1: a section without its ]"},
    {"[]\n", "t:1: a section name has 1 to 64 bytes"},
    {"[kms] x\n", "t:1: text behind a section; start a new line"},
    {"[peer ;x]\n", "t:1: a section name holds no semicolon"},
    {"[kms]\nnonsense\n", "t:2: neither [section] nor key = value"},
    {"[kms]\nidentity\n", "t:2: neither [section] nor key = value"},
    {"[kms]\nidentity=a\033[2Jb\n", "t:2: control character 0x1b"},
};

static void what_is_wrong_is_told_with_its_line(void **state)
{
    char msg[TS_CONF_MSG];
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        CONF conf = NULL;
        FAILS(TS_E_CONFIG, ts_conf_parse(ts_span_str(refused[i].text), "t",
                                         keys, &conf, msg));
        assert_null(conf);
        assert_string_equal(msg, refused[i].msg);
    }
}

static void a_nul_byte_is_refused(void **state)
{
    CONF conf = NULL;
    char msg[TS_CONF_MSG];
    (void)state;
    FAILS(TS_E_CONFIG, ts_conf_parse(LITERAL("[kms]\nidentity=a\0b\n"), "t",
                                     keys, &conf, msg));
    assert_string_equal(msg, "t:2: control character 0x00");
}

/* KMS and a comment line of n bytes. */
static struct ts_span with_comment(char *buf, size_t n)
{
    size_t head = sizeof KMS - 1;
    memcpy(buf, KMS, head);
    memset(buf + head, '#', n);
    return ts_span(buf, head + n);
}

static void a_line_has_at_most_198_bytes(void **state)
{
    char buf[512];
    char msg[TS_CONF_MSG];
    CONF conf = NULL;
    CONF none = NULL;
    (void)state;
    OK(ts_conf_parse(with_comment(buf, 198), "t", keys, &conf, msg));
    FAILS(TS_E_CONFIG,
          ts_conf_parse(with_comment(buf, 199), "t", keys, &none, msg));
    assert_string_equal(msg, "t:3: line of 199 bytes; at most 198 are allowed");
}

/* A file of n bytes, filled up with empty lines. */
static struct ts_span filled(size_t n)
{
    static char buf[TS_CONF_FILE_MAX + 1];
    memset(buf, '\n', sizeof buf);
    memcpy(buf, KMS, sizeof KMS - 1);
    return ts_span(buf, n);
}

static void a_file_has_at_most_256_kib(void **state)
{
    char msg[TS_CONF_MSG];
    CONF conf = NULL;
    CONF none = NULL;
    (void)state;
    OK(ts_conf_parse(filled(TS_CONF_FILE_MAX), "t", keys, &conf, msg));
    FAILS(TS_E_CONFIG,
          ts_conf_parse(filled(TS_CONF_FILE_MAX + 1), "t", keys, &none, msg));
    assert_string_equal(msg, "t: larger than 262144 bytes");
}

static void there_is_an_end_to_sections(void **state)
{
    static char buf[TS_CONF_SECTIONS * 32];
    char msg[TS_CONF_MSG];
    CONF conf = NULL;
    size_t n = 0;
    (void)state;
    for (unsigned i = 0; i <= TS_CONF_SECTIONS; i++)
        n += (size_t)snprintf(buf + n, sizeof buf - n, "[peer %u]\n", i);
    FAILS(TS_E_CONFIG, ts_conf_parse(ts_span(buf, n), "t", keys, &conf, msg));
    assert_string_equal(msg, "t:1025: more than 1024 sections");
}

static void a_value_can_be_refused_by_its_user(void **state)
{
    CONF conf = NULL;
    char msg[TS_CONF_MSG];
    (void)state;
    parse_good(KMS "[http]\nlisten=a:1\nlisten=nowhere\n", &conf);
    FAILS(TS_E_CONFIG,
          ts_conf_refuse(conf, "http", "listen", 1, "no address:port", msg));
    assert_string_equal(msg,
                        "test.ini:5: [http] listen = nowhere: no address:port");
    FAILS(TS_E_CONFIG,
          ts_conf_refuse(conf, "policy", "note", 0, "needed here", msg));
    assert_string_equal(msg, "test.ini: [policy] note: needed here");
}

static void a_file_is_read(void **state)
{
    CONF conf = NULL;
    char path[] = "/tmp/tessera-conf-XXXXXX";
    char msg[TS_CONF_MSG];
    (void)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, KMS, sizeof KMS - 1), sizeof KMS - 1);
    assert_int_equal(close(fd), 0);
    enum ts_err err = ts_conf_load(path, keys, &conf, msg);
    assert_int_equal(unlink(path), 0);
    OK(err);
    assert_string_equal(ts_conf_text(conf, "kms", "identity"),
                        "sip:kms@example.org");
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    CONF conf = NULL;
    char msg[TS_CONF_MSG];
    (void)state;
    FAILS(TS_E_IO, ts_conf_load("/nowhere/x.ini", keys, &conf, msg));
    assert_string_equal(msg, "/nowhere/x.ini: No such file or directory; "
                             "name the configuration with -c FILE");
    FAILS(TS_E_IO, ts_conf_load("/tmp", keys, &conf, msg));
    assert_string_equal(msg, "/tmp: Is a directory");
    assert_null(conf);
}

static void freeing_nothing_is_fine(void **state)
{
    (void)state;
    ts_conf_free(NULL);
}

UNIT_MAIN(cmocka_unit_test(values_are_found_by_section_and_key),
          cmocka_unit_test(what_is_absent_has_its_fallback),
          cmocka_unit_test(an_empty_section_is_there),
          cmocka_unit_test(sections_with_a_name_are_kept_apart),
          cmocka_unit_test(numbers_go_up_to_their_bounds),
          cmocka_unit_test(a_byte_order_mark_is_skipped),
          cmocka_unit_test(what_is_wrong_is_told_with_its_line),
          cmocka_unit_test(a_nul_byte_is_refused),
          cmocka_unit_test(a_line_has_at_most_198_bytes),
          cmocka_unit_test(a_file_has_at_most_256_kib),
          cmocka_unit_test(there_is_an_end_to_sections),
          cmocka_unit_test(a_value_can_be_refused_by_its_user),
          cmocka_unit_test(a_file_is_read),
          cmocka_unit_test(a_file_that_cannot_be_read_is_named),
          cmocka_unit_test(freeing_nothing_is_fine))
