/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Neither branch nor address may depend on a secret: for valgrind, keys are
 * undefined here, and each use of an undefined value to decide something is an
 * error. tests/constant_flow.py runs this program; docs/hardness.md says what
 * it shows.
 *
 * Secret are the octets of keys and salts: PSK, TPK, MPK, TGK, TEK, all that
 * is derived from them, and each MAC that we compute until it is compared or
 * sent. Not secret: lengths, types and SPIs of keys, identities, RANDs, times,
 * MACs as received. What becomes public is said by the functions below, which
 * ld puts before those of the library (--wrap), and nowhere else.
 */
#include <nettle/nist-keywrap.h>
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/memcheck.h>

#include "mikey/classic.h"
#include "mikey/kms.h"
#include "tests/troupe.h"
#include "tool/example.h"

static const struct ts_span none;

static void secret(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void publish(const void *p, size_t n)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

/* ---- what becomes public in the library ---- */

/* The last comparison said that it is genuine. */
static bool verified;

/*
 * How a chain of Key Data is made, next payload, types, lengths and SPIs, is
 * not secret to its receiver's surroundings: it follows from the ticket's
 * policy, and its length is that of the ciphertext. But only a verified chain
 * may be looked at. Before that the ciphertext may be an attacker's, and what
 * his octets decrypt to would steer us: they stay secret, each key in it, too.
 */
static void open_chain(uint8_t *data, size_t n)
{
    static uint8_t copy[MIKEY_KEYS_BYTES];
    static struct mikey_keys keys;
    if (!verified || n > sizeof copy)
        return;
    memcpy(copy, data, n);
    publish(copy, n);
    if (mikey_keys_read(ts_span(copy, n), &keys))
        return; /* it was encrypted, not decrypted */
    publish(data, n);
    for (size_t i = 0; i < keys.n; i++) {
        secret(data + (keys.k[i].key.p - copy), keys.k[i].key.n);
        if (keys.k[i].salt.n)
            secret(data + (keys.k[i].salt.p - copy), keys.k[i].salt.n);
    }
}

/* A verdict is public: whoever sent the message sees what becomes of it. */
bool __real_ts_equal(const void *a, size_t na, const void *b, size_t nb);
bool __wrap_ts_equal(const void *a, size_t na, const void *b, size_t nb);
bool __wrap_ts_equal(const void *a, size_t na, const void *b, size_t nb)
{
    bool good = __real_ts_equal(a, na, b, nb);
    publish(&good, sizeof good);
    verified = good;
    return good;
}

/* So is that of AES key unwrap, which is its own integrity check. */
int __real_nettle_aes128_keyunwrap(const struct aes128_ctx *ctx,
                                   const uint8_t *iv, size_t n, uint8_t *clear,
                                   const uint8_t *cipher);
int __wrap_nettle_aes128_keyunwrap(const struct aes128_ctx *ctx,
                                   const uint8_t *iv, size_t n, uint8_t *clear,
                                   const uint8_t *cipher);
int __wrap_nettle_aes128_keyunwrap(const struct aes128_ctx *ctx,
                                   const uint8_t *iv, size_t n, uint8_t *clear,
                                   const uint8_t *cipher)
{
    int good = __real_nettle_aes128_keyunwrap(ctx, iv, n, clear, cipher);
    publish(&good, sizeof good);
    verified = good;
    open_chain(clear, n);
    return good;
}

void __real_mikey_aes_cm(struct ts_span key, const uint8_t *salt, uint32_t csb,
                         uint64_t t, uint8_t *data, size_t n);
void __wrap_mikey_aes_cm(struct ts_span key, const uint8_t *salt, uint32_t csb,
                         uint64_t t, uint8_t *data, size_t n);
void __wrap_mikey_aes_cm(struct ts_span key, const uint8_t *salt, uint32_t csb,
                         uint64_t t, uint8_t *data, size_t n)
{
    __real_mikey_aes_cm(key, salt, csb, t, data, n);
    open_chain(data, n);
}

/* ---- the stage ---- */

static struct example e;
static struct example_keys k;
static struct mikey_msg m[EXAMPLE_MESSAGES];
static struct mikey_keys keys;
static uint8_t out[4096];

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "constant_flow: %s\n", what);
    exit(2);
}

#define MUST(condition) must(condition, #condition)

