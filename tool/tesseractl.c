/* SPDX-License-Identifier: Apache-2.0 */
/* tesseractl: administration of a KMS. The verbs stand in a table below. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tool/ctl.h"
#include "tool/near.h"

struct verb {
    const char *name; /* one or two words */
    const char *args; /* words and options behind it, as help shows them */
    size_t n_args;    /* words */
    bool keyed;       /* knows --psk-id, --psk and --psk-file */
    int (*run)(struct ctl *ctl, char **args);
    const char *brief;
    const char *help;
};

static const struct verb verbs[] = {
    {"init", "", 0, false, ctl_init, "make the store and its key",
     "Makes what is missing of the store, its first ticket key and the store\n"
     "key, where the configuration says. Never overwrites anything. Keep a\n"
     "copy of the store key apart from the store: without it all keys in the\n"
     "store are lost.\n"},
    {"user add", "URI --psk-id TEXT (--psk HEX | --psk-file PATH)", 1, true,
     ctl_user_add, "give a user a pre-shared key",
     "Makes the user if needed. Again for the same URI: a further key, or\n"
     "with the same psk-id another key under that name.\n"
     "  --psk-id TEXT    name of the key, IDRpsk; 1 to 255 bytes\n"
     "  --psk-file PATH  file with 32 to 128 hexadecimal digits; - reads\n"
     "                   standard input\n"
     "  --psk HEX        the digits themselves. Others on this machine can\n"
     "                   see them for a moment, and the shell may keep them:\n"
     "                   for tests only\n"},
    {"user import", "FILE", 1, false, ctl_user_import, "add many users",
     "FILE (- reads standard input) holds one JSON object a line:\n"
     "  {\"id\": \"sip:alice@example.org\", \"psk-id\": \"a1\", "
     "\"psk\": \"00..\"}\n"
     "The import stops at the first wrong line; all lines before it are\n"
     "stored. To import a line again does no harm.\n"},
    {"user list", "", 0, false, ctl_user_list, "show all users", ""},
    {"user show", "URI", 1, false, ctl_user_show,
     "show a user and the names of its keys", ""},
    {"user remove", "URI", 1, false, ctl_user_remove,
     "remove a user with all its keys", ""},
    {"key list", "", 0, false, ctl_key_list, "show the ticket keys",
     "The newest is first. State \"use\": tickets are made with it;\n"
     "\"resolve\": tickets that were made with it are still resolved.\n"},
    {"key rotate", "", 0, false, ctl_key_rotate, "use a new ticket key",
     "Tickets that exist stay good. Keys that were retired so long ago that\n"
     "all their tickets have expired (max-lifetime) are forgotten.\n"},
};
#define N_VERBS (sizeof verbs / sizeof verbs[0])

static void help_verb(const struct verb *v)
{
    (void)printf("Usage: tesseractl -c FILE %s%s%s [--json]\n%c%s.\n%s",
                 v->name, *v->args ? " " : "", v->args, v->brief[0] - 'a' + 'A',
                 v->brief + 1, v->help);
}

static void help_all(void)
{
    (void)printf("Usage: tesseractl -c FILE VERB [ARGUMENTS] [--json]\n"
                 "Administration of a Tessera KMS. FILE is the configuration "
                 "of tessera-kmsd.\n\n");
    for (size_t i = 0; i < N_VERBS; i++)
        (void)printf("  %-12s %s\n", verbs[i].name, verbs[i].brief);
    (void)printf("\n  --json       results and errors as JSON\n"
                 "  --help       more about a verb: tesseractl VERB --help\n\n"
                 "Exit code: 0 done, 1 failed, 2 wrong usage or "
                 "configuration.\n");
}

/* How many words the verb has if words begins with it, else 0. */
static size_t match(const struct verb *v, char **words, size_t n)
{
    const char *blank = strchr(v->name, ' ');
    size_t len = blank ? (size_t)(blank - v->name) : strlen(v->name);
    if (n < 1 || strlen(words[0]) != len || memcmp(words[0], v->name, len) != 0)
        return 0;
    if (!blank)
        return 1;
    return n > 1 && strcmp(words[1], blank + 1) == 0 ? 2 : 0;
}

