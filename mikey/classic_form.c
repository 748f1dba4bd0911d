/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grammars of message types 0 to 10 (RFC 3830 3.1 to 3.3, 4.5, 5.1.2; RFC
 * 4650 3; RFC 4738 3.1, 3.2), and what the order of their payloads tells.
 */
#include "mikey/classic.h"

#define P(type) (1u << MIKEY_##type)

/* Whose an ID is. */
enum id_order {
    IDS_NONE,
    IDS_I_R,      /* one alone: IDr behind a CERT, else IDi */
    IDS_I_THEN_R, /* one alone: IDr */
    IDS_R,        /* IDr only */
    IDS_R_THEN_I, /* one alone: IDi */
};

struct grammar {
    uint32_t must, may; /* bit n: payload of type n */
    uint32_t never;     /* refused, not ignored */
    uint32_t optional;  /* of must: not in a CSB update */
    uint8_t last;       /* what must be last; 0: no rule */
    uint8_t n_dh;
    enum id_order ids;
};

/* RFC 4650 4.1: "shall not be applied to DHHMAC" */
#define NOT_DHHMAC (P(PKE) | P(SIGN) | P(CERT) | P(CHASH) | P(V))

static const struct grammar grammars[] = {
    [MIKEY_PSK] = {P(T) | P(RAND) | P(KEMAC), P(ID) | P(SP), 0, P(RAND),
                   MIKEY_KEMAC, 0, IDS_I_R},
    [MIKEY_PSK_VERIFY] = {P(T) | P(V), P(ID), 0, 0, MIKEY_V, 0, IDS_R},
    [MIKEY_PK] = {P(T) | P(RAND) | P(KEMAC) | P(PKE) | P(SIGN),
                  P(ID) | P(CERT) | P(SP) | P(CHASH), 0, P(RAND) | P(KEMAC),
                  MIKEY_SIGN, 0, IDS_I_R},
    [MIKEY_PK_VERIFY] = {P(T) | P(V), P(ID), 0, 0, MIKEY_V, 0, IDS_R},
    [MIKEY_DH_INIT] = {P(T) | P(RAND) | P(DH) | P(SIGN),
                       P(ID) | P(CERT) | P(SP), 0, P(RAND) | P(DH), MIKEY_SIGN,
                       1, IDS_I_R},
    [MIKEY_DH_RESP] = {P(T) | P(ID) | P(DH) | P(SIGN), P(CERT), 0, P(DH),
                       MIKEY_SIGN, 2, IDS_R_THEN_I},
    [MIKEY_ERROR] = {P(T), P(ERR) | P(SP) | P(V) | P(SIGN), 0, 0, 0, 0,
                     IDS_NONE},
    [MIKEY_DHHMAC_INIT] = {P(T) | P(RAND) | P(ID) | P(DH) | P(KEMAC), P(SP),
                           NOT_DHHMAC, P(RAND) | P(DH), MIKEY_KEMAC, 1,
                           IDS_I_THEN_R},
    [MIKEY_DHHMAC_RESP] = {P(T) | P(ID) | P(DH) | P(KEMAC), 0, NOT_DHHMAC,
                           P(DH), MIKEY_KEMAC, 2, IDS_R_THEN_I},
    [MIKEY_RSA_R_I] = {P(T) | P(SIGN), P(RAND) | P(ID) | P(CERT) | P(SP), 0, 0,
                       MIKEY_SIGN, 0, IDS_I_R},
    [MIKEY_RSA_R_R] = {P(T) | P(KEMAC) | P(PKE) | P(SIGN),
                       P(RAND) | P(ID) | P(CERT) | P(SP), 0, 0, MIKEY_SIGN, 0,
                       IDS_R},
};

/* What a walk over the payloads finds. */
struct walk {
    uint32_t seen;
    uint8_t last;
    uint8_t n_id, n_dh;
    struct mikey_id id[2];
    bool id_behind_cert; /* the first one */
    struct mikey_dh dh[2];
    struct ts_span t_body, group_csb;
};

