/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket Transfer (RFC 6043 4.2.2), between the two users.
 *
 * TRANSFER_INIT = HDR, T, RANDRi, [IDRi], [IDRr], {SP}, TICKET, [KEMAC], V
 * TRANSFER_RESP = HDR, T, [RANDRr], [IDRr], [RANDRkms], {SP}, [KEMAC], V
 */
#include "mikey/exchange.h"

static const struct ts_span none;

/* K1 under MPKi: RANDRi only, also where G=1 (AMB 12). */
static void transfer_auth(const struct mikey_suite *suite,
                          const struct ts_key *mpk_i, uint32_t csb,
                          struct ts_span rand_i, struct mikey_hmac *h)
{
    struct mikey_protect keys;
    mikey_protect_begin(&keys, suite, ts_key_span(mpk_i), MIKEY_SEL_INIT, csb,
                        rand_i, none);
    mikey_protect_auth(&keys, h);
    mikey_protect_end(&keys);
}

/*
 * The MAC leaves out Initiator Data and its length (R189): cut is where these
 * begin, resume where the message goes on. Both are offsets into msg.
 */
static void transfer_mac(struct mikey_hmac *h, struct ts_span msg, size_t cut,
                         size_t resume, struct ts_span id_i,
                         struct ts_span id_r, uint8_t *mac, size_t n)
{
    mikey_hmac_add(h, ts_span(msg.p, cut));
    mikey_hmac_add(h, ts_span(msg.p + resume, msg.n - resume));
    mikey_hmac_add(h, id_i);
    mikey_hmac_add(h, id_r); /* R61, R188 */
    mikey_hmac_end(h, mac, n);
}

static void build_policies(struct mikey_build *b, const struct mikey_sp *sp,
                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        mikey_build_sp(b, &sp[i]);
}

/* Everything up to the MAC, with room where Initiator Data goes. */
static uint8_t *build_transfer(struct ts_writer *w,
                               const struct mikey_transfer_new *in,
                               size_t init_len, size_t *init_at)
{
    static const uint8_t zeros[MIKEY_INIT_DATA_MAX];
    const struct mikey_hdr hdr = {
        .type = MIKEY_TRANSFER_INIT,
        .v = in->ticket->tp.flags & MIKEY_FLAG_F, /* R52 */
        .prf = in->suite->prf,
        .csb = in->csb,
        .n_cs = in->n_cs,
        .map_type = MIKEY_MAP_GENERIC, /* R196, R197 */
        .map = in->map,
    };
    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, in->t);
    mikey_build_rand(&b, MIKEY_RAND_I, in->rand_i);
    mikey_build_idr(&b, MIKEY_IDR_I, in->idr_i);
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);
    build_policies(&b, in->sp, in->n_sp);
    mikey_build_ticket_as(&b, in->ticket, ts_span(zeros, init_len));
    *init_at = w->len - init_len;
    if (in->sdp_ids.n)
        mikey_build_sdp_ids(&b, in->sdp_ids);
    return mikey_build_v_room(&b, in->suite); /* R60 */
}

void mikey_build_transfer_init(struct ts_writer *w,
                               const struct mikey_transfer_new *in)
{
    bool fork = in->ticket->tp.flags & MIKEY_FLAG_I;
    size_t init_len = fork ? 1 + 2 * (2u + in->suite->mac) : 0; /* R241 */
    size_t start = w->len, init_at = 0;
    struct mikey_hmac h;

    uint8_t *mac = build_transfer(w, in, init_len, &init_at);
    if (!mac)
        return;
    transfer_auth(in->suite, in->mpk_i, in->csb, in->rand_i, &h);
    transfer_mac(&h, ts_span(w->buf + start, (size_t)(mac - w->buf) - start),
                 init_at - 2 - start, init_at + init_len - start,
                 in->idr_i.data, in->idr_r.data, mac, in->suite->mac);
    ts_wipe(&h, sizeof h);
    if (fork) {
        uint8_t init[MIKEY_INIT_DATA_MAX];
        size_t n = mikey_init_data_make(in->mpk_r, in->suite, mac, init);
        memcpy(w->buf + init_at, init, n);
    }
}

