/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <sys/stat.h>

#include "folder.h"
#include "kms/seal.h"

#define DIGITS64                                                               \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const struct ts_key secret = {.len = 20, .b = "twenty secret bytes"};
static char msg[TS_CONF_MSG];

static struct kms_sealer sealer_of(uint8_t first)
{
    struct kms_sealer s;
    struct ts_key key = {.len = KMS_STOREKEY_LEN, .b = {first}};
    OK(kms_sealer_init(&s, &key));
    return s;
}

static struct kms_sealed sealed_by(struct kms_sealer *s)
{
    struct kms_sealed out;
    OK(kms_seal_credential(s, LITERAL("a1"), LITERAL("sip:a@x"), &secret,
                           &out));
    return out;
}

static void a_sealed_key_opens_again(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1);
    struct kms_sealed c = sealed_by(&s);
    struct ts_key key;
    assert_int_equal(c.len, 12 + 20 + 16);
    OK(kms_unseal_credential(&s, LITERAL("a1"), LITERAL("sip:a@x"),
                             kms_sealed_span(&c), &key));
    assert_true(ts_equal(key.b, key.len, secret.b, secret.len));
    kms_sealer_wipe(&s);
}

static void keys_of_1_to_64_bytes_are_sealed(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1);
    const uint8_t id[16] = {7};
    struct kms_sealed c;
    for (uint8_t n = 1; n <= TS_KEY_MAX; n++) {
        struct ts_key in = {.len = n, .b = {n}}, out;
        OK(kms_seal_ticketkey(&s, id, &in, &c));
        OK(kms_unseal_ticketkey(&s, id, kms_sealed_span(&c), &out));
        assert_true(ts_equal(in.b, in.len, out.b, out.len));
    }
    FAILS(TS_E_RANGE, kms_seal_ticketkey(&s, id, &(struct ts_key){0}, &c));
}

static void the_same_key_is_sealed_differently_each_time(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1);
    struct kms_sealed a = sealed_by(&s), b = sealed_by(&s);
    assert_false(ts_span_equal(kms_sealed_span(&a), kms_sealed_span(&b)));
}

static void every_changed_bit_is_noticed(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1);
    struct kms_sealed c = sealed_by(&s);
    struct ts_key key;
    for (size_t bit = 0; bit < 8 * c.len; bit++) {
        c.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        FAILS(TS_E_AUTH,
              kms_unseal_credential(&s, LITERAL("a1"), LITERAL("sip:a@x"),
                                    kms_sealed_span(&c), &key));
        assert_int_equal(key.len, 0);
        c.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void every_other_length_is_refused(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1);
    struct kms_sealed c = sealed_by(&s);
    struct ts_key key;
    uint8_t longer[KMS_SEALED_MAX + 1] = {0};
    for (size_t n = 0; n < c.len; n++) {
        enum ts_err want = n <= 28 ? TS_E_RANGE : TS_E_AUTH;
        FAILS(want, kms_unseal_credential(&s, LITERAL("a1"), LITERAL("sip:a@x"),
                                          ts_span(c.b, n), &key));
    }
    FAILS(TS_E_RANGE,
          kms_unseal_credential(&s, LITERAL("a1"), LITERAL("sip:a@x"),
                                ts_span(longer, sizeof longer), &key));
}

static void a_sealed_key_cannot_be_moved(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1), other = sealer_of(2);
    struct kms_sealed c = sealed_by(&s);
    struct ts_span blob = kms_sealed_span(&c);
    struct ts_key key;
    const uint8_t id[16] = {'a', '1'};
    FAILS(TS_E_AUTH, kms_unseal_credential(&s, LITERAL("a2"),
                                           LITERAL("sip:a@x"), blob, &key));
    FAILS(TS_E_AUTH, kms_unseal_credential(&s, LITERAL("a1"),
                                           LITERAL("sip:b@x"), blob, &key));
    FAILS(TS_E_AUTH, kms_unseal_credential(&s, LITERAL("a1s"),
                                           LITERAL("ip:a@x"), blob, &key));
    FAILS(TS_E_AUTH, kms_unseal_ticketkey(&s, id, blob, &key));
    FAILS(TS_E_AUTH, kms_check_verify(&s, blob));
    FAILS(TS_E_AUTH, kms_unseal_credential(&other, LITERAL("a1"),
                                           LITERAL("sip:a@x"), blob, &key));
}

