/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initial messages of Ticket Request and Ticket Resolve (RFC 6043 4.2.1,
 * 4.2.3): the two exchanges with the KMS, alike but for their payloads.
 *
 * REQUEST_INIT_PSK = HDR, T, RANDRi, [IDRi], [IDRkms], TP, [IDRpsk], V
 * REQUEST_INIT_PK  = HDR, T, RANDRi, [IDRi], {CERTi}, [IDRkms], TP, [CHASH],
 *                    PKE, SIGNi
 * RESOLVE_INIT_PSK = HDR, T, RANDRr, [IDRr], [IDRkms], TICKET, [IDRpsk], V
 * RESOLVE_INIT_PK  = HDR, T, RANDRr, [IDRr], {CERTr}, [IDRkms], TICKET,
 *                    [CHASH], PKE, SIGNr
 */
#include "mikey/exchange.h"

static const struct ts_span none;

bool mikey_is_request_init(uint8_t type)
{
    return type == MIKEY_REQUEST_INIT_PSK || type == MIKEY_REQUEST_INIT_PK;
}

bool mikey_is_resolve_init(uint8_t type)
{
    return type == MIKEY_RESOLVE_INIT_PSK || type == MIKEY_RESOLVE_INIT_PK;
}

static bool is_pk(uint8_t type)
{
    return type == MIKEY_REQUEST_INIT_PK || type == MIKEY_RESOLVE_INIT_PK;
}

/* ---- building ---- */

static struct mikey_build init_hdr(struct ts_writer *w, enum mikey_type psk,
                                   enum mikey_type pk,
                                   const struct mikey_credential *cred,
                                   const struct mikey_suite *suite,
                                   uint32_t csb)
{
    const struct mikey_hdr hdr = {
        .type = (uint8_t)(cred->signer ? pk : psk),
        .v = true, /* R9, R96 */
        .prf = suite->prf,
        .csb = csb,                  /* R8, R95 */
        .n_cs = 0,                   /* R12, R13, R99, R100 */
        .map_type = MIKEY_MAP_EMPTY, /* R14, R101 */
    };
    return mikey_build_hdr(w, &hdr);
}

/* IDRi or IDRr with its certificates, then IDRkms. */
static void init_ids(struct mikey_build *b, enum mikey_id_role role,
                     struct mikey_id self, struct mikey_id kms, unsigned omit,
                     const struct mikey_credential *cred)
{
    if (!(omit & MIKEY_OMIT(role)))
        mikey_build_idr(b, role, self); /* R18, R23, R104, R109, R216 */
    for (size_t i = 0; cred->signer && i < cred->signer->n_cert; i++)
        mikey_build_cert(b, &cred->signer->cert[i]); /* R25-R27, R111-R113 */
    if (!(omit & MIKEY_OMIT(MIKEY_IDR_KMS)))
        mikey_build_idr(b, MIKEY_IDR_KMS, kms); /* R16, R102 */
}

/* What ends a PSK message: IDRpsk and V (R21, R107). */
static void end_psk(struct mikey_build *b, struct mikey_protect *keys,
                    struct ts_span psk_id, struct ts_span self,
                    struct ts_span kms)
{
    struct mikey_hmac h;
    if (psk_id.n)
        mikey_build_idr(b, MIKEY_IDR_PSK,
                        (struct mikey_id){0, MIKEY_ID_BYTES, psk_id});
    mikey_protect_auth(keys, &h);
    mikey_build_v(b, keys->suite, &h, self, kms); /* R22, R108, R188 */
    ts_wipe(&h, sizeof h);
}

/* What ends a PK message: CHASH, PKE and SIGN. */
static void end_pk(struct mikey_build *b, const struct mikey_credential *cred,
                   struct ts_span self, struct ts_span kms)
{
    if (cred->sealer->chash.data.p)
        mikey_build_chash(b, &cred->sealer->chash);
    mikey_build_pke(b, MIKEY_CACHE_NO, cred->sealer, cred->key);
    mikey_build_sign(b, cred->signer, self, kms); /* R5, R92, R188 */
}

