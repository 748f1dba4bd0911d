/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pair.h"

#include <stdio.h>
#include <stdlib.h>

#define TOY_CERT "cert of "

static const struct ts_span none;

static void fill(struct ts_key *key, size_t n, uint8_t start)
{
    key->len = (uint8_t)n;
    for (size_t i = 0; i < n; i++)
        key->b[i] = (uint8_t)(start + i);
}

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

static void wanted(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "pair: %s\n", what);
        abort();
    }
}

/* --- a toy for public keys: whoever knows a name knows its keys --- */

/* HMAC under the name, over the parts; cut to TOY_SIGN. */
static void toy_mac(struct ts_span who, const struct ts_span *parts, size_t n,
                    uint8_t *out)
{
    struct mikey_hmac h;
    uint8_t mac[32];
    mikey_hmac_key(&h, MIKEY_AUTH_SHA256, who);
    for (size_t i = 0; i < n; i++)
        mikey_hmac_add(&h, parts[i]);
    mikey_hmac_end(&h, mac, sizeof mac);
    memcpy(out, mac, TOY_SIGN);
}

static enum ts_err toy_sign(void *arg, const struct ts_span *parts, size_t n,
                            uint8_t *sig)
{
    toy_mac(ts_span_str(arg), parts, n, sig);
    return TS_OK;
}

static struct mikey_id certified; /* for whom the next verify() counts */

static enum ts_err toy_certify(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    const struct ts_span mark = LITERAL(TOY_CERT);
    (void)arg;
    if (now == 0)
        return TS_E_EXPIRED;
    *who = *claimed;
    if (n) {
        struct ts_span data = cert[0].data;
        if (data.n <= mark.n || memcmp(data.p, mark.p, mark.n) != 0)
            return TS_E_AUTH;
        data = ts_span(data.p + mark.n, data.n - mark.n);
        if (claimed->data.p && !ts_span_equal(claimed->data, data))
            return TS_E_AUTH;
        *who = (struct mikey_id){0, MIKEY_ID_URI, data};
    }
    if (!who->data.p)
        return TS_E_MISSING;
    certified = *who;
    return TS_OK;
}

static enum ts_err toy_verify(void *arg, uint8_t s_type,
                              const struct ts_span *parts, size_t n,
                              struct ts_span sig)
{
    uint8_t want[TOY_SIGN];
    (void)arg;
    if (s_type != MIKEY_S_RSA)
        return TS_E_UNSUPPORTED;
    toy_mac(certified.data, parts, n, want);
    return ts_equal(want, sizeof want, sig.p, sig.n) ? TS_OK : TS_E_AUTH;
}

/* The key under a stream of the name, and a check of 8 octets. */
static void toy_crypt(struct ts_span who, struct ts_span in, uint8_t *out)
{
    uint8_t mask[TOY_SIGN];
    toy_mac(who, NULL, 0, mask);
    for (size_t i = 0; i < in.n; i++)
        out[i] = in.p[i] ^ mask[i % sizeof mask];
}

static enum ts_err toy_seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    uint8_t check[TOY_SIGN];
    toy_mac(ts_span_str(arg), &env_key, 1, check);
    toy_crypt(ts_span_str(arg), env_key, out);
    memcpy(out + env_key.n, check, 8);
    return TS_OK;
}

static enum ts_err toy_open(void *arg, const struct mikey_chash *chash,
                            struct ts_span sealed,
                            uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    uint8_t check[TOY_SIGN];
    if (chash && chash->data.p[0] != 0xbb)
        return TS_E_NOTFOUND;
    *n = sealed.n < 8 || sealed.n - 8 > MIKEY_KEY_MAX ? 0 : sealed.n - 8;
    struct ts_span key = ts_span(env_key, *n);
    toy_crypt(ts_span_str(arg), ts_span(sealed.p, *n), env_key);
    toy_mac(ts_span_str(arg), &key, 1, check);
    if (*n && ts_equal(check, 8, sealed.p + *n, 8))
        return TS_OK;
    *n = 16; /* as said in pk.h: no word about it, and a key of no use */
    memcpy(env_key, "0123456789abcdef", 16); /* lint: a toy, nothing secret */
    return TS_OK;
}

