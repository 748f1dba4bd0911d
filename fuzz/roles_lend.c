/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What parties and KMSs lend the library in the world of fuzz_roles: toys for
 * public keys and for a ticket type, users, and who may do what.
 */
#include "fuzz/roles_world.h"

#define TOY_MAC 32

/* HMAC under a name, over the parts. */
static void toy_mac(struct ts_span who, const struct ts_span *parts, size_t n,
                    uint8_t mac[static TOY_MAC])
{
    struct mikey_hmac h;
    mikey_hmac_key(&h, MIKEY_AUTH_SHA256, who);
    for (size_t k = 0; k < n; k++)
        mikey_hmac_add(&h, parts[k]);
    mikey_hmac_end(&h, mac, TOY_MAC);
}

static void mask(struct ts_span who, struct ts_span salt, uint8_t *b, size_t n)
{
    uint8_t m[TOY_MAC];
    toy_mac(who, &salt, 1, m);
    for (size_t k = 0; k < n; k++)
        b[k] ^= m[k % sizeof m];
}

/* ---- public keys: whoever knows a name knows its keys ---- */

static enum ts_err toy_sign(void *arg, const struct ts_span *parts, size_t n,
                            uint8_t *sig)
{
    const struct mikey_party *p = arg;
    if (w.fault & WORLD_NO_SIGN)
        return TS_E_IO;
    toy_mac(p->self.data, parts, n, sig);
    return TS_OK;
}

static const struct mikey_party *named(struct ts_span name)
{
    for (size_t k = 0; k < 3; k++)
        if (ts_span_equal(name, w.party[k].self.data))
            return &w.party[k];
    return NULL;
}

static const struct mikey_party *certified; /* for the verify() that follows */

/* A certificate is the name; Bob has none. */
static enum ts_err toy_certify(void *arg, const struct mikey_id *cert, size_t n,
                               const struct mikey_id *claimed, uint64_t now,
                               struct mikey_id *who)
{
    const struct mikey_id *id = n ? cert : claimed;
    (void)arg;
    (void)now;
    if (w.fault & WORLD_NO_CERTIFY)
        return TS_E_EXPIRED;
    if (!id->data.p)
        return TS_E_MISSING;
    certified = named(id->data);
    if (!certified || (claimed->data.p && named(claimed->data) != certified))
        return TS_E_AUTH;
    *who = certified->self;
    return TS_OK;
}

static enum ts_err toy_verify(void *arg, uint8_t s_type,
                              const struct ts_span *parts, size_t n,
                              struct ts_span sig)
{
    uint8_t mac[TOY_MAC];
    (void)arg;
    if (s_type != MIKEY_S_RSA)
        return TS_E_UNSUPPORTED;
    toy_mac(certified->self.data, parts, n, mac);
    return ts_equal(mac, sizeof mac, sig.p, sig.n) ? TS_OK : TS_E_AUTH;
}

static enum ts_err toy_seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    const struct mikey_party *p = arg;
    if (w.fault & WORLD_NO_SEAL)
        return TS_E_IO;
    memcpy(out, env_key.p, env_key.n);
    mask(p->kms.data, ts_span(NULL, 0), out, env_key.n);
    return TS_OK;
}

static enum ts_err toy_open(void *arg, const struct mikey_chash *chash,
                            struct ts_span sealed,
                            uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    const struct mikey_kms *kms = arg;
    if (chash && chash->data.p[0] != (uint8_t)world_octets[0])
        return TS_E_NOTFOUND;
    *n = sealed.n < 16 || sealed.n > MIKEY_KEY_MAX ? 16 : sealed.n;
    memset(env_key, 0, *n); /* lint: a key of no use */
    if (*n == sealed.n)
        memcpy(env_key, sealed.p, *n);
    mask(kms->self.data, ts_span(NULL, 0), env_key, *n);
    return TS_OK;
}

static const struct mikey_verifier verifier = {NULL, toy_certify, toy_verify};

static void lend_keys(size_t nth, struct mikey_party *p)
{
    w.cert[nth] = p->self;
    w.cert[nth].type = MIKEY_CERT_X509;
    w.signer[nth] = (struct mikey_signer){.arg = p,
                                          .s_type = MIKEY_S_RSA,
                                          .len = TOY_MAC,
                                          .cert = &w.cert[nth],
                                          .n_cert = nth != 1,
                                          .sign = toy_sign};
    w.sealer[nth] = (struct mikey_sealer){
        .arg = p, .len = (uint16_t)(p->bits / 8), .seal = toy_seal};
    if (nth == 0)
        w.sealer[nth].chash =
            (struct mikey_chash){MIKEY_HASH_SHA1, ts_span(world_octets, 20)};
    p->signer = &w.signer[nth];
    p->sealer = &w.sealer[nth];
}

/* ---- a kind of ticket: RAND, masked keys, and a MAC over all of it ---- */

