/* SPDX-License-Identifier: Apache-2.0 */
/* tesseractl user add, list, show, remove */
#include <errno.h>
#include <stdio.h>

#include "tool/ctl.h"

/* The key from a file, "-" for standard input: digits and perhaps a newline. */
static bool read_key(const char *path, struct ts_key *key)
{
    char text[2 * TS_KEY_MAX + 3];
    bool std = strcmp(path, "-") == 0;
    FILE *f = std ? stdin : fopen(path, "re");
    if (!f)
        return false;
    setvbuf(f, NULL, _IONBF, 0); /* no copy of the key in a buffer */
    size_t n = fread(text, 1, sizeof text, f);
    bool good = !ferror(f);
    if (!std)
        (void)fclose(f);
    if (n > 0 && text[n - 1] == '\n')
        n--;
    good = good && ctl_hex_key(text, n, key);
    if (!good)
        errno = 0;
    ts_wipe(text, sizeof text);
    return good;
}

/* The key from --psk or --psk-file: 0, or the exit code. */
static int get_key(struct ctl *ctl, struct ts_key *key)
{
    static const char want[] = "32 to 128 hexadecimal digits (16 to 64 bytes)";
    *key = (struct ts_key){0};
    if (!ctl->psk == !ctl->psk_file)
        return ctl_fail(ctl, 2, "give the key: either --psk or --psk-file");
    if (ctl->psk) {
        bool good = ctl_hex_key(ctl->psk, strlen(ctl->psk), key);
        ts_wipe(ctl->psk, strlen(ctl->psk)); /* gone from ps as well */
        return good ? 0 : ctl_fail(ctl, 2, "--psk: write %s", want);
    }
    errno = 0;
    if (read_key(ctl->psk_file, key))
        return 0;
    if (errno)
        return ctl_fail(ctl, 1, "%s: %s", ctl->psk_file, strerror(errno));
    return ctl_fail(ctl, 2, "%s: is not %s", ctl->psk_file, want);
}

static int put(struct ctl *ctl, const char *identity, const struct ts_key *key)
{
    enum ts_err err = kms_store_begin_write(ctl->store);
    if (!err)
        err = ctl_put_user(ctl, identity, ctl->psk_id, key, ctl_now());
    if (!err)
        err = kms_store_commit(ctl->store);
    if (!err)
        return 0;
    kms_store_rollback(ctl->store);
    if (err == TS_E_EXISTS)
        return ctl_fail(ctl, 1,
                        "psk-id %s: belongs to another user; choose another",
                        ctl->psk_id);
    return ctl_fail_store(ctl, err);
}

int ctl_user_add(struct ctl *ctl, char **args)
{
    struct ts_identity who;
    struct ts_key key;
    if (!ctl->psk_id)
        return ctl_fail(ctl, 2, "give the key a name: --psk-id TEXT");
    const char *bad = ctl_bad_key_id(ctl->psk_id);
    if (bad)
        return ctl_fail(ctl, 2, "--psk-id: %s", bad);
    int code = ctl_identity(ctl, args[0], &who);
    if (!code)
        code = get_key(ctl, &key);
    if (code)
        return code;
    code = ctl_unlock(ctl);
    if (!code)
        code = put(ctl, who.text, &key);
    ts_key_wipe(&key);
    if (code)
        return code;
    return ctl_print_change(
        ctl,
        json_pack("{s:s, s:s}", "identity", who.text, "psk-id", ctl->psk_id),
        "user %s has the credential %s", who.text, ctl->psk_id);
}

static json_t *user_json(const struct kms_user_row *row)
{
    char created[CTL_TIME];
    return json_pack("{s:s, s:s}", "identity", row->identity, "created",
                     ctl_time(row->created, created));
}

static enum ts_err list_user(void *arg, const struct kms_user_row *row)
{
    const struct ctl *ctl = arg;
    json_t *o = user_json(row);
    if (o && json_object_set_new(o, "credentials",
                                 json_integer((json_int_t)row->credentials))) {
        json_decref(o);
        o = NULL;
    }
    int code = ctl_print(ctl, o, "%s  %ju credential%s", row->identity,
                         (uintmax_t)row->credentials,
                         row->credentials == 1 ? "" : "s");
    return code ? TS_E_PEER : TS_OK; /* E_PEER: has been said */
}

int ctl_user_list(struct ctl *ctl, char **args)
{
    (void)args;
    int code = ctl_open(ctl);
    if (code)
        return code;
    enum ts_err err = kms_store_users(ctl->store, list_user, ctl);
    if (err == TS_E_PEER)
        return 1;
    return err ? ctl_fail_store(ctl, err) : 0;
}

/* What user show collects: the object with --json, text goes out at once. */
struct show {
    const struct ctl *ctl;
    json_t *object, *credentials;
};

static enum ts_err show_user(void *arg, const struct kms_user_row *row)
{
    struct show *s = arg;
    char created[CTL_TIME];
    s->object = user_json(row);
    s->credentials = json_array();
    if (!s->object ||
        json_object_set_new(s->object, "credentials", s->credentials) != 0)
        return TS_E_NOMEM;
    if (!s->ctl->json)
        (void)printf("%s  created %s\n", row->identity,
                     ctl_time(row->created, created));
    return TS_OK;
}

static enum ts_err show_credential(void *arg,
                                   const struct kms_credential_row *row)
{
    struct show *s = arg;
    char created[CTL_TIME];
    ctl_time(row->created, created);
    json_t *o = json_pack("{s:s, s:s%, s:s}", "kind", "psk", "psk-id",
                          (const char *)row->key_id.p, row->key_id.n, "created",
                          created);
    if (!o || json_array_append_new(s->credentials, o) != 0)
        return TS_E_NOMEM;
    if (!s->ctl->json)
        (void)printf("  psk %.*s  created %s\n", (int)row->key_id.n,
                     (const char *)row->key_id.p, created);
    return TS_OK;
}

int ctl_user_show(struct ctl *ctl, char **args)
{
    struct ts_identity who;
    struct show show = {.ctl = ctl};
    int code = ctl_identity(ctl, args[0], &who);
    if (!code)
        code = ctl_open(ctl);
    if (code)
        return code;
    enum ts_err err =
        kms_store_user(ctl->store, who.text, show_user, show_credential, &show);
    if (err == TS_E_NOTFOUND)
        code = ctl_fail(ctl, 1, "user %s: there is none", who.text);
    else if (err)
        code = ctl_fail_store(ctl, err);
    else if (ctl->json)
        return ctl_print(ctl, show.object, "%s", "");
    json_decref(show.object);
    return code;
}

int ctl_user_remove(struct ctl *ctl, char **args)
{
    struct ts_identity who;
    int code = ctl_identity(ctl, args[0], &who);
    if (!code)
        code = ctl_open(ctl);
    if (code)
        return code;
    enum ts_err err = kms_store_user_remove(ctl->store, who.text);
    if (err == TS_E_NOTFOUND)
        return ctl_fail(ctl, 1, "user %s: there is none", who.text);
    if (err)
        return ctl_fail_store(ctl, err);
    return ctl_print_change(ctl, json_pack("{s:s}", "identity", who.text),
                            "user %s is removed", who.text);
}