static void check_key(struct ts_writer *w, struct ts_span key,
                      struct ts_span rand)
{
    if (key.n < 16 || key.n > TS_KEY_MAX)
        ts_writer_fail(w, TS_E_RANGE); /* R271 */
    if (rand.n < key.n)
        ts_writer_fail(w, TS_E_RANGE); /* R272 */
}

void mikey_build_request_init(struct ts_writer *w,
                              const struct mikey_request_new *in)
{
    const struct mikey_credential *cred = &in->cred;
    const struct mikey_tp tp = {
        .kind = in->kind.type ? in->kind : mikey_kind_base,
        .prf = in->suite->prf,
        .flags = in->flags & (uint16_t)~MIKEY_FLAG_K, /* R225 */
    };
    struct mikey_protect keys;
    check_key(w, cred->key, in->rand_i);
    if (in->policy->n_responders == 0)
        ts_writer_fail(w, TS_E_RANGE);
    if (w->err)
        return;

    struct mikey_build b =
        init_hdr(w, MIKEY_REQUEST_INIT_PSK, MIKEY_REQUEST_INIT_PK, cred,
                 in->suite, in->csb);
    mikey_build_t(&b, in->t);                       /* R7 */
    mikey_build_rand(&b, MIKEY_RAND_I, in->rand_i); /* R7 */
    init_ids(&b, MIKEY_IDR_I, in->idr_i, in->idr_kms, in->omit, cred);
    mikey_build_payload(&b, MIKEY_TP);
    mikey_build_tp(&b, &tp, in->policy, in->want, in->n_want);
    if (cred->signer) {
        end_pk(&b, cred, in->idr_i.data, in->idr_kms.data);
        return;
    }
    mikey_protect_begin(&keys, in->suite, cred->key, MIKEY_SEL_INIT, in->csb,
                        in->rand_i, none); /* R147 */
    end_psk(&b, &keys, cred->key_id, in->idr_i.data, in->idr_kms.data);
    mikey_protect_end(&keys);
}

void mikey_build_resolve_init(struct ts_writer *w,
                              const struct mikey_resolve_new *in)
{
    const struct mikey_credential *cred = &in->cred;
    struct mikey_protect keys;
    check_key(w, cred->key, in->rand_r);
    if (w->err)
        return;

    struct mikey_build b =
        init_hdr(w, MIKEY_RESOLVE_INIT_PSK, MIKEY_RESOLVE_INIT_PK, cred,
                 in->suite, in->csb);
    mikey_build_t(&b, in->t);                       /* R94 */
    mikey_build_rand(&b, MIKEY_RAND_R, in->rand_r); /* R94 */
    init_ids(&b, MIKEY_IDR_R, in->idr_r, in->idr_kms, in->omit, cred);
    mikey_build_ticket_as(&b, in->ticket, in->ticket->init); /* R259 */
    if (cred->signer) {
        end_pk(&b, cred, in->idr_r.data, in->idr_kms.data);
        return;
    }
    mikey_protect_begin(&keys, in->suite, cred->key, MIKEY_SEL_INIT, in->csb,
                        none, in->rand_r); /* R148 */
    end_psk(&b, &keys, cred->key_id, in->idr_r.data, in->idr_kms.data);
    mikey_protect_end(&keys);
}

/* ---- opening ---- */

void mikey_protect_of(const struct mikey_msg *init,
                      const struct mikey_msg *resp, struct ts_span key,
                      struct mikey_protect *keys)
{
    struct ts_span rand_i = init->rand[MIKEY_RAND_I]; /* R147 */
    struct ts_span rand_r = none;
    if (mikey_is_resolve_init(init->hdr.type)) { /* R148 */
        rand_i = none;
        rand_r = init->rand[MIKEY_RAND_R];
    } else if (resp && !mikey_is_request_init(init->hdr.type)) {
        rand_r = resp->rand[MIKEY_RAND_R]; /* there iff G=1: R74, R148 */
    }
    mikey_protect_begin(keys, mikey_suite_prf(init->hdr.prf), key,
                        resp ? MIKEY_SEL_RESP : MIKEY_SEL_INIT, /* R145, R146 */
                        init->hdr.csb, rand_i, rand_r);
}

