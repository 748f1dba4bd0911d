/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small parts under mikeytool: times as texts, names that were meant.
 */
#include "tests/unit.h"
#include "tool/names.h"
#include "tool/near.h"
#include "tool/when.h"

/* --- times --- */

static void assert_time(const char *text, int64_t seconds, uint32_t micro)
{
    struct mt_when when;
    assert_true(mt_when_read(text, &when));
    assert_int_equal(when.seconds, seconds);
    assert_int_equal(when.micro, micro);
}

static void a_time_is_read_with_any_number_of_digits(void **state)
{
    (void)state;
    assert_time("1970-01-01T00:00:00Z", 0, 0);
    assert_time("1969-12-31T23:59:59.999999Z", -1, 999999);
    assert_time("2019-08-15T16:00:03.5Z", 1565884803, 500000);
    assert_time("2020-02-29T23:59:59.000001Z", 1583020799, 1);
    assert_time("0001-01-01T00:00:00.Z", -62135596800, 0);
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "2019-08-15",
        "2019-08-15T16:00:03",
        "2019-08-15T16:00:03z",
        "2019-08-15T16:00:03ZZ",
        "2019-08-15T16:00:03+00:00",
        "2019-08-15 16:00:03Z",
        "2019-8-15T16:00:03Z",
        "2019-02-29T16:00:03Z",
        "2019-13-01T16:00:03Z",
        "2019-00-01T16:00:03Z",
        "2019-08-15T24:00:00Z",
        "2019-08-15T16:60:00Z",
        "2019-08-15T16:00:60Z",
        "2019-08-15T16:00:03.1234567Z",
        "-019-08-15T16:00:03Z",
    };
    struct mt_when when;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(mt_when_read(texts[i], &when));
}

/* R214: the two eras of NTP, with no gap between them. */
static void times_of_ntp_go_from_1968_to_2104(void **state)
{
    static const struct {
        uint64_t ntp;
        const char *text;
    } cases[] = {
        {UINT64_C(0x8000000000000000), "1968-01-20T03:14:08.000000Z"},
        {UINT64_C(0xffffffff00000000), "2036-02-07T06:28:15.000000Z"},
        {UINT64_C(0x0000000000000000), "2036-02-07T06:28:16.000000Z"},
        {UINT64_C(0x7fffffffffffffff), "2104-02-26T09:42:23.999999Z"},
    };
    char text[MT_WHEN];
    uint64_t ntp;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mt_when_write(mt_when_of_ntp(cases[i].ntp), true, text);
        assert_string_equal(text, cases[i].text);
    }
    assert_false(mt_when_to_ntp((struct mt_when){-61505153, 0}, &ntp));
    assert_true(mt_when_to_ntp((struct mt_when){-61505152, 0}, &ntp));
    assert_true(mt_when_to_ntp((struct mt_when){4233462143, 0}, &ntp));
    assert_false(mt_when_to_ntp((struct mt_when){4233462144, 0}, &ntp));
}

static void every_microsecond_survives_ntp(void **state)
{
    (void)state;
    for (uint32_t micro = 0; micro < 1000000; micro++) {
        struct mt_when when = {1565884803, micro};
        uint64_t ntp;
        assert_true(mt_when_to_ntp(when, &ntp));
        when = mt_when_of_ntp(ntp);
        assert_int_equal(when.micro, micro);
    }
}

static void a_text_reads_back_to_its_time(void **state)
{
    char text[MT_WHEN];
    (void)state;
    uint64_t ntp = 1;
    for (unsigned i = 0; i < 10000; i++) {
        struct mt_when when = mt_when_of_ntp(ntp), back;
        mt_when_write(when, true, text);
        assert_true(mt_when_read(text, &back));
        assert_int_equal(back.seconds, when.seconds);
        assert_int_equal(back.micro, when.micro);
        ntp = ntp * 6364136223846793005u + 1442695040888963407u;
    }
}

/* --- names --- */

static void the_nearest_name_is_found(void **state)
{
    struct tool_near near = tool_near("deocde");
    (void)state;
    tool_near_try(&near, "encode");
    tool_near_try(&near, "decode");
    tool_near_try(&near, "vectors");
    assert_string_equal(near.best, "decode");
}

static void what_shares_nothing_is_not_near(void **state)
{
    static const char *const typed[] = {"", "x", "SPI", "something else"};
    (void)state;
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
        struct tool_near near = tool_near(typed[i]);
        tool_near_try(&near, "KV");
        tool_near_try(&near, "decode");
        assert_null(near.best);
    }
}

static void distance_counts_edits_up_to_a_length(void **state)
{
    char text[100];
    (void)state;
    assert_int_equal(tool_distance("", ""), 0);
    assert_int_equal(tool_distance("", "abc"), 3);
    assert_int_equal(tool_distance("abc", ""), 3);
    assert_int_equal(tool_distance("kitten", "sitting"), 3);
    memset(text, 'a', sizeof text);
    text[40] = '\0';
    assert_int_equal(tool_distance(text, text), 0);
    text[40] = 'a';
    text[41] = '\0';
    assert_true(tool_distance(text, "a") == SIZE_MAX);
    assert_true(tool_distance("a", text) == SIZE_MAX);
}

static void every_name_leads_to_its_code_point(void **state)
{
    (void)state;
    for (enum mt_registry r = 0; r < MT_REGISTRIES; r++) {
        for (unsigned i = 0; i < 300; i++) {
            const char *name = mt_name(r, i), *near;
            unsigned value;
            if (!name)
                continue;
            assert_true(mt_code_point(r, name, &value, &near));
            assert_int_equal(value, i);
        }
    }
}

UNIT_MAIN(cmocka_unit_test(a_time_is_read_with_any_number_of_digits),
          cmocka_unit_test(what_is_no_time_is_refused),
          cmocka_unit_test(times_of_ntp_go_from_1968_to_2104),
          cmocka_unit_test(every_microsecond_survives_ntp),
          cmocka_unit_test(a_text_reads_back_to_its_time),
          cmocka_unit_test(the_nearest_name_is_found),
          cmocka_unit_test(what_shares_nothing_is_not_near),
          cmocka_unit_test(distance_counts_edits_up_to_a_length),
          cmocka_unit_test(every_name_leads_to_its_code_point))
