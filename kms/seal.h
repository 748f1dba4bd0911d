/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing of small secrets at rest under the store key: AES-256-GCM with a
 * random nonce.
 *
 *     sealed = nonce (12) || ciphertext (as long as the secret) || tag (16)
 *
 * The associated data name the record that the secret belongs to, so that a
 * sealed value cannot be moved to another record:
 *
 *     purpose || 00 || length of name (1 octet) || name || owner
 *
 * For a credential the name is its key id and the owner the canonical identity
 * of its user: whoever can write the store, but has no store key, can neither
 * make a credential nor give one to somebody else.
 */
#ifndef KMS_SEAL_H
#define KMS_SEAL_H

#include <nettle/gcm.h>

#include "base/bytes.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/secret.h"
#include "kms/msg.h"

/** Length of the store key, and of a ticket key, in bytes. */
#define KMS_STOREKEY_LEN  32
#define KMS_TICKETKEY_LEN 32

/** The expanded store key. A secret: wipe it with kms_sealer_wipe(). */
struct kms_sealer {
    struct gcm_aes256_ctx gcm;
};

/** A sealed secret, by value. Not secret itself. */
struct kms_sealed {
    size_t len;
    uint8_t b[KMS_SEALED_MAX];
};

/** A view of a sealed secret. */
static inline struct ts_span kms_sealed_span(const struct kms_sealed *s)
{
    return (struct ts_span){s->b, s->len};
}

/**
 * Expand a store key. The sealer serves any number of calls, one at a time,
 * and allocates nothing.
 *
 * @param s    filled in
 * @param key  KMS_STOREKEY_LEN bytes; the caller may wipe it afterwards
 * @return OK, or E_RANGE for another length
 */
TS_MUST enum ts_err kms_sealer_init(struct kms_sealer *s,
                                    const struct ts_key *key);

/** Wipe. NULL is ignored. */
void kms_sealer_wipe(struct kms_sealer *s);

/**
 * Seal a user's key.
 *
 * @param s         the expanded store key
 * @param key_id    1 to KMS_KEYID_MAX bytes, the key id of the credential
 * @param identity  canonical identity of its user
 * @param key       the secret
 * @param out       filled in on OK
 * @return OK, E_RANGE for a length out of bounds, E_IO without randomness
 */
TS_MUST enum ts_err kms_seal_credential(struct kms_sealer *s,
                                        struct ts_span key_id,
                                        struct ts_span identity,
                                        const struct ts_key *key,
                                        struct kms_sealed *out);

/**
 * Open a user's key: the reverse of kms_seal_credential().
 *
 * @param key  filled in on OK, empty otherwise; the caller wipes it
 * @return OK; E_AUTH for another store key, another record or a changed
 *         value; E_RANGE for a length that no sealed value has
 */
TS_MUST enum ts_err kms_unseal_credential(struct kms_sealer *s,
                                          struct ts_span key_id,
                                          struct ts_span identity,
                                          struct ts_span sealed,
                                          struct ts_key *key);

/** As kms_seal_credential(), for the ticket key (TPK) with this id. */
TS_MUST enum ts_err kms_seal_ticketkey(struct kms_sealer *s,
                                       const uint8_t id[static 16],
                                       const struct ts_key *key,
                                       struct kms_sealed *out);

/** As kms_unseal_credential(), for the ticket key (TPK) with this id. */
TS_MUST enum ts_err kms_unseal_ticketkey(struct kms_sealer *s,
                                         const uint8_t id[static 16],
                                         struct ts_span sealed,
                                         struct ts_key *key);

/**
 * Seal the known value by which a store recognises its key; see
 * kms_check_verify().
 */
TS_MUST enum ts_err kms_check_make(struct kms_sealer *s,
                                   struct kms_sealed *out);

/** OK if sealed was made by kms_check_make() under this key, else E_AUTH. */
TS_MUST enum ts_err kms_check_verify(struct kms_sealer *s,
                                     struct ts_span sealed);

/**
 * Read a store key: a file of 64 hexadecimal digits and a newline that nobody
 * but its owner can open.
 *
 * @param path  the file
 * @param key   filled in on OK, empty otherwise; the caller wipes it
 * @param msg   on failure one line: what, where, what to do
 * @return OK, E_NOTFOUND if there is no such file, E_CONFIG, E_IO
 */
TS_MUST enum ts_err kms_storekey_load(const char *path, struct ts_key *key,
                                      char msg[static TS_CONF_MSG]);

/**
 * Draw a store key and write it to a new file of mode 0600. The file appears
 * complete and on disk, or not at all.
 *
 * @return OK, E_EXISTS if there is such a file (it stays as it is), E_IO
 */
TS_MUST enum ts_err kms_storekey_create(const char *path,
                                        char msg[static TS_CONF_MSG]);

#endif
