/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files, standard input and output of mikeytool, and its complaints.
 */
#ifndef TOOL_IO_H
#define TOOL_IO_H

#include <jansson.h>
#include <stdio.h>

#include "base/bytes.h"

/** Say on stderr, in one line, what is wrong where; returns 1. */
int mt_complain(const char *where, const char *what);

/**
 * Print a result on stdout, flush and release it.
 *
 * @param options  of the command line; MT_COMPACT makes it one line
 * @return 0, or 1 after mt_complain()
 */
int mt_print(json_t *json, unsigned options);

/** Flush stdout: 0, or 1 after mt_complain() if it was not all written. */
int mt_end_output(void);

/** An input being read. Begin with mt_input_open(), end with _close(). */
struct mt_input {
    const char *name; /* for complaints */
    FILE *f;
    uint8_t *b; /* what was read */
    size_t n;
    size_t cap;   /* of b */
    size_t given; /* octets of b that mt_input_stream() gave again */
};

/**
 * Open an input.
 *
 * @param name  a file; NULL or "-" for standard input
 * @return false after mt_complain()
 */
bool mt_input_open(struct mt_input *in, const char *name);

/**
 * Read on until so many octets were read in all, or to the end.
 *
 * @return false after mt_complain(), for a failure to read
 */
bool mt_input_read(struct mt_input *in, size_t n);

/**
 * Read all of it.
 *
 * @param max  most octets, whole KiB
 * @return false after mt_complain(), also when it is longer
 */
bool mt_input_whole(struct mt_input *in, size_t max);

/** What mt_input_line() found. */
enum mt_line { MT_LINE, MT_LINE_TOO_LONG, MT_LINES_END };

/**
 * Read the next line in place of what was read before, without the end of the
 * line. A line that is too long is passed over to its end.
 *
 * @param max  most octets of a line
 */
enum mt_line mt_input_line(struct mt_input *in, size_t max);

/**
 * The whole input as a stream: what was read before and then the rest. It is
 * closed by itself and before the input.
 *
 * @return NULL after mt_complain()
 */
FILE *mt_input_stream(struct mt_input *in);

/** Close and release; an input that is all zero is left alone. */
void mt_input_close(struct mt_input *in);

#endif
