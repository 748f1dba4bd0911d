/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine role of tessera-kmsd: the core of kms/engine.h between rings. It
 * takes requests from the front, asks the store for users it does not know,
 * sends a record of each decision to the audit, and lets a reply go only when
 * its record is on disk (invariants 5 and 6). It has no network and no files.
 */
#ifndef KMS_ENGINEROLE_H
#define KMS_ENGINEROLE_H

#include "kms/conf.h"
#include "service/role.h"

struct kms_engine_conf {
    const struct kms_conf *conf;
    struct ts_ring_fds asks, replies;  /* front */
    struct ts_ring_fds queries, found; /* store */
    struct ts_ring_fds entries, done;  /* audit */
    int replay;                        /* memfd of kms_replay_create() */
};

/**
 * The role; a run function for struct ts_role, profile PURE.
 *
 * @param conf  a struct kms_engine_conf
 * @return 0 after SIGTERM; before the role is up 2 for a wrong store key, 1
 *         for all else, with one line that says why
 */
int kms_engine_run(struct ts_self *self, const void *conf);

#endif