static void secret_key(struct ts_key *key)
{
    secret(key->b, key->len);
}

/* The example exchange, by one who has forgotten what its keys are. */
static void begin(unsigned bits)
{
    struct ts_key *const all[] = {&e.psk_i,  &e.psk_r, &e.tpk,   &e.mpk,
                                  &e.tgk,    &e.salt,  &k.mpk_i, &k.mpk_r,
                                  &k.mpk_r1, &k.tgk1};
    verified = false;
    example_init(&e, mikey_suite_bits(bits));
    for (enum example_message i = 0; i < e.n_messages; i++) {
        MUST(example_build(&e, i) == TS_OK);
        MUST(mikey_msg_read(example_span(&e, i), &m[i], NULL) == TS_OK);
    }
    example_derive(&e, &k);
    verified = false;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        secret_key(all[i]);
}

/* The statements that follow, for each suite; with the right key, then with a
 * wrong one. */
#define EACH_SUITE                                                             \
    for (unsigned bits_ = 128; bits_ <= 256 && (begin(bits_), true);           \
         bits_ += 128)
#define RIGHT_AND_WRONG(key)                                                   \
    for (int wrong = 0; wrong < 2 && (spoil(&(key), wrong), true); wrong++)

static void spoil(struct ts_key *key, int wrong)
{
    verified = false;
    key->b[0] ^= (uint8_t)wrong;
}

static enum ts_err expected(int wrong)
{
    return wrong ? TS_E_AUTH : TS_OK;
}

/* ---- comparing ---- */

static void comparing(void)
{
    uint8_t a[32] = {1}, b[32] = {1};
    secret(a, sizeof a);
    MUST(ts_equal(a, sizeof a, b, sizeof b));
    b[31] = 1;
    MUST(!ts_equal(a, sizeof a, b, sizeof b));
    b[31] = 0;
    b[0] = 0;
    MUST(!ts_equal(a, sizeof a, b, sizeof b));
}

static void a_request_is_verified(void)
{
    struct mikey_protect p;
    EACH_SUITE
    RIGHT_AND_WRONG(e.psk_i)
    {
        MUST(mikey_init_verify(&m[REQUEST_INIT], ts_key_span(&e.psk_i), none,
                               none, &p) == expected(wrong));
        mikey_protect_end(&p);
    }
}

static void an_error_is_verified(void)
{
    begin(256);
    RIGHT_AND_WRONG(k.mpk_i)
    MUST(mikey_error_verify(&m[TRANSFER_INIT], NULL, &m[ERROR_MESSAGE],
                            ts_key_span(&k.mpk_i)) == expected(wrong));
}

/* ---- opening ---- */

static void a_reply_is_opened(void)
{
    static struct mikey_reply reply;
    EACH_SUITE
    {
        RIGHT_AND_WRONG(e.psk_i)
        {
            MUST(mikey_reply_open(
                     &m[REQUEST_INIT], example_span(&e, REQUEST_RESP),
                     ts_key_span(&e.psk_i), &reply) == expected(wrong));
            MUST(wrong || reply.keys.n == 3);
            mikey_keys_wipe(&reply.keys);
        }
        RIGHT_AND_WRONG(e.psk_r)
        MUST(mikey_reply_open(&m[RESOLVE_INIT], example_span(&e, RESOLVE_RESP),
                              ts_key_span(&e.psk_r),
                              &reply) == expected(wrong));
    }
}

static void a_wrapped_kemac_is_opened(void)
{
    struct mikey_protect p;
    struct mikey_payload kemac;
    const struct mikey_time t = {MIKEY_NTP_UTC, 7};
    struct ts_writer w = ts_writer_init(out, sizeof out);
    struct mikey_build b = mikey_build_first(&w);
    begin(128);
    const struct mikey_key mpk = {
        .type = MIKEY_MPK, .key = ts_key_span(&e.mpk), .spi = ts_span("\1", 1)};
    RIGHT_AND_WRONG(e.psk_i)
    {
        mikey_protect_begin(&p, mikey_suite_kw(), ts_key_span(&e.psk_i),
                            MIKEY_SEL_RESP, 1, none, none);
        if (!wrong)
            mikey_build_keys(&b, &p, t, &mpk, 1);
        publish(out, w.len); /* it is sent */
        struct mikey_chain c = mikey_chain_first(ts_written(&w));
        MUST(mikey_chain_next(&c, &kemac));
        MUST(mikey_open_keys(&kemac.u.kemac, &p, t, 1, &keys) ==
             expected(wrong));
        mikey_keys_wipe(&keys);
        mikey_protect_end(&p);
    }
}

