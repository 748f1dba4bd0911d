/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>

#include "base/secret.h"
#include "papers.h"

#define ENV_DEFAULT 32 /* bytes of a random key where nothing was decrypted */

static struct mikey_sealer sealer_for(const char *cert,
                                      enum mikey_gnutls_hash chash)
{
    struct mikey_sealer s;
    OK(mikey_gnutls_sealer(papers(cert), chash, &s));
    assert_int_equal(s.len, 256);
    return s;
}

/* The KMS's two keys. */
static struct mikey_opener opener_with(size_t env_len)
{
    const struct mikey_gnutls_key keys[] = {paper_key("kms.key", "kms.crt"),
                                            paper_key("kms2.key", "kms2.crt")};
    struct mikey_opener o;
    OK(mikey_gnutls_opener(keys, 2, env_len, &o));
    return o;
}

/* An envelope key of n bytes that begins with what it is. */
static struct ts_span env_key(uint8_t *buf, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf[i] = (uint8_t)(n + i);
    return ts_span(buf, n);
}

/* It was opened, to the key given. */
static void opens_to(struct mikey_opener *o, const struct mikey_chash *chash,
                     struct ts_span sealed, struct ts_span key)
{
    uint8_t got[MIKEY_KEY_MAX];
    size_t n;
    OK(o->open(o->arg, chash, sealed, got, &n));
    assert_true(ts_equal(got, n, key.p, key.n));
}

/* OK with a key that nobody chose, and another one each time. */
static void opens_to_chance(struct mikey_opener *o, struct ts_span sealed,
                            struct ts_span key)
{
    uint8_t one[MIKEY_KEY_MAX] = {0}, two[MIKEY_KEY_MAX] = {0};
    static const uint8_t zeros[16];
    size_t n1, n2;
    OK(o->open(o->arg, NULL, sealed, one, &n1));
    OK(o->open(o->arg, NULL, sealed, two, &n2));
    assert_int_equal(n1, n2);
    assert_true(n1 >= 16 && n1 <= MIKEY_KEY_MAX);
    assert_false(ts_equal(one, 16, two, 16));
    assert_false(ts_equal(one, 16, key.p, 16));
    assert_false(ts_equal(one, 16, zeros, 16));
    assert_false(ts_equal(one + n1 - 16, 16, zeros, 16));
}

static void what_is_sealed_opens_again(void **state)
{
    (void)state;
    struct mikey_sealer s = sealer_for("kms.crt", 0);
    struct mikey_opener o = opener_with(0);
    uint8_t key[MIKEY_KEY_MAX], sealed[MIKEY_PKE_MAX];
    for (size_t n = 16; n <= MIKEY_KEY_MAX; n++) {
        OK(s.seal(s.arg, env_key(key, n), sealed));
        opens_to(&o, &s.chash, ts_span(sealed, s.len), ts_span(key, n));
        opens_to(&o, NULL, ts_span(sealed, s.len), ts_span(key, n));
    }
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_opener_free(&o);
    assert_null(s.arg);
    assert_null(o.arg);
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_opener_free(&o);
    mikey_gnutls_sealer_free(NULL);
    mikey_gnutls_opener_free(NULL);
}

static void the_length_can_be_fixed(void **state)
{
    (void)state;
    struct mikey_sealer s = sealer_for("kms.crt", 0);
    struct mikey_opener o = opener_with(32);
    uint8_t key[MIKEY_KEY_MAX], sealed[MIKEY_PKE_MAX];
    for (size_t n = 16; n <= MIKEY_KEY_MAX; n += 8) {
        struct ts_span pke = ts_span(sealed, s.len);
        OK(s.seal(s.arg, env_key(key, n), sealed));
        if (n == 32)
            opens_to(&o, NULL, pke, ts_span(key, n));
        else
            opens_to_chance(&o, pke, ts_span(key, n));
    }
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_opener_free(&o);
}

static void too_short_and_too_long_keys_are_not_sealed(void **state)
{
    (void)state;
    struct mikey_sealer s = sealer_for("kms.crt", 0);
    uint8_t key[MIKEY_KEY_MAX + 1] = {0}, sealed[MIKEY_PKE_MAX];
    FAILS(TS_E_RANGE, s.seal(s.arg, ts_span(key, 15), sealed));
    FAILS(TS_E_RANGE, s.seal(s.arg, ts_span(key, 0), sealed));
    FAILS(TS_E_RANGE, s.seal(s.arg, ts_span(key, sizeof key), sealed));
    mikey_gnutls_sealer_free(&s);
}

