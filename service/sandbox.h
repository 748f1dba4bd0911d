/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a role may still do after its start-up: limits, seccomp, Landlock.
 *
 * A role that holds keys and needs no system (PURE) is killed at the first
 * forbidden call: nothing but a captured process makes one, and the supervisor
 * restarts it. Roles around large libraries (NET, FILES) get EPERM instead,
 * since such libraries try optional calls and carry on without them.
 */
#ifndef SERVICE_SANDBOX_H
#define SERVICE_SANDBOX_H

#include "base/bytes.h"
#include "base/err.h"

/*
 * Sanitizers need ptrace, /proc and calls of their own; TS_NO_SANDBOX is for
 * coverage builds, which write files when a process ends.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||           \
    defined(TS_NO_SANDBOX)
#define TS_SANDBOX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define TS_SANDBOX 0
#endif
#endif
#ifndef TS_SANDBOX
#define TS_SANDBOX 1
#endif

enum ts_profile {
    TS_PROFILE_PURE,  /* memory, rings, time: no file, socket or process */
    TS_PROFILE_NET,   /* PURE, and sockets that are open: accept, send */
    TS_PROFILE_FILES, /* NET, and the files that are open already */
};

/** Directories a FILES role can have. */
#define TS_SANDBOX_DIRS 4

struct ts_sandbox {
    enum ts_profile profile;
    /* where a FILES role may list and remove files, but open none; NULL ends
       them */
    const char *dirs[TS_SANDBOX_DIRS];
};

/**
 * Close the calling process in, for good. Call it when files that are needed
 * only once have been read. What the kernel does not offer is left out with a
 * warning in the log (event=sandbox-weak).
 *
 * @return OK, or E_IO when a directory of the list cannot be opened, or for a
 *         PURE role whose system call filter the kernel knows but did not take
 */
TS_MUST enum ts_err ts_sandbox_enter(const struct ts_sandbox *box);

#endif
