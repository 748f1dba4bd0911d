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

/* A view that is good until the next call. */
static bool read_octets(struct mt_input *in, struct ts_span *msg,
                        const char **form)
{
    char what[MT_WHY];
    if (!mt_input_read(in, MT_MAGIC))
        return false;
    if (mt_is_capture(ts_span(in->b, in->n))) {
        (void)mt_complain(in->name, "a capture file; decode it, and take "
                                    "what is in it");
        return false;
    }
    if (!mt_input_whole(in, MT_INPUT_MAX))
        return false;
    enum ts_err err = mt_octets(in->b, in->n, msg, form);
    if (!err)
        return true;
    snprintf(what, sizeof what, "read as %s: %s", *form, ts_strerror(err));
    (void)mt_complain(in->name, what);
    return false;
}

bool mt_load_octets(struct mt_input *in, uint8_t *room, size_t cap,
                    struct ts_span *msg)
{
    const char *form;
    if (!read_octets(in, msg, &form))
        return false;
    if (msg->n > cap) {
        (void)mt_complain(in->name, ts_strerror(TS_E_SPACE));
        return false;
    }
    memcpy(room, msg->p, msg->n);
    msg->p = room;
    return true;
}

json_t *mt_load(struct mt_input *in)
{
    char why[MT_WHY], what[MT_WHY + 32];
    struct ts_span msg;
    const char *form;
    if (!read_octets(in, &msg, &form))
        return NULL;
    json_t *json = mt_decode_form(msg, form, why);
    if (json)
        return json;
    snprintf(what, sizeof what, "not well-formed: %s", why);
    (void)mt_complain(in->name, what);
    return NULL;
}
