/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "diff": two messages field by field.
 */
#include <stdlib.h>
#include <unistd.h>

#include "tool/diff.h"
#include "tool/load.h"
#include "tool/mikeytool.h"
#include "tool/put.h"

#define TROUBLE 2

/* --- for people --- */

#define RED   "\033[31m"
#define GREEN "\033[32m"
#define PLAIN "\033[0m"

/* Where two texts first differ, if showing all of them would be too long. */
static size_t cut_before(json_t *a, json_t *b)
{
    const char *x = json_string_value(a), *y = json_string_value(b);
    size_t i = 0, before = 8;
    if (!x || !y || (strlen(x) <= 64 && strlen(y) <= 64))
        return 0;
    while (x[i] && x[i] == y[i])
        i++;
    i &= ~(size_t)1; /* a whole octet, if they are octets */
    return i > before ? i - before : 0;
}

static void print_text(const char *text, size_t from)
{
    const int most = 64;
    text += from;
    printf("\"%s%.*s%s\"", from ? "..." : "", most, text,
           strlen(text) > (size_t)most ? "..." : "");
}

/* A list of numbers or of names, in one line. */
static void print_list(json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        if (i)
            fputs(", ", stdout);
        if (json_is_string(item))
            fputs(json_string_value(item), stdout);
        else
            printf("%lld", (long long)json_integer_value(item));
    }
    if (json_array_size(list) == 0)
        fputs("none", stdout);
}

static void print_object(json_t *object)
{
    json_t *value = json_object_get(object, "value");
    const char *name = json_string_value(json_object_get(object, "name"));
    long long number =
        json_integer_value(value ? value : json_object_get(object, "length"));
    if (value && name)
        printf("%s (%lld)", name, number);
    else if (value)
        printf("%lld", number);
    else if (number)
        printf("(%lld octets)", number);
    else
        fputs("(there)", stdout);
}

static void print_value(json_t *value, size_t from)
{
    if (json_is_string(value))
        print_text(json_string_value(value), from);
    else if (json_is_array(value))
        print_list(value);
    else if (json_is_object(value))
        print_object(value);
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "true" : "false", stdout);
    else
        printf("%lld", (long long)json_integer_value(value));
}

static void print_side(json_t *value, size_t from, char sign, const char *color)
{
    if (!value)
        return;
    printf(" %s%c", color, sign);
    print_value(value, from);
    fputs(*color ? PLAIN : "", stdout);
}

/* arg: whether to use colours */
static void print_difference(void *arg, const char *path, json_t *a, json_t *b)
{
    const bool *color = arg;
    size_t from = cut_before(a, b);
    printf("%s:", path);
    print_side(a, from, '-', *color ? RED : "");
    print_side(b, from, '+', *color ? GREEN : "");
    putchar('\n');
}

/* On a terminal that has them, unless NO_COLOR is set (no-color.org). */
static bool use_color(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no && *no) &&
           !(term && strcmp(term, "dumb") == 0);
}

/* --- for programs --- */

/* arg: the list of them */
static void collect(void *arg, const char *path, json_t *a, json_t *b)
{
    json_t *one = mt_object();
    mt_put_text(one, "path", path);
    if (a)
        mt_put(one, "old", json_incref(a));
    if (b)
        mt_put(one, "new", json_incref(b));
    mt_append(arg, one);
}

static int print_json(json_t *a, json_t *b, unsigned options)
{
    json_t *o = mt_object(), *list = mt_array();
    size_t n = mt_diff(a, b, collect, list);
    mt_put_bool(o, "same", n == 0);
    mt_put(o, "differences", list);
    return mt_print(o, options) ? TROUBLE : n != 0;
}

/* --- the verb --- */

static json_t *load(const char *name)
{
    struct mt_input in;
    if (!mt_input_open(&in, name))
        return NULL;
    json_t *json = mt_load(&in);
    mt_input_close(&in);
    return json;
}

static int compare(json_t *a, json_t *b, unsigned options)
{
    bool color = use_color();
    if (options & MT_JSON)
        return print_json(a, b, options);
    size_t n = mt_diff(a, b, print_difference, &color);
    return mt_end_output() ? TROUBLE : n != 0;
}

int mt_run_diff(const struct mt_call *call)
{
    char **args = call->args;
    unsigned options = call->options;
    int code = TROUBLE;
    if (strcmp(args[0], "-") == 0 && strcmp(args[1], "-") == 0) {
        (void)mt_complain("diff", "only one of two can be standard input");
        return TROUBLE;
    }
    json_t *a = load(args[0]), *b = a ? load(args[1]) : NULL;
    if (a && b)
        code = compare(a, b, options);
    json_decref(a);
    json_decref(b);
    return code;
}
