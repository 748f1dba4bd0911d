/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels by the table of mikey-ticket.md 3.3, written here a second time on
 * purpose: what libmikey derives is compared with it in the tests.
 */
#include "tool/derive.h"

#define ANY 0xffffffffu

/* Lengths: of the suite's algorithm, of the key, of a salt. */
enum length { ENCR_KEY, AUTH_KEY, SALT_KEY, AS_KEY };

struct use {
    const char *name;
    uint32_t constant; /* RFC 3830 4.1.3, 4.1.4; RFC 6043 5.1.1, A.2.2 */
    enum length length;
};

static const struct use fork_uses[] = {
    {"MPKr", 0x2B288856, AS_KEY}, {"TGK", 0x1512B54A, AS_KEY}, {0}};
static const struct use protect_uses[] = {{"encr", 0x150533E1, ENCR_KEY},
                                          {"auth", 0x2D22AC75, AUTH_KEY},
                                          {"salt", 0x29B88916, SALT_KEY},
                                          {0}};
static const struct use session_uses[] = {{"TEK", 0x2AD01C64, ENCR_KEY},
                                          {"auth", 0x1B5C7973, AUTH_KEY},
                                          {"encr", 0x15798CEF, ENCR_KEY},
                                          {"salt", 0x39A2C14B, SALT_KEY},
                                          {0}};
static const struct use vr_uses[] = {{"auth", 0x2D22AC75, AUTH_KEY}, {0}};
static const struct use half_uses[] = {
    {"MPKi", 0x220E99A2, AS_KEY}, {"MPKr", 0x1F4D675B, AS_KEY}, {0}};

#define NAMES(...)                                                             \
    (const char *const[])                                                      \
    {                                                                          \
        __VA_ARGS__, NULL                                                      \
    }

/* K0 to K6 by their selector octet */
const struct mt_derivation mt_derivations[] = {
    {"K0", "MPKr' or TGK' of key forking", NAMES("key", "IDRr", "RANDRkms"),
     NAMES("MPKr", "TGK")},
    {"K1", "keys of an initial message", NAMES("key", "CSB"),
     NAMES("encr", "auth", "salt")},
    {"K2", "keys of a response", NAMES("key", "CSB"),
     NAMES("encr", "auth", "salt")},
    {"K3", "keys of a crypto session", NAMES("key", "CS"),
     NAMES("TEK", "auth", "encr", "salt")},
    {"K4", "auth_key of Vr", NAMES("key"), NAMES("auth")},
    {"K5", "keys of a base ticket", NAMES("key", "RAND"),
     NAMES("encr", "auth", "salt")},
    {"K6", "MPKi and MPKr of a base ticket", NAMES("key", "RAND"),
     NAMES("MPKi", "MPKr")},
    {"prf", "the PRF itself", NAMES("key", "label", "length"), NAMES(NULL)},
    {0},
};

#define PRF_ITSELF 7

static const struct use *const uses[] = {
    fork_uses, protect_uses, protect_uses, session_uses,
    vr_uses,   protect_uses, half_uses};

static size_t length_of(enum length length, const struct mt_derive *d)
{
    const struct mikey_suite *suite = mikey_suite_prf(d->prf);
    switch (length) {
    case ENCR_KEY:
        return suite->encr_key;
    case AUTH_KEY:
        return suite->auth_key;
    case SALT_KEY:
        return MIKEY_SALT_LEN;
    default:
        return d->key.n;
    }
}

static void put_rand(struct ts_writer *w, struct ts_span rand)
{
    ts_put_u8(w, (unsigned)rand.n);
    ts_put_span(w, rand);
}

/* What stands behind the selector. */
static void put_tail(struct ts_writer *w, size_t which,
                     const struct mt_derive *d)
{
    switch (which) {
    case 0:
        ts_put_u16(w, (unsigned)d->id.n);
        ts_put_span(w, d->id);
        put_rand(w, d->rand_kms);
        break;
    case 4:
        break;
    case 5:
    case 6:
        put_rand(w, d->rand);
        break;
    default:
        put_rand(w, d->rand_i);
        put_rand(w, d->rand_r);
    }
}

bool mt_derive_label(size_t which, const struct mt_derive *d,
                     struct ts_writer *w, size_t *length)
{
    if (which == PRF_ITSELF) {
        ts_put_span(w, d->label);
        *length = d->length;
        return true;
    }
    const struct use *use = uses[which];
    while (use->name && d->use && strcmp(use->name, d->use) != 0)
        use++;
    if (!use->name || (!d->use && uses[which][1].name))
        return false;
    *length = d->length ? d->length : length_of(use->length, d);
    ts_put_u32(w, use->constant);
    ts_put_u8(w, d->cs.n ? d->cs.p[0] : 0xff);
    if (d->csb.n)
        ts_put_span(w, d->csb);
    else
        ts_put_u32(w, ANY);
    ts_put_u8(w, (unsigned)which);
    put_tail(w, which, d);
    return true;
}
