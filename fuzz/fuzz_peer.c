/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer of RFC 3830: flags(1), length(2), a message, and another one. As a
 * Responder it hears them as offer and update, as an Initiator as the answers
 * to its offer and its update. Without the flag SEAL it believes neither; with
 * it they are encrypted, and MAC or V made right. What is refused changes
 * nothing, what is taken can be answered and has all its keys.
 */
#include "fuzz/plain.h"

enum flags {
    SEAL = 0x80,
    INITIATOR = 0x40,
    KEYLESS = 0x20, /* with NULL algorithms */
    GENERIC = 0x10,
    ALLOW = 0x0e,
    LONG = 0x01, /* an Initiator of 256 bits */
};

#define NOW UINT64_C(1565884800500000)

static const struct ts_span none;
static _Alignas(16) uint8_t mem[160 * 1024], held[16384];
static uint8_t buf[MSG_MAX], out[MSG_MAX];
static struct mikey_peer *p;

static struct mikey_id uri(const char *text)
{
    return (struct mikey_id){0, MIKEY_ID_URI, ts_span_str(text)};
}

static enum ts_err draw(void *arg, uint8_t *to, size_t n)
{
    (void)arg;
    memset(to, 0x5d, n); /* lint: always the same, to be repeated */
    return TS_OK;
}

static struct mikey_peer_party party(uint8_t flags)
{
    const bool initiator = flags & INITIATOR, keyless = flags & KEYLESS;
    struct mikey_peer_party y = {
        .self =
            uri(initiator ? "sip:alice@example.com" : "sip:bob@example.com"),
        .bits = flags & LONG ? 256 : 128,
        .skew = UINT32_MAX,
        .random = draw,
        .allow = flags & ALLOW,
    };
    if (initiator)
        y.peer = uri("sip:bob@example.com");
    if (keyless) {
        y.allow |= MIKEY_ALLOW_NULL;
    } else {
        y.psk = ts_span(secret, sizeof secret);
        y.verifier = &verifier;
        y.opener = &opener;
    }
    return y;
}

/* ---- what must hold ---- */

static void hold(void)
{
    MUST_HOLD(mikey_peer_size(0) <= sizeof held);
    memcpy(held, mem, mikey_peer_size(0));
}

/* Refused for a reason of the message's, and nothing has changed. */
static void refused(enum ts_err err)
{
    MUST_HOLD(err != TS_E_INTERNAL && err != TS_E_STATE && err != TS_E_IO);
    MUST_HOLD(memcmp(held, mem, mikey_peer_size(0)) == 0);
}

static void all_keys(void)
{
    struct mikey_session s;
    struct mikey_srtp_key key;
    const struct mikey_key *keys;
    for (size_t i = 0; i < mikey_peer_sessions(p); i++) {
        MUST_HOLD(mikey_peer_session(p, i, &s) == TS_OK);
        enum ts_err err = mikey_peer_srtp(p, s.cs, &key);
        MUST_HOLD(err ==
                  (s.prot == MIKEY_PROT_SRTP ? TS_OK : TS_E_UNSUPPORTED));
        MUST_HOLD(err || key.key_len == key.policy.encr_key);
    }
    MUST_HOLD(mikey_peer_keys(p, &keys) <= MIKEY_KEYS_MAX);
}

/* An Error about a message that was refused: none about an answer, or about
 * another Error. */
static void refuse(struct ts_span message)
{
    static const uint8_t no[] = {MIKEY_ERR_SPPAR, MIKEY_ERR_SP};
    static struct mikey_msg m;
    const struct mikey_now now = {.us = NOW};
    const struct mikey_srtp_policy policy =
        mikey_srtp_usual(mikey_suite_bits(128));
    const size_t few = message.n % 3;
    size_t n;
    hold();
    enum ts_err err = mikey_peer_refuse(p, &now, message, no, few, &policy,
                                        message.n % 2, out, sizeof out, &n);
    refused(err == TS_E_STATE ? TS_E_RANGE : err);
    if (err)
        return;
    MUST_HOLD(few && !mikey_msg_read(ts_span(out, n), &m, NULL));
    MUST_HOLD(m.hdr.type == MIKEY_ERROR && m.n_err == few && !m.has_v);
}

