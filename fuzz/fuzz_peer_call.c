/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two peers of RFC 3830 with whatever a caller may ask for: the input is a list
 * of choices. An offer or update is refused and changes nothing, or the other
 * one believes it; then it is answered or refused, and both have the same keys.
 */
#include "fuzz/write_back.h"
#include "mikey/classic.h"

#define MSG_MAX 4096
#define ROOM    (48 * 1024)
#define NOW     UINT64_C(1565884800500000)

static const struct ts_span none;
static const uint8_t octets[256] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct ts_reader choices;
static struct mikey_peer_party alice, bob;
static _Alignas(16) uint8_t mem_a[ROOM], mem_b[ROOM];
static struct mikey_peer *a, *b;
static struct mikey_now now;
static uint8_t sent[MSG_MAX], back[MSG_MAX];
static bool strict; /* Bob takes no AES-GCM */

static unsigned choose(unsigned n)
{
    return ts_get_u8(&choices) % n;
}

static bool toss(void)
{
    return choose(2);
}

/* One in eight. */
static bool seldom(void)
{
    return choose(8) == 7;
}

/* ---- what is lent ---- */

static enum ts_err draw(void *arg, uint8_t *buf, size_t n)
{
    static uint8_t last;
    (void)arg;
    for (size_t i = 0; i < n; i++)
        buf[i] = last++;
    return seldom() ? TS_E_IO : TS_OK;
}

static bool is_accepted(void *arg, const struct mikey_srtp_policy *policy)
{
    (void)arg;
    return !strict || policy->encr_alg != MIKEY_SRTP_AES_GCM;
}

static enum ts_err certify(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t at,
                           struct mikey_id *who)
{
    (void)arg;
    (void)cert;
    (void)at;
    *who = claimed->data.p || n == 0 ? *claimed : alice.self;
    return TS_OK;
}

static enum ts_err verify(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig)
{
    (void)arg;
    MUST_HOLD(s_type == MIKEY_S_RSA && sig.n == 9 && n == 1 && parts[0].n > 10);
    return TS_OK;
}

static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    (void)arg;
    memset(out, (int)env_key.n, TS_KEY_MAX + 1); /* lint: a toy's key */
    memcpy(out, env_key.p, env_key.n);
    return seldom() ? TS_E_EXPIRED : TS_OK;
}

static enum ts_err open_sealed(void *arg, const struct mikey_chash *chash,
                               struct ts_span sealed,
                               uint8_t env_key[MIKEY_KEY_MAX], size_t *n)
{
    (void)arg;
    (void)chash;
    *n = sealed.p[TS_KEY_MAX];
    memcpy(env_key, sealed.p, *n);
    return TS_OK;
}

static const struct mikey_verifier verifier = {NULL, certify, verify};
static const struct mikey_opener opener = {NULL, open_sealed};
static const struct mikey_sealer sealer = {.len = TS_KEY_MAX + 1, .seal = seal};

static void choose_parties(void)
{
    static const struct mikey_id cert = {0, MIKEY_CERT_X509, {octets, 9}};
    static struct ts_span signature = {octets, 9};
    static struct mikey_signer signer;
    signer = (struct mikey_signer){
        .arg = &signature, .len = 9, .cert = &cert, .sign = sign_as};
    signer.n_cert = choose(2);
    alice = (struct mikey_peer_party){
        .self = {0, MIKEY_ID_URI, ts_span_str("sip:a@example.com")},
        .peer = {0, MIKEY_ID_NAI, ts_span_str("b@example.com")},
        .bits = toss() ? 128 : 256,
        .random = draw,
        .acceptable = is_accepted,
        .allow = choose(16),
        .omit = seldom() ? choose(8) : 0,
    };
    bob = alice;
    bob.self = alice.peer;
    bob.peer = toss() ? alice.self : (struct mikey_id){0};
    unsigned method = choose(4);
    if (method & 1)
        alice.psk = bob.psk = ts_span(octets, 1 + choose(64));
    if (method & 2) {
        alice.signer = &signer;
        alice.sealer = &sealer;
        bob.verifier = &verifier;
        bob.opener = &opener;
    }
}

/* ---- what is asked for ---- */

struct room {
    struct mikey_key k[4];
    struct mikey_session s[4];
    struct mikey_srtp_policy p[2];
    uint8_t no[2];
};

static size_t choose_keys(struct mikey_key *k)
{
    size_t n = choose(4);
    for (size_t i = 0; i < n; i++) {
        k[i] = (struct mikey_key){
            .type = (uint8_t)choose(seldom() ? 8 : 4),
            .kv = (uint8_t)choose(seldom() ? 4 : 2),
            .key = ts_span(toss() ? octets : NULL, seldom() ? choose(70) : 0),
            .spi = ts_span(octets + choose(4), choose(3)),
        };
        if (k[i].key.p && k[i].key.n == 0)
            k[i].key.n = 16;
        if (toss())
            k[i].salt = ts_span(octets, seldom() ? 12 : 14);
    }
    return n;
}

