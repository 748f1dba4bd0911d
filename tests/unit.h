/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unit tests on cmocka, each of which also runs out of memory.
 *
 *     static void a_key_that_fits_is_copied(void **state)
 *     {
 *         (void)state;
 *         struct ts_conf *conf;
 *         OK(ts_conf_parse(text, "x", keys, &conf, msg));
 *         ...
 *     }
 *
 *     UNIT_MAIN(cmocka_unit_test(a_key_that_fits_is_copied))
 *
 * After the usual run each test runs again in a child process, once for each
 * of its allocations, with that one failing. There it must succeed all the
 * same or meet TS_E_NOMEM in OK() or FAILS(), or NULL in NOT_NULL(); a crash,
 * another error, a failed assertion or (under ASan) a leak fails the program
 * and names the test and the allocation. UNIT_OOM=no leaves these runs out;
 * UNIT_ONLY=a_key_that_fits_is_copied runs one test of a program.
 *
 * Counted are malloc, calloc, realloc, reallocarray, strdup and strndup in our
 * code and in the test, not inside shared libraries.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/err.h"

/** The call gives TS_OK. */
#define OK(call) unit_expect(TS_OK, (call), #call, __FILE__, __LINE__)

/** The call gives the error wanted. */
#define FAILS(wanted, call)                                                    \
    unit_expect((wanted), (call), #call, __FILE__, __LINE__)

/** The pointer is not NULL; for calls that show E_NOMEM as NULL. */
#define NOT_NULL(pointer)                                                      \
    unit_expect(TS_OK, (pointer) ? TS_OK : TS_E_NOMEM, #pointer, __FILE__,     \
                __LINE__)

/** A main() that runs the tests given. */
#define UNIT_MAIN(...)                                                         \
    int main(void)                                                             \
    {                                                                          \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                       \
        return unit_main(tests, sizeof tests / sizeof tests[0]);               \
    }

/** A view of a string literal, which may hold NUL bytes. */
#define LITERAL(text) ts_span("" text, sizeof(text) - 1)

/** Behind OK() and FAILS(): compare, and end an out-of-memory run. */
void unit_expect(enum ts_err wanted, enum ts_err got, const char *call,
                 const char *file, int line);

/** Behind UNIT_MAIN(): both rounds; returns the exit code. */
int unit_main(const struct CMUnitTest *tests, size_t n);

/** Allocations asked for so far. */
unsigned long unit_allocations(void);

#endif
