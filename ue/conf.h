/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration of a UE: section [ue] of one INI file.
 */
#ifndef UE_CONF_H
#define UE_CONF_H

#include "base/conf.h"
#include "ue/keying.h"
#include "ue/signal.h"

/**
 * All of it, not to be moved; texts live as long as the configuration. Relative
 * paths are those seen from the folder of the configuration file.
 */
struct ue_conf {
    struct ts_conf *file;
    struct ue_credential credential;
    struct ue_seen seen; /* offers that were taken, for credential */
    struct ue_signal_conf signal;
    const char *kms;    /* URL */
    const char *ca;     /* file with trusted certificates, or NULL */
    const char *send;   /* WAV file, or NULL */
    const char *record; /* WAV file, or NULL */
    char *paths[4];     /* what of ca, send, record and secret is owned */
    unsigned n_paths;
};

/**
 * Read and check a file and the secret file that it names.
 *
 * @param out  filled in; ue_conf_free() releases it, after a failure too
 * @param msg  on failure one line: what is wrong and where
 * @return OK, E_CONFIG, E_IO, E_NOMEM
 */
TS_MUST enum ts_err ue_conf_load(const char *path, struct ue_conf *out,
                                 char msg[static TS_CONF_MSG]);

/** Wipe the key and release. */
void ue_conf_free(struct ue_conf *conf);

#endif
