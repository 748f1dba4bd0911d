/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "derive": one key out of another.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tool/derive.h"
#include "tool/io.h"
#include "tool/mikeytool.h"
#include "tool/near.h"
#include "tool/octets.h"
#include "tool/put.h"

#define WRONG 2
#define ROOM  4096

/* What can be said of a derivation, and where it goes. */
static const struct argument {
    const char *name;
    size_t offset;      /* of a struct ts_span; 0 for what is no octets */
    size_t least, most; /* octets */
} arguments[] = {
    {"key", offsetof(struct mt_derive, key), 1, TS_KEY_MAX},
    {"CSB", offsetof(struct mt_derive, csb), 4, 4},
    {"CS", offsetof(struct mt_derive, cs), 1, 1},
    {"RANDRi", offsetof(struct mt_derive, rand_i), 0, 255},
    {"RANDRr", offsetof(struct mt_derive, rand_r), 0, 255},
    {"RANDRkms", offsetof(struct mt_derive, rand_kms), 0, 255},
    {"RAND", offsetof(struct mt_derive, rand), 0, 255},
    {"IDRr", offsetof(struct mt_derive, id), 0, 400},
    {"label", offsetof(struct mt_derive, label), 0, MT_LABEL_MAX},
    {"PRF", 0, 0, 0},
    {"for", 0, 0, 0},
    {"length", 0, 0, 0},
};

#define N_ARGUMENTS (sizeof arguments / sizeof arguments[0])

/* One derivation being read. */
struct reading {
    const struct mt_derivation *which;
    struct mt_derive d;
    bool given[N_ARGUMENTS];
    size_t used;
    uint8_t room[ROOM];
};

static bool wrong(const char *what, const char *why)
{
    (void)mt_complain(what, why);
    return false;
}

/* Digits, or for an identity its text. */
static bool take_octets(struct reading *r, const struct argument *a,
                        const char *value)
{
    char why[96];
    uint8_t *at = r->room + r->used;
    size_t n = strlen(value);
    if (n > sizeof r->room - r->used)
        return wrong(a->name, "too long");
    memcpy(at, value, n);
    bool text = strcmp(a->name, "IDRr") == 0 && strpbrk(value, ":@");
    if (!text && !mt_from_hex(at, &n))
        return wrong(a->name, "must be hexadecimal digits, two for each octet");
    if (n < a->least || n > a->most) {
        snprintf(why, sizeof why, "must have %zu to %zu octets", a->least,
                 a->most);
        return wrong(a->name, why);
    }
    *(struct ts_span *)(void *)((uint8_t *)&r->d + a->offset) = ts_span(at, n);
    r->used += n;
    return true;
}

static bool take_number(const char *name, const char *value,
                        unsigned long least, unsigned long most,
                        unsigned long *n)
{
    char *end;
    char why[64];
    *n = strtoul(value, &end, 10);
    if (*value >= '0' && *value <= '9' && !*end && *n >= least && *n <= most)
        return true;
    snprintf(why, sizeof why, "must be a number from %lu to %lu", least, most);
    return wrong(name, why);
}

static bool take_value(struct reading *r, const struct argument *a,
                       const char *value)
{
    unsigned long n = 0;
    if (a->offset || strcmp(a->name, "key") == 0)
        return take_octets(r, a, value);
    if (strcmp(a->name, "for") == 0) {
        r->d.use = value;
        return true;
    }
    bool prf = strcmp(a->name, "PRF") == 0;
    if (!take_number(a->name, value, prf ? 0 : 1, prf ? 1 : MT_DERIVED_MAX, &n))
        return false;
    if (prf)
        r->d.prf = (uint8_t)n;
    else
        r->d.length = n;
    return true;
}

static bool unknown(const char *name)
{
    char why[64] = "unknown name";
    struct tool_near near = tool_near(name);
    for (size_t i = 0; i < N_ARGUMENTS; i++)
        tool_near_try(&near, arguments[i].name);
    if (near.best)
        snprintf(why, sizeof why, "unknown name; did you mean %s?", near.best);
    return wrong(name, why);
}