void pair_sign_toy(const char *who, struct bytes *b, struct ts_span tail)
{
    const struct ts_span parts[] = {ts_span(b->b, b->n - TOY_SIGN), tail};
    toy_mac(ts_span_str(who), parts, 2, b->b + b->n - TOY_SIGN);
}

/* --- inputs --- */

static void init_keys(struct pair *p)
{
    static uint8_t tgk[64], tek[32], salt[14];
    static const uint8_t spi[2][2] = {{0, 1}, {0, 2}};
    memset(tgk, 0x51, sizeof tgk);   /* lint: a test's, nothing secret */
    memset(tek, 0x52, sizeof tek);   /* lint: a test's, nothing secret */
    memset(salt, 0x53, sizeof salt); /* lint: a test's, nothing secret */
    p->keys[0] = (struct mikey_key){.type = MIKEY_TGK_SALT,
                                    .kv = MIKEY_KV_SPI,
                                    .key = ts_span(tgk, p->suite->encr_key),
                                    .salt = ts_span(salt, 14),
                                    .spi = ts_span(spi[0], 2)};
    p->keys[1] = (struct mikey_key){.type = MIKEY_TEK_SALT,
                                    .kv = MIKEY_KV_SPI,
                                    .key = ts_span(tek, p->suite->encr_key),
                                    .salt = ts_span(salt, 14),
                                    .spi = ts_span(spi[1], 2)};
}

static void init_toy(struct pair *p)
{
    static char alice[] = "sip:alice@example.com",
                bob[] = "sip:bob@example.com";
    static uint8_t hash[20];
    hash[0] = 0xbb;
    p->alice_cert = (struct mikey_id){
        0, MIKEY_CERT_X509, LITERAL(TOY_CERT "sip:alice@example.com")};
    p->signer = (struct mikey_signer){.arg = alice,
                                      .s_type = MIKEY_S_RSA,
                                      .len = TOY_SIGN,
                                      .cert = &p->alice_cert,
                                      .n_cert = 1,
                                      .sign = toy_sign};
    p->trust = (struct mikey_verifier){NULL, toy_certify, toy_verify};
    p->to_bob = (struct mikey_sealer){
        .arg = bob,
        .len = (uint16_t)(p->suite->encr_key + 8),
        .chash = {MIKEY_HASH_SHA1, ts_span(hash, sizeof hash)},
        .seal = toy_seal};
    p->bobs_key = (struct mikey_opener){bob, toy_open};
}

void pair_init(struct pair *p, const struct mikey_suite *suite)
{
    const struct mikey_srtp_policy policy = mikey_srtp_usual(suite);
    *p = (struct pair){.suite = suite};
    fill(&p->psk, suite->encr_key, 0x10);
    fill(&p->env_key, suite->encr_key, 0x30);
    fill(&p->rand, 16, 0xe0);
    p->alice = uri("sip:alice@example.com");
    p->bob = uri("sip:bob@example.com");
    p->eve = uri("sip:eve@example.com");
    p->t = (struct mikey_time){MIKEY_NTP_UTC, 0xe100000080000000};
    p->later = (struct mikey_time){MIKEY_NTP_UTC, 0xe100000180000000};

    struct ts_writer w = ts_writer_init(p->map, sizeof p->map);
    mikey_put_srtp_id(&w, 0, 0x11223344, 0);
    mikey_put_srtp_id(&w, 0, 0, 0);
    w = ts_writer_init(p->sp_params, sizeof p->sp_params);
    mikey_srtp_policy_write(&w, &policy);
    p->sp = (struct mikey_sp){0, MIKEY_PROT_SRTP, ts_written(&w)};
    init_keys(p);
    init_toy(p);
}

