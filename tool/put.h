/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of MIKEY as JSON. Running out of memory ends the program with one
 * line: there is nothing that mikeytool could do instead.
 */
#ifndef TOOL_PUT_H
#define TOOL_PUT_H

#include <jansson.h>

#include "mikey/msg.h"
#include "tool/names.h"

/** End the program: out of memory. */
_Noreturn void mt_no_memory(void);

/** A new object, a new array. */
json_t *mt_object(void);
json_t *mt_array(void);

/** Hand a value over to an object, to an array. */
void mt_put(json_t *object, const char *key, json_t *value);
void mt_append(json_t *array, json_t *value);

/** A number. */
void mt_put_number(json_t *object, const char *key, uint64_t value);

/** true or false. */
void mt_put_bool(json_t *object, const char *key, bool value);

/** A text of printable ASCII. */
void mt_put_text(json_t *object, const char *key, const char *text);

/** Octets as hexadecimal digits. */
void mt_put_hex(json_t *object, const char *key, struct ts_span octets);

/** 32 bits as eight hexadecimal digits (CSB ID, SSRC). */
void mt_put_hex32(json_t *object, const char *key, uint32_t value);

/** Octets as a text; nothing is put when one of them is not printable. */
void mt_put_printable(json_t *object, const char *key, struct ts_span octets);

/** {"value": 11, "name": "REQUEST_INIT_PSK"}; the name may be null. */
void mt_put_code(json_t *object, const char *key, enum mt_registry registry,
                 unsigned value);

/**
 * A time as "2019-08-15T16:00:00Z", with six digits of a second if its type
 * has fractions; null for a COUNTER.
 */
void mt_put_time(json_t *object, const char *key, struct mikey_time t);

#endif
