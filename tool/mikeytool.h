/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of mikeytool share. A verb returns the exit code: 0 done, 1
 * failed, 2 wrong usage (diff: 1 different, 2 failed).
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
    MT_JSON = 1 << 6, /* results for programs */
    MT_SHOW_KEYS = 1 << 7,
    MT_KEYS = 1 << 8, /* these three are followed by a file */
    MT_INIT = 1 << 9,
    MT_FIRST = 1 << 10,
};

/** The command line: what stands behind the verb, and the options. */
struct mt_call {
    char **args;      /* words, NULL at the end */
    unsigned options; /* of enum mt_option, each of which the verb takes */
    const char *keys, *init, *first; /* NULL: not given */
};

/** The verbs (tool/verb_NAME.c, tool/vectors.c). */
int mt_run_decode(const struct mt_call *call);
int mt_run_encode(const struct mt_call *call);
int mt_run_diff(const struct mt_call *call);
int mt_run_verify(const struct mt_call *call);
int mt_run_derive(const struct mt_call *call);
int mt_run_vectors(const struct mt_call *call);

#endif
