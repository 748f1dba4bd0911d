/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/load.h"

#include "tool/capture.h"
#include "tool/octets.h"
#include "tool/put.h"

json_t *mt_decode_form(struct ts_span msg, const char *form,
                       char why[static MT_WHY])
{
    json_t *json = mt_decode(msg, why);
    if (json)
        mt_put_text(json, "form", form);
    return json;
}

json_t *mt_load(struct mt_input *in)
{
    char why[MT_WHY], what[MT_WHY + 32];
    struct ts_span msg;
    const char *form;
    if (!mt_input_read(in, MT_MAGIC))
        return NULL;
    if (mt_is_capture(ts_span(in->b, in->n))) {
        (void)mt_complain(in->name, "a capture file; decode it, and compare "
                                    "what is in it");
        return NULL;
    }
    if (!mt_input_whole(in, MT_INPUT_MAX))
        return NULL;
    enum ts_err err = mt_octets(in->b, in->n, &msg, &form);
    json_t *json = err ? NULL : mt_decode_form(msg, form, why);
    if (json)
        return json;
    if (err)
        snprintf(what, sizeof what, "read as %s: %s", form, ts_strerror(err));
    else
        snprintf(what, sizeof what, "not well-formed: %s", why);
    (void)mt_complain(in->name, what);
    return NULL;
}
