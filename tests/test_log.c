/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

static const uint8_t key[TS_LOG_KEY] = {1, 2, 3};

/* Where stderr goes while a line is caught, and what came. */
static int old_stderr, caught;
static char line[TS_LOG_LINE + 2];

static void catch_start(void)
{
    old_stderr = dup(STDERR_FILENO);
    caught = memfd_create("log", MFD_CLOEXEC);
    (void)dup2(caught, STDERR_FILENO);
}

/* What was logged since catch_start(), behind "role=test ". */
static const char *catch_end(void)
{
    (void)dup2(old_stderr, STDERR_FILENO);
    (void)close(old_stderr);
    ssize_t n = pread(caught, line, sizeof line - 1, 0);
    (void)close(caught);
    line[n > 0 ? n : 0] = '\0';
    const char *rest = strstr(line, "role=test ");
    return rest ? rest + strlen("role=test ") : line;
}

#define LOGGED(wanted, ...)                                                    \
    do {                                                                       \
        catch_start();                                                         \
        ts_log(TS_INFO, __VA_ARGS__);                                          \
        assert_string_equal(catch_end(), wanted);                              \
    } while (0)

static int start(void **state)
{
    (void)state;
    ts_log_key(key);
    ts_log_start("test", TS_DEBUG, false);
    return 0;
}

static void a_line_has_time_level_role_and_event(void **state)
{
    static const char shape[] =
        "^ts=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
        "level=warn role=test event=ready port=8080\n$";
    regex_t regex;
    (void)state;
    catch_start();
    ts_log(TS_WARN, "ready", TS_UINT("port", 8080));
    (void)catch_end();
    assert_int_equal(regcomp(&regex, shape, REG_EXTENDED | REG_NOSUB), 0);
    int match = regexec(&regex, line, 0, NULL, 0);
    regfree(&regex);
    assert_int_equal(match, 0);
}

static void the_time_is_now(void **state)
{
    struct tm tm = {0};
    (void)state;
    time_t before = time(NULL);
    catch_start();
    ts_log(TS_INFO, "x");
    (void)catch_end();
    assert_non_null(strptime(line, "ts=%Y-%m-%dT%H:%M:%S", &tm));
    assert_in_range(timegm(&tm), before, before + 60);
}

static void fields_are_optional_and_of_three_kinds(void **state)
{
    (void)state;
    LOGGED("event=started\n", "started");
    LOGGED("event=x a=b n=18446744073709551615\n", "x", TS_STR("a", "b"),
           TS_UINT("n", UINT64_MAX));
    LOGGED("event=x error=\"input ends too early\"\n", "x", TS_ERR(TS_E_SHORT));
}

static void a_value_is_quoted_when_it_is_no_plain_word(void **state)
{
    (void)state;
    LOGGED("event=x a=sip:b@h.org/+1,2_3\n", "x",
           TS_STR("a", "sip:b@h.org/+1,2_3"));
    LOGGED("event=x a=\"b c\" d=\"\" e=\"\"\n", "x", TS_STR("a", "b c"),
           TS_STR("d", ""), TS_STR("e", NULL));
    LOGGED("event=x a=\"k=v\"\n", "x", TS_STR("a", "k=v"));
}

static void a_value_cannot_forge_a_line_or_a_field(void **state)
{
    (void)state;
    LOGGED("event=x a=\"b\\nts=1 level=info\"\n", "x",
           TS_STR("a", "b\nts=1 level=info"));
    LOGGED("event=x a=\"b\\\" user=\\\"c\\\\\"\n", "x",
           TS_STR("a", "b\" user=\"c\\"));
    LOGGED("event=x a=\"\\x1b[2J\\x0d\\x7f\\xc2\\x9b\"\n", "x",
           TS_STR("a", "\033[2J\r\177\xc2\x9b"));
    LOGGED("event=x a=\"~0123abcd\"\n", "x", TS_STR("a", "~0123abcd"));
}

static void a_long_value_is_cut(void **state)
{
    char text[300];
    char wanted[300] = "event=x a=\"";
    (void)state;
    memset(text, 'a', sizeof text - 1);
    text[299] = '\0';
    size_t n = strlen(wanted);
    memset(wanted + n, 'a', 256);
    memcpy(wanted + n + 256, "...\"\n", 6);
    LOGGED(wanted, "x", TS_STR("a", text));
}

