/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of mikeytool share. A verb gets the words behind it (NULL at
 * the end) and the options that were given, each of which it takes. It returns
 * the exit code: 0 done, 1 failed, 2 wrong usage (diff: 1 different, 2 failed).
 */
#ifndef TOOL_MIKEYTOOL_H
#define TOOL_MIKEYTOOL_H

/** Options of the command line, as bits. */
enum mt_option {
    MT_COMPACT = 1 << 0, /* JSON in one line */
    MT_LINES = 1 << 1,   /* one message a line, both ways */
    MT_FIX = 1 << 2,     /* pass over what follows from other members */
    MT_HEX = 1 << 3,     /* the form of a message that is written */
    MT_BASE64 = 1 << 4,
    MT_SDP = 1 << 5,
    MT_JSON = 1 << 6, /* differences for programs */
};

/** The verbs (tool/verb_NAME.c, tool/vectors.c). */
int mt_run_decode(char **args, unsigned options);
int mt_run_encode(char **args, unsigned options);
int mt_run_diff(char **args, unsigned options);
int mt_run_vectors(char **args, unsigned options);

#endif
