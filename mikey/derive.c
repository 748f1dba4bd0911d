/* SPDX-License-Identifier: Apache-2.0 */
#include "mikey/derive.h"

#include "base/writer.h"

/* mikey-ticket.md 3.2: nine decimal digits of e each */
enum {
    C_TEK = 0x2AD01C64,
    C_TEK_AUTH = 0x1B5C7973,
    C_TEK_ENCR = 0x15798CEF,
    C_ENCR = 0x150533E1,
    C_AUTH = 0x2D22AC75,
    C_SALT = 0x29B88916,
    C_TEK_SALT = 0x39A2C14B,
    C_FORK_MPK = 0x2B288856,
    C_FORK_TGK = 0x1512B54A,
    C_MPK_I = 0x220E99A2,
    C_MPK_R = 0x1F4D675B,
};

#define NO_CSB 0xffffffffu
#define NO_CS  0xff

/* constant(4) CS ID(1) CSB ID or ff..(4) selector(1), then what varies */
#define LABEL_MAX (10 + 2 + MIKEY_ID_MAX + 2 * 256)

struct label {
    uint8_t buf[LABEL_MAX];
    struct ts_writer w;
};

static void label_begin(struct label *l, uint32_t constant, uint8_t cs,
                        uint32_t csb, enum mikey_selector selector)
{
    l->w = ts_writer_init(l->buf, sizeof l->buf);
    /* one piece: octet by octet it would take as long as a block of a hash */
    const uint8_t head[] = {
        (uint8_t)(constant >> 24),
        (uint8_t)(constant >> 16),
        (uint8_t)(constant >> 8),
        (uint8_t)constant,
        cs,
        (uint8_t)(csb >> 24),
        (uint8_t)(csb >> 16),
        (uint8_t)(csb >> 8),
        (uint8_t)csb,
        (uint8_t)selector,
    };
    ts_put(&l->w, head, sizeof head);
}

/* Length and value; the length stays when the value is left out. */
static void label_rand(struct label *l, struct ts_span rand)
{
    ts_put_u8(&l->w, (unsigned)rand.n); /* R149, R157 */
    ts_put_span(&l->w, rand);           /* R140, R301: not the payload */
}

static void label_prf(struct label *l, struct mikey_prf *prf, uint8_t *out,
                      size_t n)
{
    mikey_prf(prf, ts_written(&l->w), out, n);
}

void mikey_protect_begin(struct mikey_protect *p,
                         const struct mikey_suite *suite, struct ts_span inkey,
                         uint8_t selector, uint32_t csb, struct ts_span rand_i,
                         struct ts_span rand_r)
{
    mikey_prf_key(&p->prf, suite->prf, inkey);
    p->suite = suite;
    p->csb = csb;
    p->rand_i = rand_i;
    p->rand_r = rand_r;
    p->selector = selector;
}

static void protect_key(struct mikey_protect *p, uint32_t constant,
                        uint8_t *out, size_t n)
{
    MIKEY_UNSET struct label l;
    label_begin(&l, constant, NO_CS, p->csb, p->selector);
    label_rand(&l, p->rand_i);
    if (p->selector != MIKEY_SEL_TICKET) /* K5 has one RAND only */
        label_rand(&l, p->rand_r);
    label_prf(&l, &p->prf, out, n);
}

void mikey_protect_auth_key(struct mikey_protect *p,
                            uint8_t key[static MIKEY_MAC_MAX])
{
    protect_key(p, C_AUTH, key, p->suite->auth_key);
}

void mikey_protect_auth(struct mikey_protect *p, struct mikey_hmac *h)
{
    uint8_t key[MIKEY_MAC_MAX];
    mikey_protect_auth_key(p, key);
    mikey_hmac_key(h, p->suite->auth, ts_span(key, p->suite->auth_key));
    ts_wipe(key, sizeof key);
}

void mikey_protect_cipher(struct mikey_protect *p, struct mikey_cipher *c)
{
    protect_key(p, C_ENCR, c->key, p->suite->encr_key);
    protect_key(p, C_SALT, c->salt, sizeof c->salt);
}

void mikey_protect_end(struct mikey_protect *p)
{
    mikey_prf_wipe(&p->prf);
}

void mikey_derive_mpk(struct mikey_prf *prf, size_t len, struct ts_span rand,
                      struct ts_key *mpk_i, struct ts_key *mpk_r)
{
    MIKEY_UNSET struct label l;
    label_begin(&l, C_MPK_I, NO_CS, NO_CSB, MIKEY_SEL_MPK);
    label_rand(&l, rand);
    label_prf(&l, prf, mpk_i->b, len);
    mpk_i->len = (uint8_t)len;

    label_begin(&l, C_MPK_R, NO_CS, NO_CSB, MIKEY_SEL_MPK);
    label_rand(&l, rand);
    label_prf(&l, prf, mpk_r->b, len);
    mpk_r->len = (uint8_t)len; /* R304 */
}

void mikey_derive_vr_key(struct mikey_prf *prf, const struct mikey_suite *suite,
                         uint8_t key[static MIKEY_MAC_MAX])
{
    MIKEY_UNSET struct label l;
    label_begin(&l, C_AUTH, NO_CS, NO_CSB, MIKEY_SEL_VR);
    label_prf(&l, prf, key, suite->auth_key);
}

void mikey_derive_vr(struct mikey_prf *prf, const struct mikey_suite *suite,
                     struct mikey_hmac *h)
{
    uint8_t key[MIKEY_MAC_MAX];
    mikey_derive_vr_key(prf, suite, key);
    mikey_hmac_key(h, suite->auth, ts_span(key, suite->auth_key));
    ts_wipe(key, sizeof key);
}

void mikey_derive_fork(struct mikey_prf *prf, size_t len, bool mpk,
                       struct ts_span id, struct ts_span rand_kms,
                       struct ts_key *out)
{
    MIKEY_UNSET struct label l;
    label_begin(&l, mpk ? C_FORK_MPK : C_FORK_TGK, NO_CS, NO_CSB,
                MIKEY_SEL_FORK);
    ts_put_u16(&l.w, (unsigned)id.n);
    ts_put_span(&l.w, id);
    label_rand(&l, rand_kms);
    label_prf(&l, prf, out->b, len);
    out->len = (uint8_t)len; /* R143 */
}

void mikey_derive_tek(const struct ts_key *tgk, uint8_t prf,
                      enum mikey_tek_use use, uint8_t cs, struct ts_span rand_i,
                      struct ts_span rand_r, uint8_t *out, size_t n)
{
    static const uint32_t constants[] = {C_TEK, C_TEK_AUTH, C_TEK_ENCR,
                                         C_TEK_SALT};
    struct mikey_prf keyed;
    MIKEY_UNSET struct label l;
    mikey_prf_key(&keyed, prf, ts_key_span(tgk));
    label_begin(&l, constants[use], cs, NO_CSB, MIKEY_SEL_TEK);
    label_rand(&l, rand_i);
    label_rand(&l, rand_r);
    label_prf(&l, &keyed, out, n);
    mikey_prf_wipe(&keyed);
}
