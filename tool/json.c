/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/json.h"

#include <stdio.h>

#include "tool/take.h"

/* NULL, or which bound is exceeded. What stands in strings does not count. */
static const char *out_of_bounds(struct ts_span text)
{
    size_t values = 1, depth = 0;
    bool string = false;
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        if (c == '"')
            string = !string;
        else if (string)
            i += c == '\\'; /* whatever it is, it is no quote */
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth)
            depth--;
        values += !string && (c == ',' || c == '[' || c == '{');
        if (depth > MT_JSON_DEPTH)
            return "more than 64 lists and objects in each other";
        if (values > MT_JSON_VALUES)
            return "more than two million values";
    }
    return NULL;
}

json_t *mt_json_read(struct ts_span text, char why[static MT_JSON_WHY])
{
    json_error_t error;
    const char *bound = out_of_bounds(text);
    json_t *json = bound ? NULL
                         : json_loadb((const char *)text.p, text.n,
                                      JSON_REJECT_DUPLICATES, &error);
    if (bound)
        snprintf(why, MT_JSON_WHY, "no JSON for us: %s", bound);
    else if (!json)
        snprintf(why, MT_JSON_WHY, "no JSON: line %d, column %d: %s",
                 error.line, error.column, error.text);
    if (!json)
        mt_clean(why);
    return json;
}
