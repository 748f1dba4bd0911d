/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3830 for <mikey/plain.h>: what mikey/classic.h does, with memory, state
 * and random octets around it.
 */
#include "mikey/plain.h"
#include "mikey/classic.h"
#include "mikey/session.h"

#define RAND_LEN 16 /* 6.11: "at least 16 bytes" */

static const struct ts_span none;

/** What was done so far. */
enum step { IDLE, HEARD, OFFERED, DONE };

struct mikey_plain {
    const struct mikey_party *party;
    const struct mikey_plain_trust *trust; /* or NULL */
    enum mikey_side side;
    enum step step;
    struct mikey_buf init, resp; /* the messages; resp: n is 0 without one */
    struct ts_key secret;        /* PSK or envelope key */
    struct mikey_name peer;
    struct mikey_keys keys;
    struct mikey_refusal refusal;
};

size_t mikey_plain_size(size_t max)
{
    return sizeof(struct mikey_plain) + 2 * max;
}

struct mikey_plain *mikey_plain_init(void *mem, size_t n,
                                     const struct mikey_party *party,
                                     const struct mikey_plain_trust *trust)
{
    struct mikey_plain *p = mem;
    struct mikey_buf buf[2];
    if (!mikey_party_ok(party) || !mikey_cut(mem, n, sizeof *p, buf, 2))
        return NULL;
    if (trust && !trust->verifier != !trust->opener)
        return NULL;
    *p = (struct mikey_plain){
        .party = party, .trust = trust, .init = buf[0], .resp = buf[1]};
    return p;
}

void mikey_plain_wipe(struct mikey_plain *p)
{
    if (!p)
        return;
    ts_wipe(p->init.p, p->init.cap);
    ts_wipe(p->resp.p, p->resp.cap);
    ts_wipe(p, sizeof *p);
}

static void begin(struct mikey_plain *p, enum mikey_side side)
{
    p->side = side;
    p->step = IDLE;
    p->init.n = p->resp.n = 0;
    p->peer.n = 0;
    ts_key_wipe(&p->secret);
    mikey_keys_wipe(&p->keys);
}

/* The I_MESSAGE, which could be read before. */
static enum ts_err read_init(const struct mikey_plain *p, struct mikey_msg *m)
{
    return mikey_classic_read(mikey_buf_span(&p->init), 0, m);
}

/* What we know of the two beside the messages. */
static struct mikey_classic knows(const struct mikey_plain *p)
{
    struct mikey_id peer = {0};
    if (p->peer.n)
        peer = mikey_name_id(&p->peer);
    bool ours = p->side == MIKEY_INITIATOR;
    return (struct mikey_classic){.secret = ts_key_span(&p->secret),
                                  .id_i = ours ? p->party->self : peer,
                                  .id_r = ours ? peer : p->party->self};
}

/* ---- the Initiator ---- */

/* SRTP-ID, which every peer knows: no SPI, one policy, CS IDs in order. */
static enum ts_err write_map(struct ts_writer *w,
                             const struct mikey_offer *offer)
{
    if (offer->n_sessions > 254)
        return TS_E_RANGE;
    for (size_t i = 0; i < offer->n_sessions; i++) {
        const struct mikey_session *s = &offer->session[i];
        if (s->cs != i + 1 || s->prot != MIKEY_PROT_SRTP || s->spi.n ||
            s->policies.n != 1 || s->policies.p[0] >= offer->n_policies)
            return TS_E_RANGE;
        mikey_put_srtp_id(w, s->policies.p[0], s->known ? s->ssrc : 0,
                          s->started ? s->roc : 0);
    }
    return w->err;
}

/* A TGK without salt or SPI: good for all sessions. */
static enum ts_err draw_tgk(struct mikey_plain *p)
{
    struct mikey_keys *keys = &p->keys;
    keys->len = mikey_party_suite(p->party)->encr_key;
    keys->n = 1;
    keys->k[0] = (struct mikey_key){.type = MIKEY_TGK,
                                    .key = ts_span(keys->plain, keys->len)};
    return mikey_party_random(p->party, keys->plain, keys->len);
}

