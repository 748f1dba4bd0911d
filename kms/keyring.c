/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/keyring.h"

#include <stdlib.h>
#include <sys/mman.h>

#define WAYS 4 /* places that one key id may be in */

struct kms_users {
    uint32_t turn; /* which of the ways is given up next */
    struct kms_user user[KMS_USERS_MAX];
};

void kms_keyring_clear(struct kms_keyring *ring)
{
    for (size_t i = 0; i < ring->n; i++)
        ts_key_wipe(&ring->tpk[i].key);
    ring->n = 0;
}

enum ts_err kms_keyring_add(struct kms_keyring *ring, struct kms_sealer *sealer,
                            const struct kms_key_rec *rec)
{
    if (ring->n == KMS_KEYS_MAX)
        return TS_E_FULL;
    if (rec->sealed_len > sizeof rec->sealed)
        return TS_E_FORMAT;
    struct kms_tpk *tpk = &ring->tpk[ring->n];
    enum ts_err err = kms_unseal_ticketkey(
        sealer, rec->id, ts_span(rec->sealed, rec->sealed_len), &tpk->key);
    if (err)
        return err;
    if (tpk->key.len != KMS_TICKETKEY_LEN) {
        ts_key_wipe(&tpk->key);
        return TS_E_FORMAT;
    }
    memcpy(tpk->id, rec->id, sizeof tpk->id);
    tpk->use = rec->state == KMS_KEY_USE;
    ring->n++;
    return TS_OK;
}

const struct kms_tpk *kms_keyring_use(const struct kms_keyring *ring)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ring->tpk[i].use)
            return &ring->tpk[i];
    return NULL;
}

const struct kms_tpk *kms_keyring_find(const struct kms_keyring *ring,
                                       struct ts_span id)
{
    for (size_t i = 0; i < ring->n; i++)
        if (ts_span_equal(id, ts_span(ring->tpk[i].id, 16)))
            return &ring->tpk[i];
    return NULL;
}

enum ts_err kms_users_new(struct kms_users **out)
{
    void *p = mmap(NULL, sizeof(struct kms_users), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *out = NULL;
    if (p == MAP_FAILED)
        return TS_E_NOMEM;
    (void)madvise(p, sizeof(struct kms_users), MADV_DONTDUMP);
    (void)mlock(p, sizeof(struct kms_users)); /* as far as the limit allows */
    *out = p;
    return TS_OK;
}

void kms_users_free(struct kms_users *users)
{
    if (!users)
        return;
    ts_wipe(users, sizeof *users);
    munmap(users, sizeof *users);
}

void kms_users_clear(struct kms_users *users)
{
    ts_wipe(users, sizeof *users);
}

/* FNV-1a: only spreads; what is found is compared whole. */
static size_t set_of(struct ts_span key_id)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < key_id.n; i++)
        h = (h ^ key_id.p[i]) * 16777619u;
    return h % (KMS_USERS_MAX / WAYS) * WAYS;
}

static bool is_user(const struct kms_user *u, struct ts_span key_id)
{
    return u->key_id_len == key_id.n && key_id.n > 0 &&
           memcmp(u->key_id, key_id.p, key_id.n) == 0;
}

const struct kms_user *kms_users_find(const struct kms_users *users,
                                      struct ts_span key_id)
{
    const struct kms_user *u = &users->user[set_of(key_id)];
    for (unsigned i = 0; i < WAYS; i++)
        if (is_user(&u[i], key_id))
            return &u[i];
    return NULL;
}

static void user_wipe(struct kms_user *u)
{
    ts_wipe(u, sizeof *u);
}

void kms_users_drop(struct kms_users *users, struct ts_span key_id)
{
    struct kms_user *u = &users->user[set_of(key_id)];
    for (unsigned i = 0; i < WAYS; i++)
        if (is_user(&u[i], key_id))
            user_wipe(&u[i]);
}

/* The place of the same key id, a free one, or the one whose turn it is. */
static struct kms_user *place_for(struct kms_users *users,
                                  struct ts_span key_id)
{
    struct kms_user *u = &users->user[set_of(key_id)];
    for (unsigned i = 0; i < WAYS; i++)
        if (is_user(&u[i], key_id))
            return &u[i];
    for (unsigned i = 0; i < WAYS; i++)
        if (u[i].key_id_len == 0)
            return &u[i];
    return &u[users->turn++ % WAYS];
}

enum ts_err kms_users_put(struct kms_users *users, struct kms_sealer *sealer,
                          struct ts_span key_id, const struct kms_user_rec *rec,
                          const struct kms_user **out)
{
    if (key_id.n == 0 || key_id.n > KMS_KEYID_MAX || rec->identity_len == 0 ||
        rec->identity_len > KMS_ID_MAX || rec->sealed_len > sizeof rec->sealed)
        return TS_E_FORMAT;
    struct ts_key psk;
    enum ts_err err = kms_unseal_credential(
        sealer, key_id, ts_span(rec->identity, rec->identity_len),
        ts_span(rec->sealed, rec->sealed_len), &psk);
    if (err)
        return err; /* nobody lost a place for it */
    struct kms_user *u = place_for(users, key_id);
    user_wipe(u);
    u->psk = psk;
    ts_key_wipe(&psk);
    memcpy(u->key_id, key_id.p, key_id.n);
    memcpy(u->identity, rec->identity, rec->identity_len);
    u->key_id_len = (uint16_t)key_id.n;
    u->identity_len = rec->identity_len;
    *out = u;
    return TS_OK;
}
