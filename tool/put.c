/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/put.h"

#include <stdio.h>
#include <stdlib.h>

#include "tool/when.h"

_Noreturn void mt_no_memory(void)
{
    fprintf(stderr, "mikeytool: %s\n", ts_strerror(TS_E_NOMEM));
    exit(1);
}

static json_t *made(json_t *value)
{
    if (!value)
        mt_no_memory();
    return value;
}

json_t *mt_object(void)
{
    return made(json_object());
}

json_t *mt_array(void)
{
    return made(json_array());
}

void mt_put(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, made(value)) != 0)
        mt_no_memory();
}

void mt_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, made(value)) != 0)
        mt_no_memory();
}

void mt_put_number(json_t *object, const char *key, uint64_t value)
{
    mt_put(object, key, json_integer((json_int_t)value));
}

void mt_put_bool(json_t *object, const char *key, bool value)
{
    mt_put(object, key, json_boolean(value));
}

void mt_put_text(json_t *object, const char *key, const char *text)
{
    mt_put(object, key, json_string(text));
}

void mt_put_hex(json_t *object, const char *key, struct ts_span octets)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * octets.n + 1);
    if (!text)
        mt_no_memory();
    for (size_t i = 0; i < octets.n; i++) {
        text[2 * i] = digits[octets.p[i] >> 4];
        text[2 * i + 1] = digits[octets.p[i] & 0x0f];
    }
    mt_put(object, key, json_stringn(text, 2 * octets.n));
    free(text);
}

void mt_put_hex32(json_t *object, const char *key, uint32_t value)
{
    char text[9];
    snprintf(text, sizeof text, "%08x", (unsigned)value);
    mt_put_text(object, key, text);
}

void mt_put_printable(json_t *object, const char *key, struct ts_span octets)
{
    for (size_t i = 0; i < octets.n; i++)
        if (octets.p[i] < ' ' || octets.p[i] > '~')
            return;
    mt_put(object, key,
           octets.n ? json_stringn((const char *)octets.p, octets.n)
                    : json_string(""));
}

void mt_put_code(json_t *object, const char *key, enum mt_registry registry,
                 unsigned value)
{
    const char *name = mt_name(registry, value);
    json_t *code = mt_object();
    mt_put_number(code, "value", value);
    mt_put(code, "name", name ? json_string(name) : json_null());
    mt_put(object, key, code);
}

void mt_put_time(json_t *object, const char *key, struct mikey_time t)
{
    char text[MT_WHEN];
    if (t.type == MIKEY_COUNTER) {
        mt_put(object, key, json_null());
        return;
    }
    mt_when_write(mt_when_of_ntp(t.value), t.type != MIKEY_NTP_UTC_32, text);
    mt_put_text(object, key, text);
}
