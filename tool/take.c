/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/take.h"

#include <stdarg.h>
#include <stdio.h>

#include "tool/near.h"
#include "tool/octets.h"

struct mt_take mt_take_begin(char why[static MT_LONG_WHY])
{
    return (struct mt_take){.why = why};
}

/* --- the path, and what is wrong there --- */

/* snprintf() that says how much of it fitted. */
static size_t print(char *to, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static size_t print(char *to, size_t cap, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(to, cap, format, args);
    va_end(args);
    if (n < 0 || cap == 0)
        return 0;
    return (size_t)n < cap ? (size_t)n : cap - 1;
}

void mt_path_name(struct mt_path *path, const char *name)
{
    path->n += print(path->text + path->n, sizeof path->text - path->n, "%s%s",
                     path->n && *name ? "." : "", name);
}

void mt_path_item(struct mt_path *path, const char *item)
{
    path->n +=
        print(path->text + path->n, sizeof path->text - path->n, "[%s]", item);
}

void mt_path_back(struct mt_path *path, size_t n)
{
    path->n = n;
    path->text[n] = '\0';
}

void mt_take_fail(struct mt_take *t, const char *member, const char *format,
                  ...)
{
    va_list args;
    if (t->failed)
        return;
    t->failed = true;
    size_t back = t->path.n;
    if (member)
        mt_path_name(&t->path, member);
    size_t n = print(t->why, MT_LONG_WHY,
                     "%s: ", t->path.n ? t->path.text : "the whole document");
    va_start(args, format);
    (void)vsnprintf(t->why + n, MT_LONG_WHY - n, format, args);
    va_end(args);
    mt_clean(t->why); /* names in it may be anybody's */
    mt_path_back(&t->path, back);
}

void mt_clean(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

const char *mt_show_text(const char *text, char buf[static MT_SHOWN])
{
    const int most = MT_SHOWN - 6; /* without quotes, dots and NUL */
    bool cut = strnlen(text, MT_SHOWN) > (size_t)most;
    print(buf, MT_SHOWN, "\"%.*s%s\"", most, text, cut ? "..." : "");
    mt_clean(buf);
    return buf;
}

const char *mt_show(const json_t *value, char buf[static MT_SHOWN])
{
    static const char *const kinds[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",
        [JSON_REAL] = "a fraction",  [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    if (json_is_integer(value))
        print(buf, MT_SHOWN, "%" JSON_INTEGER_FORMAT,
              json_integer_value(value));
    else if (json_is_string(value))
        mt_show_text(json_string_value(value), buf);
    else
        print(buf, MT_SHOWN, "%s", kinds[json_typeof(value)]);
    return buf;
}

/* --- objects --- */

static void open_object(struct mt_obj *o, struct mt_take *t, json_t *json,
                        size_t outer)
{
    *o = (struct mt_obj){.t = t, .json = json, .outer = outer};
    if (t->failed)
        o->json = NULL;
    else if (!json_is_object(json))
        mt_take_fail(t, NULL, "must be an object");
}

void mt_obj_open(struct mt_obj *o, struct mt_take *t, json_t *json,
                 const char *name)
{
    size_t outer = t->path.n;
    mt_path_name(&t->path, name);
    open_object(o, t, json, outer);
}

void mt_obj_open_at(struct mt_obj *o, struct mt_take *t, json_t *list, size_t i,
                    const char *name)
{
    char place[24];
    size_t outer = t->path.n;
    snprintf(place, sizeof place, "%zu", i);
    mt_path_name(&t->path, name);
    mt_path_item(&t->path, place);
    open_object(o, t, json_array_get(list, i), outer);
}

static bool was_asked(const struct mt_obj *o, const char *name)
{
    for (unsigned i = 0; i < o->n; i++)
        if (strcmp(o->asked[i], name) == 0)
            return true;
    return false;
}

/* Of a missing member only one that may be it, mistyped, is spoken of. */
static void no_such_member(struct mt_obj *o, const char *name)
{
    char shown[MT_SHOWN];
    struct mt_take *t = o->t;
    struct tool_near near = tool_near(name);
    for (unsigned i = 0; i < o->n; i++)
        tool_near_try(&near, o->asked[i]);
    if (t->failed && near.best != o->missing)
        return;
    t->failed = false;
    if (near.best)
        mt_take_fail(t, NULL, "no such member: %s; the nearest is \"%s\"",
                     mt_show_text(name, shown), near.best);
    else
        mt_take_fail(t, NULL, "no such member here: %s",
                     mt_show_text(name, shown));
    t->lacking = NULL;
}

void mt_obj_close(struct mt_obj *o)
{
    const char *name;
    json_t *value;
    json_object_foreach(o->json, name, value)
    {
        if (o->t->failed && o->t->lacking != o)
            break;
        if (!was_asked(o, name))
            no_such_member(o, name);
    }
    if (o->t->lacking == o)
        o->t->lacking = NULL;
    mt_path_back(&o->t->path, o->outer);
}

/* --- members --- */

json_t *mt_take(struct mt_obj *o, const char *name)
{
    if (o->n < MT_MEMBERS)
        o->asked[o->n++] = name;
    if (o->t->failed)
        return NULL;
    json_t *value = json_object_get(o->json, name);
    return json_is_null(value) ? NULL : value;
}

json_t *mt_need(struct mt_obj *o, const char *name)
{
    json_t *value = mt_take(o, name);
    if (value || o->t->failed)
        return value;
    mt_take_fail(o->t, name, "missing");
    o->missing = name;
    o->t->lacking = o;
    return NULL;
}

json_t *mt_take_list(struct mt_obj *o, const char *name)
{
    json_t *value = mt_need(o, name);
    if (value && !json_is_array(value))
        mt_take_fail(o->t, name, "must be a list");
    return value;
}

static uint64_t number(struct mt_obj *o, const char *name, const json_t *value,
                       uint64_t max)
{
    char shown[MT_SHOWN];
    if (!value)
        return 0;
    json_int_t n = json_integer_value(value);
    if (json_is_integer(value) && n >= 0 && (uint64_t)n <= max)
        return (uint64_t)n;
    mt_take_fail(o->t, name, "is %s, must be a number from 0 to %llu",
                 mt_show(value, shown), (unsigned long long)max);
    return 0;
}

uint64_t mt_take_number(struct mt_obj *o, const char *name, uint64_t max)
{
    return number(o, name, mt_need(o, name), max);
}

uint64_t mt_take_reserved(struct mt_obj *o, const char *name, uint64_t max)
{
    return number(o, name, mt_take(o, name), max);
}

bool mt_take_bool(struct mt_obj *o, const char *name)
{
    json_t *value = mt_need(o, name);
    if (value && !json_is_boolean(value))
        mt_take_fail(o->t, name, "must be true or false");
    return json_is_true(value);
}

uint32_t mt_take_hex32(struct mt_obj *o, const char *name)
{
    uint32_t n = 0;
    json_t *value = mt_need(o, name);
    if (!value)
        return 0;
    const char *text = json_string_value(value);
    unsigned i = 0;
    for (; text && text[i] && i < 9 && mt_digit((uint8_t)text[i]) < 16; i++)
        n = n << 4 | mt_digit((uint8_t)text[i]);
    if (i != 8 || text[i])
        mt_take_fail(o->t, name, "must be eight hexadecimal digits");
    return n;
}

static uint32_t named(struct mt_obj *o, const char *name, const char *text,
                      enum mt_registry registry)
{
    char shown[MT_SHOWN];
    unsigned value = 0;
    const char *near;
    if (mt_code_point(registry, text, &value, &near))
        return value;
    if (near)
        mt_take_fail(o->t, name, "unknown name %s; the nearest is \"%s\"",
                     mt_show_text(text, shown), near);
    else
        mt_take_fail(o->t, name, "unknown name %s; give its number",
                     mt_show_text(text, shown));
    return 0;
}

uint32_t mt_take_code(struct mt_obj *o, const char *name,
                      enum mt_registry registry, uint32_t max)
{
    struct mt_obj code;
    uint64_t n = 0;
    json_t *value = mt_need(o, name);
    if (!json_is_object(value))
        return json_is_string(value)
                   ? named(o, name, json_string_value(value), registry)
                   : (uint32_t)number(o, name, value, max);
    mt_obj_open(&code, o->t, value, name);
    json_t *text = mt_take(&code, "name");
    if (json_is_string(text)) {
        (void)mt_take(&code, "value");
        n = named(&code, "name", json_string_value(text), registry);
    } else if (text) {
        mt_take_fail(o->t, "name", "must be a text or null");
    } else {
        n = mt_take_number(&code, "value", max);
    }
    mt_obj_close(&code);
    return (uint32_t)n;
}

size_t mt_take_hex(struct mt_obj *o, const char *name, struct ts_writer *w)
{
    size_t n = 0;
    bool half = false;
    json_t *value = mt_need(o, name);
    if (!value)
        return 0;
    const char *text = json_is_string(value) ? json_string_value(value) : "?";
    for (unsigned high = 0; *text; text++) {
        unsigned low = mt_digit((uint8_t)*text);
        if (*text == ' ')
            continue;
        if (low > 15)
            break;
        if (half)
            ts_put_u8(w, high << 4 | low);
        high = low;
        n += half;
        half = !half;
    }
    if (*text || half)
        mt_take_fail(o->t, name,
                     "must be hexadecimal digits, two for each octet");
    return n;
}

const char *mt_take_text(struct mt_obj *o, const char *name)
{
    json_t *value = mt_take(o, name);
    if (!value)
        return NULL;
    const char *text = json_string_value(value);
    for (const char *c = text; c && *c; c++)
        if (*c < ' ' || *c > '~')
            text = NULL;
    if (!text)
        mt_take_fail(o->t, name,
                     "must be printable ASCII; give other octets as "
                     "hexadecimal digits and leave this out");
    return text;
}