static void a_line_that_is_too_long_says_so(void **state)
{
    char text[257];
    (void)state;
    memset(text, 1, sizeof text - 1); /* each byte takes four */
    text[256] = '\0';
    struct ts_field f = TS_STR("field", text);
    catch_start();
    ts_log(TS_INFO, "x", f, f, f, f, TS_STR("last", "z"));
    (void)catch_end();
    size_t n = strlen(line);
    assert_true(n <= TS_LOG_LINE);
    assert_string_equal(line + n - 10, "\" cut=yes\n");
    assert_null(strchr(line, 'z'));
}

static void a_line_below_the_level_is_dropped(void **state)
{
    (void)state;
    ts_log_start("test", TS_WARN, false);
    catch_start();
    ts_log(TS_INFO, "x");
    assert_string_equal(catch_end(), "");
    catch_start();
    ts_log(TS_ERROR, "x");
    assert_string_equal(catch_end(), "event=x\n");
}

/* The pseudonym of an identity. */
static const char *pseudonym(const char *uri, char out[static 16])
{
    catch_start();
    ts_log(TS_INFO, "x", TS_ID("user", uri));
    const char *rest = catch_end();
    assert_int_equal(strlen(rest), strlen("event=x user=~01234567\n"));
    memcpy(out, rest + strlen("event=x user="), 9);
    out[9] = '\0';
    return out;
}

static void an_identity_is_a_pseudonym_under_the_key(void **state)
{
    static const uint8_t other[TS_LOG_KEY] = {9};
    char a[16];
    char b[16];
    (void)state;
    /* HMAC-SHA-256 by another implementation */
    assert_string_equal(pseudonym("sip:alice@example.org", a), "~0f521069");
    assert_string_equal(pseudonym("sip:alice@EXAMPLE.org;x", b), a);
    assert_string_not_equal(pseudonym("sip:bob@example.org", b), a);
    assert_string_not_equal(pseudonym("no uri", b), pseudonym("", a));
    (void)pseudonym("sip:alice@example.org", a);
    ts_log_key(other);
    assert_string_not_equal(pseudonym("sip:alice@example.org", b), a);
}

static void an_identity_is_clear_on_request_only(void **state)
{
    (void)state;
    ts_log_start("test", TS_DEBUG, true);
    LOGGED("event=x user=sip:alice@example.org\n", "x",
           TS_ID("user", "sip:alice@example.org"));
    LOGGED("event=x user=\"a\\nb\"\n", "x", TS_ID("user", "a\nb"));
}

static void errno_and_the_heap_stay_as_they_are(void **state)
{
    (void)state;
    unsigned long before = unit_allocations();
    catch_start();
    errno = EXDEV;
    ts_log(TS_INFO, "x", TS_STR("a", "b c"), TS_ID("i", "sip:a@h"),
           TS_UINT("n", 7), TS_ERR(TS_E_IO));
    int after = errno;
    (void)close(STDERR_FILENO); /* a line that cannot be written is lost */
    ts_log(TS_INFO, "lost");
    int last = errno;
    (void)catch_end();
    assert_int_equal(after, EXDEV);
    assert_int_equal(last, EXDEV);
    assert_int_equal(unit_allocations(), before);
}

#define LOG_TEST(name) cmocka_unit_test_setup(name, start)

UNIT_MAIN(LOG_TEST(a_line_has_time_level_role_and_event),
          LOG_TEST(the_time_is_now),
          LOG_TEST(fields_are_optional_and_of_three_kinds),
          LOG_TEST(a_value_is_quoted_when_it_is_no_plain_word),
          LOG_TEST(a_value_cannot_forge_a_line_or_a_field),
          LOG_TEST(a_long_value_is_cut),
          LOG_TEST(a_line_that_is_too_long_says_so),
          LOG_TEST(a_line_below_the_level_is_dropped),
          LOG_TEST(an_identity_is_a_pseudonym_under_the_key),
          LOG_TEST(an_identity_is_clear_on_request_only),
          LOG_TEST(errno_and_the_heap_stay_as_they_are))
