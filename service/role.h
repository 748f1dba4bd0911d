/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon is a table of roles: one process each, forked by a supervisor that
 * hands on descriptors, restarts what dies and touches no input. A role keeps
 * the descriptors that its row names; all others are closed in it.
 *
 * The rows stand in the order in which roles are stopped: what faces the
 * network first, what it works for after it.
 *
 * A role's run function gets ready, calls ts_role_up(), which closes the
 * sandbox of its row around it, and works until ts_role_signal() says SIGTERM.
 */
#ifndef SERVICE_ROLE_H
#define SERVICE_ROLE_H

#include "base/log.h"
#include "service/ring.h"
#include "service/sandbox.h"

/** Most descriptors that one role keeps. */
#define TS_ROLE_FDS 64
/** Most roles of one daemon. */
#define TS_ROLES 16

/** What a role knows of itself while it runs. */
struct ts_self;

struct ts_role {
    const char *name; /* in ps (behind the daemon's) and in the log */
    /**
     * The role's work. Returns the exit code: 0 after SIGTERM; before
     * ts_role_up() 2 for a wrong configuration, else 1, with one line of
     * explanation written by ts_role_fail().
     */
    int (*run)(struct ts_self *self, const void *arg);
    const void *arg;
    struct ts_sandbox sandbox;
    int fds[TS_ROLE_FDS];
    size_t nfds;
};

struct ts_daemon {
    const char *name;    /* short, for ps: "kmsd" gives "kmsd-front" */
    enum ts_level least; /* see ts_log_start() */
    bool clear;
    const struct ts_role *roles;
    size_t nroles;
};

/** Let a role keep a descriptor. At most TS_ROLE_FDS. */
void ts_role_keep(struct ts_role *role, int fd);

/** Let a role keep one side of a ring. */
void ts_role_keep_ring(struct ts_role *role, const struct ts_ring_fds *ring);

/**
 * Run a daemon until it is told to stop. Prints the line "ready" on stderr
 * when all roles are up. SIGTERM, SIGINT and SIGHUP (unless it was ignored)
 * stop the roles in order; SIGUSR1 is passed on to them. A role that dies is
 * started again, after at most two seconds.
 *
 * @return exit code: 0 after a signal; 2 or 1 when a role said so before it
 *         was up; 1 when a role fails to come up again, time after time
 */
int ts_supervise(const struct ts_daemon *daemon);

/**
 * Role: start-up is done. Enters the sandbox and tells the supervisor.
 *
 * @return OK, or E_IO
 */
TS_MUST enum ts_err ts_role_up(struct ts_self *self);

/** Role: the descriptor to poll; readable when a signal has come. */
int ts_role_fd(const struct ts_self *self);

/** Role: the next signal, SIGTERM or SIGUSR1; 0 for none. Never waits. */
int ts_role_signal(struct ts_self *self);

/**
 * Role, before ts_role_up(): say in one line on stderr why it cannot start.
 *
 * @param code    what run is going to return
 * @param format  as printf, without newline: what, where, what to do
 * @return code
 */
int ts_role_fail(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
