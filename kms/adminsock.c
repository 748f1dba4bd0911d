/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/adminsock.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Longest wait for the daemon's answer, in seconds; it takes 2 at most. */
#define ANSWER_S 5

static enum ts_err fail(char msg[static TS_CONF_MSG], enum ts_err err,
                        const char *path, const char *what)
{
    snprintf(msg, TS_CONF_MSG, "admin socket %s: %s", path, what);
    return err;
}

static enum ts_err make_address(const char *path, struct sockaddr_un *out,
                                char msg[static TS_CONF_MSG])
{
    size_t n = strlen(path);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n >= sizeof out->sun_path)
        return fail(msg, TS_E_CONFIG, path,
                    "the path is longer than 107 bytes; name a shorter one in "
                    "[admin] socket");
    memcpy(out->sun_path, path, n);
    return TS_OK;
}

/* Whether anybody listens there. */
static bool alive(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    int rc = connect(fd, (const struct sockaddr *)addr, sizeof *addr);
    int why = errno;
    close(fd);
    return rc == 0 || why == EAGAIN; /* EAGAIN: its queue is full */
}

/* Bind with mode 0600 from the first moment on. */
static int bind_private(int fd, const struct sockaddr_un *addr)
{
    mode_t before = umask(0177);
    int rc = bind(fd, (const struct sockaddr *)addr, sizeof *addr);
    umask(before);
    return rc;
}

enum ts_err kms_admin_listen(const char *path, int *fd,
                             char msg[static TS_CONF_MSG])
{
    struct sockaddr_un addr;
    struct stat st;
    enum ts_err err = make_address(path, &addr, msg);
    if (err)
        return err;
    bool there = lstat(path, &st) == 0;
    if (there && !S_ISSOCK(st.st_mode))
        return fail(msg, TS_E_CONFIG, path,
                    "is a file, no socket; name another one in [admin] socket");
    if (there && alive(&addr))
        return fail(msg, TS_E_EXISTS, path,
                    "another daemon listens there; stop it first");
    if (there && unlink(path) != 0)
        return fail(msg, TS_E_IO, path, strerror(errno));
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0 || bind_private(s, &addr) != 0 || listen(s, 16) != 0) {
        err = fail(msg, TS_E_IO, path, strerror(errno));
        if (s >= 0)
            close(s);
        return err;
    }
    *fd = s;
    return TS_OK;
}

int kms_admin_accept(int listener)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >=
           0) {
        struct ucred who;
        socklen_t n = sizeof who;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) == 0 &&
            (who.uid == 0 || who.uid == geteuid()))
            return fd;
        close(fd);
    }
    return -1;
}

/* Read one line, without its newline; false at the end, an error, a timeout
   or a line that is too long. */
static bool read_line(int fd, char *buf, size_t cap)
{
    size_t n = 0;
    while (n < cap) {
        ssize_t got = recv(fd, buf + n, cap - n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
        if (buf[n - 1] == '\n') {
            buf[n - 1] = '\0';
            return true;
        }
    }
    return false;
}

/* Say it and hear the answer over a connection. */
static enum ts_err converse(int fd, const char *path,
                            char msg[static TS_CONF_MSG])
{
    static const char word[] = KMS_ADMIN_CHANGED;
    struct timeval limit = {.tv_sec = ANSWER_S};
    char line[128];
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0)
        return fail(msg, TS_E_IO, path, strerror(errno));
    if (send(fd, word, sizeof word - 1, MSG_NOSIGNAL) < 0 ||
        !read_line(fd, line, sizeof line))
        return fail(msg, TS_E_PEER, path,
                    "the daemon did not answer; it may still use what it "
                    "remembers: restart it");
    if (strcmp(line, "ok") != 0)
        return fail(msg, TS_E_PEER, path, line);
    return TS_OK;
}

/* A socket file without a listener: the role may be about to be restarted. */
static int connect_patiently(int fd, const struct sockaddr_un *addr)
{
    for (int try = 0;; try++) {
        const struct timespec pause = {.tv_nsec = 100000000};
        int rc = connect(fd, (const struct sockaddr *)addr, sizeof *addr);
        if (rc == 0 || errno != ECONNREFUSED || try == 10)
            return rc;
        nanosleep(&pause, NULL);
    }
}

enum ts_err kms_admin_tell(const char *path, bool *told,
                           char msg[static TS_CONF_MSG])
{
    struct sockaddr_un addr;
    *told = false;
    enum ts_err err = make_address(path, &addr, msg);
    if (err)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(msg, TS_E_IO, path, strerror(errno));
    if (connect_patiently(fd, &addr) == 0) {
        *told = true;
        err = converse(fd, path, msg);
    } else if (errno != ENOENT && errno != ECONNREFUSED) {
        err = fail(msg, TS_E_PEER, path, strerror(errno));
    }
    close(fd);
    return err;
}