static void a_ticket_is_opened(void)
{
    static struct mikey_opened opened;
    struct mikey_base base;
    EACH_SUITE
    RIGHT_AND_WRONG(e.tpk)
    {
        const struct mikey_ticket *t = &m[RESOLVE_INIT].ticket;
        MUST(mikey_base_read(t, &base) == TS_OK);
        MUST(mikey_base_open(t, &base, ts_key_span(&e.tpk), &opened) ==
             expected(wrong));
        mikey_opened_wipe(&opened);
    }
}

static void a_transfer_is_verified(void)
{
    const struct mikey_names nobody = {none, none, none};
    EACH_SUITE
    RIGHT_AND_WRONG(k.mpk_i)
    MUST(mikey_transfer_verify(&m[TRANSFER_INIT], &k.mpk_i, &nobody, &keys) ==
         expected(wrong));
}

static void an_answer_is_verified(void)
{
    EACH_SUITE
    RIGHT_AND_WRONG(k.mpk_r1)
    MUST(mikey_answer_verify(&m[TRANSFER_INIT], &m[TRANSFER_RESP], &k.mpk_r1,
                             &keys) == expected(wrong));
}

static void an_update_is_opened(void)
{
    begin(256);
    RIGHT_AND_WRONG(k.mpk_r1)
    {
        struct mikey_csb csb = {.flags = e.flags, .i = e.alice, .r = e.bob};
        mikey_protect_of(&m[TRANSFER_INIT], &m[TRANSFER_RESP],
                         ts_key_span(&k.mpk_r1), &csb.keys);
        MUST(mikey_update_open(&csb, &m[UPDATE_INIT], MIKEY_INITIATOR, none,
                               &keys) == expected(wrong));
        verified = false;
        MUST(mikey_update_open(&csb, &m[UPDATE_RESP], MIKEY_RESPONDER,
                               example_span(&e, UPDATE_INIT),
                               &keys) == expected(wrong));
        mikey_keys_wipe(&keys);
        mikey_protect_end(&csb.keys);
    }
}

static void initiator_data_is_verified(void)
{
    struct mikey_prf prf;
    EACH_SUITE
    RIGHT_AND_WRONG(k.mpk_r)
    {
        mikey_prf_key(&prf, e.suite->prf, ts_key_span(&k.mpk_r));
        MUST(mikey_init_data_verify(m[TRANSFER_INIT].ticket.init, &prf,
                                    e.suite) == expected(wrong));
        mikey_prf_wipe(&prf);
    }
}

static void plain_mikey_is_opened(void)
{
    static struct mikey_msg init;
    EACH_SUITE
    {
        struct mikey_key tgk = {.type = MIKEY_TGK, .key = ts_key_span(&e.tgk)};
        const struct mikey_classic_new in = {
            .suite = e.suite,
            .rand = ts_key_span(&e.rand_i),
            .map_type = MIKEY_MAP_EMPTY,
            .t = {MIKEY_NTP_UTC, 7},
            .id_i = e.alice,
            .id_r = e.bob,
            .encr = e.suite->encr,
            .mac = e.suite->auth,
            .keys = &tgk,
            .n_keys = 1,
            .secret = ts_key_span(&e.psk_i),
        };
        struct ts_writer w = ts_writer_init(out, sizeof out);
        mikey_build_classic_psk(&w, &in);
        MUST(!w.err);
        publish(out, w.len); /* it is sent */
        MUST(mikey_classic_read(ts_written(&w), 0, &init) == TS_OK);
        const struct mikey_classic x = {.secret = ts_key_span(&e.psk_i)};
        RIGHT_AND_WRONG(e.psk_i)
        MUST(mikey_classic_psk_open(&x, &init, &keys) == expected(wrong));
        mikey_keys_wipe(&keys);
    }
}

/* ---- deriving: K0 to K6, the PRF, SRTP ---- */

