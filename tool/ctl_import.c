/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tesseractl user import: JSON lines {"id": URI, "psk-id": TEXT, "psk": HEX}.
 *
 * Lines go into the store in chunks, each one transaction. The import stops at
 * the first line that is wrong, and all lines before it are stored; after a
 * kill or power loss the first so many lines are. Importing a line again
 * changes nothing, so the whole file can be given once more.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tool/ctl.h"

#define CHUNK    4096
#define LINE_CAP 4096

/* A line that was found good; its key is sealed at once. */
struct record {
    struct ts_identity who;
    char key_id[KMS_KEYID_MAX + 1];
    struct kms_sealed sealed;
};

struct import {
    struct ctl *ctl;
    const char *name; /* of the input, for messages */
    FILE *f;
    uint64_t stored; /* lines that are committed */
    uint64_t now;
    size_t n;        /* lines in this chunk */
    const char *why; /* what is wrong with the line behind them, or NULL */
    bool more;       /* the input goes on */
    struct record chunk[CHUNK];
    char line[LINE_CAP], buffer[1 << 16]; /* wiped */
};

/* jansson's memory holds keys: leave nothing behind. */
static void wiping_free(void *p)
{
    if (p)
        ts_wipe(p, malloc_usable_size(p));
    free(p);
}

/* What is wrong with a line, or NULL after it was made a record. */
static const char *read_object(struct import *im, json_t *o, struct record *r)
{
    const char *id, *key_id, *hex;
    size_t n;
    struct ts_key key;
    if (json_unpack_ex(o, NULL, JSON_STRICT, "{s:s, s:s, s:s%}", "id", &id,
                       "psk-id", &key_id, "psk", &hex, &n) != 0)
        return "is not {\"id\": URI, \"psk-id\": TEXT, \"psk\": HEX}";
    if (ts_identity(ts_span_str(id), &r->who))
        return "id is no SIP or tel URI";
    if (ctl_bad_key_id(key_id))
        return "psk-id is not 1 to 255 bytes of text";
    if (!ctl_hex_key(hex, n, &key))
        return "psk is not 32 to 128 hexadecimal digits";
    memcpy(r->key_id, key_id, strlen(key_id) + 1);
    enum ts_err err =
        kms_seal_credential(&im->ctl->sealer, ts_span_str(key_id),
                            ts_span(r->who.text, r->who.len), &key, &r->sealed);
    ts_key_wipe(&key);
    return err ? ts_strerror(err) : NULL;
}

static const char *read_line(struct import *im, struct record *r)
{
    size_t n = strlen(im->line);
    if (n == LINE_CAP - 1 && im->line[n - 1] != '\n')
        return "is longer than 4094 bytes";
    json_t *o = json_loadb(im->line, n, JSON_REJECT_DUPLICATES, NULL);
    const char *why = o ? read_object(im, o, r) : "is no JSON object";
    json_decref(o);
    return why;
}

/* Read up to CHUNK lines, without holding the store: a pipe may be slow. */
static void read_chunk(struct import *im)
{
    im->n = 0;
    im->why = NULL;
    while (im->n < CHUNK && !im->why) {
        im->more = fgets(im->line, LINE_CAP, im->f) != NULL;
        if (!im->more)
            return;
        im->why = read_line(im, &im->chunk[im->n]);
        if (!im->why)
            im->n++;
    }
}

/* Store the first n lines of the chunk in one transaction; *bad gets the one
   that failed. */
static enum ts_err write_lines(struct import *im, size_t n, size_t *bad)
{
    struct kms_store *store = im->ctl->store;
    enum ts_err err = kms_store_begin_write(store);
    size_t i;
    for (i = 0; i < n && !err; i++) {
        const struct record *r = &im->chunk[i];
        *bad = i;
        err = kms_store_user_put(store, r->who.text, ts_span_str(r->key_id),
                                 kms_sealed_span(&r->sealed), im->now);
    }
    if (!err)
        err = kms_store_commit(store);
    if (err)
        kms_store_rollback(store);
    else
        im->stored += n;
    return err;
}

/* Exit code. */
static int write_chunk(struct import *im)
{
    size_t bad = 0, n = 0;
    enum ts_err err = write_lines(im, im->n, &bad);
    if (err == TS_E_EXISTS) {
        im->why = "psk-id belongs to another user";
        n = bad;
        err = write_lines(im, n, &bad);
    }
    if (err) {
        ctl_fail_store(im->ctl, err);
        return ctl_fail(im->ctl, 1, "%s: the first %ju lines are imported",
                        im->name, (uintmax_t)im->stored);
    }
    if (im->why)
        return ctl_fail(im->ctl, 1,
                        "%s:%ju: %s; the lines before it are imported, "
                        "correct it and import the file again",
                        im->name, (uintmax_t)im->stored + 1, im->why);
    return 0;
}

static void show_progress(const struct import *im, bool last)
{
    if (!im->ctl->json && isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r%ju imported%s", (uintmax_t)im->stored,
                      last ? "\n" : "");
}

static int import_all(struct import *im)
{
    int code = 0;
    setvbuf(im->f, im->buffer, _IOFBF, sizeof im->buffer);
    json_set_alloc_funcs(malloc, wiping_free);
    for (im->more = true; code == 0 && im->more;) {
        read_chunk(im);
        code = write_chunk(im);
        show_progress(im, code || !im->more);
    }
    if (code == 0 && ferror(im->f))
        code = ctl_fail(im->ctl, 1, "%s: %s", im->name, strerror(errno));
    ts_wipe(im->line, sizeof im->line);
    ts_wipe(im->buffer, sizeof im->buffer);
    return code;
}

int ctl_user_import(struct ctl *ctl, char **args)
{
    static struct import im;
    bool std = strcmp(args[0], "-") == 0;
    im.ctl = ctl;
    im.name = std ? "standard input" : args[0];
    im.now = ctl_now();
    int code = ctl_unlock(ctl);
    if (code)
        return code;
    im.f = std ? stdin : fopen(args[0], "re");
    if (!im.f)
        return ctl_fail(ctl, 1, "%s: %s", args[0], strerror(errno));
    kms_store_bulk(ctl->store);
    code = import_all(&im);
    if (!std)
        (void)fclose(im.f);
    int told = ctl_print_change(
        ctl, json_pack("{s:I}", "imported", (json_int_t)im.stored),
        "%ju imported", (uintmax_t)im.stored);
    return code ? code : told;
}