/* The shared key, or with a signer a new envelope key. */
static enum ts_err draw_secret(struct mikey_plain *p)
{
    if (!p->party->signer)
        return p->party->psk.p ? ts_key_set(&p->secret, p->party->psk)
                               : TS_E_DENIED;
    p->secret.len = mikey_party_suite(p->party)->encr_key;
    return mikey_party_random(p->party, p->secret.b, p->secret.len);
}

static enum ts_err build_init(struct mikey_plain *p,
                              struct mikey_classic_new *in)
{
    struct ts_writer w = mikey_buf_writer(&p->init);
    enum ts_err err = draw_secret(p);
    if (!err)
        err = draw_tgk(p);
    if (err)
        return err;
    in->keys = p->keys.k;
    in->n_keys = p->keys.n;
    in->secret = ts_key_span(&p->secret);
    in->signer = p->party->signer;
    in->sealer = p->party->sealer;
    if (in->signer)
        mikey_build_classic_pk(&w, in);
    else
        mikey_build_classic_psk(&w, in);
    p->init.n = w.err ? 0 : w.len;
    return w.err;
}

static enum ts_err offer_all(struct mikey_plain *p, const struct mikey_now *now,
                             const struct mikey_offer *offer)
{
    const struct mikey_suite *suite = mikey_party_suite(p->party);
    uint8_t rand[RAND_LEN], params[1024], map[9 * 254];
    struct mikey_sp sp[MIKEY_SP_MAX];
    struct ts_writer params_w = ts_writer_init(params, sizeof params);
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    enum ts_err err = write_map(&map_w, offer);
    if (!err)
        err = mikey_sps_write(offer->policy, NULL, offer->n_policies, &params_w,
                              sp);
    if (!err)
        err = mikey_name_set(&p->peer, offer->to);
    if (!err)
        err = mikey_party_random(p->party, rand, sizeof rand);
    struct mikey_classic_new in = {
        .suite = suite,
        .rand = ts_span(rand, sizeof rand),
        .want_response = true,
        .map_type = MIKEY_MAP_SRTP,
        .n_cs = (uint8_t)offer->n_sessions,
        .encr = suite->encr,
        .mac = suite->auth,
        .map = ts_written(&map_w),
        .t = mikey_now_t(now),
        .id_i = p->party->self,
        .id_r = offer->to,
        .sp = sp,
        .n_sp = offer->n_policies,
        .sdp_ids = offer->sdp_ids,
    };
    if (!err)
        err = mikey_party_csb(p->party, &in.csb);
    return err ? err : build_init(p, &in);
}

enum ts_err mikey_plain_offer(struct mikey_plain *p,
                              const struct mikey_now *now,
                              const struct mikey_offer *offer, uint8_t *out,
                              size_t cap, size_t *n)
{
    begin(p, MIKEY_INITIATOR);
    enum ts_err err = offer_all(p, now, offer);
    if (!err)
        err = mikey_hand_out(mikey_buf_span(&p->init), out, cap, n);
    if (err)
        begin(p, MIKEY_INITIATOR);
    else
        p->step = OFFERED;
    return err;
}

enum ts_err mikey_plain_answered(struct mikey_plain *p, struct ts_span answer)
{
    struct mikey_msg init, m;
    if (p->side != MIKEY_INITIATOR || p->step != OFFERED)
        return TS_E_STATE;
    const struct mikey_classic x = knows(p);
    enum ts_err err = read_init(p, &init);
    if (!err)
        err = mikey_classic_read(answer, 0, &m);
    if (!err)
        err = mikey_classic_resp_open(&x, &init, &m);
    if (err == TS_E_PEER)
        mikey_refusal_set(&p->refusal, &m,
                          !mikey_classic_error_verify(&x, &init, &m));
    if (!err)
        err = mikey_buf_set(&p->resp, answer);
    if (!err)
        p->step = DONE;
    return err;
}