static struct mikey_session choose_session(size_t i)
{
    static const uint8_t numbers[4] = {0, 1};
    return (struct mikey_session){
        .cs = (uint8_t)(seldom() ? choose(5) : i + 1),
        .prot = (uint8_t)(seldom() ? choose(3) : MIKEY_PROT_SRTP),
        .known = toss(),
        .started = seldom(),
        .ssrc = choose(4),
        .roc = choose(3),
        .policies = ts_span(&numbers[choose(2)], seldom() ? choose(3) : 1),
        .spi = ts_span(octets + choose(4), seldom() ? choose(3) : 0),
    };
}

static struct mikey_terms choose_terms(struct room *r)
{
    struct mikey_terms t = {
        .keys = r->k,
        .n_keys = choose_keys(r->k),
        .session = toss() ? r->s : NULL,
        .policy = r->p,
        .policy_no = toss() ? r->no : NULL,
        .n_policies = choose(3),
        .want_answer = toss(),
        .map = (uint8_t)choose(seldom() ? 4 : 3),
        .cache = (uint8_t)choose(seldom() ? 4 : 3),
        .sdp_ids = toss() ? ts_span_str("mikey") : none,
        .csb = choose(2),
        .rand = ts_span(octets, seldom() ? choose(20) : 0),
    };
    for (size_t i = 0; i < 2; i++) {
        const struct mikey_suite *suite = mikey_suite_bits(toss() ? 128 : 256);
        r->p[i] = toss() ? mikey_srtp_usual(suite) : mikey_srtp_gcm(suite);
        r->no[i] = (uint8_t)(seldom() ? choose(3) : i);
    }
    if (t.session)
        t.n_sessions = seldom() ? choose(5) : choose(3);
    for (size_t i = 0; i < 4; i++)
        r->s[i] = choose_session(i);
    if (toss()) { /* as most of them are */
        t.n_keys = 0;
        t.map = MIKEY_MAP_SRTP;
    }
    return t;
}

/* ---- what must hold ---- */

static uint8_t held[2][16384];

static void hold(void)
{
    MUST_HOLD(mikey_peer_size(0) <= sizeof held[0]);
    memcpy(held[0], mem_a, mikey_peer_size(0));
    memcpy(held[1], mem_b, mikey_peer_size(0));
}

static void a_is_unchanged(void)
{
    MUST_HOLD(memcmp(held[0], mem_a, mikey_peer_size(0)) == 0);
}

static void b_is_unchanged(void)
{
    MUST_HOLD(memcmp(held[1], mem_b, mikey_peer_size(0)) == 0);
}

static void same_keys(void)
{
    struct mikey_srtp_key ka, kb;
    struct mikey_session sa, sb;
    size_t n = mikey_peer_sessions(a);
    MUST_HOLD(n == mikey_peer_sessions(b));
    MUST_HOLD(mikey_peer_csb(a) == mikey_peer_csb(b));
    for (size_t i = 0; i < n; i++) {
        MUST_HOLD(!mikey_peer_session(a, i, &sa));
        MUST_HOLD(!mikey_peer_session(b, i, &sb));
        MUST_HOLD(sa.cs == sb.cs && sa.ssrc == sb.ssrc);
        enum ts_err ea = mikey_peer_srtp(a, sa.cs, &ka);
        enum ts_err eb = mikey_peer_srtp(b, sa.cs, &kb);
        MUST_HOLD(ea == eb && (ea == TS_OK || sa.prot != MIKEY_PROT_SRTP));
        MUST_HOLD(ka.key_len == kb.key_len && ka.salt_len == kb.salt_len);
        MUST_HOLD(ts_equal(ka.key, ka.key_len, kb.key, kb.key_len));
        MUST_HOLD(ts_equal(ka.salt, ka.salt_len, kb.salt, kb.salt_len));
        MUST_HOLD(ts_equal(ka.spi, ka.spi_len, kb.spi, kb.spi_len));
    }
    struct ts_span ea, eb;
    MUST_HOLD(mikey_peer_env_key(a, &ea) == mikey_peer_env_key(b, &eb));
    MUST_HOLD(ts_equal(ea.p, ea.n, eb.p, eb.n));
}

/* ---- the steps ---- */

/* A message with an octet changed, which the toy signatures do not notice; and
 * steps that are not to be taken now. */