/* Steps that are not to be taken now: nothing was offered to us. */
static void stray(struct ts_span message)
{
    const struct mikey_now now = {.us = NOW};
    const struct mikey_terms terms = {.n_sessions = 0};
    struct mikey_session s;
    struct mikey_srtp_policy policy;
    size_t n;
    const uint8_t no = MIKEY_ERR_SPPAR;
    MUST_HOLD(mikey_peer_proposed_session(p, 0, &s) == TS_E_STATE);
    MUST_HOLD(mikey_peer_proposed_policy(p, 0, &policy) == TS_E_STATE);
    MUST_HOLD(mikey_peer_answer(p, NULL, 0, out, sizeof out, &n) == TS_E_STATE);
    MUST_HOLD(mikey_peer_answered(p, &now, message) == TS_E_STATE);
    MUST_HOLD(mikey_peer_update(p, &now, &terms, out, sizeof out, &n) ==
              TS_E_STATE);
    MUST_HOLD(mikey_peer_refuse(p, &now, none, &no, 1, NULL, 0, out, sizeof out,
                                &n) == TS_E_STATE);
    must_be_inside(mikey_peer_id(p).data, ts_span(mem, sizeof mem));
}

/* ---- the Responder ---- */

/* An SSRC for each session that has none. */
static size_t fill_in(const struct mikey_proposal *proposal,
                      struct mikey_session *s)
{
    size_t n = 0;
    for (size_t i = 0; i < proposal->n_sessions; i++) {
        struct mikey_session theirs;
        struct mikey_srtp_policy policy;
        MUST_HOLD(mikey_peer_proposed_session(p, i, &theirs) == TS_OK);
        must_be_inside(theirs.policies, ts_span(mem, sizeof mem));
        must_be_inside(theirs.spi, ts_span(mem, sizeof mem));
        if (theirs.policies.n)
            (void)!mikey_peer_proposed_policy(p, theirs.policies.p[0], &policy);
        if (!theirs.known)
            s[n++] = (struct mikey_session){
                .cs = theirs.cs, .known = true, .ssrc = (uint32_t)i + 1};
    }
    return n;
}

static void answer(const struct mikey_proposal *proposal)
{
    static struct mikey_session s[256];
    static const uint8_t no = MIKEY_ERR_SPPAR;
    static struct mikey_msg m;
    const struct mikey_now now = {.us = NOW};
    size_t n_s = fill_in(proposal, s), n;
    hold();
    enum ts_err err = mikey_peer_answer(p, s, n_s, out, sizeof out, &n);
    if (!err) {
        MUST_HOLD(proposal->wants_answer == (n > 0));
        MUST_HOLD(n == 0 || !mikey_msg_read(ts_span(out, n), &m, NULL));
        all_keys();
        return;
    }
    refused(err);
    MUST_HOLD(mikey_peer_refuse(p, &now, none, &no, 1, NULL, 0, out, sizeof out,
                                &n) == TS_OK);
    MUST_HOLD(!mikey_msg_read(ts_span(out, n), &m, NULL));
}

static bool hear(struct ts_span message, uint8_t flags,
                 const struct mikey_classic_label *label)
{
    const struct mikey_now now = {.us = NOW};
    struct mikey_proposal proposal;
    struct mikey_id from, to;
    uint8_t no;
    memcpy(buf, message.p, message.n);
    if (flags & SEAL)
        seal(buf, message.n, label);
    message = ts_span(buf, message.n);
    (void)!mikey_peer_names(message, &from, &to);
    hold();
    stray(message);
    enum ts_err err =
        mikey_peer_csb(p)
            ? mikey_peer_updated(p, &now, message, &proposal, &no)
            : mikey_peer_offered(p, &now, message, &proposal, &no);
    if (err) {
        refused(err);
        refuse(message);
        return false;
    }
    MUST_HOLD(flags & (SEAL | KEYLESS));
    answer(&proposal);
    return true;
}