const struct mikey_refusal *mikey_plain_refusal(const struct mikey_plain *p)
{
    return &p->refusal;
}

/* ---- the Responder ---- */

static enum ts_err check_form(const struct mikey_plain *p,
                              const struct mikey_now *now,
                              const struct mikey_msg *m, struct mikey_form *f,
                              uint8_t *no)
{
    bool pk = m->hdr.type == MIKEY_PK;
    *no = MIKEY_ERR_DT;
    if (m->hdr.type != MIKEY_PSK && !pk)
        return TS_E_UNKNOWN;
    if (pk && !(p->trust && p->trust->verifier))
        return TS_E_UNSUPPORTED;
    enum ts_err err = mikey_classic_check(m, false, f, no);
    if (!err)
        err = mikey_classic_algs(m, 0, no);
    if (err)
        return err;
    *no = MIKEY_ERR_TS;
    return mikey_now_check(now, mikey_party_skew(p->party), m->t, false);
}

/* As in a Transfer: no policy that we would not use. */
static enum ts_err check_policies(const struct mikey_plain *p,
                                  const struct mikey_msg *m, uint8_t *no)
{
    const struct mikey_party *party = p->party;
    struct ts_reader r = ts_reader_span(m->hdr.map);
    struct mikey_cs cs;
    struct mikey_srtp_policy policy;
    *no = MIKEY_ERR_SP;
    for (unsigned i = 0; i < m->hdr.n_cs; i++) {
        enum ts_err err = mikey_map_next(&m->hdr, i, &r, &cs);
        if (!err)
            err = mikey_classic_policy(m, &cs, &policy);
        if (!err && party->acceptable &&
            !party->acceptable(party->arg, &policy))
            err = TS_E_UNSUPPORTED;
        if (err)
            return err;
    }
    return TS_OK;
}

static enum ts_err find_psk(struct mikey_plain *p, const struct mikey_id *id)
{
    struct ts_span psk = p->party->psk;
    if (p->trust && p->trust->psk) {
        psk = none;
        enum ts_err err = p->trust->psk(p->trust->arg, id, &psk);
        if (err)
            return err;
    }
    return psk.p ? ts_key_set(&p->secret, psk) : TS_E_NOTFOUND;
}

static enum ts_err open_psk(struct mikey_plain *p, const struct mikey_msg *m,
                            const struct mikey_form *f)
{
    if (!f->id_i.data.p)
        return TS_E_MISSING; /* then its key cannot be told, nor the answer */
    enum ts_err err = find_psk(p, &f->id_i);
    const struct mikey_classic x = knows(p);
    if (!err)
        err = mikey_classic_psk_open(&x, m, &p->keys);
    return err ? err : mikey_name_set(&p->peer, f->id_i);
}

static enum ts_err open_pk(struct mikey_plain *p, const struct mikey_now *now,
                           const struct mikey_msg *m)
{
    const struct mikey_classic x = knows(p);
    const struct mikey_classic_pk pk = {p->trust->verifier, p->trust->opener,
                                        now->us / 1000000};
    MIKEY_UNSET struct mikey_classic_opened opened;
    enum ts_err err = mikey_classic_pk_open(&x, m, &pk, &opened);
    if (!err) {
        p->secret = opened.env_key;
        mikey_keys_copy(&p->keys, &opened.keys);
        err = mikey_name_set(&p->peer, opened.who);
    }
    mikey_classic_wipe(&opened);
    return err;
}

