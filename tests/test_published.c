/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmikey against docs/vectors/, which an independent implementation made:
 * each message of each file is opened by its receiver's function, gives the
 * keys that stand beside it, is built again to the octet, and is refused with
 * an octet changed.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit.h"
#include "tests/vector.h"

#define FILES_MIN 51

static struct vector v;

/* What stands for one file; it may be any number of times. */
typedef void each_fn(const char *name);

static void load(const char *name, json_t **json)
{
    char path[512];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s", TEST_PUBLISHED, name);
    *json = json_load_file(path, 0, &error);
    if (!*json)
        fail_msg("%s: %s", name, error.text);
    if (vector_load(&v, *json))
        fail_msg("%s: %s", name, v.why);
}

static size_t each_file(each_fn *f)
{
    DIR *dir = opendir(TEST_PUBLISHED);
    size_t n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        size_t len = strlen(e->d_name);
        if (len < 5 || strcmp(e->d_name + len - 5, ".json") != 0)
            continue;
        f(e->d_name);
        n++;
    }
    (void)closedir(dir);
    return n;
}

static void must(size_t i, enum ts_err err, const char *what)
{
    if (err)
        fail_msg("%s, message %zu, %s: %s (%s): %s", v.name, i, v.msg[i].name,
                 what, ts_errname(err), v.why);
}

/* --- keys --- */

static void check_and_keep(const char *name, json_t **json)
{
    static struct vector_opened o;
    load(name, json);
    for (size_t i = 0; i < v.n; i++)
        must(i, vector_check(&v, &v.msg[i], &o), "its keys");
    must(v.n - 1, vector_sessions(&v), "the sessions after it");
}

static void check_file(const char *name)
{
    json_t *json;
    check_and_keep(name, &json);
    json_decref(json);
}

static void each_message_opens_and_gives_the_keys(void **state)
{
    (void)state;
    assert_true(each_file(check_file) >= FILES_MIN);
}

/* --- octets --- */

static void compare(size_t i, const char *what, struct ts_span ours,
                    struct ts_span theirs)
{
    size_t at = 0;
    while (at < ours.n && at < theirs.n && ours.p[at] == theirs.p[at])
        at++;
    if (at < ours.n || at < theirs.n)
        fail_msg("%s, message %zu, %s: %s built differently at octet %zu",
                 v.name, i, v.msg[i].name, what, at);
}

/* The vectors with what our builder cannot write, and no others. */
static void expect_bend(const char *why)
{
    static const char *const bent[] = {"timestamps-", "policy-", "rfc3830-dh",
                                       "rfc3830-rsar-"};
    bool found = false;
    for (size_t i = 0; i < sizeof bent / sizeof bent[0]; i++)
        found = found || strncmp(v.name, bent[i], strlen(bent[i])) == 0;
    if (!found)
        fail_msg("%s: %s", v.name, why);
}

/* The ticket, by whoever made it: Initiator Data came later. */
static void build_ticket(size_t i, const struct vector_opened *o)
{
    static uint8_t buf[4096];
    const struct vector_message *t = &v.msg[i];
    struct ts_span body = t->m.ticket.body;
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    if (!o->has_ticket || vector_bends_ticket(&t->m.ticket))
        return;
    must(i, vector_build_ticket(&v, t, o, &w), "TICKET built");
    compare(i, "TICKET", ts_span(buf + 2, w.len - 4),
            ts_span(body.p + 1, body.n - 3 - t->m.ticket.init.n));
}

static void build_file(const char *name)
{
    static struct vector_opened o;
    static uint8_t buf[8192];
    json_t *json;
    load(name, &json);
    for (size_t i = 0; i < v.n; i++) {
        const struct vector_message *t = &v.msg[i];
        struct ts_writer w = ts_writer_init(buf, sizeof buf);
        must(i, vector_open(&v, t, t->raw, &o), "opened");
        must(i, vector_build(&v, t, &o, &w), "built");
        if (vector_bends(t)) {
            expect_bend(vector_bends(t));
            must(i, vector_open(&v, t, ts_written(&w), &o), "opened anew");
            continue;
        }
        compare(i, "message", ts_written(&w), t->raw);
        build_ticket(i, &o);
    }
    json_decref(json);
}

