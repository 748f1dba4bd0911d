/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public-key credentials for differ.c, of the PEM files in
 * reference/testkeys/.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "pki/gnutls.h"
#include "tests/differ.h"

#define PEM_MAX 16384

static struct ts_span read_pem(const char *name, uint8_t *buf)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_KEYS, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, PEM_MAX);
    (void)close(fd);
    return ts_span(buf, n > 0 ? (size_t)n : 0);
}

static const char *text(const json_t *o, const char *name)
{
    const char *value = json_string_value(json_object_get(o, name));
    return value ? value : "";
}

/* Signers that were made: each costs some signatures to make. */
#define SIGNERS 16
static struct {
    char name[32];
    struct mikey_gnutls_signing how;
    struct mikey_signer signer;
} made[SIGNERS];
static size_t n_made;

static struct mikey_sealer sealer;

static enum ts_err find_signer(const char *name,
                               const struct mikey_gnutls_signing *how,
                               const struct mikey_signer **signer)
{
    static uint8_t buf[PEM_MAX];
    size_t i = 0;
    while (i < n_made &&
           (strcmp(made[i].name, name) != 0 ||
            made[i].how.s_type != how->s_type || made[i].how.hash != how->hash))
        i++;
    *signer = &made[i].signer;
    if (i < n_made)
        return TS_OK;
    if (n_made == SIGNERS || strlen(name) >= sizeof made[0].name)
        return TS_E_SPACE;
    struct ts_span pem = read_pem(name, buf);
    const struct mikey_gnutls_key key = {.key = pem, .certs = pem};
    enum ts_err err = mikey_gnutls_signer(&key, how, &made[i].signer);
    if (err)
        return err;
    snprintf(made[i].name, sizeof made[i].name, "%s", name);
    made[i].how = *how;
    n_made++;
    return TS_OK;
}

enum ts_err differ_pk(const json_t *o, struct mikey_credential *cred)
{
    static uint8_t buf[PEM_MAX];
    const struct mikey_gnutls_signing how = {
        (uint8_t)differ_number(o, "s type"),
        json_is_true(json_object_get(o, "sha1")) ? MIKEY_GNUTLS_SHA1
                                                 : MIKEY_GNUTLS_DEFAULT};
    enum mikey_gnutls_hash chash =
        differ_number(o, "chash") ? MIKEY_GNUTLS_SHA256 : MIKEY_GNUTLS_SHA1;
    mikey_gnutls_sealer_free(&sealer);
    enum ts_err err = find_signer(text(o, "signer"), &how, &cred->signer);
    if (!err)
        err = mikey_gnutls_sealer(read_pem(text(o, "sealer"), buf), chash,
                                  &sealer);
    cred->sealer = &sealer;
    return vector_say(&differ, err, "keys");
}

void differ_pk_end(void)
{
    while (n_made)
        mikey_gnutls_signer_free(&made[--n_made].signer);
    mikey_gnutls_sealer_free(&sealer);
}