static enum ts_err take_offer(struct mikey_plain *p,
                              const struct mikey_now *now, struct mikey_msg *m,
                              uint8_t *no)
{
    struct mikey_form f;
    bool hdr_ok;
    *no = MIKEY_ERR_UNSPECIFIED;
    enum ts_err err = mikey_msg_read(mikey_buf_span(&p->init), m, &hdr_ok);
    if (hdr_ok)
        p->step = HEARD;
    if (!err)
        err = check_form(p, now, m, &f, no);
    if (!err)
        err = check_policies(p, m, no);
    if (err)
        return err;
    *no = MIKEY_ERR_AUTH;
    return m->hdr.type == MIKEY_PK ? open_pk(p, now, m) : open_psk(p, m, &f);
}

static void tell(const struct mikey_plain *p, const struct mikey_msg *m,
                 struct mikey_offered *o)
{
    *o = (struct mikey_offered){
        .initiator = mikey_name_id(&p->peer),
        .called = p->party->self,
        .bits = mikey_suite_prf(m->hdr.prf)->bits,
        .csb = m->hdr.csb,
        .t = m->t,
        .tag = m->has_sign ? m->sign.data : m->kemac.mac,
        .n_sessions = m->hdr.n_cs,
        .n_policies = m->n_sp,
        .sdp_ids = m->sdp_ids,
    };
}

enum ts_err mikey_plain_offered(struct mikey_plain *p,
                                const struct mikey_now *now,
                                struct ts_span message,
                                struct mikey_offered *offered, uint8_t *error)
{
    struct mikey_msg m;
    uint8_t no = MIKEY_ERR_UNSPECIFIED;
    begin(p, MIKEY_RESPONDER);
    enum ts_err err = mikey_buf_set(&p->init, message);
    if (!err)
        err = take_offer(p, now, &m, &no);
    if (error)
        *error = no;
    if (err) {
        ts_key_wipe(&p->secret);
        mikey_keys_wipe(&p->keys);
        return err;
    }
    tell(p, &m, offered);
    p->step = OFFERED;
    return TS_OK;
}

static enum ts_err build_resp(struct mikey_plain *p,
                              const struct mikey_msg *init,
                              const uint32_t *ssrc, size_t n_ssrc)
{
    uint8_t map[2048];
    struct ts_writer map_w = ts_writer_init(map, sizeof map);
    struct ts_writer w = mikey_buf_writer(&p->resp);
    const struct mikey_classic x = knows(p);
    enum ts_err err = mikey_map_answer(&init->hdr, ssrc, n_ssrc, &map_w);
    if (err)
        return err;
    mikey_build_classic_resp(&w, &x, init, p->party->self, ts_written(&map_w));
    p->resp.n = w.err ? 0 : w.len;
    return w.err;
}

enum ts_err mikey_plain_answer(struct mikey_plain *p, const uint32_t *ssrc,
                               size_t n_ssrc, uint8_t *out, size_t cap,
                               size_t *n)
{
    struct mikey_msg init;
    if (p->side != MIKEY_RESPONDER || p->step != OFFERED)
        return TS_E_STATE;
    enum ts_err err = read_init(p, &init);
    *n = 0;
    if (!err && init.hdr.v)
        err = build_resp(p, &init, ssrc, n_ssrc);
    if (!err && init.hdr.v)
        err = mikey_hand_out(mikey_buf_span(&p->resp), out, cap, n);
    if (err)
        p->resp.n = 0;
    else
        p->step = DONE;
    return err;
}