/* What R can see of a ticket without opening it (4.2.2.2). */
static enum ts_err check_ticket(const struct mikey_msg *m,
                                struct mikey_policy *policy, uint8_t *error)
{
    const struct mikey_tp *tp = &m->ticket.tp;
    *error = MIKEY_ERR_TICKET;
    if (tp->type != MIKEY_BASE_TICKET && !(tp->flags & MIKEY_FLAG_O))
        return TS_E_UNSUPPORTED; /* R229 */
    *error = MIKEY_ERR_PRF;
    if (tp->prf != m->hdr.prf)
        return TS_E_UNSUPPORTED; /* one suite for all: AMB 4, R278 */
    *error = MIKEY_ERR_TPPAR;
    if (!mikey_flags_ok(tp->flags, false))
        return TS_E_FORMAT;
    if (m->has_kemac && !(tp->flags & MIKEY_FLAG_L))
        return TS_E_FORMAT; /* R59, R226 */
    enum ts_err err = mikey_policy_read(tp->data, policy);
    if (!err && policy->has_kemac)
        err = TS_E_FORMAT; /* R239 */
    return err;
}

enum ts_err mikey_transfer_check(const struct mikey_msg *m,
                                 struct mikey_policy *policy, uint8_t *error)
{
    *error = MIKEY_ERR_DT;
    if (m->hdr.type != MIKEY_TRANSFER_INIT)
        return TS_E_UNKNOWN;
    *error = MIKEY_ERR_UNSPECIFIED;
    if (!m->has_t || !m->has_v || !m->has_ticket || !m->rand[MIKEY_RAND_I].p)
        return TS_E_MISSING; /* R50 */
    if (m->hdr.map_type != MIKEY_MAP_GENERIC)
        return TS_E_UNSUPPORTED; /* R197 */
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    *error = MIKEY_ERR_PRF;
    if (!suite)
        return TS_E_UNSUPPORTED;
    *error = MIKEY_ERR_MAC;
    if (m->v.alg != suite->auth)
        return TS_E_UNSUPPORTED;
    return check_ticket(m, policy, error);
}

enum ts_err mikey_transfer_verify(const struct mikey_msg *m,
                                  const struct ts_key *mpk_i,
                                  struct ts_span self)
{
    const struct mikey_suite *suite = mikey_suite_prf(m->hdr.prf);
    const struct mikey_ticket *t = &m->ticket;
    size_t resume = mikey_at(m, t->body) + t->body.n;
    uint8_t mac[MIKEY_MAC_MAX];
    struct mikey_hmac h;

    if (m->idr[MIKEY_IDR_R].data.p)
        self = m->idr[MIKEY_IDR_R].data;
    transfer_auth(suite, mpk_i, m->hdr.csb, m->rand[MIKEY_RAND_I], &h);
    transfer_mac(&h, ts_span(m->raw.p, mikey_at(m, m->v.mac)),
                 resume - 2 - t->init.n, resume, m->idr[MIKEY_IDR_I].data, self,
                 mac, suite->mac);
    ts_wipe(&h, sizeof h);
    bool good = ts_equal(mac, suite->mac, m->v.mac.p, m->v.mac.n);
    ts_wipe(mac, sizeof mac);
    if (!good)
        return TS_E_AUTH;
    if (t->tp.flags & MIKEY_FLAG_I) { /* R134 */
        struct mikey_v vi, vr;
        if (mikey_init_data_read(t->init, &vi, &vr) ||
            !ts_equal(vi.mac.p, vi.mac.n, m->v.mac.p, m->v.mac.n))
            return TS_E_AUTH;
    }
    return TS_OK;
}

