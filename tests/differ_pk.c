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

/* One of each lives until the next request. */
static struct mikey_signer signer;
static struct mikey_sealer sealer;

enum ts_err differ_pk(const json_t *o, struct mikey_credential *cred)
{
    static uint8_t key_pem[PEM_MAX], kms_pem[PEM_MAX];
    struct ts_span pem = read_pem(text(o, "signer"), key_pem);
    const struct mikey_gnutls_key key = {.key = pem, .certs = pem};
    const struct mikey_gnutls_signing how = {
        (uint8_t)differ_number(o, "s type"),
        json_is_true(json_object_get(o, "sha1")) ? MIKEY_GNUTLS_SHA1
                                                 : MIKEY_GNUTLS_DEFAULT};
    mikey_gnutls_signer_free(&signer);
    mikey_gnutls_sealer_free(&sealer);
    enum ts_err err = mikey_gnutls_signer(&key, &how, &signer);
    if (!err)
        err = mikey_gnutls_sealer(
            read_pem(text(o, "sealer"), kms_pem),
            differ_number(o, "chash") ? MIKEY_GNUTLS_SHA256 : MIKEY_GNUTLS_SHA1,
            &sealer);
    if (!err) {
        cred->signer = &signer;
        cred->sealer = &sealer;
    }
    return vector_say(&differ, err, "keys");
}

void differ_pk_end(void)
{
    mikey_gnutls_signer_free(&signer);
    mikey_gnutls_sealer_free(&sealer);
}
