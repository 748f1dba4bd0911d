/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as the store sends them: sealed, for somebody else, or nonsense. */
#include "unit.h"

#include <stdio.h>

#include "kms/keyring.h"

static struct kms_sealer sealer;
static struct kms_keyring ring;
static struct kms_users *users;

static struct ts_key a_key(uint8_t octet, uint8_t len)
{
    struct ts_key key = {.len = len};
    for (uint8_t i = 0; i < len; i++)
        key.b[i] = octet;
    return key;
}

static int set_up(void **state)
{
    const struct ts_key key = a_key(7, KMS_STOREKEY_LEN);
    (void)state;
    kms_keyring_clear(&ring);
    OK(kms_sealer_init(&sealer, &key));
    OK(kms_users_new(&users));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kms_users_free(users);
    kms_sealer_wipe(&sealer);
    return 0;
}

static struct kms_key_rec key_rec(uint8_t id, enum kms_key_state is,
                                  uint8_t len)
{
    struct kms_key_rec rec = {.id = {id}, .state = (uint16_t)is};
    struct ts_key key = a_key(id, len);
    struct kms_sealed sealed;
    OK(kms_seal_ticketkey(&sealer, rec.id, &key, &sealed));
    rec.sealed_len = (uint16_t)sealed.len;
    memcpy(rec.sealed, sealed.b, sealed.len); /* lint: sealed, no secret */
    return rec;
}

static struct kms_user_rec user_rec(struct ts_span key_id, const char *uri,
                                    uint8_t octet)
{
    struct kms_user_rec rec = {.identity_len = (uint16_t)strlen(uri)};
    struct ts_key key = a_key(octet, 16);
    struct kms_sealed sealed;
    OK(kms_seal_credential(&sealer, key_id, ts_span_str(uri), &key, &sealed));
    rec.sealed_len = (uint16_t)sealed.len;
    memcpy(rec.sealed, sealed.b, sealed.len); /* lint: sealed, no secret */
    memcpy(rec.identity, uri, rec.identity_len);
    return rec;
}

/* ---- ticket keys ---- */

static void the_key_in_use_and_older_ones_are_found(void **state)
{
    (void)state;
    assert_null(kms_keyring_use(&ring));
    for (uint8_t i = 1; i <= 3; i++) {
        struct kms_key_rec rec =
            key_rec(i, i == 2 ? KMS_KEY_USE : KMS_KEY_RESOLVE, 32);
        OK(kms_keyring_add(&ring, &sealer, &rec));
    }
    assert_int_equal(kms_keyring_use(&ring)->id[0], 2);
    const uint8_t third[16] = {3}, fourth[16] = {4};
    assert_int_equal(kms_keyring_find(&ring, ts_span(third, 16))->key.b[0], 3);
    assert_null(kms_keyring_find(&ring, ts_span(fourth, 16)));
    assert_null(kms_keyring_find(&ring, ts_span(third, 15)));
    assert_null(kms_keyring_find(&ring, ts_span(NULL, 0)));
    kms_keyring_clear(&ring);
    assert_null(kms_keyring_find(&ring, ts_span(third, 16)));
    assert_int_equal(ring.tpk[2].key.b[0], 0);
}

static void a_full_ring_takes_no_more(void **state)
{
    struct kms_key_rec rec;
    (void)state;
    for (unsigned i = 0; i < KMS_KEYS_MAX; i++) {
        rec = key_rec((uint8_t)(i + 1), KMS_KEY_USE, 32);
        OK(kms_keyring_add(&ring, &sealer, &rec));
    }
    rec = key_rec(200, KMS_KEY_USE, 32);
    FAILS(TS_E_FULL, kms_keyring_add(&ring, &sealer, &rec));
    assert_int_equal(kms_keyring_use(&ring)->id[0], 1);
}

static void a_sealed_key_that_is_none_is_not_added(void **state)
{
    struct kms_key_rec rec = key_rec(1, KMS_KEY_USE, 32), bad;
    const struct ts_key other = a_key(8, KMS_STOREKEY_LEN);
    struct kms_sealer wrong;
    (void)state;
    for (unsigned i = 0; i < rec.sealed_len; i++) {
        bad = rec;
        bad.sealed[i] ^= 1;
        FAILS(TS_E_AUTH, kms_keyring_add(&ring, &sealer, &bad));
    }
    bad = rec;
    bad.id[5] ^= 1; /* another key's place */
    FAILS(TS_E_AUTH, kms_keyring_add(&ring, &sealer, &bad));
    bad = rec;
    bad.sealed_len = KMS_SEALED_MAX + 1;
    FAILS(TS_E_FORMAT, kms_keyring_add(&ring, &sealer, &bad));
    bad.sealed_len = UINT16_MAX;
    FAILS(TS_E_FORMAT, kms_keyring_add(&ring, &sealer, &bad));
    bad.sealed_len = 0;
    FAILS(TS_E_RANGE, kms_keyring_add(&ring, &sealer, &bad));
    OK(kms_sealer_init(&wrong, &other));
    FAILS(TS_E_AUTH, kms_keyring_add(&ring, &wrong, &rec));
    rec = key_rec(1, KMS_KEY_USE, 16); /* R271, R274: 32 bytes, no less */
    FAILS(TS_E_FORMAT, kms_keyring_add(&ring, &sealer, &rec));
    assert_int_equal(ring.n, 0);
    assert_null(kms_keyring_use(&ring));
}