static void the_check_value_knows_its_store_key(void **state)
{
    (void)state;
    struct kms_sealer s = sealer_of(1), other = sealer_of(2);
    struct kms_sealed c;
    OK(kms_check_make(&s, &c));
    OK(kms_check_verify(&s, kms_sealed_span(&c)));
    FAILS(TS_E_AUTH, kms_check_verify(&other, kms_sealed_span(&c)));
}

static void a_store_key_that_was_made_is_read_back(void **state)
{
    (void)state;
    struct ts_key a, b;
    struct stat st;
    const char *path = in_folder("key");
    OK(kms_storekey_create(path, msg));
    OK(kms_storekey_load(path, &a, msg));
    assert_int_equal(a.len, KMS_STOREKEY_LEN);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    FAILS(TS_E_EXISTS, kms_storekey_create(path, msg));
    OK(kms_storekey_load(path, &b, msg));
    assert_true(ts_equal(a.b, a.len, b.b, b.len));
}

static void a_store_key_is_hexadecimal(void **state)
{
    (void)state;
    struct ts_key key;
    OK(kms_storekey_load(file_with("k", DIGITS64 "\n", 0600), &key, msg));
    for (uint8_t i = 0; i < KMS_STOREKEY_LEN; i++)
        assert_int_equal(key.b[i], i);
}

static void a_store_key_of_another_form_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\n",
        DIGITS64,
        DIGITS64 "\n\n",
        DIGITS64 "0\n",
        DIGITS64 " \n",
        " 00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
        "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
    };
    (void)state;
    struct ts_key key;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FAILS(TS_E_CONFIG,
              kms_storekey_load(file_with("k", wrong[i], 0600), &key, msg));
        assert_non_null(strstr(msg, "64 hexadecimal digits"));
        assert_int_equal(key.len, 0);
    }
    FAILS(TS_E_NOTFOUND, kms_storekey_load(in_folder("none"), &key, msg));
    FAILS(TS_E_CONFIG, kms_storekey_load(folder, &key, msg));
}

static void a_store_key_that_others_can_open_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0601, 0660, 0644};
    (void)state;
    struct ts_key key;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        const char *path = file_with("k", DIGITS64 "\n", modes[i]);
        FAILS(TS_E_CONFIG, kms_storekey_load(path, &key, msg));
        assert_non_null(strstr(msg, "chmod 0600"));
    }
    OK(kms_storekey_load(file_with("k", DIGITS64 "\n", 0400), &key, msg));
}

#define FOLDER_TEST(name) cmocka_unit_test_setup(name, folder_fresh)

UNIT_MAIN(cmocka_unit_test(a_sealed_key_opens_again),
          cmocka_unit_test(keys_of_1_to_64_bytes_are_sealed),
          cmocka_unit_test(the_same_key_is_sealed_differently_each_time),
          cmocka_unit_test(every_changed_bit_is_noticed),
          cmocka_unit_test(every_other_length_is_refused),
          cmocka_unit_test(a_sealed_key_cannot_be_moved),
          cmocka_unit_test(the_check_value_knows_its_store_key),
          FOLDER_TEST(a_store_key_that_was_made_is_read_back),
          FOLDER_TEST(a_store_key_is_hexadecimal),
          FOLDER_TEST(a_store_key_of_another_form_is_refused),
          FOLDER_TEST(a_store_key_that_others_can_open_is_refused))