static void the_prf(void)
{
    struct mikey_prf prf;
    uint8_t key[TS_KEY_MAX] = {1};
    secret(key, sizeof key);
    for (unsigned func = 0; func <= MIKEY_PRF_SHA256; func++)
        for (size_t n = 1; n <= sizeof key; n += 21) {
            mikey_prf_key(&prf, (uint8_t)func, ts_span(key, n));
            mikey_prf(&prf, ts_span("label", 5), out, 255);
            mikey_prf(&prf, ts_span("label", 5), out, 1);
            mikey_prf_wipe(&prf);
        }
}

/* K1 and K2, which protect messages, and K5, which protects tickets */
static void keys_of_messages(void)
{
    static const uint8_t selectors[] = {MIKEY_SEL_INIT, MIKEY_SEL_RESP,
                                        MIKEY_SEL_TICKET};
    struct mikey_protect p;
    struct mikey_cipher c;
    struct mikey_hmac h;
    EACH_SUITE
    for (size_t i = 0; i < sizeof selectors; i++) {
        mikey_protect_begin(&p, e.suite, ts_key_span(&e.psk_i), selectors[i], 1,
                            ts_key_span(&e.rand_i), ts_key_span(&e.rand_r));
        mikey_protect_auth(&p, &h);
        mikey_protect_cipher(&p, &c);
        mikey_hmac_add(&h, ts_span(c.key, sizeof c.key));
        mikey_hmac_end(&h, out, e.suite->mac);
        mikey_protect_end(&p);
    }
}

/* K0, K3, K4, K6 */
static void keys_of_keys(void)
{
    struct mikey_prf prf;
    struct ts_key a, b;
    EACH_SUITE
    {
        mikey_prf_key(&prf, e.suite->prf, ts_key_span(&e.mpk));
        mikey_derive_mpk(&prf, e.mpk.len, ts_key_span(&e.rand_ticket), &a, &b);
        mikey_derive_fork(&prf, e.mpk.len, true, e.bob.data,
                          ts_key_span(&e.rand_kms), &a);
        mikey_derive_vr_key(&prf, e.suite, out);
        mikey_prf_wipe(&prf);
        for (int use = MIKEY_USE_TEK; use <= MIKEY_USE_SALT; use++)
            mikey_derive_tek(&e.tgk, e.suite->prf, (enum mikey_tek_use)use, 1,
                             ts_key_span(&e.rand_i), ts_key_span(&e.rand_r),
                             out, 32);
    }
}

/* A chain of a TGK and a TEK as if it had been opened. */
static void load_keys(void)
{
    struct ts_writer w = ts_writer_init(keys.plain, sizeof keys.plain);
    const struct mikey_key tgk = {
        .type = MIKEY_TGK, .key = ts_key_span(&e.tgk), .spi = ts_span("\1", 1)};
    const struct mikey_key tek = {.type = MIKEY_TEK_SALT,
                                  .key = ts_key_span(&e.tgk),
                                  .salt = ts_key_span(&e.salt),
                                  .spi = ts_span("\2", 1)};
    mikey_put_key(&w, &tgk, false);
    mikey_put_key(&w, &tek, true);
    keys.len = w.len;
    MUST(mikey_keys_parse(&keys, 0) == TS_OK);
}

static void keys_of_srtp(void)
{
    uint8_t key[32], salt[MIKEY_SALT_LEN];
    EACH_SUITE
    {
        const struct mikey_tek_base base = {
            e.suite->prf, ts_key_span(&e.rand_i), ts_key_span(&e.rand_r)};
        load_keys();
        for (uint8_t spi = 1; spi <= 2; spi++)
            MUST(mikey_srtp_keys(&keys, ts_span(&spi, 1), 1, &base, key,
                                 e.tgk.len, salt, sizeof salt) == TS_OK);
    }
}

static void forking(void)
{
    EACH_SUITE
    {
        load_keys();
        mikey_keys_fork(&keys, e.suite->prf, e.bob.data,
                        ts_key_span(&e.rand_kms));
    }
}

/* ---- making ---- */

static enum ts_err draw_secret(void *arg, uint8_t *buf, size_t n)
{
    (void)arg;
    memset(buf, 1, n);
    if (n > 4) /* an SPI is public */
        secret(buf, n);
    return TS_OK;
}

