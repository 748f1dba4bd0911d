/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/internal.h"

#define OID_SUBJECT_ALT_NAME "2.5.29.17"

/* NAI: user@realm, the realm in lower case (RFC 7542 2.4). */
static void lower_realm(struct pki_name *name)
{
    bool realm = false;
    for (size_t i = 0; i < name->n; i++) {
        char c = name->text[i];
        if (realm && c >= 'A' && c <= 'Z')
            name->text[i] = (char)(c - 'A' + 'a');
        realm = realm || c == '@';
    }
}

enum ts_err pki_name_set(struct pki_name *name, const struct mikey_id *id)
{
    struct ts_identity canonical;
    struct ts_span s = id->data;
    *name = (struct pki_name){.type = id->type};
    if (id->type == MIKEY_ID_URI && ts_identity(s, &canonical) == TS_OK)
        s = ts_span(canonical.text, canonical.len);
    if (s.n == 0 || s.n > sizeof name->text)
        return TS_E_RANGE;
    name->n = (uint8_t)s.n;
    memcpy(name->text, s.p, s.n);
    if (id->type == MIKEY_ID_NAI)
        lower_realm(name);
    return TS_OK;
}

int pki_name_cmp(const struct pki_name *a, const struct pki_name *b)
{
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    return memcmp(a->text, b->text, a->n);
}

enum ts_err pki_names_of(gnutls_subject_alt_names_t *names,
                         gnutls_x509_crt_t crt)
{
    gnutls_datum_t der = {0};
    *names = NULL;
    int rc = gnutls_x509_crt_get_extension_by_oid2(crt, OID_SUBJECT_ALT_NAME, 0,
                                                   &der, NULL);
    if (rc == 0)
        rc = gnutls_subject_alt_names_init(names);
    if (rc == 0)
        rc = gnutls_x509_ext_import_subject_alt_names(&der, *names, 0);
    gnutls_free(der.data);
    if (rc == 0)
        return TS_OK;
    if (*names)
        gnutls_subject_alt_names_deinit(*names);
    *names = NULL;
    return pki_err(rc, TS_E_AUTH);
}

/* The next name that can be an identity; false after the last. */
static bool next_name(gnutls_subject_alt_names_t names, unsigned *i,
                      struct mikey_id *id)
{
    gnutls_datum_t text;
    unsigned type;
    while (gnutls_subject_alt_names_get(names, *i, &type, &text, NULL) == 0) {
        ++*i;
        if (type != GNUTLS_SAN_URI && type != GNUTLS_SAN_RFC822NAME)
            continue;
        id->type = type == GNUTLS_SAN_URI ? MIKEY_ID_URI : MIKEY_ID_NAI;
        id->data = ts_span(text.data, text.size);
        return true;
    }
    return false;
}

static enum ts_err match_only(gnutls_subject_alt_names_t names,
                              struct mikey_id *who)
{
    struct mikey_id id = {0};
    unsigned i = 0, found = 0;
    while (next_name(names, &i, &id)) {
        if (id.type != MIKEY_ID_URI)
            continue;
        *who = id;
        found++;
    }
    return found == 1 && who->data.n ? TS_OK : TS_E_AUTH;
}

enum ts_err pki_names_match(gnutls_subject_alt_names_t names,
                            const struct mikey_id *claimed,
                            struct mikey_id *who)
{
    struct pki_name want, is;
    struct mikey_id id = {0};
    unsigned i = 0;
    if (!claimed->data.p)
        return match_only(names, who);
    *who = *claimed;
    bool has_form = pki_name_set(&want, claimed) == TS_OK;
    while (claimed->data.n && next_name(names, &i, &id)) {
        if (id.type != claimed->type)
            continue;
        if (ts_span_equal(id.data, claimed->data))
            return TS_OK;
        if (has_form && pki_name_set(&is, &id) == TS_OK &&
            pki_name_cmp(&want, &is) == 0)
            return TS_OK;
    }
    return TS_E_AUTH;
}
