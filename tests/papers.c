/* SPDX-License-Identifier: Apache-2.0 */
#include "papers.h"

#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES_MAX 256
#define BYTES_MAX (1 << 20)
#define NAMES_MAX 128

/* What was asked for, and its octets. No allocation: those of the tests are
 * made to fail one by one. */
static struct {
    char names[NAMES_MAX];
    struct ts_span s;
} cache[FILES_MAX];
static size_t n_cache;
static uint8_t store[BYTES_MAX];
static size_t used;

static void give_up(const char *what)
{
    (void)fprintf(stderr, "tests/pki/%s cannot be read\n", what);
    abort();
}

static void add_file(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", TEST_PKI, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, store + used, sizeof store - used);
    if (n <= 0 || used + (size_t)n >= sizeof store)
        give_up(name);
    used += (size_t)n;
    (void)close(fd);
}

static const struct ts_span *find(const char *names)
{
    for (size_t i = 0; i < n_cache; i++)
        if (strcmp(cache[i].names, names) == 0)
            return &cache[i].s;
    return NULL;
}

static struct ts_span remember(const char *names, size_t start)
{
    if (n_cache == FILES_MAX || strlen(names) >= sizeof cache[0].names)
        give_up(names);
    (void)snprintf(cache[n_cache].names, sizeof cache[0].names, "%s", names);
    cache[n_cache].s = ts_span(store + start, used - start);
    return cache[n_cache++].s;
}

struct ts_span papers(const char *names)
{
    const struct ts_span *found = find(names);
    char list[NAMES_MAX], *rest = list;
    const char *name;
    const size_t start = used;
    if (found)
        return *found;
    (void)snprintf(list, sizeof list, "%s", names);
    while ((name = strtok_r(rest, " ", &rest)))
        add_file(name);
    return remember(names, start);
}

struct ts_span paper_der(const char *name)
{
    char as[NAMES_MAX];
    (void)snprintf(as, sizeof as, "%s as DER", name);
    const struct ts_span *found = find(as);
    if (found)
        return *found;
    struct ts_span pem = papers(name);
    gnutls_datum_t in = {(unsigned char *)store + (pem.p - store),
                         (unsigned)pem.n};
    gnutls_datum_t der = {0};
    const size_t start = used;
    if (gnutls_pem_base64_decode2("CERTIFICATE", &in, &der) ||
        used + der.size >= sizeof store)
        give_up(name);
    memcpy(store + used, der.data, der.size);
    used += der.size;
    gnutls_free(der.data);
    return remember(as, start);
}

struct mikey_id paper_cert(const char *name)
{
    return (struct mikey_id){.type = MIKEY_CERT_X509, .data = paper_der(name)};
}

struct mikey_gnutls_key paper_key(const char *key, const char *certs)
{
    return (struct mikey_gnutls_key){.key = papers(key),
                                     .certs = papers(certs)};
}

struct mikey_id paper_id(const char *text)
{
    struct mikey_id id = {.role = MIKEY_IDR_I, .type = MIKEY_ID_URI};
    if (!text)
        return id;
    if (strncmp(text, "sip:", 4) != 0 && strncmp(text, "tel:", 4) != 0)
        id.type = MIKEY_ID_NAI;
    id.data = ts_span_str(text);
    return id;
}

struct mikey_gnutls_trust paper_trust(const char *cas, const char *crls)
{
    struct mikey_gnutls_trust trust = {.cas = papers(cas)};
    if (crls)
        trust.crls = papers(crls);
    return trust;
}