static const struct ts_span toy_key = {(const uint8_t *)"toy", 3};

static enum ts_err type_make(void *arg, struct ts_span policy,
                             struct ts_span keys, struct ts_span rand,
                             uint8_t *data, size_t cap, size_t *n)
{
    struct ts_writer out = ts_writer_init(data, cap);
    uint8_t length[2], mac[TOY_MAC];
    (void)arg;
    if (w.fault & WORLD_TYPE_FAILS)
        return TS_E_NOTFOUND;
    ts_put_u8(&out, (unsigned)rand.n);
    ts_put_span(&out, rand);
    ts_put_span(&out, keys);
    if (out.err)
        return out.err;
    mask(toy_key, rand, data + out.len - keys.n, keys.n);
    length[0] = (uint8_t)((out.len + TOY_MAC) >> 8);
    length[1] = (uint8_t)(out.len + TOY_MAC);
    const struct ts_span parts[] = {policy, ts_span(length, 2),
                                    ts_written(&out)};
    toy_mac(toy_key, parts, 3, mac);
    ts_put(&out, mac, sizeof mac);
    *n = out.len + (w.fault & WORLD_TYPE_CLAIMS ? 100000 : 0);
    return out.err;
}

static enum ts_err type_open(void *arg, struct ts_span covered,
                             struct ts_span data, uint8_t *keys, size_t cap,
                             size_t *n, struct ts_span *rand)
{
    struct ts_reader r = ts_reader_span(data);
    uint8_t mac[TOY_MAC];
    (void)arg;
    *rand = ts_get_span(&r, ts_get_u8(&r));
    if (r.err || ts_reader_left(&r) < TOY_MAC)
        return TS_E_SHORT;
    const struct ts_span sealed =
        ts_get_span(&r, ts_reader_left(&r) - sizeof mac);
    covered.n -= sizeof mac;
    toy_mac(toy_key, &covered, 1, mac);
    if (!ts_equal(mac, sizeof mac, covered.p + covered.n, sizeof mac))
        return TS_E_AUTH;
    if (sealed.n > cap)
        return TS_E_SPACE;
    memcpy(keys, sealed.p, sealed.n);
    mask(toy_key, *rand, keys, sealed.n);
    *n = sealed.n + (w.fault & WORLD_TYPE_CLAIMS ? 100000 : 0);
    rand->n -= w.fault & WORLD_TYPE_RAND ? rand->n - 1 : 0;
    return w.fault & WORLD_TYPE_FAILS ? TS_E_AGAIN : TS_OK;
}

const struct mikey_ticket_type world_types[] = {
    {{61440, 7, 1}, NULL, type_open, type_make}};

/* ---- what a party thinks ---- */

const struct mikey_id world_group = {
    0, MIKEY_ID_URI, {(const uint8_t *)"sip:*@example.org", 17}};

/* The group is each of us. */
static bool same(void *arg, const struct mikey_id *a, const struct mikey_id *b)
{
    (void)arg;
    if (a->type == b->type && ts_span_equal(a->data, b->data))
        return true;
    return ts_span_equal(a->data, world_group.data) && named(b->data);
}

static bool acceptable(void *arg, const struct mikey_srtp_policy *policy)
{
    (void)arg;
    return policy->encr_alg != MIKEY_SRTP_NULL;
}

/* ---- what a KMS knows ---- */

static enum ts_err find_user(void *arg, const struct mikey_id *key_id,
                             const struct mikey_id *claimed,
                             struct mikey_user *user)
{
    const bool away = arg == &w.away;
    (void)claimed;
    if (w.fault & WORLD_NO_USER)
        return TS_E_IO;
    for (size_t k = 0; k < 3; k++) {
        const struct mikey_party *p = &w.party[k];
        if (away && k == 0)
            continue;
        if (p->psk_id.n ? ts_span_equal(key_id->data, p->psk_id)
                        : ts_span_equal(key_id->data, p->self.data))
            *user =
                (struct mikey_user){p->psk, p->self, w.fault & WORLD_USER_KMS};
    }
    if (!away && w.options & WORLD_AWAY &&
        ts_span_equal(key_id->data, w.as.psk_id))
        *user = (struct mikey_user){w.as.psk, w.as.self, true};
    if (w.fault & WORLD_USER_SHORT)
        user->psk.n = 8;
    return TS_OK;
}

static enum ts_err ticket_key(void *arg, struct ts_span id, struct ts_span *tpk)
{
    (void)arg;
    if (!ts_span_equal(id, w.kms.tpk_id))
        return TS_E_NOTFOUND;
    *tpk = w.kms.tpk;
    return TS_OK;
}

bool world_seen(struct ts_span message)
{
    for (size_t k = 0; k < w.n_taken; k++)
        if (ts_span_equal(message, w.taken[k]))
            return true;
    return false;
}

