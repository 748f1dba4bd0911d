/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/known.h"

#include <stdio.h>

#include "tool/io.h"
#include "tool/json.h"
#include "tool/take.h"

#define KNOWN_MAX (64 * 1024)

/* Octets of a member, or nothing. A key has 1 to TS_KEY_MAX of them. */
static struct ts_span octets(struct mt_known *k, struct mt_obj *o,
                             const char *name, size_t most)
{
    struct ts_writer w =
        ts_writer_init(k->room + k->used, sizeof k->room - k->used);
    if (!mt_take(o, name) || o->t->failed)
        return ts_span(NULL, 0);
    size_t n = mt_take_hex(o, name, &w);
    if (w.err || n > most)
        mt_take_fail(o->t, name, "more than %zu octets", most);
    if (n == 0 && most == TS_KEY_MAX)
        mt_take_fail(o->t, name, "a key without octets");
    struct ts_span s = ts_span(k->room + k->used, n);
    k->used += o->t->failed ? 0 : n;
    return s;
}

static struct ts_span key(struct mt_known *k, struct mt_obj *o,
                          const char *name)
{
    return octets(k, o, name, TS_KEY_MAX);
}

static struct ts_span text(struct mt_obj *o, const char *name)
{
    const char *s = mt_take_text(o, name);
    return s ? ts_span_str(s) : ts_span(NULL, 0);
}

static void take_identities(struct mt_known *k, struct mt_obj *o)
{
    json_t *json = mt_take(o, "identities");
    struct mt_obj ids;
    if (!json)
        return;
    mt_obj_open(&ids, o->t, json, "identities");
    k->ids = (struct mikey_names){text(&ids, "i"), text(&ids, "r"),
                                  text(&ids, "kms")};
    mt_obj_close(&ids);
}

static void take_protect(struct mt_known *k, struct mt_obj *o)
{
    json_t *json = mt_take(o, "protect");
    struct mt_obj p;
    if (!json)
        return;
    mt_obj_open(&p, o->t, json, "protect");
    (void)mt_need(&p, "key");
    k->protect = key(k, &p, "key");
    k->selector = (uint8_t)mt_take_number(&p, "selector", 2);
    k->rand_i = octets(k, &p, "RANDRi", 255);
    k->rand_r = octets(k, &p, "RANDRr", 255);
    mt_obj_close(&p);
}

static void take_all(struct mt_known *k, struct mt_obj *o)
{
    k->psk = key(k, o, "PSK");
    k->env_key = key(k, o, "env_key");
    k->mpk_i = key(k, o, "MPKi");
    k->mpk_r = key(k, o, "MPKr");
    k->mpk = key(k, o, "MPK");
    k->tpk = key(k, o, "TPK");
    take_protect(k, o);
    take_identities(k, o);
    k->signer = mt_take_text(o, "signer");
    k->trusted = mt_take_text(o, "trusted");
    const char *kms = mt_take_text(o, "kms key");
    const char *peer = mt_take_text(o, "peer key");
    k->opener = kms ? kms : peer;
}

static bool read_json(struct mt_known *k, const char *path,
                      char why[static MT_JSON_WHY])
{
    struct mt_input in;
    if (!mt_input_open(&in, path))
        return false;
    bool good = mt_input_whole(&in, KNOWN_MAX);
    if (good) {
        k->root = mt_json_read(ts_span(in.b, in.n), why);
        if (!k->root)
            (void)mt_complain(path, why);
    }
    if (in.b)
        ts_wipe(in.b, in.n);
    mt_input_close(&in);
    return k->root;
}

static void set_folder(struct mt_known *k, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof k->folder)
        n = 0;
    memcpy(k->folder, path, n);
    k->folder[n] = 0;
}

bool mt_known_load(struct mt_known *k, const char *path)
{
    char why[MT_LONG_WHY];
    struct mt_take t = mt_take_begin(why);
    struct mt_obj o;
    *k = (struct mt_known){0};
    set_folder(k, path);
    if (!read_json(k, path, why))
        return false;
    json_t *secrets = json_object_get(k->root, "secrets");
    mt_obj_open(&o, &t, secrets ? secrets : k->root, secrets ? "secrets" : "");
    take_all(k, &o);
    mt_obj_close(&o);
    if (t.failed)
        (void)mt_complain(path, why);
    return !t.failed;
}

void mt_known_end(struct mt_known *k)
{
    json_decref(k->root);
    ts_wipe(k, sizeof *k);
}

bool mt_known_file(const struct mt_known *k, const char *name, uint8_t *room,
                   size_t cap, size_t *n)
{
    char path[2 * sizeof k->folder];
    struct mt_input in;
    snprintf(path, sizeof path, "%s%s", *name == '/' ? "" : k->folder, name);
    if (!mt_input_open(&in, path))
        return false;
    bool good = mt_input_whole(&in, cap);
    if (good) {
        memcpy(room, in.b, in.n);
        *n = in.n;
        ts_wipe(in.b, in.n);
    }
    mt_input_close(&in);
    return good;
}
