/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that stay in a PKCS#11 token, here one of SoftHSM. Its folder
 * goes when the program ends.
 */
#include "unit.h"

#include <ftw.h>

#include "base/secret.h"
#include "folder.h"
#include "papers.h"
#include "program.h"

#define PIN      "1234"
#define URL(key) "pkcs11:token=tessera;object=" key ";type=private"

static const struct ts_span text = {(const uint8_t *)"a message", 9};

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

/* SoftHSM keeps folders in its folder. */
static void remove_tokens(void)
{
    if (getpid() == folder_owner)
        (void)nftw(in_folder("tokens"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bool import(const char *file, const char *id)
{
    char path[512], p8[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s.key", TEST_PKI, file);
    (void)snprintf(p8, sizeof p8, "%s", in_folder("p8"));
    return PROGRAM("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path,
                   "-out", p8) == 0 &&
           PROGRAM("softhsm2-util", "--import", p8, "--token", "tessera",
                   "--label", file, "--id", id, "--pin", PIN) == 0;
}

static bool make_token(void)
{
    char conf[PATH_MAX + 64];
    if (folder_fresh(NULL))
        return false;
    (void)atexit(remove_tokens); /* before the folder itself goes */
    (void)mkdir(in_folder("tokens"), 0700);
    (void)snprintf(conf, sizeof conf,
                   "directories.tokendir = %s\nlog.level = ERROR\n",
                   in_folder("tokens"));
    (void)setenv("SOFTHSM2_CONF", file_with("softhsm2.conf", conf, 0600), 1);
    return PROGRAM("softhsm2-util", "--init-token", "--free", "--label",
                   "tessera", "--pin", PIN, "--so-pin", "5678") == 0 &&
           import("user", "01") && import("ec256", "02") && import("kms", "03");
}

/* One token for all tests; a test without it is skipped, and says so. */
static void need_token(void)
{
    static enum { UNKNOWN, THERE, NOT_THERE } token;
    if (token == UNKNOWN) {
        bool installed = PROGRAM("softhsm2-util", "--version") == 0 &&
                         PROGRAM("openssl", "version") == 0;
        token = installed ? THERE : NOT_THERE;
        if (installed)
            assert_true(make_token());
    }
    if (token == NOT_THERE) {
        print_message("softhsm2 is not installed\n");
        skip();
    }
}

static struct mikey_gnutls_key in_token(const char *url, const char *certs)
{
    return (struct mikey_gnutls_key){
        .url = url, .pin = PIN, .certs = papers(certs)};
}

static void signs(const char *url, const char *certs, const char *who,
                  uint8_t s_type)
{
    const struct mikey_gnutls_key key = in_token(url, certs);
    const struct mikey_gnutls_signing how = {s_type, MIKEY_GNUTLS_DEFAULT};
    const struct mikey_gnutls_trust trust = paper_trust("ca.crt", NULL);
    const struct mikey_id claimed = paper_id(who);
    uint8_t sig[MIKEY_SIGN_MAX];
    struct mikey_verifier v;
    struct mikey_signer s;
    struct mikey_id found;
    OK(mikey_gnutls_signer(&key, &how, &s));
    OK(mikey_gnutls_verifier(&trust, &v));
    OK(s.sign(s.arg, &text, 1, sig));
    OK(v.certify(v.arg, s.cert, s.n_cert, &claimed, PAPERS_NOW, &found));
    OK(v.verify(v.arg, s.s_type, &text, 1, ts_span(sig, s.len)));
    mikey_gnutls_signer_free(&s);
    mikey_gnutls_verifier_free(&v);
}

static void a_token_signs(void **state)
{
    (void)state;
    const char *alice = "sip:alice@example.org";
    need_token();
    signs(URL("user"), "alice.crt sub.crt", alice, MIKEY_S_RSA);
    signs(URL("user"), "alice.crt sub.crt", alice, MIKEY_S_RSA_PSS);
    signs(URL("ec256"), "bob.crt", "sip:bob@example.org", MIKEY_S_ECDSA);
}

static void a_token_opens_envelopes(void **state)
{
    (void)state;
    need_token();
    const struct mikey_gnutls_key key = in_token(URL("kms"), "kms.crt");
    const struct ts_span env = LITERAL("an envelope key of 32 bytes long");
    uint8_t sealed[MIKEY_PKE_MAX], got[MIKEY_KEY_MAX];
    struct mikey_sealer s;
    size_t n;
    OK(mikey_gnutls_sealer(papers("kms.crt"), 0, &s));
    for (size_t env_len = 0; env_len <= 32; env_len += 32) {
        struct mikey_opener o;
        OK(mikey_gnutls_opener(&key, 1, env_len, &o));
        OK(s.seal(s.arg, env, sealed));
        OK(o.open(o.arg, &s.chash, ts_span(sealed, s.len), got, &n));
        assert_true(ts_equal(got, n, env.p, env.n));
        sealed[7] ^= 1;
        OK(o.open(o.arg, &s.chash, ts_span(sealed, s.len), got, &n));
        assert_int_equal(n, 32);
        assert_false(ts_equal(got, n, env.p, env.n));
        mikey_gnutls_opener_free(&o);
    }
    mikey_gnutls_sealer_free(&s);
}

static enum ts_err try_key(const struct mikey_gnutls_key *key)
{
    const struct mikey_gnutls_signing how = {MIKEY_S_RSA, 0};
    struct mikey_signer s;
    enum ts_err err = mikey_gnutls_signer(key, &how, &s);
    mikey_gnutls_signer_free(&s);
    return err;
}

static void a_token_needs_the_right_pin(void **state)
{
    (void)state;
    need_token();
    struct mikey_gnutls_key key = in_token(URL("user"), "alice.crt");
    key.pin = "4321";
    FAILS(TS_E_AUTH, try_key(&key));
    key.pin = NULL;
    FAILS(TS_E_AUTH, try_key(&key));
    key.url = URL("user") "?pin-value=" PIN;
    OK(try_key(&key));
}

static void what_is_not_in_the_token_is_not_found(void **state)
{
    (void)state;
    need_token();
    struct mikey_gnutls_key key = in_token(URL("nothing"), "alice.crt");
    FAILS(TS_E_NOTFOUND, try_key(&key));
    key.url = "pkcs11:token=nothing;object=user;type=private";
    FAILS(TS_E_NOTFOUND, try_key(&key));
    key = in_token(URL("kms"), "alice.crt");
    FAILS(TS_E_MISMATCH, try_key(&key));
    key = in_token(URL("ec256"), "alice.crt");
    FAILS(TS_E_MISMATCH, try_key(&key));
    key.url = "pkcs11:?!";
    FAILS(TS_E_FORMAT, try_key(&key));
}

UNIT_MAIN(cmocka_unit_test(a_token_signs),
          cmocka_unit_test(a_token_opens_envelopes),
          cmocka_unit_test(a_token_needs_the_right_pin),
          cmocka_unit_test(what_is_not_in_the_token_is_not_found))