static enum ts_err replay(void *arg, struct ts_span message,
                          struct mikey_time t)
{
    (void)arg;
    if (world_seen(message))
        return TS_E_REPLAY;
    if (t.type == MIKEY_COUNTER && t.value <= w.highest)
        return TS_E_REPLAY;
    if (t.type == MIKEY_COUNTER)
        w.highest = (uint32_t)t.value;
    if (w.n_taken < WORLD_MESSAGES)
        w.taken[w.n_taken++] = message; /* in the pool, and stays there */
    return TS_OK;
}

/* What is decided otherwise than it was asked for. */
static void decide_more(struct mikey_case *c)
{
    const unsigned more = w.decided;
    if (more & 1)
        c->flags |= MIKEY_FLAG_F | MIKEY_FLAG_M;
    if (more & 2)
        c->flags &= (uint16_t) ~(MIKEY_FLAG_G | MIKEY_FLAG_N);
    if (more & 4)
        c->rekey = more & 8 ? UINT32_MAX : 5;
    if (more & 16)
        c->end = more & 32 ? UINT64_MAX >> 20 : 1;
    if (more & 64)
        c->start = more & 32 ? 0 : c->end;
    if (more & 128)
        c->who.data.n = more & 32 ? 0 : 256;
    if (more & 256)
        c->tpk.n = 0;
}

static enum ts_err as_asked(void *arg, struct mikey_case *c)
{
    static uint8_t who[256];
    (void)arg;
    c->flags = c->ticket.flags & (uint16_t)~MIKEY_FLAG_K;
    if (w.decided & 128 && c->who.data.n < sizeof who) {
        memcpy(who, c->who.data.p, c->who.data.n);
        c->who.data.p = who;
    }
    bool found = !c->resolve;
    for (size_t k = 0; k < c->ticket.n_responders; k++)
        if (same(NULL, &c->responder[k], &c->who))
            found = true;
    if (w.decided)
        decide_more(c);
    return found ? TS_OK : TS_E_DENIED;
}

/* ---- who gets what ---- */

static void lend_party(size_t nth, struct mikey_party *p)
{
    const unsigned options = w.options;
    if (options & WORLD_PK)
        lend_keys(nth, p);
    if (options & WORLD_TYPES && !(options & WORLD_PLAIN)) {
        p->types = world_types;
        p->n_types = 1;
    }
    if (options & WORLD_CHOOSY) {
        p->same = same;
        p->acceptable = acceptable;
        p->skew = 10;
        p->app = (struct mikey_id){0, MIKEY_ID_BYTES, ts_span("app", 3)};
    }
    p->omit =
        options >> 7 & (MIKEY_OMIT(MIKEY_IDR_I) | MIKEY_OMIT(MIKEY_IDR_R) |
                        MIKEY_OMIT(MIKEY_IDR_KMS));
    if (options & WORLD_NAMELESS)
        p->psk_id = p->tpk_id = ts_span(NULL, 0);
    if (options & WORLD_BARE)
        p->psk = p->psk_id = p->tpk = p->tpk_id = ts_span(NULL, 0);
    if (options & WORLD_AWAY && nth > 0)
        p->kms = w.away.self;
}

static void lend_kms(struct mikey_kms *kms)
{
    const unsigned options = w.options;
    kms->arg = kms;
    kms->user = find_user;
    kms->decide = options & WORLD_OPEN ? NULL : as_asked;
    if (options & WORLD_STRICT) {
        kms->ticket_key = ticket_key;
        kms->replay = replay;
    }
    if (options & WORLD_PK) {
        w.opener[kms == &w.away] = (struct mikey_opener){kms, toy_open};
        kms->verifier = &verifier;
        kms->opener = &w.opener[kms == &w.away];
        if (options & WORLD_PLAIN)
            kms->user = NULL;
        if (options & WORLD_PLAIN && kms == &w.away)
            kms->opener = NULL;
    } else if (options & WORLD_PLAIN && !(options & WORLD_TYPES)) {
        kms->tpk = ts_span(NULL, 0);
    }
    if (options & WORLD_TYPES) {
        kms->types = world_types;
        kms->n_types = 1;
    }
    if (options & WORLD_CHOOSY) {
        kms->skew = 10;
        kms->lifetime = 600;
    }
}

void world_lend(void)
{
    const uint8_t *octets = (const uint8_t *)world_octets;
    w.away = w.kms;
    w.away.self.data = ts_span_str("sip:kms@example.net");
    w.away.tpk = w.away.tpk_id = ts_span(NULL, 0);
    w.as = w.party[0];
    w.as.self = w.away.self;
    w.as.psk = ts_span(octets + 10, w.as.bits / 8);
    w.as.psk_id = ts_span(octets + 10, 1);
    for (size_t k = 0; k < 3; k++)
        lend_party(k, &w.party[k]);
    lend_kms(&w.kms);
    lend_kms(&w.away);
}