static void stray(size_t n)
{
    struct mikey_proposal proposal;
    size_t at = (size_t)ts_get_u8(&choices) * n / 256, k;
    hold();
    if (bob.psk.n && !bob.verifier) {
        const struct ts_span message = ts_span(sent, n);
        sent[at] ^= 1;
        MUST_HOLD(mikey_peer_offered(b, &now, message, &proposal, NULL));
        MUST_HOLD(mikey_peer_updated(b, &now, message, &proposal, NULL));
        sent[at] ^= 1;
    }
    MUST_HOLD(mikey_peer_answered(b, &now, ts_span(sent, n)) == TS_E_STATE);
    MUST_HOLD(mikey_peer_answer(a, NULL, 0, back, MSG_MAX, &k) == TS_E_STATE);
    MUST_HOLD(mikey_peer_answered(a, &now, ts_span(sent, n)));
    a_is_unchanged();
    b_is_unchanged();
}

static void refuse(bool wanted)
{
    static const uint8_t no[] = {MIKEY_ERR_SPPAR, MIKEY_ERR_SP};
    size_t n = 0;
    const struct mikey_srtp_policy p = mikey_srtp_usual(mikey_suite_bits(128));
    MUST_HOLD(!mikey_peer_refuse(b, &now, none, no, 1 + choose(2), &p,
                                 choose(2), back, MSG_MAX, &n));
    enum ts_err err = mikey_peer_answered(a, &now, ts_span(back, n));
    MUST_HOLD(err == (wanted ? TS_E_PEER : TS_E_STATE));
    MUST_HOLD(!wanted ||
              mikey_peer_refusal(a)->proven == (bob.psk.n || bob.verifier));
    mikey_peer_abandon(a); /* a hint alone does not end it */
}

/* Bob's part. False if they are apart now, or nothing was agreed on. */
static bool answer(bool wanted)
{
    struct mikey_session s[4], got;
    struct mikey_srtp_policy policy;
    size_t n = 0, n_s = choose(5);
    for (size_t i = 0; i < n_s; i++)
        s[i] = choose_session(i);
    bool dutiful = toss();
    for (size_t i = 0; dutiful && i < 4; i++) {
        n_s = i;
        if (mikey_peer_proposed_session(b, i, &got))
            break;
        s[i] = (struct mikey_session){.cs = got.cs, .known = true, .ssrc = 9};
        if (got.known && got.ssrc)
            s[i].ssrc = got.ssrc;
        n_s = i + 1;
    }
    (void)!mikey_peer_proposed_policy(b, (uint8_t)choose(3), &policy);
    hold();
    enum ts_err err = mikey_peer_answer(b, s, n_s, back,
                                        seldom() ? choose(200) : MSG_MAX, &n);
    MUST_HOLD(err != TS_E_STATE && err != TS_E_INTERNAL && err != TS_E_AUTH);
    if (err) {
        b_is_unchanged();
        refuse(wanted);
        return wanted;
    }
    MUST_HOLD(wanted == (n > 0));
    if (wanted)
        MUST_HOLD(!mikey_peer_answered(a, &now, ts_span(back, n)));
    same_keys();
    return true;
}

static bool exchange(bool update)
{
    static struct room room;
    struct mikey_proposal proposal;
    size_t n, cap = seldom() ? 2 * ts_get_u8(&choices) : MSG_MAX;
    const struct mikey_terms t = choose_terms(&room);
    now.us += 1000 * choose(3);
    hold();
    enum ts_err err = update ? mikey_peer_update(a, &now, &t, sent, cap, &n)
                             : mikey_peer_offer(a, &now, &t, sent, cap, &n);
    MUST_HOLD(err != TS_E_STATE && err != TS_E_INTERNAL && err != TS_E_AUTH);
    if (err) {
        a_is_unchanged();
        return update;
    }
    stray(n);
    uint8_t no;
    const struct ts_span message = ts_span(sent, n);
    err = update ? mikey_peer_updated(b, &now, message, &proposal, &no)
                 : mikey_peer_offered(b, &now, message, &proposal, &no);
    /* who would it be from? */
    MUST_HOLD(err == TS_OK || (err == TS_E_MISSING && !bob.peer.data.p));
    if (err)
        return false;
    MUST_HOLD(proposal.wants_answer == t.want_answer);
    return answer(t.want_answer) && mikey_peer_csb(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 1024)
        return 0;
    choices = ts_reader_init(data, n);
    choose_parties();
    strict = seldom();
    now = (struct mikey_now){
        .us = NOW, .ts_type = (uint8_t)choose(4), .counter = 1};
    size_t room =
        mikey_peer_size(seldom() ? 2u * ts_get_u8(&choices) : MSG_MAX);
    a = mikey_peer_init(mem_a, room, &alice);
    b = mikey_peer_init(mem_b, mikey_peer_size(MSG_MAX), &bob);
    if (!a || !b)
        return 0;
    if (!exchange(false))
        return 0;
    for (unsigned i = 0; i < 4 && ts_reader_left(&choices); i++)
        if (!exchange(true))
            break;
    mikey_peer_abandon(a);
    mikey_peer_wipe(a);
    mikey_peer_wipe(b);
    return 0;
}