struct mikey_classic_new pair_psk(const struct pair *p)
{
    return (struct mikey_classic_new){
        .suite = p->suite,
        .csb = PAIR_CSB,
        .rand = ts_key_span(&p->rand),
        .want_response = true,
        .t = p->t,
        .map_type = MIKEY_MAP_SRTP,
        .n_cs = 2,
        .map = ts_span(p->map, sizeof p->map),
        .id_i = p->alice,
        .id_r = p->bob,
        .sp = &p->sp,
        .n_sp = 1,
        .sdp_ids = LITERAL("mikey"),
        .encr = p->suite->encr,
        .mac = p->suite->auth,
        .keys = p->keys,
        .n_keys = 2,
        .secret = ts_key_span(&p->psk),
    };
}

struct mikey_classic_new pair_pk(const struct pair *p)
{
    struct mikey_classic_new in = pair_psk(p);
    in.secret = ts_key_span(&p->env_key);
    in.signer = &p->signer;
    in.sealer = &p->to_bob;
    return in;
}

struct mikey_classic pair_knows(const struct pair *p)
{
    return (struct mikey_classic){
        .secret = ts_key_span(&p->psk), .id_i = p->alice, .id_r = p->bob};
}

struct bytes pair_build(void (*build)(struct ts_writer *w,
                                      const struct mikey_classic_new *in),
                        const struct mikey_classic_new *in)
{
    struct bytes b = {0};
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    build(&w, in);
    if (w.err)
        fprintf(stderr, "pair: build: %s\n", ts_errname(w.err));
    wanted(!w.err, "a message cannot be built");
    b.n = w.len;
    return b;
}

enum ts_err pair_refuses(void (*build)(struct ts_writer *w,
                                       const struct mikey_classic_new *in),
                         const struct mikey_classic_new *in)
{
    struct bytes b = {0};
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    build(&w, in);
    return w.err;
}

struct bytes pair_answer(const struct mikey_classic *x,
                         const struct mikey_msg *init, struct mikey_id id_r,
                         struct ts_span map)
{
    struct bytes b = {0};
    struct ts_writer w = ts_writer_init(b.b, sizeof b.b);
    mikey_build_classic_resp(&w, x, init, id_r, map);
    if (w.err)
        fprintf(stderr, "pair: answer: %s\n", ts_errname(w.err));
    wanted(!w.err, "an answer cannot be built");
    b.n = w.len;
    return b;
}

void pair_read(const struct bytes *b, struct mikey_msg *m)
{
    enum ts_err err = mikey_msg_read(span_of(b), m, NULL);
    if (err)
        fprintf(stderr, "pair: read: %s\n", ts_errname(err));
    wanted(!err, "a message is refused");
}

/* --- opened --- */

void pair_same_keys(const struct mikey_keys *got, const struct mikey_key *want,
                    size_t n)
{
    assert_int_equal(got->n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(got->k[i].type, want[i].type);
        assert_int_equal(got->k[i].kv, want[i].kv);
        SAME(got->k[i].key, want[i].key);
        SAME(got->k[i].salt, want[i].salt);
        SAME(got->k[i].spi, want[i].spi);
        SAME(got->k[i].from, want[i].from);
        SAME(got->k[i].to, want[i].to);
    }
}

enum ts_err pair_open_psk(const struct mikey_classic *x, struct ts_span raw,
                          struct mikey_keys *keys)
{
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(raw, &m, NULL);
    keys->n = keys->len = 0;
    return err ? err : mikey_classic_psk_open(x, &m, keys);
}

enum ts_err pair_open_resp(const struct mikey_classic *x,
                           const struct mikey_msg *init, struct ts_span raw)
{
    struct mikey_msg m;
    enum ts_err err = mikey_msg_read(raw, &m, NULL);
    return err ? err : mikey_classic_resp_open(x, init, &m);
}

