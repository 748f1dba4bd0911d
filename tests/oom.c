/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* How a child ends that ran well: not one allocation failed; the test passed
 * all the same; it met E_NOMEM. Others mean trouble. */
enum { ALL_SERVED = 0, PASSED = 90, MET_NOMEM = 91, BROKEN = 92 };

/* More allocations than any test makes: there must be a loop. */
#define ALLOCATIONS_MAX 100000
/* Seconds after which a run is stuck. */
#define STUCK 60

static unsigned long allocations;
static unsigned long failing; /* number of the one that fails, 0 for none */
static bool failed;

static bool fails_now(void)
{
    allocations++;
    if (allocations != failing)
        return false;
    failed = true;
    return true;
}

/* --- the wrapped functions (ld --wrap) --- */

#define WRAPPED(type, name, params, args)                                      \
    type __real_##name params;                                                 \
    type __wrap_##name params;                                                 \
    type __wrap_##name params                                                  \
    {                                                                          \
        return fails_now() ? NULL : __real_##name args;                        \
    }

WRAPPED(void *, malloc, (size_t n), (n))
WRAPPED(void *, calloc, (size_t n, size_t size), (n, size))
WRAPPED(void *, realloc, (void *p, size_t n), (p, n))
WRAPPED(void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size))
WRAPPED(char *, strdup, (const char *s), (s))
WRAPPED(char *, strndup, (const char *s, size_t n), (s, n))

unsigned long unit_allocations(void)
{
    return allocations;
}

void unit_expect(enum ts_err wanted, enum ts_err got, const char *call,
                 const char *file, int line)
{
    if (got == wanted)
        return;
    if (failed && got == TS_E_NOMEM)
        exit(MET_NOMEM);
    print_error("%s: %s, wanted: %s\n", call, ts_strerror(got),
                ts_strerror(wanted));
    _fail(file, line);
}

/* --- one run with one allocation failing --- */

/* In the child. It ends by exit(), so that LeakSanitizer looks; what the test
 * itself holds is still on its stack then, and no leak. */
static void run_failing(const struct CMUnitTest *test, unsigned long nth)
{
    void *state = test->initial_state;
    allocations = 0;
    failing = nth;
    (void)alarm(STUCK);
    if (test->setup_func && test->setup_func(&state) != 0)
        exit(failed ? MET_NOMEM : BROKEN);
    test->test_func(&state);
    if (test->teardown_func && test->teardown_func(&state) != 0)
        exit(BROKEN);
    exit(failed ? PASSED : ALL_SERVED);
}

static void show_output(int fd)
{
    char buf[4096];
    ssize_t n;
    (void)lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, buf, sizeof buf)) > 0)
        (void)fwrite(buf, 1, (size_t)n, stderr);
}

static bool good_end(int status)
{
    if (!WIFEXITED(status))
        return false;
    int code = WEXITSTATUS(status);
    return code == ALL_SERVED || code == PASSED || code == MET_NOMEM;
}

/* Returns whether there may be more allocations to fail. */
static bool run_child(const struct CMUnitTest *test, unsigned long nth,
                      bool *good)
{
    int status = 0;
    int out = memfd_create("output", MFD_CLOEXEC);
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(out, STDOUT_FILENO);
        (void)dup2(out, STDERR_FILENO);
        run_failing(test, nth);
    }
    *good = pid > 0 && waitpid(pid, &status, 0) == pid && good_end(status);
    if (!*good) {
        print_error(
            "[ OOM FAIL ] %s, allocation %lu failing: %s %d\n", test->name, nth,
            WIFSIGNALED(status) ? "signal" : "exit code",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        show_output(out);
    }
    (void)close(out);
    return *good && WEXITSTATUS(status) != ALL_SERVED;
}

/* All allocations of one test, one at a time. */
static bool run_oom(const struct CMUnitTest *test, unsigned long *runs)
{
    bool good = true;
    for (unsigned long nth = 1; run_child(test, nth, &good); nth++) {
        ++*runs;
        if (nth == ALLOCATIONS_MAX) {
            print_error("[ OOM FAIL ] %s never ends\n", test->name);
            return false;
        }
    }
    return good;
}

/* UNIT_ONLY=name picks one test; NULL if there is none of that name. */
static const struct CMUnitTest *pick(const struct CMUnitTest *tests, size_t *n)
{
    const char *name = getenv("UNIT_ONLY");
    if (!name)
        return tests;
    for (size_t i = 0; i < *n; i++)
        if (strcmp(tests[i].name, name) == 0) {
            *n = 1;
            return &tests[i];
        }
    print_error("no test %s\n", name);
    return NULL;
}

int unit_main(const struct CMUnitTest *tests, size_t n)
{
    const char *oom = getenv("UNIT_OOM");
    unsigned long runs = 0;
    tests = pick(tests, &n);
    if (!tests)
        return 2;
    int bad = _cmocka_run_group_tests("unit", tests, n, NULL, NULL);
    if (bad || (oom && strcmp(oom, "no") == 0))
        return bad ? 1 : 0;
    for (size_t i = 0; i < n; i++)
        bad += !run_oom(&tests[i], &runs);
    print_message("[   OOM    ] %zu tests, %lu failed allocations, %d bad\n", n,
                  runs, bad);
    return bad ? 1 : 0;
}