static void walk_payload(struct walk *s, const struct mikey_payload *p)
{
    if (p->type == MIKEY_ID) {
        if (s->n_id == 0)
            s->id_behind_cert = s->seen & P(CERT);
        if (s->n_id < 2)
            s->id[s->n_id] = p->u.id;
        if (s->n_id < 3)
            s->n_id++;
    } else if (p->type == MIKEY_DH) {
        if (s->n_dh < 2)
            s->dh[s->n_dh] = p->u.dh;
        if (s->n_dh < 3)
            s->n_dh++;
    } else if (p->type == MIKEY_T) {
        s->t_body = p->body;
    } else if (p->type == MIKEY_EXT && p->u.ext.type == MIKEY_EXT_CSB_ID) {
        s->group_csb = p->u.ext.data;
    }
    s->seen |= 1u << (p->type & 31);
    s->last = p->type;
}

/* Again over a message that was read: its chain is sound. */
static void walk_message(const struct mikey_msg *m, struct walk *s)
{
    struct ts_reader r = ts_reader_span(m->raw);
    struct mikey_hdr hdr;
    struct mikey_payload p;
    if (mikey_hdr_read(&r, &hdr))
        return;
    struct mikey_chain c = {r, hdr.next};
    while (mikey_chain_next(&c, &p))
        walk_payload(s, &p);
}

static enum ts_err refuse(struct mikey_form *f, unsigned type, enum ts_err err)
{
    f->bad_in = (uint8_t)type;
    return err;
}

static enum ts_err name_ids(const struct walk *s, enum id_order order,
                            struct mikey_form *f)
{
    unsigned most = order == IDS_NONE ? 3 : order == IDS_R ? 1 : 2;
    if (s->n_id > most)
        return refuse(f, MIKEY_ID, TS_E_DUPLICATE);
    if (s->n_id == 0 || order == IDS_NONE)
        return TS_OK;
    bool r_first = order == IDS_R || order == IDS_R_THEN_I;
    if (s->n_id == 2) {
        f->id_i = s->id[r_first];
        f->id_r = s->id[!r_first];
    } else if (order == IDS_R || order == IDS_I_THEN_R ||
               (order == IDS_I_R && s->id_behind_cert)) {
        f->id_r = s->id[0];
    } else {
        f->id_i = s->id[0];
    }
    return TS_OK;
}

/* One DHi in a message, DHr and DHi in an answer; an update may have none. */
static enum ts_err name_dh(const struct walk *s, unsigned n,
                           struct mikey_form *f)
{
    if (n == 0 || s->n_dh == 0)
        return TS_OK;
    if (s->n_dh != n)
        return refuse(f, MIKEY_DH, s->n_dh < n ? TS_E_MISSING : TS_E_DUPLICATE);
    f->n_dh = s->n_dh;
    f->dh_i = s->dh[n - 1];
    if (n == 2)
        f->dh_r = s->dh[0];
    return TS_OK;
}

static unsigned lowest(uint32_t set)
{
    unsigned n = 0;
    while (n < 31 && !(set & 1u << n))
        n++;
    return n;
}

static enum ts_err check_presence(const struct grammar *g, bool update,
                                  const struct walk *s, struct mikey_form *f)
{
    uint32_t missed = g->must & ~s->seen, refused = s->seen & g->never;
    if (update) {
        missed &= ~g->optional;
        refused |= s->seen & g->optional & P(RAND); /* 4.5 */
    }
    if (missed)
        return refuse(f, lowest(missed), TS_E_MISSING);
    if (refused)
        return refuse(f, lowest(refused), TS_E_ORDER);
    if (g->last && s->last != g->last)
        return refuse(f, g->last, TS_E_ORDER);
    f->ignored = s->seen & ~(g->must | g->may | P(EXT));
    return TS_OK;
}

static enum ts_err check_values(const struct mikey_msg *m, const struct walk *s,
                                struct mikey_form *f)
{
    if (m->rand[0].p && m->rand[0].n == 0)
        return refuse(f, MIKEY_RAND, TS_E_FORMAT);
    if (m->n_sp && m->hdr.map_type == MIKEY_MAP_EMPTY)
        return refuse(f, MIKEY_SP, TS_E_FORMAT); /* RFC 4563 4 */
    if (!s->group_csb.p)
        return TS_OK;
    struct ts_reader r = ts_reader_span(s->group_csb);
    f->group_csb = ts_get_u32(&r);
    f->has_group_csb = true;
    if (ts_reader_end(&r))
        return refuse(f, MIKEY_EXT, TS_E_FORMAT);
    return TS_OK;
}