/* Fixed and free lengths, for all that follows about damaged PKEs. */
static void what_does_not_open_gives_chance(size_t env_len)
{
    struct mikey_sealer s = sealer_for("kms.crt", 0);
    struct mikey_sealer to2 = sealer_for("kms2.crt", 0);
    struct mikey_opener o = opener_with(env_len);
    uint8_t key[ENV_DEFAULT], sealed[MIKEY_PKE_MAX + 1] = {0};
    struct ts_span k = env_key(key, sizeof key);
    OK(s.seal(s.arg, k, sealed));
    for (size_t i = 0; i < s.len; i += 11) {
        sealed[i] ^= 1;
        opens_to_chance(&o, ts_span(sealed, s.len), k);
        sealed[i] ^= 1;
    }
    opens_to(&o, NULL, ts_span(sealed, s.len), k);
    static const size_t lengths[] = {0,   1,   16,  32,   128,
                                     255, 257, 512, 1024, 1025};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        opens_to_chance(&o, ts_span(sealed, lengths[i]), k);
    /* for another key of ours, and not told so */
    OK(to2.seal(to2.arg, k, sealed));
    opens_to_chance(&o, ts_span(sealed, s.len), k);
    memset(sealed, 0, sizeof sealed);
    opens_to_chance(&o, ts_span(sealed, s.len), k);
    sealed[s.len - 1] = 1;
    opens_to_chance(&o, ts_span(sealed, s.len), k);
    memset(sealed, 0xff, sizeof sealed);
    opens_to_chance(&o, ts_span(sealed, s.len), k);
    opens_to_chance(&o, ts_span(NULL, 0), k);
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_sealer_free(&to2);
    mikey_gnutls_opener_free(&o);
}

static void what_does_not_open_gives_another_key_each_time(void **state)
{
    (void)state;
    what_does_not_open_gives_chance(0);
}

static void with_a_fixed_length_too(void **state)
{
    (void)state;
    what_does_not_open_gives_chance(ENV_DEFAULT);
}

/* Well-formed PKEs that hold something else. */
static void a_key_of_no_length_for_one_gives_another_key_too(void **state)
{
    (void)state;
    static const unsigned lengths[] = {1, 8, 15, 65, 128, 245};
    const struct ts_span der = paper_der("kms.crt");
    const gnutls_datum_t d = {(uint8_t *)(uintptr_t)der.p, (unsigned)der.n};
    struct mikey_opener any = opener_with(0), fixed = opener_with(ENV_DEFAULT);
    uint8_t text[245] = {1, 2, 3};
    gnutls_pubkey_t pub;
    gnutls_x509_crt_t crt;
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_DER), 0);
    assert_int_equal(gnutls_pubkey_init(&pub), 0);
    assert_int_equal(gnutls_pubkey_import_x509(pub, crt, 0), 0);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const gnutls_datum_t plain = {text, lengths[i]};
        gnutls_datum_t pke;
        assert_int_equal(gnutls_pubkey_encrypt_data(pub, 0, &plain, &pke), 0);
        opens_to_chance(&any, ts_span(pke.data, pke.size), ts_span(text, 16));
        opens_to_chance(&fixed, ts_span(pke.data, pke.size), ts_span(text, 16));
        gnutls_free(pke.data);
    }
    gnutls_pubkey_deinit(pub);
    gnutls_x509_crt_deinit(crt);
    mikey_gnutls_opener_free(&any);
    mikey_gnutls_opener_free(&fixed);
}

static void chash_chooses_the_key(void **state)
{
    (void)state;
    static const enum mikey_gnutls_hash hashes[] = {
        MIKEY_GNUTLS_DEFAULT, MIKEY_GNUTLS_SHA256, MIKEY_GNUTLS_SHA1};
    static const uint8_t funcs[] = {MIKEY_HASH_SHA256, MIKEY_HASH_SHA256,
                                    MIKEY_HASH_SHA1};
    struct mikey_opener o = opener_with(0);
    uint8_t key[20], sealed[MIKEY_PKE_MAX];
    for (size_t i = 0; i < 3; i++) {
        struct mikey_sealer s = sealer_for("kms2.crt", hashes[i]);
        assert_int_equal(s.chash.func, funcs[i]);
        assert_int_equal(s.chash.data.n, funcs[i] == MIKEY_HASH_SHA1 ? 20 : 32);
        OK(s.seal(s.arg, env_key(key, sizeof key), sealed));
        opens_to(&o, &s.chash, ts_span(sealed, s.len),
                 ts_span(key, sizeof key));
        mikey_gnutls_sealer_free(&s);
    }
    mikey_gnutls_opener_free(&o);
}

