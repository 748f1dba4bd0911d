/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verb "verify": MACs and signatures of one message.
 */
#include "tool/io.h"
#include "tool/load.h"
#include "tool/mikeytool.h"
#include "tool/octets.h"
#include "tool/verify.h"

/* A message and its octets. */
struct loaded {
    struct mikey_msg m;
    uint8_t room[MT_INPUT_MAX];
};

static bool load(struct loaded *l, const char *name)
{
    struct mt_input in;
    struct ts_span raw;
    char what[96];
    if (!mt_input_open(&in, name))
        return false;
    bool good = mt_load_octets(&in, l->room, sizeof l->room, &raw);
    enum ts_err err = good ? mikey_msg_read(raw, &l->m, NULL) : TS_OK;
    if (err) {
        snprintf(what, sizeof what, "not well-formed: %s", ts_strerror(err));
        (void)mt_complain(in.name, what);
    }
    mt_input_close(&in);
    return good && !err;
}

/* One line says what failed; the result is printed in any case. */
static int report(struct mt_verify *v, const char *name, unsigned options)
{
    json_t *json = mt_verify(v);
    int code = mt_print(json, options);
    if (v->failed)
        return mt_complain(name, v->why);
    if (!v->held)
        return mt_complain(name, "nothing could be checked");
    return code;
}

int mt_run_verify(const struct mt_call *call)
{
    static struct loaded message, init, first;
    static struct mt_known known;
    const char *name = call->args[0];
    int code = 1;
    if (!call->keys) {
        (void)mt_complain("verify", "needs --keys FILE");
        return 2;
    }
    struct mt_verify v = {
        .known = &known,
        .m = &message.m,
        .init = call->init ? &init.m : NULL,
        .first = call->first ? &first.m : NULL,
        .show = call->options & MT_SHOW_KEYS,
    };
    if (mt_known_load(&known, call->keys) && load(&message, name) &&
        (!call->init || load(&init, call->init)) &&
        (!call->first || load(&first, call->first)))
        code = report(&v, name, call->options);
    mt_known_end(&known);
    return code;
}
