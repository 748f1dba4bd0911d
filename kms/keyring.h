/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine holds of keys: the ticket keys, and a cache of users. Both
 * come sealed from the store and are opened here and nowhere else.
 */
#ifndef KMS_KEYRING_H
#define KMS_KEYRING_H

#include "kms/seal.h"

/** Most ticket keys at a time: the one in use and older ones. */
#define KMS_KEYS_MAX 64
/** Users that are cached. */
#define KMS_USERS_MAX 4096

/** A ticket key. */
struct kms_tpk {
    uint8_t id[16];
    bool use; /* issue with it; else resolve only */
    struct ts_key key;
};

/** The ring of ticket keys. */
struct kms_keyring {
    size_t n;
    struct kms_tpk tpk[KMS_KEYS_MAX];
};

/** An authenticated identity may be claimed with this key. */
struct kms_user {
    uint16_t key_id_len; /* 0: free place */
    uint16_t identity_len;
    uint8_t key_id[KMS_KEYID_MAX];
    char identity[KMS_ID_MAX + 1]; /* canonical */
    struct ts_key psk;
};

struct kms_users;

/** Forget all ticket keys. */
void kms_keyring_clear(struct kms_keyring *ring);

/**
 * Add a ticket key as the store gave it.
 *
 * @param rec  not believed: lengths are checked
 * @return OK, E_FULL, E_FORMAT, E_AUTH (another store key)
 */
TS_MUST enum ts_err kms_keyring_add(struct kms_keyring *ring,
                                    struct kms_sealer *sealer,
                                    const struct kms_key_rec *rec);

/** The key to issue with, NULL if there is none. */
const struct kms_tpk *kms_keyring_use(const struct kms_keyring *ring);

/** The key of that id, NULL if there is none. */
const struct kms_tpk *kms_keyring_find(const struct kms_keyring *ring,
                                       struct ts_span id);

/** An empty cache. OK or E_NOMEM. */
TS_MUST enum ts_err kms_users_new(struct kms_users **out);

/** Wipe and free. NULL is ignored. */
void kms_users_free(struct kms_users *users);

/** Forget all. */
void kms_users_clear(struct kms_users *users);

/** The user of a key id, NULL if not cached. Valid until the next put. */
const struct kms_user *kms_users_find(const struct kms_users *users,
                                      struct ts_span key_id);

/** Forget the user of a key id. */
void kms_users_drop(struct kms_users *users, struct ts_span key_id);

/**
 * Open a credential as the store gave it and cache it; it may take the place
 * of another one.
 *
 * @param out  gets the entry
 * @return OK, E_FORMAT, E_AUTH
 */
TS_MUST enum ts_err kms_users_put(struct kms_users *users,
                                  struct kms_sealer *sealer,
                                  struct ts_span key_id,
                                  const struct kms_user_rec *rec,
                                  const struct kms_user **out);

#endif