/* NAME=VALUE */
static bool take_word(struct reading *r, const char *word)
{
    char name[16];
    const char *sign = strchr(word, '=');
    size_t n = sign ? (size_t)(sign - word) : 0;
    if (n == 0 || n >= sizeof name)
        return wrong(word, "must be NAME=VALUE");
    memcpy(name, word, n);
    name[n] = 0;
    for (size_t i = 0; i < N_ARGUMENTS; i++) {
        if (strcmp(arguments[i].name, name) != 0)
            continue;
        if (r->given[i])
            return wrong(name, "given twice");
        r->given[i] = true;
        return take_value(r, &arguments[i], sign + 1);
    }
    return unknown(name);
}

static bool is_in(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* What each derivation may be told besides what it needs. */
static bool may_have(const struct mt_derivation *which, const char *name)
{
    bool rands = strcmp(name, "RANDRi") == 0 || strcmp(name, "RANDRr") == 0;
    if (is_in(which->needs, name) || strcmp(name, "PRF") == 0)
        return true;
    if (rands)
        return which->name[1] >= '1' && which->name[1] <= '3';
    if (strcmp(name, "for") == 0 || strcmp(name, "length") == 0)
        return which->uses[0];
    return false;
}

static bool check_given(const struct reading *r)
{
    char why[64];
    for (size_t i = 0; i < N_ARGUMENTS; i++) {
        const char *name = arguments[i].name;
        if (r->given[i] && !may_have(r->which, name)) {
            snprintf(why, sizeof why, "takes no %s", name);
            return wrong(r->which->name, why);
        }
        if (!r->given[i] && is_in(r->which->needs, name)) {
            snprintf(why, sizeof why, "needs %s=...", name);
            return wrong(r->which->name, why);
        }
    }
    return true;
}

static bool wrong_use(const struct mt_derivation *which)
{
    char why[64] = "for= must be one of";
    for (const char *const *use = which->uses; *use; use++) {
        size_t n = strlen(why);
        snprintf(why + n, sizeof why - n, " %s", *use);
    }
    return wrong(which->name, why);
}

static void print_line(const char *name, struct ts_span s)
{
    printf("%-6s", name);
    for (size_t i = 0; i < s.n; i++)
        printf("%02x", s.p[i]);
    putchar('\n');
}

static int print(const struct reading *r, struct ts_span label,
                 struct ts_span key, unsigned options)
{
    if (!(options & MT_JSON)) {
        print_line("label", label);
        print_line("key", key);
        return mt_end_output();
    }
    json_t *o = mt_object();
    mt_put_text(o, "derivation", r->which->name);
    mt_put_text(o, "what", r->which->what);
    mt_put_number(o, "PRF", r->d.prf);
    mt_put_hex(o, "label", label);
    mt_put_number(o, "length", key.n);
    mt_put_hex(o, "key", key);
    return mt_print(o, options);
}

static int derive(struct reading *r, size_t which, unsigned options)
{
    uint8_t label[MT_LABEL_MAX], key[MT_DERIVED_MAX];
    struct ts_writer w = ts_writer_init(label, sizeof label);
    struct mikey_prf prf;
    size_t n = 0;
    if (!mt_derive_label(which, &r->d, &w, &n)) {
        (void)wrong_use(r->which);
        return WRONG;
    }
    mikey_prf_key(&prf, r->d.prf, r->d.key);
    mikey_prf(&prf, ts_written(&w), key, n);
    int code = print(r, ts_written(&w), ts_span(key, n), options);
    mikey_prf_wipe(&prf);
    ts_wipe(key, sizeof key);
    return code;
}

int mt_run_derive(const struct mt_call *call)
{
    static struct reading r;
    size_t which = 0;
    while (mt_derivations[which].name &&
           strcmp(mt_derivations[which].name, call->args[0]) != 0)
        which++;
    if (!mt_derivations[which].name) {
        (void)mt_complain(call->args[0], "must be K0 to K6, or prf");
        return WRONG;
    }
    r.which = &mt_derivations[which];
    for (char **word = call->args + 1; *word; word++)
        if (!take_word(&r, *word))
            return WRONG;
    int code = check_given(&r) ? derive(&r, which, call->options) : WRONG;
    ts_wipe(r.room, sizeof r.room);
    return code;
}