/* ---- users ---- */

static enum ts_err put(const char *key_id, const char *uri, uint8_t octet)
{
    const struct kms_user *u;
    struct kms_user_rec rec = user_rec(ts_span_str(key_id), uri, octet);
    return kms_users_put(users, &sealer, ts_span_str(key_id), &rec, &u);
}

static void a_user_is_found_by_its_whole_key_id(void **state)
{
    (void)state;
    OK(put("alice-1", "sip:alice@x", 1));
    OK(put("alice-11", "sip:alice@x", 2));
    const struct kms_user *u = kms_users_find(users, LITERAL("alice-1"));
    assert_int_equal(u->psk.b[0], 1);
    assert_string_equal(u->identity, "sip:alice@x");
    assert_null(kms_users_find(users, LITERAL("alice-")));
    assert_null(kms_users_find(users, LITERAL("alice-1\0")));
    assert_null(kms_users_find(users, LITERAL("")));
    kms_users_drop(users, LITERAL("alice-1"));
    assert_null(kms_users_find(users, LITERAL("alice-1")));
    assert_non_null(kms_users_find(users, LITERAL("alice-11")));
    kms_users_clear(users);
    assert_null(kms_users_find(users, LITERAL("alice-11")));
}

static void the_same_key_id_again_replaces_its_key(void **state)
{
    (void)state;
    OK(put("a", "sip:a@x", 1));
    OK(put("a", "sip:longer@x", 2));
    OK(put("a", "sip:b@x", 3));
    const struct kms_user *u = kms_users_find(users, LITERAL("a"));
    assert_int_equal(u->psk.b[0], 3);
    assert_string_equal(u->identity, "sip:b@x");
    kms_users_drop(users, LITERAL("a"));
    assert_null(kms_users_find(users, LITERAL("a")));
}

static void a_credential_of_another_is_refused(void **state)
{
    const struct kms_user *u = NULL;
    struct kms_user_rec rec = user_rec(LITERAL("a"), "sip:a@x", 1), bad = rec;
    (void)state;
    FAILS(TS_E_AUTH, kms_users_put(users, &sealer, LITERAL("b"), &rec, &u));
    bad.identity[4] = 'b'; /* a captured store gives it to another user */
    FAILS(TS_E_AUTH, kms_users_put(users, &sealer, LITERAL("a"), &bad, &u));
    bad = rec;
    bad.identity_len = 0;
    FAILS(TS_E_FORMAT, kms_users_put(users, &sealer, LITERAL("a"), &bad, &u));
    bad.identity_len = KMS_ID_MAX + 1;
    FAILS(TS_E_FORMAT, kms_users_put(users, &sealer, LITERAL("a"), &bad, &u));
    bad = rec;
    bad.sealed_len = KMS_SEALED_MAX + 1;
    FAILS(TS_E_FORMAT, kms_users_put(users, &sealer, LITERAL("a"), &bad, &u));
    static const uint8_t long_id[KMS_KEYID_MAX + 1];
    FAILS(TS_E_FORMAT,
          kms_users_put(users, &sealer, ts_span(long_id, sizeof long_id), &rec,
                        &u));
    FAILS(TS_E_FORMAT, kms_users_put(users, &sealer, LITERAL(""), &rec, &u));
    assert_null(u);
    assert_null(kms_users_find(users, LITERAL("a")));
}

static unsigned cached(unsigned n)
{
    char name[16];
    unsigned found = 0;
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "user-%u", i);
        const struct kms_user *u = kms_users_find(users, ts_span_str(name));
        if (u) {
            assert_int_equal(u->psk.b[0], i % 251);
            found++;
        }
    }
    return found;
}

/* More users than places: the newest are there, none is mixed up. */
static void a_full_cache_gives_up_others(void **state)
{
    const unsigned n = 2 * KMS_USERS_MAX;
    char name[16];
    (void)state;
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "user-%u", i);
        OK(put(name, "sip:u@x", (uint8_t)(i % 251)));
        assert_non_null(kms_users_find(users, ts_span_str(name)));
    }
    assert_in_range(cached(n), KMS_USERS_MAX * 3 / 4, KMS_USERS_MAX);
}

/* Nobody loses a place for a credential that cannot be opened. */
static void nonsense_from_the_store_evicts_nobody(void **state)
{
    const unsigned n = 2 * KMS_USERS_MAX;
    const struct kms_user *u;
    struct kms_user_rec rec;
    char name[16];
    (void)state;
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(name, sizeof name, "user-%u", i);
        OK(put(name, "sip:u@x", (uint8_t)(i % 251)));
    }
    unsigned before = cached(n);
    rec = user_rec(LITERAL("x"), "sip:x@x", 1);
    for (unsigned i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "bad-%u", i);
        FAILS(TS_E_AUTH,
              kms_users_put(users, &sealer, ts_span_str(name), &rec, &u));
    }
    assert_int_equal(cached(n), before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(TEST(the_key_in_use_and_older_ones_are_found),
          TEST(a_full_ring_takes_no_more),
          TEST(a_sealed_key_that_is_none_is_not_added),
          TEST(a_user_is_found_by_its_whole_key_id),
          TEST(the_same_key_id_again_replaces_its_key),
          TEST(a_credential_of_another_is_refused),
          TEST(a_full_cache_gives_up_others),
          TEST(nonsense_from_the_store_evicts_nobody))
