/* SPDX-License-Identifier: Apache-2.0 */
#include "service/listen.h"
#include "base/log.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define BACKLOG 4096

static const char *next_step(int err)
{
    switch (err) {
    case EADDRINUSE:
        return "port in use; stop the other program or choose another port";
    case EADDRNOTAVAIL:
        return "no such address on this machine; see \"ip address\"";
    case EACCES:
        return "not allowed; choose a port above 1023 or give the service "
               "CAP_NET_BIND_SERVICE";
    default:
        return strerror(err);
    }
}

static int set_up(int fd, const struct sockaddr *addr, socklen_t len)
{
    const int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        return -1;
    if (addr->sa_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0)
        return -1;
    if (bind(fd, addr, len) != 0)
        return -1;
    return listen(fd, BACKLOG);
}

static void tell(int fd)
{
    struct sockaddr_storage addr = {0};
    socklen_t len = sizeof addr;
    char host[64], port[8], text[80];
    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0 ||
        getnameinfo((const struct sockaddr *)&addr, len, host, sizeof host,
                    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    bool six = addr.ss_family == AF_INET6;
    snprintf(text, sizeof text, "%s%s%s:%s", six ? "[" : "", host,
             six ? "]" : "", port);
    ts_log(TS_INFO, "listening", TS_STR("address", text));
}

enum ts_err ts_listen(const struct sockaddr *addr, socklen_t len,
                      const char *text, int *fd, char msg[static TS_LISTEN_MSG])
{
    int s =
        socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0 || set_up(s, addr, len) != 0) {
        int err = errno;
        snprintf(msg, TS_LISTEN_MSG, "cannot listen on %s: %s", text,
                 next_step(err));
        if (s >= 0)
            close(s);
        return TS_E_IO;
    }
    tell(s);
    *fd = s;
    return TS_OK;
}