/* What may be wrong with an initial message, and the Error it gives. */
static enum ts_err check_algorithms(const struct mikey_msg *m, uint8_t *error)
{
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    *error = MIKEY_ERR_PRF;
    if (!suite)
        return TS_E_UNSUPPORTED;
    *error = MIKEY_ERR_MAC;
    if (!is_pk(m->hdr.type) && m->v.alg != suite->auth)
        return TS_E_UNSUPPORTED; /* R278: suites are not mixed */
    return TS_OK;
}

static bool is_protected(const struct mikey_msg *m)
{
    return is_pk(m->hdr.type) ? m->has_sign && m->has_pke : m->has_v;
}

enum ts_err mikey_init_check(const struct mikey_msg *m, enum mikey_type type,
                             uint8_t *error)
{
    bool request = mikey_is_request_init((uint8_t)type);
    *error = MIKEY_ERR_DT;
    if (m->hdr.type != type)
        return TS_E_UNKNOWN;
    *error = MIKEY_ERR_UNSPECIFIED;
    if (!m->has_t || !is_protected(m))
        return TS_E_MISSING;
    if (!(request ? m->has_tp : m->has_ticket))
        return TS_E_MISSING;
    if (!m->rand[request ? MIKEY_RAND_I : MIKEY_RAND_R].p)
        return TS_E_MISSING;
    if (m->hdr.n_cs != 0 || m->hdr.map_type != MIKEY_MAP_EMPTY)
        return TS_E_FORMAT; /* R12-R14, R99-R101, R136 */
    return check_algorithms(m, error);
}

/* IDRi of a Request, IDRr of a Resolve. */
static const struct mikey_id *sender(const struct mikey_msg *m)
{
    bool request = mikey_is_request_init(m->hdr.type);
    return &m->idr[request ? MIKEY_IDR_I : MIKEY_IDR_R];
}

static struct ts_span kms_named(const struct mikey_msg *m, struct ts_span kms)
{
    const struct mikey_id *id = &m->idr[MIKEY_IDR_KMS];
    return id->data.p ? id->data : kms;
}

enum ts_err mikey_init_verify(const struct mikey_msg *m, struct ts_span psk,
                              struct ts_span self, struct ts_span kms,
                              struct mikey_protect *keys)
{
    const struct mikey_id *id = sender(m);
    MIKEY_UNSET struct mikey_hmac h;

    mikey_protect_of(m, NULL, psk, keys);
    mikey_protect_auth(keys, &h);
    if (id->data.p)
        self = id->data;
    enum ts_err err =
        mikey_v_verify(m, keys->suite, &h, self, kms_named(m, kms));
    ts_wipe(&h, sizeof h);
    return err ? TS_E_AUTH : TS_OK;
}

enum ts_err mikey_init_verify_pk(const struct mikey_msg *m,
                                 const struct mikey_verifier *verifier,
                                 const struct mikey_opener *opener,
                                 struct ts_span kms, uint64_t now,
                                 struct mikey_id *who,
                                 struct mikey_protect *keys)
{
    const struct mikey_chash *chash = m->chash.data.p ? &m->chash : NULL;
    uint8_t env_key[MIKEY_KEY_MAX];
    size_t n = 0;
    enum ts_err err = verifier->certify(verifier->arg, m->cert, m->n_cert,
                                        sender(m), now, who);
    if (!err)
        err = mikey_sign_verify(m, verifier, who->data, kms_named(m, kms));
    if (!err) /* only now: what is not signed is not decrypted */
        err = opener->open(opener->arg, chash, m->pke.data, env_key, &n);
    if (!err && n < 16)
        err = TS_E_UNSUPPORTED; /* R271 */
    if (!err) {
        mikey_protect_of(m, NULL, ts_span(env_key, n), keys);
        keys->selector = MIKEY_SEL_RESP; /* nothing else is derived from it */
    }
    ts_wipe(env_key, sizeof env_key);
    return err;
}
