/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public-key operations by what the vector says: "input" is what must be
 * signed, octet for octet, and "env_key" what must be sealed.
 */
#include "tests/vector.h"

/* Whether the parts, one behind the other, are what was signed. */
static enum ts_err compare(const struct vector_pk *pk,
                           const struct ts_span *parts, size_t n)
{
    struct ts_span rest = pk->input;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > rest.n ||
            !ts_span_equal(parts[i], ts_span(rest.p, parts[i].n)))
            return TS_E_AUTH;
        rest = ts_span(rest.p + parts[i].n, rest.n - parts[i].n);
    }
    return rest.n ? TS_E_AUTH : TS_OK;
}

static enum ts_err sign(void *arg, const struct ts_span *parts, size_t n,
                        uint8_t *sig)
{
    const struct vector_pk *pk = arg;
    memcpy(sig, pk->value.p, pk->value.n);
    return compare(pk, parts, n);
}

static enum ts_err verify(void *arg, uint8_t s_type,
                          const struct ts_span *parts, size_t n,
                          struct ts_span sig)
{
    const struct vector_pk *pk = arg;
    if (s_type != pk->signer.s_type || !ts_span_equal(sig, pk->value))
        return TS_E_AUTH;
    return compare(pk, parts, n);
}

static enum ts_err certify(void *arg, const struct mikey_id *cert, size_t n,
                           const struct mikey_id *claimed, uint64_t now,
                           struct mikey_id *who)
{
    const struct vector_pk *pk = arg;
    (void)cert;
    (void)n;
    (void)now;
    *who = *claimed;
    if (!claimed->data.p) /* as the certificate would say */
        *who = (struct mikey_id){0, MIKEY_ID_URI, pk->who};
    return TS_OK;
}

static enum ts_err seal(void *arg, struct ts_span env_key, uint8_t *out)
{
    const struct vector_pk *pk = arg;
    memcpy(out, pk->sealed.p, pk->sealed.n);
    return ts_span_equal(env_key, pk->env_key) ? TS_OK : TS_E_AUTH;
}

static enum ts_err unseal(void *arg, const struct mikey_chash *chash,
                          struct ts_span sealed, uint8_t env_key[MIKEY_KEY_MAX],
                          size_t *n)
{
    const struct vector_pk *pk = arg;
    (void)chash;
    *n = pk->env_key.n;
    memcpy(env_key, pk->env_key.p, pk->env_key.n);
    return ts_span_equal(sealed, pk->sealed) ? TS_OK : TS_E_AUTH;
}

void vector_pk(struct vector *v, const struct vector_message *t,
               struct vector_pk *pk)
{
    const json_t *signature = json_object_get(t->json, "signature");
    const struct mikey_msg *m = &t->m;
    *pk = (struct vector_pk){
        .input = vector_get(v, signature, "input"),
        .value = vector_get(v, signature, "value"),
        .sealed = m->pke.data,
        .env_key = vector_secret(v, t, "env_key"),
        .who = mikey_is_resolve_init(m->hdr.type) ? t->ids.r : t->ids.i,
    };
    pk->signer = (struct mikey_signer){
        pk, m->sign.type, (uint16_t)pk->value.n, m->cert, m->n_cert, sign};
    pk->verifier = (struct mikey_verifier){pk, certify, verify};
    pk->sealer =
        (struct mikey_sealer){pk, (uint16_t)m->pke.data.n, m->chash, seal};
    pk->opener = (struct mikey_opener){pk, unseal};
}