static void each_message_is_built_to_the_octet(void **state)
{
    (void)state;
    assert_true(each_file(build_file) >= FILES_MIN);
}

/* --- what is changed --- */

static void change_file(const char *name)
{
    static struct vector_opened o;
    static uint8_t buf[8192];
    json_t *json;
    load(name, &json);
    for (size_t i = 0; i < v.n; i++) {
        const struct vector_message *t = &v.msg[i];
        must(i, vector_open(&v, t, t->raw, &o), "opened");
        if (!o.proven)
            continue;
        memcpy(buf, t->raw.p, t->raw.n);
        for (size_t at = 0; at < t->raw.n; at++) {
            uint8_t bit = (uint8_t)(1 << at % 8);
            buf[at] ^= bit;
            if (!vector_open(&v, t, ts_span(buf, t->raw.n), &o))
                fail_msg("%s, message %zu, %s: octet %zu changed, and taken",
                         v.name, i, t->name, at);
            buf[at] ^= bit;
        }
    }
    json_decref(json);
}

static void a_message_with_an_octet_changed_is_refused(void **state)
{
    (void)state;
    assert_true(each_file(change_file) >= FILES_MIN);
}

/* --- a vector that says something else --- */

static bool holds(const struct vector_message *t)
{
    static struct vector_opened o;
    size_t mark = v.used;
    enum ts_err err = vector_check(&v, t, &o);
    if (!err)
        err = vector_sessions(&v);
    v.used = mark;
    v.why[0] = 0;
    return err == TS_OK;
}

/* A value with its first digit changed, and then right again. */
static void change_value(const struct vector_message *t, const char *name,
                         json_t *value)
{
    static char digits[2 * 8192 + 1];
    const char *right = json_string_value(value);
    size_t n = json_string_length(value);
    if (n == 0 || n >= sizeof digits || strspn(right, "0123456789abcdef") != n)
        return;
    memcpy(digits, right, n + 1);
    const char first = digits[0];
    digits[0] = first == '0' ? '8' : '0';
    assert_int_equal(json_string_setn(value, digits, n), 0);
    if (holds(t))
        fail_msg("%s, %s: another %s was not noticed", v.name, t->name, name);
    digits[0] = first;
    assert_int_equal(json_string_setn(value, digits, n), 0);
}

static void change_values(const struct vector_message *t, json_t *members)
{
    const char *name;
    json_t *value;
    json_object_foreach(members, name, value)
    {
        /* what is sealed is only compared, not opened with a key */
        if (!t->m.has_sign || strcmp(name, "env_key") != 0)
            change_value(t, name, value);
    }
}

static void change_vector(const char *name)
{
    static const char *const groups[] = {"mac", "kemac", "ticket", "signature",
                                         "secrets"};
    json_t *json;
    if (!strstr(name, "-128"))
        return;
    check_and_keep(name, &json);
    for (size_t i = 0; i < v.n; i++) {
        const struct vector_message *t = &v.msg[i];
        const json_t *keys = json_object_get(t->json, "keys");
        for (size_t k = 0; k < sizeof groups / sizeof groups[0]; k++)
            change_values(t, json_object_get(t->json, groups[k]));
        for (size_t k = 0; k < json_array_size(keys); k++)
            change_values(t, json_array_get(keys, k));
        assert_true(holds(t));
    }
    json_decref(json);
}

/* That the tests above compare at all. */
static void a_vector_that_says_something_else_is_noticed(void **state)
{
    (void)state;
    assert_true(each_file(change_vector) >= FILES_MIN);
}

UNIT_MAIN(cmocka_unit_test(each_message_opens_and_gives_the_keys),
          cmocka_unit_test(each_message_is_built_to_the_octet),
          cmocka_unit_test(a_message_with_an_octet_changed_is_refused),
          cmocka_unit_test(a_vector_that_says_something_else_is_noticed))
