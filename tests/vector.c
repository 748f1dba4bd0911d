/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/vector.h"

#include <stdio.h>
#include <stdlib.h>

static const struct ts_span none;

/* --- text and octets --- */

enum ts_err vector_say(struct vector *v, enum ts_err err, const char *format,
                       ...)
{
    va_list args;
    if (err == TS_OK || v->why[0])
        return err;
    va_start(args, format);
    (void)vsnprintf(v->why, sizeof v->why, format, args);
    va_end(args);
    return err;
}

static int digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

struct ts_span vector_hex(struct vector *v, const json_t *digits)
{
    const char *hex = json_string_value(digits);
    size_t n = json_string_length(digits) / 2;
    uint8_t *at = v->mem + v->used;
    if (!hex || json_string_length(digits) % 2 || n > sizeof v->mem - v->used)
        return none;
    for (size_t i = 0; i < n; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return none;
        at[i] = (uint8_t)(high << 4 | low);
    }
    v->used += n;
    return ts_span(at, n);
}

struct ts_span vector_get(struct vector *v, const json_t *object,
                          const char *member)
{
    return vector_hex(v, json_object_get(object, member));
}

struct ts_span vector_secret(struct vector *v, const struct vector_message *t,
                             const char *name)
{
    return vector_get(v, json_object_get(t->json, "secrets"), name);
}

static void show(char *text, size_t size, struct ts_span s)
{
    size_t n = s.n < size / 2 - 1 ? s.n : size / 2 - 1;
    text[0] = 0;
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", s.p[i]);
}

enum ts_err vector_same(struct vector *v, struct ts_span got,
                        const json_t *object, const char *member)
{
    size_t mark = v->used;
    char text[VECTOR_SHOWN];
    struct ts_span want = vector_get(v, object, member);
    v->used = mark;
    if (want.p && ts_span_equal(got, want))
        return TS_OK;
    show(text, sizeof text, got);
    return vector_say(v, TS_E_MISMATCH, "%s is %s...", member, text);
}

struct ts_span vector_key(struct vector *v, const struct vector_message *t)
{
    static const char *const names[] = {"PSK", "env_key", "MPK", "MPKi"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct ts_span key = vector_secret(v, t, names[i]);
        if (key.p)
            return key;
    }
    return none;
}

struct ts_key vector_ts_key(struct ts_span s)
{
    struct ts_key key;
    if (ts_key_set(&key, s))
        key.len = 0;
    return key;
}

/* --- loading --- */

static struct ts_span text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text ? ts_span_str(text) : none;
}

static enum ts_err load_message(struct vector *v, size_t i)
{
    struct vector_message *t = &v->msg[i];
    const json_t *answers = json_object_get(t->json, "answers");
    const json_t *ids =
        json_object_get(json_object_get(t->json, "secrets"), "identities");
    t->name = json_string_value(json_object_get(t->json, "name"));
    t->raw = vector_get(v, t->json, "octets");
    t->init = NULL;
    if (!t->name || !t->raw.p || !json_is_object(ids))
        return TS_E_FORMAT;
    if (json_is_integer(answers)) {
        json_int_t nth = json_integer_value(answers);
        if (nth < 0 || nth >= (json_int_t)i)
            return TS_E_FORMAT;
        t->init = &v->msg[nth];
    }
    t->ids = (struct mikey_names){text_of(ids, "i"), text_of(ids, "r"),
                                  text_of(ids, "kms")};
    return mikey_msg_read(t->raw, &t->m, NULL);
}

static const struct mikey_suite *suite_of(const json_t *json)
{
    const json_t *suite = json_object_get(json, "suite");
    if (json_integer_value(json_object_get(suite, "Encr alg")) ==
        MIKEY_ENCR_AES_KW_128)
        return mikey_suite_kw();
    return mikey_suite_bits(
        (unsigned)json_integer_value(json_object_get(suite, "bits")));
}

enum ts_err vector_load(struct vector *v, const json_t *json)
{
    const json_t *messages = json_object_get(json, "messages");
    v->json = json;
    v->name = json_string_value(json_object_get(json, "name"));
    v->suite = suite_of(json);
    v->pk = vector_pk;
    v->n = json_array_size(messages);
    v->n_pool = 0;
    v->why[0] = 0;
    v->used = 0;
    if (!v->suite || !v->name || v->n == 0 || v->n > VECTOR_MESSAGES)
        return vector_say(v, TS_E_FORMAT, "no vector");
    for (size_t i = 0; i < v->n; i++) {
        v->msg[i].json = json_array_get(messages, i);
        enum ts_err err = load_message(v, i);
        if (err)
            return vector_say(v, err, "message %zu cannot be read: %s", i,
                              ts_strerror(err));
    }
    return TS_OK;
}

/* --- what an update goes back to --- */

bool vector_is_update(const struct vector_message *t)
{
    return json_object_get(json_object_get(t->json, "secrets"), "protect");
}

enum mikey_side vector_side(const struct vector_message *t)
{
    const char *from = json_string_value(json_object_get(t->json, "from"));
    return from && strcmp(from, "I") == 0 ? MIKEY_INITIATOR : MIKEY_RESPONDER;
}

const struct vector_message *vector_transfer_of(const struct vector *v,
                                                const struct vector_message *t)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct mikey_msg *m = &v->msg[i].m;
        if (m->hdr.type == MIKEY_TRANSFER_INIT && m->has_ticket &&
            m->hdr.csb == t->m.hdr.csb && &v->msg[i] <= t)
            return &v->msg[i];
    }
    return NULL;
}

void vector_csb(struct vector *v, const struct vector_message *t,
                struct mikey_csb *csb)
{
    const json_t *protect =
        json_object_get(json_object_get(t->json, "secrets"), "protect");
    const struct vector_message *first = vector_transfer_of(v, t);
    *csb = (struct mikey_csb){
        .flags = first ? first->m.ticket.tp.flags : 0,
        .i = {0, MIKEY_ID_URI, t->ids.i},
        .r = {0, MIKEY_ID_URI, t->ids.r},
    };
    mikey_protect_begin(
        &csb->keys, mikey_suite_prf(t->m.hdr.prf),
        vector_get(v, protect, "key"),
        (uint8_t)json_integer_value(json_object_get(protect, "selector")),
        t->m.hdr.csb, vector_get(v, protect, "RANDRi"),
        vector_get(v, protect, "RANDRr"));
}