static void an_unknown_chash_finds_no_key(void **state)
{
    (void)state;
    struct mikey_sealer s = sealer_for("encr.crt", 0);
    struct mikey_sealer kms = sealer_for("kms.crt", MIKEY_GNUTLS_SHA1);
    struct mikey_opener o = opener_with(0);
    uint8_t key[MIKEY_KEY_MAX];
    const struct ts_span pke = ts_span(key, sizeof key);
    struct mikey_chash c = kms.chash;
    size_t n = 7;
    FAILS(TS_E_NOTFOUND, o.open(o.arg, &s.chash, pke, key, &n));
    assert_int_equal(n, 0);
    c.func = MIKEY_HASH_MD5;
    FAILS(TS_E_NOTFOUND, o.open(o.arg, &c, pke, key, &n));
    c.func = MIKEY_HASH_SHA256;
    FAILS(TS_E_NOTFOUND, o.open(o.arg, &c, pke, key, &n));
    c = kms.chash;
    c.data.n--;
    FAILS(TS_E_NOTFOUND, o.open(o.arg, &c, pke, key, &n));
    c.data.n = 0;
    FAILS(TS_E_NOTFOUND, o.open(o.arg, &c, pke, key, &n));
    for (unsigned func = 3; func < 256; func++) {
        c.func = (uint8_t)func;
        FAILS(TS_E_UNSUPPORTED, o.open(o.arg, &c, pke, key, &n));
    }
    c.data.p = NULL; /* not there */
    OK(o.open(o.arg, &c, pke, key, &n));
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_sealer_free(&kms);
    mikey_gnutls_opener_free(&o);
}

static void md5_is_good_enough_to_choose_a_key(void **state)
{
    (void)state;
    const struct ts_span der = paper_der("kms2.crt");
    uint8_t md5[16];
    const struct mikey_chash c = {MIKEY_HASH_MD5, {md5, sizeof md5}};
    assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_MD5, der.p, der.n, md5), 0);
    struct mikey_sealer s = sealer_for("kms2.crt", 0);
    struct mikey_opener o = opener_with(0);
    uint8_t key[16], sealed[MIKEY_PKE_MAX];
    OK(s.seal(s.arg, env_key(key, sizeof key), sealed));
    opens_to(&o, &c, ts_span(sealed, s.len), ts_span(key, sizeof key));
    mikey_gnutls_sealer_free(&s);
    mikey_gnutls_opener_free(&o);
}

static void a_sealer_needs_an_rsa_key_for_encryption(void **state)
{
    (void)state;
    struct mikey_sealer s;
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_sealer(papers("alice.crt"), 0, &s));
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_sealer(papers("bob.crt"), 0, &s));
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_sealer(papers("dave.crt"), 0, &s));
    FAILS(TS_E_UNSUPPORTED,
          mikey_gnutls_sealer(papers("kms.crt"), MIKEY_GNUTLS_SHA384, &s));
    FAILS(TS_E_UNSUPPORTED,
          mikey_gnutls_sealer(papers("kms.crt"), MIKEY_GNUTLS_SHA512, &s));
    FAILS(TS_E_FORMAT, mikey_gnutls_sealer(papers("kms.key"), 0, &s));
    FAILS(TS_E_FORMAT, mikey_gnutls_sealer(ts_span(NULL, 0), 0, &s));
    assert_null(s.arg);
    OK(mikey_gnutls_sealer(papers("nousage.crt"), 0, &s));
    mikey_gnutls_sealer_free(&s);
}

/* The certificate of a key that is for RSAES-OAEP only. */
static void a_certificate_for_oaep_is_unsupported(void **state)
{
    (void)state;
    static const uint8_t rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                  0x0d, 0x01, 0x01, 0x01};
    const struct ts_span kms = paper_der("kms.crt");
    struct mikey_sealer s;
    uint8_t der[4096];
    memcpy(der, kms.p, kms.n);
    uint8_t *oid = memmem(der, kms.n, rsa, sizeof rsa);
    assert_non_null(oid);
    OK(mikey_gnutls_sealer(ts_span(der, kms.n), 0, &s));
    mikey_gnutls_sealer_free(&s);
    oid[sizeof rsa - 1] = 7; /* id-RSAES-OAEP */
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_sealer(ts_span(der, kms.n), 0, &s));
}

static void an_opener_needs_its_keys(void **state)
{
    (void)state;
    struct mikey_gnutls_key keys[] = {paper_key("kms.key", "kms.crt"),
                                      paper_key("kms.key", "kms2.crt")};
    struct mikey_opener o;
    FAILS(TS_E_MISSING, mikey_gnutls_opener(keys, 0, 0, &o));
    FAILS(TS_E_MISMATCH, mikey_gnutls_opener(keys, 2, 0, &o));
    FAILS(TS_E_RANGE, mikey_gnutls_opener(keys, 1, 15, &o));
    FAILS(TS_E_RANGE, mikey_gnutls_opener(keys, 1, MIKEY_KEY_MAX + 1, &o));
    FAILS(TS_E_RANGE, mikey_gnutls_opener(keys, 65, 0, &o));
    keys[1] = paper_key("ec256.key", "bob.crt");
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_opener(keys, 2, 0, &o));
    keys[1] = paper_key("kms2.key", "kms2.key");
    FAILS(TS_E_FORMAT, mikey_gnutls_opener(keys, 2, 0, &o));
    assert_null(o.arg);
}

