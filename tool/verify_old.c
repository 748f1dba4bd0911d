/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "mikeytool verify" for RFC 3830, 4650 and 4738.
 */
#include "mikey/classic.h"
#include "tool/verify.h"

static struct mikey_classic knowledge(const struct mt_verify *v)
{
    const struct mt_known *k = v->known;
    return (struct mikey_classic){
        .secret = k->psk.p ? k->psk : k->env_key,
        .first = v->first,
        .id_i = {0, MIKEY_ID_URI, k->ids.i},
        .id_r = {0, MIKEY_ID_URI, k->ids.r},
    };
}

static const char *secret_name(const struct mt_verify *v)
{
    return v->known->psk.p ? "PSK" : "env_key";
}

static void verify_psk(struct mt_verify *v, const struct mikey_classic *x)
{
    static struct mikey_keys keys;
    enum ts_err err = mikey_classic_psk_open(x, v->m, &keys);
    mt_checked(v, "MAC of KEMAC", secret_name(v), err);
    if (!err)
        mt_put_keys(v, v->out, "KEMAC", &keys);
    mikey_keys_wipe(&keys);
}

/* Signature, envelope key, and the KEMAC under it: all at once. */
static void verify_pk(struct mt_verify *v, const struct mikey_classic *x)
{
    static struct mikey_classic_opened opened;
    struct mt_pk pk;
    mt_pk_begin(&pk, v, &x->id_i);
    if (!pk.can_verify || !pk.can_open) {
        mt_unchecked(v, "SIGN, PKE and KEMAC",
                     pk.can_verify ? "neither private key nor env_key is known"
                                   : "trusted is not known");
        mt_pk_end(&pk);
        return;
    }
    const struct mikey_classic_pk ops = {&pk.verifier, &pk.opener, pk.now};
    enum ts_err err = mikey_classic_pk_open(x, v->m, &ops, &opened);
    mt_checked(v, "SIGN, PKE and KEMAC", NULL, err);
    if (!err) {
        mt_put_keys(v, v->out, "KEMAC", &opened.keys);
        mt_put_secret(v, v->out, "env_key", ts_key_span(&opened.env_key));
    }
    mikey_classic_wipe(&opened);
    mt_pk_end(&pk);
}

static void verify_signed(struct mt_verify *v, const struct mikey_classic *x,
                          bool answer)
{
    struct mt_pk pk;
    struct mikey_id who;
    if (answer && !v->init) {
        mt_unchecked(v, "SIGN", "needs --init, the message it answers");
        return;
    }
    mt_pk_begin(&pk, v, answer ? &x->id_r : &x->id_i);
    if (pk.can_verify)
        mt_checked(v, "SIGN", NULL,
                   mikey_classic_signed(x, answer ? v->init : NULL, v->m,
                                        &pk.verifier, pk.now, &who));
    else
        mt_unchecked(v, "SIGN", "trusted is not known");
    mt_pk_end(&pk);
}

static bool is_answer(uint8_t type)
{
    return type == MIKEY_PSK_VERIFY || type == MIKEY_PK_VERIFY ||
           type == MIKEY_DH_RESP || type == MIKEY_DHHMAC_RESP ||
           type == MIKEY_RSA_R_R;
}

static void verify_with_key(struct mt_verify *v, const struct mikey_classic *x)
{
    const bool answer = is_answer(v->m->hdr.type);
    if (!x->secret.p || (answer && !v->init)) {
        mt_unchecked(v, "MAC",
                     x->secret.p ? "needs --init, the message it answers"
                                 : "neither PSK nor env_key is known");
        return;
    }
    switch (v->m->hdr.type) {
    case MIKEY_PSK:
        verify_psk(v, x);
        break;
    case MIKEY_DHHMAC_INIT:
    case MIKEY_DHHMAC_RESP:
        mt_checked(v, "MAC of KEMAC", secret_name(v),
                   mikey_dhhmac_verify(x, answer ? v->init : NULL, v->m));
        break;
    default:
        mt_checked(v, "V", secret_name(v),
                   mikey_classic_resp_open(x, v->init, v->m));
    }
}

void mt_verify_old_error(struct mt_verify *v, const struct mikey_msg *init)
{
    const struct mikey_classic x = knowledge(v);
    if (x.secret.p)
        mt_checked(v, "V", secret_name(v),
                   mikey_classic_error_verify(&x, init, v->m));
    else
        mt_unchecked(v, "V", "neither PSK nor env_key is known");
}

void mt_verify_old(struct mt_verify *v)
{
    const struct mikey_classic x = knowledge(v);
    switch (v->m->hdr.type) {
    case MIKEY_PK:
        verify_pk(v, &x);
        break;
    case MIKEY_DH_INIT:
    case MIKEY_DH_RESP:
    case MIKEY_RSA_R_I:
    case MIKEY_RSA_R_R:
        verify_signed(v, &x, is_answer(v->m->hdr.type));
        break;
    default:
        verify_with_key(v, &x);
    }
}
