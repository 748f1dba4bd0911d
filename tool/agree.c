/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/agree.h"

#include <ctype.h>

#include "tool/when.h"

bool mt_follows(const char *name)
{
    static const char *const names[] = {
        "offset", "length", "next payload", "First Payload", "#CS", "#P",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    size_t n = strlen(name);
    return (n >= 3 && strcmp(name + n - 3, "len") == 0) ||
           (n >= 6 && strcasecmp(name + n - 6, "length") == 0);
}

/* Octets or number, and what says the same for people and so counts. */
static const struct {
    const char *octets, *view;
} views[] = {
    {"ID data", "text"},
    {"Data", "text"},
    {"TS Value", "time"},
    {"TS Value", "seconds"},
    {"Encr data", "Key data sub-payloads"},
    {"hex", "payloads"},
    {"Session Data", "SSRC"},
    {"Session Data", "ROC"},
    {"Session Data", "SEQ"},
    {"Value", "algorithm"},
    {"number", "algorithm"},
    {"Value", "number"},
    {"value", "name"},
    {"type", "payload"},
};

#define N_VIEWS (sizeof views / sizeof views[0])

/* A member, NULL also for one that is null. */
static json_t *get(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_null(value) ? NULL : value;
}

const char *mt_view_of(const char *name, json_t *object)
{
    for (size_t i = 0; i < N_VIEWS; i++)
        if (strcmp(name, views[i].octets) == 0 && get(object, views[i].view))
            return views[i].view;
    return NULL;
}

bool mt_views_differ(const char *name, json_t *a, json_t *b)
{
    for (size_t i = 0; i < N_VIEWS; i++) {
        json_t *x = get(a, views[i].view), *y = get(b, views[i].view);
        if (strcmp(name, views[i].octets) == 0 && x && y && !json_equal(x, y))
            return true;
    }
    return false;
}

bool mt_is_view(const char *name, json_t *a, json_t *b)
{
    for (size_t i = 0; i < N_VIEWS; i++)
        if (strcmp(name, views[i].view) == 0 && get(a, views[i].octets) &&
            get(b, views[i].octets))
            return true;
    return false;
}

/* The walk over what was given. Either it fails, or it gives notes. */
struct walk {
    struct mt_take *t;
    FILE *notes;
    bool follows; /* look at members that follow from others */
};

static void note(struct walk *w, const char *name, json_t *given, json_t *made)
{
    char is[MT_SHOWN], should[MT_SHOWN];
    size_t back = w->t->path.n;
    mt_path_name(&w->t->path, name);
    fprintf(w->notes, "mikeytool: note: %s: %s was passed over for %s\n",
            w->t->path.text, mt_show(given, is), mt_show(made, should));
    mt_path_back(&w->t->path, back);
}

static void differ(struct walk *w, json_t *object, const char *name,
                   json_t *given, json_t *made)
{
    char is[MT_SHOWN], should[MT_SHOWN];
    const char *view = mt_view_of(name, object);
    mt_show(given, is);
    mt_show(made, should);
    if (w->notes)
        note(w, name, given, made);
    else if (view)
        mt_take_fail(w->t, name,
                     "is %s, but \"%s\" says %s; leave out the one that is "
                     "wrong (with --fix \"%s\" counts)",
                     is, view, should, view);
    else
        mt_take_fail(w->t, name,
                     "is %s, should be %s; correct it, leave it out, or use "
                     "--fix",
                     is, should);
}

/* Hexadecimal digits may be large, with blanks between. */
static bool same_text(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == ' ' && *b != ' ')
            a++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static bool same_time(const char *a, const char *b)
{
    struct mt_when x, y;
    return mt_when_read(a, &x) && mt_when_read(b, &y) &&
           x.seconds == y.seconds && x.micro == y.micro;
}

static bool same_leaf(const char *name, json_t *given, json_t *made)
{
    const char *a = json_string_value(given), *b = json_string_value(made);
    if (!a || !b)
        return json_equal(given, made);
    return same_text(a, b) || (strcmp(name, "time") == 0 && same_time(a, b));
}

static void compare(struct walk *w, json_t *object, const char *name,
                    json_t *given, json_t *made);

/* {"value": 14, "name": ...}, of which the given one may be a part. */
static json_t *part_of_code(json_t *given, json_t *made)
{
    json_t *value = json_object_get(made, "value");
    if (json_is_object(given) || !value)
        return made;
    return json_is_string(given) ? json_object_get(made, "name") : value;
}

/* What decode does not show of a message may be right all the same. */
static bool need_not_show(json_t *given, const char *name)
{
    return strcmp(name, "form") == 0 ||
           (strcmp(name, "hex") == 0 && !get(given, "payloads"));
}

static void compare_objects(struct walk *w, json_t *given, json_t *made)
{
    const char *name;
    json_t *value;
    json_object_foreach(given, name, value)
    {
        json_t *other = json_object_get(made, name);
        if (json_is_null(value)) /* as if it were not there */
            continue;
        if (mt_follows(name) && !w->follows)
            continue;
        if (other)
            compare(w, given, name, value, other);
        else if (!w->notes && !need_not_show(given, name))
            mt_take_fail(w->t, name,
                         "has no place in the result; leave it "
                         "out");
    }
}

static void compare_lists(struct walk *w, json_t *given, json_t *made)
{
    size_t back = w->t->path.n;
    char place[24];
    for (size_t i = 0; i < json_array_size(given); i++) {
        snprintf(place, sizeof place, "%zu", i);
        mt_path_item(&w->t->path, place);
        compare(w, given, "", json_array_get(given, i),
                json_array_get(made, i));
        mt_path_back(&w->t->path, back);
    }
}

static void compare(struct walk *w, json_t *object, const char *name,
                    json_t *given, json_t *made)
{
    size_t back = w->t->path.n;
    made = part_of_code(given, made);
    bool objects = json_is_object(given) && json_is_object(made);
    bool lists = json_is_array(given) && json_is_array(made) &&
                 json_array_size(given) == json_array_size(made);
    if (objects || lists)
        mt_path_name(&w->t->path, name);
    if (objects)
        compare_objects(w, given, made);
    else if (lists)
        compare_lists(w, given, made);
    else if (!same_leaf(name, given, made))
        differ(w, object, name, given, made);
    mt_path_back(&w->t->path, back);
}

void mt_agree(struct mt_take *t, json_t *given, json_t *made)
{
    struct walk w = {t, NULL, false};
    compare(&w, NULL, "", given, made); /* first what makes others wrong */
    w.follows = true;
    compare(&w, NULL, "", given, made);
}

void mt_note_all(json_t *given, json_t *made, FILE *notes)
{
    char why[MT_LONG_WHY];
    struct mt_take t = mt_take_begin(why);
    struct walk w = {&t, notes, false};
    compare(&w, NULL, "", given, made);
}