void mikey_build_transfer_resp(struct ts_writer *w,
                               const struct mikey_answer_new *in)
{
    const struct mikey_hdr hdr = {
        .type = MIKEY_TRANSFER_RESP, /* R66, R67 */
        .prf = in->init->hdr.prf,
        .csb = in->init->hdr.csb,
        .n_cs = in->n_cs,
        .map_type = MIKEY_MAP_GENERIC,
        .map = in->map,
    };
    struct mikey_protect keys;
    struct mikey_hmac h;
    struct mikey_build b = mikey_build_hdr(w, &hdr);
    mikey_build_t(&b, in->t);
    if (in->rand_r.n)
        mikey_build_rand(&b, MIKEY_RAND_R, in->rand_r);
    mikey_build_idr(&b, MIKEY_IDR_R, in->idr_r);
    if (in->rand_kms.n)
        mikey_build_rand(&b, MIKEY_RAND_KMS, in->rand_kms);
    build_policies(&b, in->sp, in->n_sp);

    mikey_protect_begin(&keys, in->suite, ts_key_span(in->mpk), MIKEY_SEL_RESP,
                        hdr.csb, in->init->rand[MIKEY_RAND_I], in->rand_r);
    mikey_protect_auth(&keys, &h);
    mikey_build_v(&b, in->suite, &h, in->init->raw, none); /* R84, AMB 7 */
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
}

/* R68, R69, R199, R205, R208: one policy, Session Data and SPI for each CS */
static enum ts_err check_answer_map(const struct mikey_hdr *hdr)
{
    struct ts_reader r = ts_reader_span(hdr->map);
    if (hdr->map_type != MIKEY_MAP_GENERIC || hdr->n_cs == 0)
        return TS_E_FORMAT;
    for (unsigned i = 0; i < hdr->n_cs; i++) {
        struct mikey_cs cs;
        enum ts_err err = mikey_cs_read(&r, &cs);
        if (err)
            return err;
        if (cs.policies.n != 1 || cs.spi.n == 0)
            return TS_E_FORMAT;
        if (cs.prot == MIKEY_PROT_SRTP && cs.session.n == 0)
            return TS_E_FORMAT;
    }
    return ts_reader_end(&r);
}

enum ts_err mikey_answer_check(const struct mikey_msg *init,
                               const struct mikey_msg *m)
{
    uint16_t flags = init->ticket.tp.flags;
    if (m->hdr.csb != init->hdr.csb || m->hdr.prf != init->hdr.prf)
        return TS_E_MISMATCH; /* R66 */
    if (m->hdr.type == MIKEY_ERROR)
        return m->n_err ? TS_E_PEER : TS_E_MISSING;
    if (m->hdr.type != MIKEY_TRANSFER_RESP)
        return TS_E_MISMATCH;
    if (!m->has_t || !m->has_v)
        return TS_E_MISSING;
    if (!m->rand[MIKEY_RAND_R].p != !(flags & MIKEY_FLAG_G))
        return TS_E_FORMAT; /* R74, R221 */
    enum ts_err err = flags & MIKEY_FLAG_I ? mikey_fork_check(m) : TS_OK;
    if (err)
        return err; /* R75, R77 */
    if (m->has_kemac && !(flags & MIKEY_FLAG_M))
        return TS_E_FORMAT; /* R82, R227 */
    return check_answer_map(&m->hdr);
}

enum ts_err mikey_answer_verify(const struct mikey_msg *init,
                                const struct mikey_msg *m,
                                const struct ts_key *mpk)
{
    struct mikey_protect keys;
    struct mikey_hmac h;
    mikey_update_keys(init, m, mpk, &keys);
    mikey_protect_auth(&keys, &h);
    enum ts_err err = mikey_v_verify(m, keys.suite, &h, init->raw, none);
    ts_wipe(&h, sizeof h);
    mikey_protect_end(&keys);
    return err ? TS_E_AUTH : TS_OK;
}
