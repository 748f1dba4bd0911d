/* SPDX-License-Identifier: Apache-2.0 */
/* tesseractl init, key list, key rotate */
#include <stdio.h>
#include <unistd.h>

#include "kms/keyring.h"
#include "tool/ctl.h"

/* The first ticket key, if there is none in use. */
static enum ts_err seen_in_use(void *arg, const struct kms_key_row *row)
{
    bool *seen = arg;
    *seen = *seen || row->rec.state == KMS_KEY_USE;
    return TS_OK;
}

static int ensure_ticket_key(struct ctl *ctl)
{
    uint8_t id[16];
    bool seen = false;
    enum ts_err err = kms_store_begin_write(ctl->store);
    if (!err)
        err = kms_store_keys(ctl->store, seen_in_use, &seen);
    if (!err && !seen)
        err = ctl_new_key(ctl, ctl_now(), id);
    if (!err)
        err = kms_store_commit(ctl->store);
    if (!err)
        return 0;
    kms_store_rollback(ctl->store);
    return ctl_fail_store(ctl, err);
}

/* The store key; one is made only if there is no store that needs another. */
static int ensure_store_key(struct ctl *ctl, struct ts_key *key, bool *made)
{
    char msg[TS_CONF_MSG];
    struct kms_store *store = NULL;
    *made = false;
    enum ts_err err = kms_storekey_load(ctl->conf.store_key, key, msg);
    if (err == TS_E_NOTFOUND) {
        if (kms_store_open(ctl->conf.store, &store, msg) == TS_OK) {
            kms_store_close(store);
            return ctl_fail(ctl, 2,
                            "store key %s: is gone, but the store %s needs "
                            "it; restore it from its backup",
                            ctl->conf.store_key, ctl->conf.store);
        }
        err = kms_storekey_create(ctl->conf.store_key, msg);
        *made = err == TS_OK;
        if (!err || err == TS_E_EXISTS) /* somebody was faster */
            err = kms_storekey_load(ctl->conf.store_key, key, msg);
    }
    return err ? ctl_fail(ctl, err == TS_E_CONFIG ? 2 : 1, "%s", msg) : 0;
}

/* The store, whose proof is made with the key. */
static int ensure_store(struct ctl *ctl, const struct ts_key *key, bool *made)
{
    char msg[TS_CONF_MSG];
    struct kms_sealed check;
    enum ts_err err = kms_sealer_init(&ctl->sealer, key);
    if (!err)
        err = kms_check_make(&ctl->sealer, &check);
    if (err)
        return ctl_fail(ctl, 1, "store key %s: %s", ctl->conf.store_key,
                        ts_strerror(err));
    err = kms_store_create(ctl->conf.store, kms_sealed_span(&check), made, msg);
    if (err)
        return ctl_fail(ctl, err == TS_E_CONFIG ? 2 : 1, "%s", msg);
    int code = ctl_open(ctl);
    if (!code)
        code = ctl_use_key(ctl, key);
    return code ? code : ensure_ticket_key(ctl);
}

static const char *state(bool made)
{
    return made ? "made" : "already there";
}

int ctl_init(struct ctl *ctl, char **args)
{
    (void)args;
    struct ts_key key;
    bool key_made = false, store_made = false;
    int code = ensure_store_key(ctl, &key, &key_made);
    if (!code)
        code = ensure_store(ctl, &key, &store_made);
    ts_key_wipe(&key);
    if (code)
        return code;
    return ctl_print(ctl,
                     json_pack("{s:s, s:b, s:s, s:b}", "store-key",
                               ctl->conf.store_key, "store-key-made", key_made,
                               "store", ctl->conf.store, "store-made",
                               store_made),
                     "store key %s: %s%s\nstore %s: %s", ctl->conf.store_key,
                     state(key_made),
                     key_made ? "; keep a copy of it apart from the store" : "",
                     ctl->conf.store, state(store_made));
}

static const char *key_state(const struct kms_key_row *row)
{
    return row->rec.state == KMS_KEY_USE ? "use" : "resolve";
}

static enum ts_err list_key(void *arg, const struct kms_key_row *row)
{
    const struct ctl *ctl = arg;
    char id[CTL_KEY_ID], created[CTL_TIME], retired[CTL_TIME];
    ctl_key_id(row->rec.id, id);
    ctl_time(row->created, created);
    json_t *o = json_pack("{s:s, s:s, s:s}", "id", id, "state", key_state(row),
                          "created", created);
    if (o && row->retired &&
        json_object_set_new(o, "retired",
                            json_string(ctl_time(row->retired, retired)))) {
        json_decref(o);
        o = NULL;
    }
    int code = ctl_print(ctl, o, "%s  %-7s  created %s%s%s", id, key_state(row),
                         created, row->retired ? "  retired " : "",
                         row->retired ? ctl_time(row->retired, retired) : "");
    return code ? TS_E_PEER : TS_OK; /* E_PEER: has been said */
}

int ctl_key_list(struct ctl *ctl, char **args)
{
    (void)args;
    int code = ctl_open(ctl);
    if (code)
        return code;
    enum ts_err err = kms_store_keys(ctl->store, list_key, ctl);
    if (err == TS_E_PEER)
        return 1;
    return err ? ctl_fail_store(ctl, err) : 0;
}

/* A ticket under a key that was retired before this time has expired, for a
   KMS whose clock is off by the skew too. */
static uint64_t forget_before(const struct ctl *ctl, uint64_t now)
{
    const struct kms_policy *p = &ctl->conf.policy;
    uint64_t keep = (uint64_t)p->max_lifetime + 2 * (uint64_t)p->skew;
    return now > keep ? now - keep : 0;
}

static enum ts_err count_key(void *arg, const struct kms_key_row *row)
{
    size_t *keys = arg;
    (void)row;
    ++*keys;
    return TS_OK;
}

static int too_many_keys(struct ctl *ctl)
{
    kms_store_rollback(ctl->store);
    return ctl_fail(ctl, 1,
                    "store %s: has %d ticket keys, no KMS takes more; wait "
                    "until the tickets of the oldest have expired, or set a "
                    "shorter max-lifetime in [policy]",
                    ctl->conf.store, KMS_KEYS_MAX);
}

int ctl_key_rotate(struct ctl *ctl, char **args)
{
    (void)args;
    uint8_t id[16];
    char text[CTL_KEY_ID];
    uint64_t now = ctl_now(), forgotten = 0;
    size_t keys = 0;
    int code = ctl_unlock(ctl);
    if (code)
        return code;
    enum ts_err err = kms_store_begin_write(ctl->store);
    if (!err)
        err = ctl_new_key(ctl, now, id);
    if (!err)
        err = kms_store_key_forget(ctl->store, forget_before(ctl, now),
                                   &forgotten);
    if (!err)
        err = kms_store_keys(ctl->store, count_key, &keys);
    if (!err && keys > KMS_KEYS_MAX)
        return too_many_keys(ctl);
    if (!err)
        err = kms_store_commit(ctl->store);
    if (err) {
        kms_store_rollback(ctl->store);
        return ctl_fail_store(ctl, err);
    }
    ctl_key_id(id, text);
    return ctl_print_change(
        ctl,
        json_pack("{s:s, s:I}", "id", text, "forgotten", (json_int_t)forgotten),
        "ticket key %s is in use; %ju expired %s forgotten", text,
        (uintmax_t)forgotten, forgotten == 1 ? "key" : "keys");
}
