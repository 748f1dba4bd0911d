/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of tessera-kmsd, read from one INI file. tesseractl reads
 * the same file.
 *
 *     [kms]     identity=sip:kms@example.org    IDRkms; required
 *               store=sqlite:PATH               required
 *               store-key=PATH                  required
 *     [http]    listen=127.0.0.1:8080           many; one at least here or
 *     [https]   listen=[::1]:8443               there
 *               cert=PATH key=PATH              PEM
 *     [admin]   socket=PATH                     default: STORE.admin
 *     [policy]  skew=300                        seconds that T may be off
 *               max-lifetime=86400              seconds a ticket may be valid
 *               forking=yes|no|required         flag I: as asked for, never,
 *                                               refuse who does not ask
 *               reuse=no|yes                    flag J: never, as asked for
 *     [limits]  replay-entries=4194304          16 bytes each
 *               answer-bytes=16777216           cache of replies
 *               connections=16384
 *     [audit]   file=PATH                       default: STORE.audit
 *     [log]     level=info                      debug, info, warn, error
 *               identities=pseudonym|clear
 *
 * A relative path starts at the folder of the configuration file, wherever the
 * program was started. A listener is an address in figures, not a name.
 */
#ifndef KMS_CONF_H
#define KMS_CONF_H

#include <sys/socket.h>

#include "base/conf.h"
#include "base/identity.h"
#include "base/log.h"

/** Most listeners of one kind. */
#define KMS_LISTEN_MAX 16

/** An address to listen on. */
struct kms_listen {
    const char *text; /* as configured, for messages */
    struct sockaddr_storage addr;
    socklen_t len;
};

/** Whether tickets fork keys (flag I of the Ticket Policy). */
enum kms_forking {
    KMS_FORKING_YES,      /* as the Initiator asks */
    KMS_FORKING_NO,       /* never: I=0 is granted */
    KMS_FORKING_REQUIRED, /* a request without it is refused */
};

/** What the administrator decides about tickets. */
struct kms_policy {
    uint32_t skew;         /* seconds that T may differ from our clock */
    uint32_t max_lifetime; /* seconds, TRe - TRs at most */
    enum kms_forking forking;
    bool reuse; /* J may be granted (RFC 6043 5.6) */
};

struct kms_limits {
    uint64_t replay_entries, answer_bytes, connections;
};

/** All texts live as long as the structure; paths are ready to be opened. */
struct kms_conf {
    const char *identity; /* octets of IDRkms, as configured */
    struct ts_identity canonical;
    char *store; /* path of the SQLite file */
    char *store_key;
    struct kms_listen http[KMS_LISTEN_MAX];
    size_t n_http;
    struct kms_listen https[KMS_LISTEN_MAX];
    size_t n_https;
    char *cert, *key; /* NULL without [https] */
    char *admin_socket;
    char *audit_file;
    struct kms_policy policy;
    struct kms_limits limits;
    enum ts_level log_level;
    bool log_clear; /* identities in clear */
    struct ts_conf *file;
};

/**
 * Read and check a configuration.
 *
 * @param path  the file
 * @param conf  filled in; kms_conf_free() releases it, after a failure too
 * @param msg   on failure one line: file, what is wrong, what to do
 * @return OK, E_CONFIG, E_IO (cannot be read), E_NOMEM
 */
TS_MUST enum ts_err kms_conf_load(const char *path, struct kms_conf *conf,
                                  char msg[static TS_CONF_MSG]);

/** Release what kms_conf_load() filled in. NULL is ignored. */
void kms_conf_free(struct kms_conf *conf);

#endif