/* Name the verb that comes nearest to what was typed. */
static int unknown_verb(const struct ctl *ctl, char **words, size_t n)
{
    char typed[64];
    (void)snprintf(typed, sizeof typed, "%s%s%s", words[0], n > 1 ? " " : "",
                   n > 1 ? words[1] : "");
    struct tool_near whole = tool_near(typed), alone = tool_near(words[0]);
    for (size_t i = 0; i < N_VERBS; i++) {
        tool_near_try(&whole, verbs[i].name);
        tool_near_try(&alone, verbs[i].name);
    }
    const char *best = alone.least < whole.least ? alone.best : whole.best;
    return ctl_fail(ctl, 2, "%s: unknown verb; %s%s%s", typed,
                    best ? "did you mean: " : "see tesseractl --help",
                    best ? best : "", best ? "?" : "");
}

/* Check what was given against the verb, and run it. */
static int run(struct ctl *ctl, const struct verb *v, char **args, size_t n)
{
    char msg[TS_CONF_MSG];
    if (n != v->n_args)
        return ctl_fail(ctl, 2, "write: tesseractl -c FILE %s %s", v->name,
                        v->args);
    if (!v->keyed && (ctl->psk_id || ctl->psk || ctl->psk_file))
        return ctl_fail(ctl, 2, "%s: takes no --psk-id, --psk or --psk-file",
                        v->name);
    if (!ctl->conf_path)
        return ctl_fail(ctl, 2, "name the configuration: -c FILE");
    if (kms_conf_load(ctl->conf_path, &ctl->conf, msg))
        return ctl_fail(ctl, 2, "%s", msg);
    return v->run(ctl, args);
}

/* Read the options: false for one that does not exist or lacks its value. */
static bool read_options(struct ctl *ctl, int argc, char **argv, bool *help)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"psk-id", required_argument, NULL, 'i'},
        {"psk", required_argument, NULL, 'p'},
        {"psk-file", required_argument, NULL, 'f'},
        {0},
    };
    int c;
    opterr = 0; /* said by main, as JSON if that is wanted */
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            ctl->conf_path = optarg;
            break;
        case 'j':
            ctl->json = true;
            break;
        case 'h':
            *help = true;
            break;
        case 'i':
            ctl->psk_id = optarg;
            break;
        case 'p':
            ctl->psk = optarg;
            break;
        case 'f':
            ctl->psk_file = optarg;
            break;
        default:
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {0};
    bool help = false;
    if (ts_process_harden())
        return ctl_fail(&ctl, 1, "cannot close the process to others");
    for (int i = 1; i < argc; i++)
        ctl.json = ctl.json || strcmp(argv[i], "--json") == 0;
    if (!read_options(&ctl, argc, argv, &help))
        return ctl_fail(&ctl, 2,
                        "%s: no such option, or its value is missing; see "
                        "tesseractl --help",
                        argv[optind - 1]);
    char **words = argv + optind;
    size_t n = (size_t)(argc - optind), used = 0;
    const struct verb *v = NULL;
    for (size_t i = 0; i < N_VERBS && used == 0; i++) {
        v = &verbs[i];
        used = match(v, words, n);
    }
    int code = 0;
    if (help && used)
        help_verb(v);
    else if (help)
        help_all();
    else if (n == 0)
        code = ctl_fail(&ctl, 2, "name a verb; see tesseractl --help");
    else if (!used)
        code = unknown_verb(&ctl, words, n);
    else
        code = run(&ctl, v, words + used, n - used);
    kms_sealer_wipe(&ctl.sealer);
    kms_store_close(ctl.store);
    kms_conf_free(&ctl.conf);
    if (fclose(stdout) != 0 && code == 0)
        code = 1;
    return code;
}
