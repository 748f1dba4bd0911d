/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit role: appends one line of JSON a record to a file that is never
 * rewritten, and acknowledges what is on disk. Records that wait together are
 * written together, with one fdatasync for all of them.
 *
 *     writer --> audit   ts_audit_entry   body: one line, without newline
 *     audit --> writer   ts_audit_done
 *
 * Nothing may leave the writer before its record is acknowledged as written
 * (invariants 5 and 6 of the design).
 */
#ifndef SERVICE_AUDIT_H
#define SERVICE_AUDIT_H

#include "service/role.h"

/** How far apart, at least, a new writer begins from the one before it. */
#define TS_AUDIT_APART (UINT64_C(1) << 19)

/** Longest line. */
#define TS_AUDIT_MAX 2048

/** writer -> audit */
struct ts_audit_entry {
    uint64_t seq; /* counts up by one; never 0 */
    uint32_t len; /* of the line */
    uint32_t zero;
};

/**
 * audit -> writer: all entries up to seq that were not acknowledged before
 * are on disk, or could not be. seq 0: the role has (re)started; what it had
 * taken before is lost unless it is in the file.
 */
struct ts_audit_done {
    uint64_t seq;
    uint32_t failed; /* 0, or 1: replies up to seq must not leave */
    uint32_t zero;
};

struct ts_audit_conf {
    const char *path;           /* absolute, or from the working directory */
    struct ts_ring_fds entries; /* records of at least
                                   sizeof(ts_audit_entry) + TS_AUDIT_MAX */
    struct ts_ring_fds done;
};

/** The role's run function; arg is a struct ts_audit_conf. FILES profile. */
int ts_audit_run(struct ts_self *self, const void *arg);

#endif