static void a_ticket_is_granted(void)
{
    struct mikey_protect p;
    struct mikey_fresh fresh;
    static struct mikey_policy policy;
    EACH_SUITE
    {
        struct ts_writer w = ts_writer_init(out, sizeof out);
        MUST(mikey_policy_read(m[REQUEST_INIT].tp.data, &policy) == TS_OK);
        MUST(mikey_init_verify(&m[REQUEST_INIT], ts_key_span(&e.psk_i), none,
                               none, &p) == TS_OK);
        MUST(mikey_fresh_draw(&fresh, e.suite, NULL, 0, draw_secret, NULL) ==
             TS_OK);
        const struct mikey_grant in = {
            .init = &m[REQUEST_INIT],
            .psk = &p,
            .t = {MIKEY_NTP_UTC, 7},
            .idr_kms = e.kms,
            .suite = e.suite,
            .flags = MIKEY_FLAGS_USUAL,
            .policy = &policy,
            .tpk = ts_key_span(&e.tpk),
            .rand = ts_key_span(&e.rand_ticket),
            .fresh = &fresh,
        };
        mikey_kms_grant(&w, &in);
        MUST(!w.err);
        mikey_fresh_wipe(&fresh);
        mikey_protect_end(&p);
    }
}

/* Also what is refused: the same is done with dummy keys. */
static void a_ticket_is_resolved(void)
{
    static struct mikey_opened opened;
    struct mikey_protect p;
    struct mikey_base base;
    EACH_SUITE
    RIGHT_AND_WRONG(e.tpk)
    {
        const struct mikey_msg *init = &m[RESOLVE_INIT];
        struct ts_writer w = ts_writer_init(out, sizeof out);
        MUST(mikey_init_verify(init, ts_key_span(&e.psk_r), none, none, &p) ==
             TS_OK);
        MUST(mikey_base_read(&init->ticket, &base) == TS_OK);
        MUST(mikey_base_open(&init->ticket, &base, ts_key_span(&e.tpk),
                             &opened) == expected(wrong));
        const struct mikey_resolve in = {
            .init = init,
            .psk = &p,
            .t = {MIKEY_NTP_UTC, 7},
            .idr_kms = e.kms,
            .opened = &opened,
            .who = e.bob,
            .rand_kms = ts_key_span(&e.rand_kms),
        };
        MUST(mikey_kms_resolve(&w, &in) == expected(wrong) && !w.err);
        mikey_opened_wipe(&opened);
        mikey_protect_end(&p);
    }
}

/* Messages are written with secret keys, and nothing of them is looked at. */
static void messages_are_made(void)
{
    EACH_SUITE
    for (enum example_message i = 0; i < e.n_messages; i++) {
        struct ts_writer w = ts_writer_init(out, sizeof out);
        verified = false;
        MUST(example_write(&e, i, &w) == TS_OK && !w.err);
    }
}

/* All of <mikey/mikey.h> that a call needs, at Alice, Bob and the KMS. */
static void a_whole_call(void)
{
    static struct troupe t;
    static uint8_t psk_a[32], psk_b[32], tpk[32];
    struct mikey_srtp_key srtp;
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        troupe_begin(&t, bits);
        t.alice.psk = t.psk[0] = ts_span(psk_a, bits / 8);
        t.bob->party.psk = t.psk[1] = ts_span(psk_b, bits / 8);
        t.kms.tpk = ts_span(tpk, 32);
        secret(psk_a, sizeof psk_a);
        secret(psk_b, sizeof psk_b);
        secret(tpk, sizeof tpk);
        OK(troupe_request(&t));
        publish(t.request.b, t.request.n); /* each message is sent */
        OK(troupe_grant(&t));
        publish(t.granted.b, t.granted.n);
        OK(troupe_granted(&t));
        OK(troupe_transfer(&t));
        publish(t.transfer.b, t.transfer.n);
        OK(troupe_offered(&t));
        OK(troupe_resolve(&t));
        publish(t.bob->resolve.b, t.bob->resolve.n);
        OK(troupe_resolve_at_kms(&t));
        publish(t.bob->resolved.b, t.bob->resolved.n);
        OK(troupe_resolved(&t));
        OK(troupe_answer(&t));
        publish(t.bob->resp.b, t.bob->resp.n);
        OK(troupe_answered(&t));
        OK(mikey_bundle_srtp(t.bob->at_i, 1, &srtp));
        OK(mikey_bundle_srtp(t.bob->at_r, 2, &srtp));
    }
}

