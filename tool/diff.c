/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/diff.h"

#include <string.h>

#include "tool/agree.h"
#include "tool/put.h"

struct diff {
    mt_differ_fn give;
    void *arg;
    size_t n;
    struct mt_path path;
};

static void differ(struct diff *d, json_t *a, json_t *b)
{
    d->n++;
    d->give(d->arg, d->path.text, a, b);
}

/* --- what names an item --- */

#define LABEL 80

/* A code point by its name or number, a number, "" for what is neither. */
static void name_of(json_t *value, char to[static LABEL])
{
    const char *name = json_string_value(json_object_get(value, "name"));
    json_t *number = json_object_get(value, "value");
    json_int_t n = json_integer_value(number ? number : value);
    to[0] = '\0';
    if (name)
        snprintf(to, LABEL, "%s", name);
    else if (value)
        snprintf(to, LABEL, "%lld", (long long)n);
}

/* Payloads by type and role or number, others by their type or CS ID. */
static void label(json_t *item, char to[static LABEL])
{
    static const char *const members[] = {"TS Role",   "ID Role", "RAND Role",
                                          "Policy no", "Type",    "CS ID"};
    char detail[LABEL] = "";
    const char *payload = json_string_value(json_object_get(item, "payload"));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (!detail[0])
            name_of(json_object_get(item, members[i]), detail);
    snprintf(to, LABEL, "%s%s%s", payload ? payload : "",
             payload && detail[0] ? " " : "", detail);
}

/* The items of a list by their labels; of equal ones the second gets "#2". */
static json_t *labelled(json_t *list)
{
    json_t *items = mt_object(), *counts = mt_object();
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        char name[LABEL], full[LABEL + 24];
        label(item, name);
        json_t *count = json_object_get(counts, name);
        json_int_t n = json_integer_value(count) + 1;
        snprintf(full, sizeof full, n == 1 && name[0] ? "%s" : "%s%s#%lld",
                 name, name[0] ? " " : "", (long long)n);
        mt_put_number(counts, name, (uint64_t)n);
        mt_put(items, full, json_incref(item));
    }
    json_decref(counts);
    return items;
}

/* --- the walk --- */

static void compare(struct diff *d, json_t *a, json_t *b);

/* Labels of the items that both have, in the order of the first one. */
static json_t *common(json_t *a, json_t *b)
{
    const char *name;
    json_t *item, *names = mt_array();
    json_object_foreach(a, name, item) if (json_object_get(b, name))
        mt_append(names, json_string(name));
    return names;
}

static void compare_order(struct diff *d, json_t *a, json_t *b)
{
    json_t *x = common(a, b), *y = common(b, a);
    size_t back = d->path.n;
    if (!json_equal(x, y)) {
        mt_path_item(&d->path, "order");
        differ(d, x, y);
    }
    mt_path_back(&d->path, back);
    json_decref(x);
    json_decref(y);
}

static void compare_items(struct diff *d, json_t *a, json_t *b)
{
    const char *name;
    json_t *item, *x = labelled(a), *y = labelled(b);
    size_t back = d->path.n;
    compare_order(d, x, y);
    json_object_foreach(x, name, item)
    {
        mt_path_item(&d->path, name);
        compare(d, item, json_object_get(y, name));
        mt_path_back(&d->path, back);
    }
    json_object_foreach(y, name, item)
    {
        if (json_object_get(x, name))
            continue;
        mt_path_item(&d->path, name);
        differ(d, NULL, item);
        mt_path_back(&d->path, back);
    }
    json_decref(x);
    json_decref(y);
}

static void compare_member(struct diff *d, const char *name, json_t *a,
                           json_t *b)
{
    json_t *x = json_object_get(a, name), *y = json_object_get(b, name);
    x = json_is_null(x) ? NULL : x;
    y = json_is_null(y) ? NULL : y;
    if (mt_follows(name) || strcmp(name, "form") == 0 ||
        mt_views_differ(name, a, b) || (!x != !y && mt_is_view(name, a, b)))
        return;
    size_t back = d->path.n;
    mt_path_name(&d->path, name);
    compare(d, x, y);
    mt_path_back(&d->path, back);
}

static void compare_objects(struct diff *d, json_t *a, json_t *b)
{
    const char *name;
    json_t *value;
    json_object_foreach(a, name, value) compare_member(d, name, a, b);
    json_object_foreach(b, name, value) if (!json_object_get(a, name))
        compare_member(d, name, a, b);
}

static bool is_code(json_t *value)
{
    return json_object_get(value, "value") && json_object_get(value, "name");
}

static bool is_list_of_objects(json_t *value)
{
    return json_is_array(value) && (json_array_size(value) == 0 ||
                                    json_is_object(json_array_get(value, 0)));
}

static void compare(struct diff *d, json_t *a, json_t *b)
{
    if (json_is_object(a) && json_is_object(b) && !is_code(a) && !is_code(b))
        compare_objects(d, a, b);
    else if (is_list_of_objects(a) && is_list_of_objects(b))
        compare_items(d, a, b);
    else if (a != b && !json_equal(a, b))
        differ(d, a, b);
}

size_t mt_diff(json_t *a, json_t *b, mt_differ_fn give, void *arg)
{
    struct diff d = {.give = give, .arg = arg};
    compare(&d, a, b);
    return d.n;
}
