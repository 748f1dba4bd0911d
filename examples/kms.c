/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key management server: answers each message on standard input with one on
 * standard output, until there are no more.
 *
 *     kms URI TICKET-KEY-FILE USERS-FILE
 *
 * A line of the users' file is "KEY-ID URI KEY". The ticket key is the KMS's
 * own: whoever has it can open all of its tickets. A real KMS also remembers
 * messages that it has seen (replay) and says who may call whom (decide).
 */
#include "common.h"

struct users {
    size_t n;
    struct {
        char key_id[64], uri[256];
        struct octets psk;
    } user[100];
};

static enum ts_err read_users(const char *path, struct users *all)
{
    char hex[2 * MIKEY_KEY_MAX + 1];
    FILE *from = fopen(path, "r");
    if (!from)
        return TS_E_IO;
    enum ts_err err = TS_OK;
    for (size_t i = 0; !err && i < 100; i += !err, all->n = i)
        if (fscanf(from, "%63s %255s %128s", all->user[i].key_id,
                   all->user[i].uri, hex) != 3)
            break;
        else
            err = from_hex(hex, &all->user[i].psk);
    fclose(from);
    explicit_bzero(hex, sizeof hex);
    return err;
}

/* Find a user by the id of its key. Nobody is found: that is no error, and the
 * KMS answers as to a wrong key. */
static enum ts_err find_user(void *arg, const struct mikey_id *key_id,
                             const struct mikey_id *claimed,
                             struct mikey_user *user)
{
    const struct users *all = arg;
    (void)claimed; /* libmikey sees to it that this is the user's own */
    for (size_t i = 0; i < all->n; i++) {
        if (!ts_span_equal(key_id->data, ts_span_str(all->user[i].key_id)))
            continue;
        user->psk = view(&all->user[i].psk);
        user->self = uri(all->user[i].uri);
    }
    return TS_OK;
}

/* Answer all messages; false when one of them was refused. */
static bool serve(const struct mikey_kms *kms)
{
    static struct octets in, out;
    bool ok = true;
    for (;;) {
        enum ts_err err = get_message(stdin, &in);
        if (err == TS_E_EMPTY)
            return ok;
        struct mikey_now t = now();
        out.n = 0;
        if (!err)
            err = mikey_kms_answer(kms, &t, view(&in), out.b, sizeof out.b,
                                   &out.n);
        ok = !failed("kms", err) && ok;
        if (out.n && failed("kms", put_message(stdout, view(&out))))
            return false;
    }
}

int main(int argc, char **argv)
{
    static struct users all;
    struct octets key = {0};
    if (argc != 4 || failed(argv[2], read_key(argv[2], &key)) ||
        failed(argv[3], read_users(argv[3], &all))) {
        fprintf(stderr, "usage: kms URI TICKET-KEY-FILE USERS-FILE\n");
        return 2;
    }
    const struct mikey_kms kms = {
        .self = uri(argv[1]),
        .tpk = view(&key),
        .tpk_id = ts_span_str("1"),
        .arg = &all,
        .random = random_octets,
        .user = find_user,
    };
    bool ok = serve(&kms);
    explicit_bzero(&all, sizeof all);
    explicit_bzero(&key, sizeof key);
    return ok ? 0 : 1;
}
