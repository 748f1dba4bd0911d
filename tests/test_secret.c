/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/secret.h"

static const uint8_t zeros[sizeof(struct ts_key)];

static void a_wiped_key_is_all_zeros(void **state)
{
    struct ts_key key;
    (void)state;
    OK(ts_key_set(&key, LITERAL("0123456789abcdef")));
    ts_key_wipe(&key);
    assert_memory_equal(&key, zeros, sizeof key);
    ts_key_wipe(NULL);
    ts_wipe(NULL, 0);
}

static void wiping_keeps_to_its_bounds(void **state)
{
    char text[] = "abcdef";
    (void)state;
    ts_wipe(text + 1, 3);
    assert_memory_equal(text, "a\0\0\0ef", 7);
}

static void a_key_has_one_to_64_bytes(void **state)
{
    uint8_t bytes[TS_KEY_MAX + 1] = {1, 2, 3};
    struct ts_key key;
    (void)state;
    FAILS(TS_E_RANGE, ts_key_set(&key, ts_span(bytes, 0)));
    FAILS(TS_E_RANGE, ts_key_set(&key, ts_span(bytes, TS_KEY_MAX + 1)));
    OK(ts_key_set(&key, ts_span(bytes, TS_KEY_MAX)));
    assert_true(ts_span_equal(ts_key_span(&key), ts_span(bytes, TS_KEY_MAX)));
    OK(ts_key_set(&key, ts_span(bytes, 1)));
    assert_int_equal(ts_key_span(&key).n, 1);
}

static void equal_means_length_and_content(void **state)
{
    (void)state;
    assert_true(ts_equal("abc", 3, "abc", 3));
    assert_false(ts_equal("abc", 3, "abd", 3));
    assert_false(ts_equal("xbc", 3, "abc", 3));
    assert_false(ts_equal("abc", 3, "abc", 2));
    assert_true(ts_equal(NULL, 0, NULL, 0));
    assert_true(ts_equal("a", 0, NULL, 0));
}

static void random_bytes_differ(void **state)
{
    uint8_t a[64] = {0};
    uint8_t b[64] = {0};
    (void)state;
    OK(ts_random(NULL, a, sizeof a));
    OK(ts_random(NULL, b, sizeof b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, zeros, sizeof a);
    OK(ts_random(NULL, NULL, 0));
}

/* In a process of its own, since there is no way back. */
static int hardened(void)
{
    struct rlimit core;
    if (ts_process_harden() || getrlimit(RLIMIT_CORE, &core))
        return 1;
    return core.rlim_max != 0 || prctl(PR_GET_DUMPABLE) != 0 ||
           prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

static void a_hardened_process_leaves_no_core(void **state)
{
    int status = 0;
    (void)state;
    pid_t pid = fork();
    if (pid == 0)
        _exit(hardened());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

UNIT_MAIN(cmocka_unit_test(a_wiped_key_is_all_zeros),
          cmocka_unit_test(wiping_keeps_to_its_bounds),
          cmocka_unit_test(a_key_has_one_to_64_bytes),
          cmocka_unit_test(equal_means_length_and_content),
          cmocka_unit_test(random_bytes_differ),
          cmocka_unit_test(a_hardened_process_leaves_no_core))
