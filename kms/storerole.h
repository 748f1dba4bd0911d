/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store role of tessera-kmsd: answers the engine's look-ups (kms/msg.h)
 * out of the store, and owns the admin socket. It sees ciphertext only: the
 * store key is not here.
 *
 * Admin socket: a stream socket of mode 0600. A program that has changed the
 * store (tesseractl) writes the line "changed". The role tells the engine,
 * waits until it has dropped what it remembered, and answers "ok" or
 * "error TEXT". Only root and the user of this process are heard. A change
 * that nobody tells about is noticed within a second all the same.
 */
#ifndef KMS_STOREROLE_H
#define KMS_STOREROLE_H

#include "service/role.h"

/** How long the engine may take to drop its caches, in milliseconds. */
#define KMS_TOLD_MS 2000

/** What the role needs; the rings are closed by whoever made them. */
struct kms_store_conf {
    const char *store; /* path of the SQLite file */
    const char *admin; /* path of the admin socket */
    struct ts_ring_fds from_engine, to_engine;
};

/**
 * The role; a run function for struct ts_role. In its sandbox it needs files
 * in the folder of the store (profile FILES).
 *
 * @param self  what the supervisor gives
 * @param conf  a struct kms_store_conf
 * @return 0 after SIGTERM; before the role is up 2 for a store that is not
 *         there or of another version, 1 for all else, with one line that
 *         says why; 1 when it cannot go on
 */
int kms_store_run(struct ts_self *self, const void *conf);

#endif
