/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs of mikeytool share. A verb gets the words behind it (NULL at
 * the end) and jansson's flags for its output, and returns the exit code: 0
 * done, 1 failed, 2 wrong usage.
 */
#ifndef TOOL_MIKEYTOOL_H
#define TOOL_MIKEYTOOL_H

#include <jansson.h>

/** The verb "vectors" (tool/vectors.c). */
int mt_vectors(char **args, size_t flags);

/** Print a result on stdout and release it; returns the exit code. */
int mt_print(json_t *json, size_t flags);

#endif
