/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/traces.h"

#include <stdlib.h>
#include <ucontext.h>

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif
/* valgrind has ideas of its own about stacks. */
#define SEARCHABLE (!RUNNING_ON_VALGRIND)

#define SECRETS 48

/* ---- what is searched for ---- */

static struct {
    const char *name;
    uint8_t b[TS_KEY_MAX];
    size_t n;
} secrets[SECRETS];
static size_t n_secrets;

void can_be_searched(void)
{
    if (!SEARCHABLE)
        skip();
}

void scramble(struct ts_key *key, uint32_t seed)
{
    for (size_t i = 0; i < key->len; i++) {
        seed = seed * 1664525 + 1013904223;
        key->b[i] = (uint8_t)(seed >> 24);
    }
}

void is_secret(const char *name, struct ts_span s)
{
    assert_true(n_secrets < SECRETS && s.n >= PIECE && s.n <= TS_KEY_MAX);
    secrets[n_secrets].name = name;
    secrets[n_secrets].n = s.n;
    memcpy(secrets[n_secrets++].b, s.p, s.n);
}

void forget_secrets(void)
{
    n_secrets = 0;
}

const char *found_in(const void *p, size_t n)
{
    for (size_t i = 0; i < n_secrets; i++)
        for (size_t at = 0; at + PIECE <= secrets[i].n; at += PIECE)
            if (memmem(p, n, secrets[i].b + at, PIECE))
                return secrets[i].name;
    return NULL;
}

void must_be_found(const char *where, const void *p, size_t n)
{
    if (!found_in(p, n))
        fail_msg("%s: the search is blind", where);
}

void must_be_gone(const char *where, const void *p, size_t n)
{
    const char *name = found_in(p, n);
    if (name)
        fail_msg("%s is still in %s", name, where);
}

/* ---- a stack of its own ---- */

_Alignas(64) uint8_t own_stack[OWN_STACK];
static ucontext_t outside, inside;
static void (*entered)(void);

static void enter(void)
{
    entered();
}

void on_own_stack(void (*run)(void))
{
    memset(own_stack, 0xa5, sizeof own_stack);
    entered = run;
    assert_int_equal(getcontext(&inside), 0);
    inside.uc_stack.ss_sp = own_stack;
    inside.uc_stack.ss_size = sizeof own_stack;
    inside.uc_link = &outside;
    makecontext(&inside, enter, 0);
    assert_int_equal(swapcontext(&outside, &inside), 0);
}

int search_main(const struct CMUnitTest *tests, size_t n)
{
    if (!SEARCHABLE) /* what is skipped needs no second round */
        (void)setenv("UNIT_OOM", "no", 1);
    return unit_main(tests, n);
}
