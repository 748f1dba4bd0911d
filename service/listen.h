/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets: made by the supervisor before it forks, handed on to the
 * role that accepts, so that no role may open a socket by itself and a port
 * stays bound while its role is restarted.
 */
#ifndef SERVICE_LISTEN_H
#define SERVICE_LISTEN_H

#include <sys/socket.h>

#include "base/bytes.h"
#include "base/err.h"

/** Room for one line of explanation. */
#define TS_LISTEN_MSG 256

/**
 * Bind and listen, non-blocking. IPv6 does not take IPv4 along. Logs
 * event=listening with the address, where port 0 has become a real one.
 *
 * @param addr  IPv4 or IPv6 address and port
 * @param len   its length
 * @param text  as it was configured, for the message
 * @param fd    gets the socket; the caller closes it
 * @param msg   on failure one line: what, where, what to do
 * @return OK, or E_IO
 */
TS_MUST enum ts_err ts_listen(const struct sockaddr *addr, socklen_t len,
                              const char *text, int *fd,
                              char msg[static TS_LISTEN_MSG]);

#endif
