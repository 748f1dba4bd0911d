/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON from strangers: bounded before it is read, since what jansson builds of
 * a text is many times as long.
 */
#ifndef TOOL_JSON_H
#define TOOL_JSON_H

#include <jansson.h>

#include "base/bytes.h"

/** Bounds; what decode prints of the longest message is well inside. */
#define MT_JSON_MAX    (64 * 1024 * 1024) /* octets */
#define MT_JSON_VALUES (2 * 1024 * 1024)  /* items and members */
#define MT_JSON_DEPTH  64                 /* lists and objects in each other */

/** Room for the reason why a text is not read. */
#define MT_JSON_WHY 240

/**
 * Read a text, in which no member may stand twice.
 *
 * @param text  at most MT_JSON_MAX octets
 * @param why   on failure one line: where, what
 * @return a new reference, or NULL
 */
json_t *mt_json_read(struct ts_span text, char why[static MT_JSON_WHY]);

#endif
