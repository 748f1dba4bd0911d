/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a configuration: either it is refused with one printable line,
 * or each value can be read and is within its bounds.
 */
#include <stdlib.h>

#include "base/conf.h"

#define MUST_HOLD(condition)                                                   \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static const struct ts_conf_key keys[] = {
    {"kms", "identity", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {"http", "listen", TS_CONF_TEXT, TS_CONF_MANY, 0, 0, "127.0.0.1:8080"},
    {"policy", "skew", TS_CONF_UINT, 0, 1, 86400, "300"},
    {"policy", "strict", TS_CONF_BOOL, 0, 0, 0, "yes"},
    {"https", "cert", TS_CONF_TEXT, TS_CONF_REQUIRED | TS_CONF_OPTIONAL_SECTION,
     0, 0, NULL},
    {"peer *", "url", TS_CONF_TEXT, TS_CONF_REQUIRED, 0, 0, NULL},
    {NULL, NULL, TS_CONF_TEXT, 0, 0, 0, NULL},
};

static void read_all(const struct ts_conf *conf)
{
    const char *text;
    const char *peer;
    uint64_t skew = ts_conf_uint(conf, "policy", "skew");
    MUST_HOLD(skew >= 1 && skew <= 86400);
    (void)ts_conf_bool(conf, "policy", "strict");
    MUST_HOLD(*ts_conf_text(conf, "kms", "identity"));
    MUST_HOLD(!ts_conf_has(conf, "https") ||
              ts_conf_text(conf, "https", "cert"));
    for (size_t i = 0; (text = ts_conf_nth(conf, "http", "listen", i)); i++)
        MUST_HOLD(*text);
    for (size_t i = 0; (peer = ts_conf_section(conf, "peer *", i)); i++)
        MUST_HOLD(*ts_conf_text(conf, peer, "url"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ts_conf *conf;
    char msg[TS_CONF_MSG];
    enum ts_err err =
        ts_conf_parse(ts_span(data, n), "input", keys, &conf, msg);
    MUST_HOLD((err == TS_OK) == (conf != NULL));
    MUST_HOLD((err == TS_OK) == (msg[0] == '\0'));
    for (const char *c = msg; *c; c++)
        MUST_HOLD(*c >= ' ' && *c < 0x7f);
    if (conf)
        read_all(conf);
    ts_conf_free(conf);
    return 0;
}