enum ts_err mikey_classic_check(const struct mikey_msg *m, bool update,
                                struct mikey_form *f, uint8_t *error)
{
    uint8_t unused;
    struct walk s = {0};
    *f = (struct mikey_form){0};
    if (!error)
        error = &unused;
    *error = MIKEY_ERR_DT;
    if (m->hdr.type >= sizeof grammars / sizeof grammars[0])
        return TS_E_UNKNOWN;
    const struct grammar *g = &grammars[m->hdr.type];
    *error = MIKEY_ERR_UNSPECIFIED;
    walk_message(m, &s);
    f->t_body = s.t_body;
    enum ts_err err = check_presence(g, update, &s, f);
    if (!err)
        err = name_ids(&s, g->ids, f);
    if (!err)
        err = name_dh(&s, g->n_dh, f);
    if (!err)
        err = check_values(m, &s, f);
    return err;
}

enum ts_err mikey_classic_read(struct ts_span raw, unsigned allow,
                               struct mikey_msg *m)
{
    static const size_t mac = 20;
    enum ts_err err = mikey_msg_read(raw, m, NULL);
    if (err != TS_E_TRAILING || !(allow & MIKEY_ALLOW_4650) ||
        (m->hdr.type != MIKEY_DHHMAC_INIT &&
         m->hdr.type != MIKEY_DHHMAC_RESP) ||
        raw.n < mac)
        return err;
    /* RFC 4650 4.2: MAC alg 0, then an HMAC-SHA-1 that a reader of RFC 3830
       does not expect; KEMAC is the last payload, so it is what is left */
    struct ts_span end = ts_span(raw.p + raw.n - mac, mac);
    err = mikey_msg_read(ts_span(raw.p, raw.n - mac), m, NULL);
    if (err)
        return err;
    if (!m->has_kemac || m->kemac.mac_alg != MIKEY_AUTH_NULL ||
        m->kemac.mac.p != end.p)
        return TS_E_TRAILING;
    m->raw = raw;
    m->kemac.mac_alg = MIKEY_AUTH_SHA1;
    m->kemac.mac = end;
    return TS_OK;
}

/* NULL in PSK and elsewhere; AES-KW where keys are short enough for it. */
static bool encr_ok(const struct mikey_msg *m, const struct mikey_suite *suite,
                    unsigned allow)
{
    const struct mikey_kemac *k = &m->kemac;
    if (m->hdr.type == MIKEY_DHHMAC_INIT || m->hdr.type == MIKEY_DHHMAC_RESP)
        return k->encr == MIKEY_ENCR_NULL ||
               (k->encr == MIKEY_ENCR_AES_KW_128 && allow & MIKEY_ALLOW_4650);
    if (k->encr == MIKEY_ENCR_NULL)
        return allow & MIKEY_ALLOW_NULL || k->data.n == 0;
    return k->encr == suite->encr ||
           (k->encr == MIKEY_ENCR_AES_KW_128 && suite->bits == 128);
}

/* 4.2.3: AES-KW itself protects the keys of a message that is signed. */
static bool mac_ok(const struct mikey_msg *m, const struct mikey_suite *suite,
                   unsigned allow)
{
    const struct mikey_kemac *k = &m->kemac;
    bool is_signed = m->hdr.type == MIKEY_PK || m->hdr.type == MIKEY_RSA_R_R;
    if (k->mac_alg != MIKEY_AUTH_NULL)
        return k->mac_alg == suite->auth;
    if (m->hdr.type == MIKEY_DHHMAC_INIT || m->hdr.type == MIKEY_DHHMAC_RESP)
        return false; /* there is nothing else in its KEMAC */
    return allow & MIKEY_ALLOW_NULL ||
           (is_signed && k->encr == MIKEY_ENCR_AES_KW_128);
}

enum ts_err mikey_classic_algs(const struct mikey_msg *m, unsigned allow,
                               uint8_t *error)
{
    uint8_t unused;
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    if (!error)
        error = &unused;
    *error = MIKEY_ERR_PRF;
    if (!suite)
        return TS_E_UNSUPPORTED;
    *error = MIKEY_ERR_EA;
    if (m->has_kemac && !encr_ok(m, suite, allow))
        return TS_E_UNSUPPORTED;
    *error = MIKEY_ERR_MAC;
    if (m->has_kemac && !mac_ok(m, suite, allow))
        return TS_E_UNSUPPORTED;
    if (m->has_v && m->v.alg != suite->auth &&
        !(m->v.alg == MIKEY_AUTH_NULL && allow & MIKEY_ALLOW_NULL))
        return TS_E_UNSUPPORTED;
    return TS_OK;
}