static void a_key_comes_from_a_file_or_with_a_password(void **state)
{
    (void)state;
    struct mikey_gnutls_key key = paper_key("kms.key", "kms.crt");
    struct mikey_opener o;
    char url[600];
    key.key = ts_span(NULL, 0);
    FAILS(TS_E_FORMAT, mikey_gnutls_opener(&key, 1, 0, &o));
    key.url = url;
    (void)snprintf(url, sizeof url, "file:%s/kms.key", TEST_PKI);
    OK(mikey_gnutls_opener(&key, 1, 0, &o));
    mikey_gnutls_opener_free(&o);
    (void)snprintf(url, sizeof url, "file://%s/kms.key", TEST_PKI);
    OK(mikey_gnutls_opener(&key, 1, 0, &o));
    mikey_gnutls_opener_free(&o);
    (void)snprintf(url, sizeof url, "file:%s/kms.crt", TEST_PKI);
    FAILS(TS_E_FORMAT, mikey_gnutls_opener(&key, 1, 0, &o));
    (void)snprintf(url, sizeof url, "file:%s/nothing", TEST_PKI);
    FAILS(TS_E_IO, mikey_gnutls_opener(&key, 1, 0, &o));
    key.url = "https://example.org/kms.key";
    FAILS(TS_E_UNSUPPORTED, mikey_gnutls_opener(&key, 1, 0, &o));
    key = paper_key("locked.key", "kms.crt");
    FAILS(TS_E_AUTH, mikey_gnutls_opener(&key, 1, 0, &o));
    key.pin = "wrong";
    FAILS(TS_E_AUTH, mikey_gnutls_opener(&key, 1, 0, &o));
    key.pin =
        "0123456789012345678901234567890123456789012345678901234567890123";
    FAILS(TS_E_RANGE, mikey_gnutls_opener(&key, 1, 0, &o));
    key.pin = "tessera";
    OK(mikey_gnutls_opener(&key, 1, 0, &o));
    mikey_gnutls_opener_free(&o);
}

static void a_kms_is_checked_before_keys_are_sealed_for_it(void **state)
{
    (void)state;
    struct mikey_gnutls_trust trust = paper_trust("ca.crt", NULL);
    const struct mikey_id kms = paper_id("sip:kms.example.org");
    const struct mikey_id alice = paper_id("sip:alice@example.org");
    struct mikey_verifier v;
    OK(mikey_gnutls_verifier(&trust, &v));
    OK(mikey_gnutls_check_kms(&v, papers("kms.crt"), &kms, PAPERS_NOW));
    FAILS(TS_E_EXPIRED, mikey_gnutls_check_kms(&v, papers("kms.crt"), &kms, 1));
    FAILS(TS_E_AUTH,
          mikey_gnutls_check_kms(&v, papers("kms2.crt"), &kms, PAPERS_NOW));
    FAILS(TS_E_AUTH, mikey_gnutls_check_kms(&v, papers("alice.crt sub.crt"),
                                            &alice, PAPERS_NOW));
    FAILS(TS_E_AUTH, mikey_gnutls_check_kms(&v, papers("stranger.crt"), &alice,
                                            PAPERS_NOW));
    FAILS(TS_E_FORMAT,
          mikey_gnutls_check_kms(&v, papers("kms.key"), &kms, PAPERS_NOW));
    mikey_gnutls_verifier_free(&v);
}

UNIT_MAIN(cmocka_unit_test(what_is_sealed_opens_again),
          cmocka_unit_test(the_length_can_be_fixed),
          cmocka_unit_test(too_short_and_too_long_keys_are_not_sealed),
          cmocka_unit_test(what_does_not_open_gives_another_key_each_time),
          cmocka_unit_test(with_a_fixed_length_too),
          cmocka_unit_test(a_key_of_no_length_for_one_gives_another_key_too),
          cmocka_unit_test(chash_chooses_the_key),
          cmocka_unit_test(an_unknown_chash_finds_no_key),
          cmocka_unit_test(md5_is_good_enough_to_choose_a_key),
          cmocka_unit_test(a_sealer_needs_an_rsa_key_for_encryption),
          cmocka_unit_test(a_certificate_for_oaep_is_unsupported),
          cmocka_unit_test(an_opener_needs_its_keys),
          cmocka_unit_test(a_key_comes_from_a_file_or_with_a_password),
          cmocka_unit_test(a_kms_is_checked_before_keys_are_sealed_for_it))