/* --- taken apart --- */

static struct bytes copy(struct ts_span s)
{
    struct bytes b = {.n = s.n};
    wanted(s.n <= sizeof b.b, "too long");
    if (s.n)
        memcpy(b.b, s.p, s.n);
    return b;
}

void parts_of(const struct bytes *b, struct parts *p)
{
    struct ts_reader r = ts_reader_span(span_of(b));
    struct mikey_hdr hdr;
    struct mikey_payload pl;
    wanted(!mikey_hdr_read(&r, &hdr), "not a message");
    p->hdr = copy(ts_span(b->b, ts_reader_pos(&r)));
    p->n = 0;
    struct mikey_chain c = {r, hdr.next};
    while (mikey_chain_next(&c, &pl)) {
        size_t skip = pl.type != MIKEY_SIGN;
        wanted(p->n < PARTS_MAX, "too many payloads");
        p->part[p->n++] = (struct part){
            pl.type, copy(ts_span(pl.body.p + skip, pl.body.n - skip))};
    }
    wanted(!mikey_chain_end(&c), "not a message");
}

struct bytes parts_join(const struct parts *p)
{
    struct bytes b = p->hdr;
    size_t next_at = 2;
    for (size_t i = 0; i < p->n; i++) {
        const struct part *q = &p->part[i];
        wanted(b.n + 1 + q->body.n <= sizeof b.b, "too long");
        b.b[next_at] = q->type;
        next_at = b.n;
        if (q->type != MIKEY_SIGN)
            b.b[b.n++] = MIKEY_LAST;
        memcpy(b.b + b.n, q->body.b, q->body.n);
        b.n += q->body.n;
    }
    return b;
}

void parts_insert(struct parts *p, size_t i, uint8_t type, struct ts_span body)
{
    wanted(p->n < PARTS_MAX && i <= p->n, "no place");
    for (size_t k = p->n++; k > i; k--)
        p->part[k] = p->part[k - 1];
    p->part[i] = (struct part){type, copy(body)};
}

void parts_remove(struct parts *p, size_t i)
{
    wanted(i < p->n, "no such payload");
    p->n--;
    for (; i < p->n; i++)
        p->part[i] = p->part[i + 1];
}

size_t parts_find(const struct parts *p, uint8_t type)
{
    size_t i = 0;
    while (i < p->n && p->part[i].type != type)
        i++;
    wanted(i < p->n, "no such payload");
    return i;
}

/* --- MACs by hand --- */

void pair_message_key(const struct pair *p, const struct ts_key *secret,
                      uint32_t constant, uint8_t *out, size_t n)
{
    uint8_t label[64];
    struct mikey_prf prf;
    struct ts_writer w = ts_writer_init(label, sizeof label);
    ts_put_u32(&w, constant);
    ts_put_u8(&w, 0xff);
    ts_put_u32(&w, PAIR_CSB);
    ts_put_span(&w, ts_key_span(&p->rand));
    mikey_prf_key(&prf, p->suite->prf, ts_key_span(secret));
    mikey_prf(&prf, ts_written(&w), out, n);
    mikey_prf_wipe(&prf);
}

void pair_sign(const struct pair *p, const struct ts_key *secret,
               struct bytes *b, struct ts_span tail)
{
    uint8_t key[32];
    struct mikey_hmac h;
    size_t n = b->n - p->suite->mac;
    pair_message_key(p, secret, PAIR_AUTH, key, p->suite->auth_key);
    mikey_hmac_key(&h, p->suite->auth, ts_span(key, p->suite->auth_key));
    mikey_hmac_add(&h, ts_span(b->b, n));
    mikey_hmac_add(&h, tail.n ? tail : none);
    mikey_hmac_end(&h, b->b + n, p->suite->mac);
}