/* ---- nettle ---- */

/* AES and SHA by themselves: on this processor, they need no table that a
 * secret is an index of. */
static void nettle_aes(void)
{
    uint8_t key[32] = {1}, iv[16] = {0};
    secret(key, sizeof key);
    mikey_aes_cm(ts_span(key, 16), iv, 1, 1, out, 100);
    mikey_aes_cm(ts_span(key, 32), iv, 1, 1, out, 100);
    MUST(mikey_aes_wrap(key, iv, ts_span(key, 32), out) == TS_OK);
}

static void nettle_sha(void)
{
    uint8_t key[100] = {1};
    struct mikey_hmac h;
    secret(key, sizeof key);
    for (unsigned alg = MIKEY_AUTH_SHA1; alg <= MIKEY_AUTH_SHA256; alg++) {
        mikey_hmac_key(&h, (uint8_t)alg, ts_span(key, sizeof key));
        mikey_hmac_add(&h, ts_span(key, sizeof key));
        mikey_hmac_end(&h, out, 20);
    }
}

/* ---- what must be found ---- */

static volatile unsigned sink;

static void leak_a_comparison_that_stops_early(void)
{
    uint8_t a[32] = {1};
    static const uint8_t b[32] = {1};
    secret(a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++)
        if (a[i] != b[i])
            return;
    sink++;
}

static void leak_memcmp(void)
{
    uint8_t a[32] = {1};
    static const uint8_t b[32] = {1};
    int (*volatile compare)(const void *, const void *, size_t) = memcmp;
    secret(a, sizeof a);
    if (compare(a, b, sizeof a) == 0) /* lint: it must be found */
        sink++;
}

static void leak_an_index(void)
{
    static const uint8_t table[256] = {1};
    uint8_t key[32] = {7};
    secret(key, sizeof key);
    sink += table[key[0]];
}

/* Decrypted octets that nobody verified must not be parsed. */
static void leak_an_unverified_chain(void)
{
    struct mikey_cipher c = {{0}, {0}};
    begin(256);
    secret(&c, sizeof c);
    MUST(mikey_kemac_open(&m[REQUEST_RESP].kemac, e.suite, &c, 1, 1, 2,
                          &keys) != TS_OK);
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    void (*run)(void);
    bool leaks;
} cases[] = {
#define CASE(name)                                                             \
    {                                                                          \
#name, name, false                                                     \
    }
#define LEAK(name)                                                             \
    {                                                                          \
#name, name, true                                                      \
    }
    CASE(nettle_aes),
    CASE(nettle_sha),
    CASE(comparing),
    CASE(a_request_is_verified),
    CASE(an_error_is_verified),
    CASE(a_reply_is_opened),
    CASE(a_wrapped_kemac_is_opened),
    CASE(a_ticket_is_opened),
    CASE(a_transfer_is_verified),
    CASE(an_answer_is_verified),
    CASE(an_update_is_opened),
    CASE(initiator_data_is_verified),
    CASE(plain_mikey_is_opened),
    CASE(the_prf),
    CASE(keys_of_messages),
    CASE(keys_of_keys),
    CASE(keys_of_srtp),
    CASE(forking),
    CASE(a_ticket_is_granted),
    CASE(a_ticket_is_resolved),
    CASE(messages_are_made),
    CASE(a_whole_call),
    LEAK(leak_a_comparison_that_stops_early),
    LEAK(leak_memcmp),
    LEAK(leak_an_index),
    LEAK(leak_an_unverified_chain),
};

/* Whether valgrind found in it what it should. */
static bool run_case(size_t i)
{
    unsigned before = VALGRIND_COUNT_ERRORS;
    cases[i].run();
    unsigned found = VALGRIND_COUNT_ERRORS - before;
    bool good = cases[i].leaks == (found > 0);
    printf("%s %s (%u)\n", good ? "ok" : "not ok", cases[i].name, found);
    (void)fflush(stdout);
    return good;
}

int main(int argc, char **argv)
{
    bool good = true, any = false;
    if (!RUNNING_ON_VALGRIND) {
        puts("valgrind finds it, not this program alone");
        return 77;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (argc > 1 && strcmp(argv[1], cases[i].name) != 0)
            continue;
        any = true;
        good = run_case(i) && good;
    }
    return good && any ? 0 : 1;
}
