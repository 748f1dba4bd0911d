/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/seal.h"

#include "base/writer.h"

#define NONCE_LEN GCM_IV_SIZE
#define TAG_LEN   GCM_DIGEST_SIZE
#define OVERHEAD  (NONCE_LEN + TAG_LEN)

/* Longest purpose with its NUL, length octet, name and owner. */
#define AAD_MAX (16 + 1 + KMS_KEYID_MAX + KMS_ID_MAX)

_Static_assert(KMS_SEALED_MAX == OVERHEAD + TS_KEY_MAX, "sealed size");

/* The record that a sealed value belongs to. */
struct record {
    const char *purpose;
    struct ts_span name, owner;
};

static const uint8_t check_value[KMS_STOREKEY_LEN] = "tessera store key check";
static const struct record check_record = {.purpose = "store-check"};

static struct record credential(struct ts_span key_id, struct ts_span identity)
{
    return (struct record){"credential", key_id, identity};
}

static struct record ticketkey(const uint8_t id[static 16])
{
    return (struct record){.purpose = "ticket-key", .name = ts_span(id, 16)};
}

enum ts_err kms_sealer_init(struct kms_sealer *s, const struct ts_key *key)
{
    if (key->len != KMS_STOREKEY_LEN)
        return TS_E_RANGE;
    gcm_aes256_set_key(&s->gcm, key->b);
    return TS_OK;
}

void kms_sealer_wipe(struct kms_sealer *s)
{
    if (s)
        ts_wipe(s, sizeof *s);
}

/* Set nonce and associated data of the next message. */
static enum ts_err start(struct kms_sealer *s, const uint8_t *nonce,
                         const struct record *r)
{
    uint8_t buf[AAD_MAX];
    struct ts_writer w = ts_writer_init(buf, sizeof buf);
    ts_put(&w, r->purpose, strlen(r->purpose) + 1);
    size_t mark = ts_open_u8(&w);
    ts_put_span(&w, r->name);
    ts_close_u8(&w, mark);
    ts_put_span(&w, r->owner);
    if (w.err)
        return TS_E_RANGE;
    gcm_aes256_set_iv(&s->gcm, NONCE_LEN, nonce);
    gcm_aes256_update(&s->gcm, w.len, buf);
    return TS_OK;
}

static enum ts_err seal(struct kms_sealer *s, struct record r,
                        struct ts_span secret, struct kms_sealed *out)
{
    *out = (struct kms_sealed){0};
    if (secret.n == 0 || secret.n > TS_KEY_MAX)
        return TS_E_RANGE;
    enum ts_err err = ts_random(NULL, out->b, NONCE_LEN);
    if (!err)
        err = start(s, out->b, &r);
    if (err)
        return err;
    uint8_t *body = out->b + NONCE_LEN;
    gcm_aes256_encrypt(&s->gcm, secret.n, body, secret.p);
    gcm_aes256_digest(&s->gcm, TAG_LEN, body + secret.n);
    out->len = OVERHEAD + secret.n;
    return TS_OK;
}

static enum ts_err unseal(struct kms_sealer *s, struct record r,
                          struct ts_span sealed, struct ts_key *key)
{
    *key = (struct ts_key){0};
    if (sealed.n <= OVERHEAD || sealed.n > KMS_SEALED_MAX)
        return TS_E_RANGE;
    enum ts_err err = start(s, sealed.p, &r);
    if (err)
        return err;
    const uint8_t *body = sealed.p + NONCE_LEN;
    size_t n = sealed.n - OVERHEAD;
    uint8_t tag[TAG_LEN];
    gcm_aes256_decrypt(&s->gcm, n, key->b, body);
    gcm_aes256_digest(&s->gcm, TAG_LEN, tag);
    if (!ts_equal(tag, TAG_LEN, body + n, TAG_LEN)) {
        ts_key_wipe(key);
        return TS_E_AUTH;
    }
    key->len = (uint8_t)n;
    return TS_OK;
}

enum ts_err kms_seal_credential(struct kms_sealer *s, struct ts_span key_id,
                                struct ts_span identity,
                                const struct ts_key *key,
                                struct kms_sealed *out)
{
    return seal(s, credential(key_id, identity), ts_key_span(key), out);
}

enum ts_err kms_unseal_credential(struct kms_sealer *s, struct ts_span key_id,
                                  struct ts_span identity,
                                  struct ts_span sealed, struct ts_key *key)
{
    return unseal(s, credential(key_id, identity), sealed, key);
}

enum ts_err kms_seal_ticketkey(struct kms_sealer *s,
                               const uint8_t id[static 16],
                               const struct ts_key *key, struct kms_sealed *out)
{
    return seal(s, ticketkey(id), ts_key_span(key), out);
}

enum ts_err kms_unseal_ticketkey(struct kms_sealer *s,
                                 const uint8_t id[static 16],
                                 struct ts_span sealed, struct ts_key *key)
{
    return unseal(s, ticketkey(id), sealed, key);
}

enum ts_err kms_check_make(struct kms_sealer *s, struct kms_sealed *out)
{
    return seal(s, check_record, ts_span(check_value, sizeof check_value), out);
}

enum ts_err kms_check_verify(struct kms_sealer *s, struct ts_span sealed)
{
    struct ts_key value;
    enum ts_err err = unseal(s, check_record, sealed, &value);
    if (!err && !ts_equal(value.b, value.len, check_value, sizeof check_value))
        err = TS_E_AUTH;
    ts_key_wipe(&value);
    return err ? TS_E_AUTH : TS_OK;
}
