/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin socket of a running daemon, both ends. Protocol: kms/storerole.h.
 */
#ifndef KMS_ADMINSOCK_H
#define KMS_ADMINSOCK_H

#include "base/conf.h"

/** What a client writes. */
#define KMS_ADMIN_CHANGED "changed\n"

/**
 * Daemon: bind and listen. A socket that a killed daemon left behind is
 * replaced, one that somebody listens on is not.
 *
 * @param path  of the socket; it gets mode 0600
 * @param fd    gets the listening descriptor, non-blocking
 * @param msg   on failure one line
 * @return OK, E_EXISTS if another daemon listens, E_CONFIG for a path that is
 *         too long, E_IO
 */
TS_MUST enum ts_err kms_admin_listen(const char *path, int *fd,
                                     char msg[static TS_CONF_MSG]);

/**
 * Daemon: take the next client that may speak, close others.
 *
 * @return its descriptor, non-blocking, or -1 for none
 */
int kms_admin_accept(int listener);

/**
 * Program: tell a running daemon that the store has changed, and wait for its
 * answer at most 5 seconds.
 *
 * @param told  set to false if no daemon runs there, which is no failure
 * @param msg   on failure one line
 * @return OK; E_PEER if it answers with an error, not at all or may not be
 *         asked; E_CONFIG for a path that is too long; E_IO
 */
TS_MUST enum ts_err kms_admin_tell(const char *path, bool *told,
                                   char msg[static TS_CONF_MSG]);

#endif