static void respond(struct ts_span one, struct ts_span two, uint8_t flags)
{
    static struct mikey_msg m;
    if (mikey_msg_read(one, &m, NULL) || m.hdr.csb == 0)
        return;
    const struct mikey_classic_label label = mikey_classic_label_of(&m);
    if (hear(one, flags, &label) && mikey_peer_csb(p) && two.n)
        (void)hear(two, flags, &label);
}

/* ---- the Initiator ---- */

/* As whoever answers this message, with what nobody can guess. */
static void fit(size_t n, const struct mikey_msg *init,
                const struct mikey_classic_label *label)
{
    uint8_t t[8];
    struct ts_writer w = ts_writer_init(t, sizeof t);
    ts_put_u64(&w, init->t.value);
    const struct ts_span tail[] = {ts_span_str("sip:alice@example.com"),
                                   ts_span_str("sip:bob@example.com"),
                                   ts_written(&w)};
    struct mikey_msg m;
    if (n < 10)
        return;
    memcpy(buf + 4, init->raw.p + 4, 4);
    if (mikey_msg_read(ts_span(buf, n), &m, NULL))
        return;
    if (m.has_t && m.t.type == MIKEY_NTP_UTC) /* where it stands, if first */
        memcpy(buf + (m.hdr.map.p + m.hdr.map.n - buf) + 2, t, 8);
    seal_v(buf, n, label, tail, m.hdr.type == MIKEY_ERROR ? 0 : 3);
}

static bool hear_answer(struct ts_span message, uint8_t flags,
                        const struct mikey_msg *init,
                        const struct mikey_classic_label *label)
{
    static struct mikey_msg m;
    const struct mikey_now now = {.us = NOW};
    memcpy(buf, message.p, message.n);
    if (flags & (SEAL | KEYLESS))
        fit(message.n, init, label);
    hold();
    enum ts_err err = mikey_peer_answered(p, &now, ts_span(buf, message.n));
    MUST_HOLD(err || flags & (SEAL | KEYLESS));
    if (err == TS_E_PEER) /* all signatures are right here */
        MUST_HOLD(
            !mikey_peer_refusal(p)->proven || flags & SEAL ||
            (!mikey_msg_read(ts_span(buf, message.n), &m, NULL) && m.has_sign));
    else if (err)
        refused(err);
    else
        all_keys();
    return !err;
}

static void initiate(struct ts_span one, struct ts_span two, uint8_t flags)
{
    static struct mikey_msg init;
    static uint8_t first[MSG_MAX];
    const struct mikey_now now = {.us = NOW};
    struct mikey_session s[2] = {{.cs = 1, .known = true, .ssrc = 1},
                                 {.cs = 2}};
    struct mikey_terms terms = {
        .map = flags & GENERIC ? MIKEY_MAP_GENERIC : MIKEY_MAP_SRTP,
        .session = s,
        .n_sessions = 2,
        .want_answer = true,
    };
    size_t n;
    MUST_HOLD(mikey_peer_offer(p, &now, &terms, first, sizeof first, &n) ==
              TS_OK);
    MUST_HOLD(mikey_msg_read(ts_span(first, n), &init, NULL) == TS_OK);
    const struct mikey_classic_label label = mikey_classic_label_of(&init);
    if (!hear_answer(one, flags, &init, &label) || two.n == 0)
        return;
    terms.session = NULL;
    MUST_HOLD(mikey_peer_update(p, &now, &terms, out, sizeof out, &n) == TS_OK);
    MUST_HOLD(mikey_msg_read(ts_span(out, n), &init, NULL) == TS_OK);
    (void)hear_answer(two, flags, &init, &label);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct mikey_peer_party y;
    if (n < 3 || n > sizeof buf)
        return 0;
    struct ts_reader r = ts_reader_init(data, n);
    const uint8_t flags = ts_get_u8(&r);
    struct ts_span one = ts_get_span(&r, ts_get_u16(&r));
    struct ts_span two = ts_get_span(&r, ts_reader_left(&r));
    if (one.n == 0)
        return 0;
    y = party(flags);
    p = mikey_peer_init(mem, sizeof mem, &y);
    MUST_HOLD(p);
    if (flags & INITIATOR)
        initiate(one, two, flags);
    else
        respond(one, two, flags);
    return 0;
}