enum ts_err mikey_plain_refuse(const struct mikey_plain *p,
                               const uint8_t *error, size_t n_errors,
                               uint8_t *out, size_t cap, size_t *n)
{
    struct mikey_msg init;
    struct ts_writer w = ts_writer_init(out, cap);
    if (p->side != MIKEY_RESPONDER || p->step == IDLE)
        return TS_E_STATE;
    if (n_errors == 0 || n_errors > MIKEY_ERR_MAX)
        return TS_E_RANGE;
    /* what could be read was: its header, and perhaps more */
    (void)!mikey_msg_read(mikey_buf_span(&p->init), &init, NULL);
    if (init.hdr.type == MIKEY_ERROR)
        return TS_E_STATE; /* no Error about an Error */
    const struct mikey_classic x = knows(p);
    const struct mikey_classic_error_new in = {
        .about = &init.hdr,
        .t = init.t,
        .no = error,
        .n_no = n_errors,
        .x = p->step == HEARD ? NULL : &x,
        .init = &init,
    };
    mikey_build_classic_error(&w, &in);
    *n = w.err ? 0 : w.len;
    return w.err;
}

/* ---- crypto sessions ---- */

/* The map that counts: of the answer, if there is one. */
static enum ts_err read_both(const struct mikey_plain *p,
                             struct mikey_msg *init, struct mikey_hdr *hdr)
{
    if (p->step < OFFERED)
        return TS_E_STATE;
    enum ts_err err = read_init(p, init);
    struct ts_reader r = ts_reader_span(mikey_buf_span(&p->resp));
    *hdr = init->hdr;
    if (!err && p->resp.n)
        err = mikey_hdr_read(&r, hdr);
    return err;
}

enum ts_err mikey_plain_session(const struct mikey_plain *p, size_t nth,
                                struct mikey_session *session)
{
    struct mikey_msg init;
    struct mikey_hdr hdr;
    struct mikey_cs cs;
    enum ts_err err = read_both(p, &init, &hdr);
    if (err)
        return err;
    if (nth >= hdr.n_cs)
        return TS_E_NOTFOUND;
    struct ts_reader r = ts_reader_span(hdr.map);
    for (unsigned i = 0; !err && i <= nth; i++)
        err = mikey_map_next(&hdr, i, &r, &cs);
    if (err)
        return err;
    *session = mikey_cs_session(&cs);
    if (hdr.map_type == MIKEY_MAP_SRTP) {
        session->known = session->ssrc != 0;
        session->started = session->roc != 0;
    }
    return TS_OK;
}

static enum ts_err srtp(const struct mikey_plain *p,
                        const struct mikey_msg *init, const struct mikey_cs *cs,
                        struct mikey_srtp_key *out)
{
    const struct mikey_classic_label label = mikey_classic_label_of(init);
    const struct mikey_key *k;
    struct ts_key key, salt;
    enum ts_err err = mikey_classic_policy(init, cs, &out->policy);
    if (!err)
        err = mikey_classic_pick(&p->keys, cs->spi, &k);
    if (!err && (out->policy.encr_key > sizeof out->key ||
                 out->policy.salt > sizeof out->salt))
        err = TS_E_UNSUPPORTED;
    if (!err)
        err =
            mikey_classic_session(&label, k, cs->id, &out->policy, &key, &salt);
    if (err)
        return err;
    out->key_len = key.len;
    out->salt_len = salt.len;
    out->spi_len = k->kv == MIKEY_KV_SPI ? k->spi.n : 0;
    memcpy(out->key, key.b, key.len);
    memcpy(out->salt, salt.b, salt.len);
    if (out->spi_len)
        memcpy(out->spi, k->spi.p, k->spi.n);
    ts_key_wipe(&key);
    ts_key_wipe(&salt);
    return TS_OK;
}

enum ts_err mikey_plain_srtp(const struct mikey_plain *p, uint8_t cs,
                             struct mikey_srtp_key *out)
{
    struct mikey_msg init;
    struct mikey_hdr hdr;
    struct mikey_cs found;
    *out = (struct mikey_srtp_key){0};
    if (p->step != DONE)
        return TS_E_STATE;
    enum ts_err err = read_both(p, &init, &hdr);
    if (!err)
        err = mikey_classic_cs(&hdr, cs, &found);
    if (!err)
        err = srtp(p, &init, &found, out);
    if (err)
        ts_wipe(out, sizeof *out);
    return err;
}
