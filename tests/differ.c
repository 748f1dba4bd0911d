/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmikey for tests/differential.py: a request is one line of JSON, and so is
 * its answer.
 *
 *     {"op": "read", "octets": HEX}              how a message reads
 *     {"op": "vector", "vector": {...}}          check an exchange, keep it
 *     {"op": "open", "message": N, "octets": HEX} open in place of message N
 *     {"op": "build", "what": NAME, ...}         build a message
 *     {"op": "hello"}                            "why" says "pk" with GnuTLS
 */
#include "tests/differ.h"

#include <stdio.h>
#include <stdlib.h>

#include "mikey/policy.h"
#include "tool/decode.h"

#define LINE_MAX_BYTES (8 << 20)
#define MESSAGE_MAX    (256 << 10)

#ifdef DIFFER_PK
static const char abilities[] = "pk";
#else
static const char abilities[] = "";
#endif

struct vector differ;

static struct vector kept; /* the exchange of the last "vector" */
static json_t *kept_json;
static uint8_t built[MESSAGE_MAX];

struct ts_span differ_octets(const json_t *o, const char *name)
{
    return vector_get(&differ, o, name);
}

unsigned differ_number(const json_t *o, const char *name)
{
    return (unsigned)json_integer_value(json_object_get(o, name));
}

bool differ_message(const json_t *o, const char *name, struct mikey_msg *m)
{
    return mikey_msg_read(differ_octets(o, name), m, NULL) == TS_OK;
}

static json_t *answer(enum ts_err err, const char *why)
{
    json_t *o = json_object();
    json_object_set_new(o, "ok", json_boolean(err == TS_OK));
    json_object_set_new(o, "error", json_string(ts_errname(err)));
    json_object_set_new(o, "why", json_string(why));
    return o;
}

static json_t *hex_of(struct ts_span s)
{
    static char text[2 * MESSAGE_MAX + 1];
    for (size_t i = 0; i < s.n; i++)
        snprintf(text + 2 * i, 3, "%02x", s.p[i]);
    text[2 * s.n] = 0;
    return json_string(text);
}

/* --- read --- */

/* What else the receivers of a Ticket Policy look at before any key. */
static enum ts_err read_policy(const struct mikey_tp *tp)
{
    struct mikey_policy p;
    if (!mikey_flags_ok(tp->flags, false))
        return TS_E_FORMAT;
    enum ts_err err = mikey_policy_read(tp->data, &p);
    return err == TS_E_MISSING ? TS_OK : err; /* no IDRr: a rule, no form */
}

static enum ts_err read_ticket(const struct mikey_ticket *t)
{
    struct mikey_base base;
    struct mikey_v vi, vr;
    enum ts_err err = read_policy(&t->tp);
    if (!err && mikey_kind_equal(t->tp.kind, mikey_kind_base))
        err = mikey_base_read(t, &base);
    if (!err && t->init.n)
        err = mikey_init_data_read(t->init, &vi, &vr);
    return err;
}

static json_t *read_message(const json_t *request)
{
    static struct mikey_msg m;
    struct ts_span raw = differ_octets(request, "octets");
    char why[MT_WHY] = "";
    enum ts_err err = mikey_msg_read(raw, &m, NULL);
    if (err)
        return answer(err, "message");
    json_t *decoded = mt_decode(raw, why); /* the chains inside, SPs */
    json_decref(decoded);
    if (!decoded)
        return answer(TS_E_FORMAT, why);
    if (m.has_tp)
        err = read_policy(&m.tp);
    if (!err && m.has_ticket)
        err = read_ticket(&m.ticket);
    return answer(err, "ticket");
}

/* --- exchanges --- */

static json_t *check_build(size_t i, struct vector_opened *o)
{
    const struct vector_message *t = &kept.msg[i];
    struct ts_writer w = ts_writer_init(built, sizeof built);
    if (vector_bends(t))
        return NULL;
    enum ts_err err = vector_build(&kept, t, o, &w);
    if (err)
        return answer(err, "not built again");
    if (ts_span_equal(ts_written(&w), t->raw))
        return NULL;
    json_t *a = answer(TS_E_MISMATCH, "built with other octets");
    json_object_set_new(a, "octets", hex_of(ts_written(&w)));
    return a;
}

static json_t *check_exchange(void)
{
    static struct vector_opened o;
    for (size_t i = 0; i < kept.n; i++) {
        size_t mark = kept.used;
        enum ts_err err = vector_check(&kept, &kept.msg[i], &o);
        json_t *bad = err ? answer(err, kept.why) : check_build(i, &o);
        if (bad) {
            json_object_set_new(bad, "message", json_integer((json_int_t)i));
            return bad;
        }
        (void)mark;
    }
    enum ts_err err = vector_sessions(&kept);
    return answer(err, kept.why);
}

static json_t *take_exchange(const json_t *request)
{
    json_decref(kept_json);
    kept_json = json_deep_copy(json_object_get(request, "vector"));
    enum ts_err err = vector_load(&kept, kept_json);
    return err ? answer(err, kept.why) : check_exchange();
}

static json_t *open_in_place(const json_t *request)
{
    static struct vector_opened o;
    size_t i = differ_number(request, "message"), mark = kept.used;
    struct ts_span raw = differ_octets(request, "octets");
    if (i >= kept.n)
        return answer(TS_E_INTERNAL, "no such message");
    enum ts_err err = vector_open(&kept, &kept.msg[i], raw, &o);
    kept.used = mark;
    json_t *a = answer(err, "");
    json_object_set_new(a, "proven", json_boolean(!err && o.proven));
    return a;
}

/* --- build --- */

static json_t *build(const json_t *request)
{
    struct ts_writer w = ts_writer_init(built, sizeof built);
    enum ts_err err = differ_build(request, &w);
    json_t *a = answer(err, differ.why);
    if (!err)
        json_object_set_new(a, "octets", hex_of(ts_written(&w)));
    return a;
}

static json_t *serve(const char *line, size_t n)
{
    json_error_t error;
    json_t *request = json_loadb(line, n, 0, &error);
    const char *op = json_string_value(json_object_get(request, "op"));
    json_t *a;
    differ.used = 0;
    differ.why[0] = 0;
    if (!op)
        a = answer(TS_E_INTERNAL, request ? "no op" : error.text);
    else if (strcmp(op, "read") == 0)
        a = read_message(request);
    else if (strcmp(op, "vector") == 0)
        a = take_exchange(request);
    else if (strcmp(op, "open") == 0)
        a = open_in_place(request);
    else if (strcmp(op, "build") == 0)
        a = build(request);
    else if (strcmp(op, "hello") == 0)
        a = answer(TS_OK, abilities);
    else
        a = answer(TS_E_INTERNAL, "unknown op");
    json_decref(request);
    return a;
}

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        json_t *a = serve(line, (size_t)n);
        bool bad = json_dumpf(a, stdout, JSON_COMPACT) != 0;
        json_decref(a);
        bad |= putchar('\n') == EOF;
        bad |= fflush(stdout) != 0;
        if (bad)
            return 1;
    }
    free(line);
    json_decref(kept_json);
#ifdef DIFFER_PK
    differ_pk_end();
#endif
    return 0;
}
