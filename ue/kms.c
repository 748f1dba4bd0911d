/* SPDX-License-Identifier: Apache-2.0 */
#include "ue/kms.h"

#include <curl/curl.h>
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static const char TYPE[] = "application/mikey";

enum { RETRY_MAX = 5 /* seconds that we are willing to wait after a 503 */ };

struct ue_kms {
    CURLM *multi;
    struct tmr timer;
    const char *url;
    const char *ca;
    struct curl_slist *headers;
};

struct ue_kms_request {
    struct ue_kms *kms;
    CURL *easy;
    struct tmr retry;
    bool retried;
    bool too_large;
    ue_kms_fn done;
    void *arg;
    size_t len;
    uint8_t answer[UE_KMS_ANSWER_MAX];
};

static enum ts_err of_status(long status, struct ue_kms_answer *answer)
{
    (void)snprintf(answer->text, sizeof(answer->text),
                   "the KMS answered with HTTP %ld", status);
    if (status == 401 || status == 403)
        return TS_E_DENIED;
    return status == 503 ? TS_E_AGAIN : TS_E_PEER;
}

static enum ts_err of_transfer(const struct ue_kms_request *req, CURLcode code,
                               struct ue_kms_answer *answer)
{
    const char *text = curl_easy_strerror(code);
    if (req->too_large)
        text = "answer too large";
    (void)snprintf(answer->text, sizeof(answer->text), "KMS: %s", text);
    if (req->too_large)
        return TS_E_FULL;
    return code == CURLE_OPERATION_TIMEDOUT ? TS_E_EXPIRED : TS_E_IO;
}

/* TYPE, with or without parameters. */
static bool is_mikey(const char *type)
{
    size_t n = strlen(TYPE);
    return type && strncasecmp(type, TYPE, n) == 0 &&
           (type[n] == '\0' || type[n] == ' ' || type[n] == ';');
}

/* What the end of a transfer means. */
static void judge(struct ue_kms_request *req, CURLcode code,
                  struct ue_kms_answer *answer)
{
    long status = 0;
    const char *type = NULL;
    curl_easy_getinfo(req->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(req->easy, CURLINFO_CONTENT_TYPE, &type);
    if (code != CURLE_OK) {
        answer->err = of_transfer(req, code, answer);
    } else if (status != 200) {
        answer->err = of_status(status, answer);
    } else if (!is_mikey(type)) {
        answer->err = TS_E_FORMAT;
        (void)snprintf(answer->text, sizeof(answer->text),
                       "the KMS's answer is not %s", TYPE);
    } else {
        answer->body = ts_span(req->answer, req->len);
    }
}

static void on_retry(void *arg)
{
    struct ue_kms_request *req = arg;
    req->len = 0;
    curl_multi_add_handle(req->kms->multi, req->easy);
}

static void finish(struct ue_kms_request *req, CURLcode code)
{
    struct ue_kms_answer answer = {.err = TS_OK};
    curl_off_t wait = 0;
    judge(req, code, &answer);
    curl_easy_getinfo(req->easy, CURLINFO_RETRY_AFTER, &wait);
    curl_multi_remove_handle(req->kms->multi, req->easy);
    if (answer.err == TS_E_AGAIN && wait > 0 && wait <= RETRY_MAX &&
        !req->retried) {
        req->retried = true;
        tmr_start(&req->retry, (uint64_t)wait * 1000, on_retry, req);
        return;
    }
    req->done(&answer, req->arg);
    ue_kms_cancel(req);
}

static void reap(struct ue_kms *kms)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(kms->multi, &left)) != NULL) {
        char *req = NULL;
        CURLcode code = msg->data.result;
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &req);
        finish((struct ue_kms_request *)(void *)req, code);
    }
}

static void on_timer(void *arg)
{
    struct ue_kms *kms = arg;
    int running;
    curl_multi_socket_action(kms->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    reap(kms);
}

/* libre tells readiness without the socket: one small record for each. */
struct watch {
    struct ue_kms *kms;
    curl_socket_t fd;
};

static void on_ready(int flags, void *arg)
{
    struct watch watch = *(struct watch *)arg; /* may be freed meanwhile */
    int what = (flags & FD_READ ? CURL_CSELECT_IN : 0) |
               (flags & FD_WRITE ? CURL_CSELECT_OUT : 0) |
               (flags & FD_EXCEPT ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(watch.kms->multi, watch.fd, what, &running);
    reap(watch.kms);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *assigned)
{
    struct ue_kms *kms = arg;
    struct watch *watch = assigned;
    int flags = (what & CURL_POLL_IN ? FD_READ : 0) |
                (what & CURL_POLL_OUT ? FD_WRITE : 0);
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        fd_close(fd);
        free(watch);
        return 0;
    }
    if (!watch) {
        watch = malloc(sizeof(*watch));
        if (!watch)
            return -1;
        *watch = (struct watch){kms, fd};
        curl_multi_assign(kms->multi, fd, watch);
    }
    return fd_listen(fd, flags, on_ready, watch) ? -1 : 0;
}

static int on_timeout(CURLM *multi, long ms, void *arg)
{
    struct ue_kms *kms = arg;
    (void)multi;
    if (ms < 0)
        tmr_cancel(&kms->timer);
    else
        tmr_start(&kms->timer, (uint64_t)ms, on_timer, kms);
    return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *arg)
{
    struct ue_kms_request *req = arg;
    n *= size;
    if (n > sizeof(req->answer) - req->len) {
        req->too_large = true;
        return 0;
    }
    memcpy(req->answer + req->len, data, n);
    req->len += n;
    return n;
}

enum ts_err ue_kms_open(struct ue_kms **out, const char *url, const char *ca)
{
    *out = NULL;
    if (strncasecmp(url, "http://", 7) != 0 &&
        strncasecmp(url, "https://", 8) != 0)
        return TS_E_CONFIG;
    struct ue_kms *kms = calloc(1, sizeof(*kms));
    if (!kms)
        return TS_E_NOMEM;
    kms->url = url;
    kms->ca = ca;
    kms->multi = curl_multi_init();
    kms->headers = curl_slist_append(NULL, "Content-Type: application/mikey");
    struct curl_slist *more = curl_slist_append(kms->headers, "Expect:");
    if (!kms->multi || !more) {
        ue_kms_close(kms);
        return TS_E_NOMEM;
    }
    kms->headers = more;
    curl_multi_setopt(kms->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(kms->multi, CURLMOPT_SOCKETDATA, kms);
    curl_multi_setopt(kms->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(kms->multi, CURLMOPT_TIMERDATA, kms);
    *out = kms;
    return TS_OK;
}

static bool set_options(struct ue_kms_request *req, const char *type,
                        struct ts_span body)
{
    char url[512];
    CURL *e = req->easy;
    const struct ue_kms *kms = req->kms;
    int n = snprintf(url, sizeof(url), "%s?requesttype=%s", kms->url, type);
    return n > 0 && (size_t)n < sizeof(url) &&
           !curl_easy_setopt(e, CURLOPT_URL, url) &&
           !curl_easy_setopt(e, CURLOPT_HTTPHEADER, kms->headers) &&
           !curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)body.n) &&
           !curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, body.p) &&
           !curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data) &&
           !curl_easy_setopt(e, CURLOPT_WRITEDATA, req) &&
           !curl_easy_setopt(e, CURLOPT_PRIVATE, req) &&
           !curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)UE_KMS_TIMEOUT) &&
           !curl_easy_setopt(e, CURLOPT_PROXY, "") &&
           !curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) &&
           !curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") &&
           (!kms->ca || !curl_easy_setopt(e, CURLOPT_CAINFO, kms->ca));
}

enum ts_err ue_kms_post(struct ue_kms_request **out, struct ue_kms *kms,
                        const char *type, struct ts_span body, ue_kms_fn done,
                        void *arg)
{
    struct ue_kms_request *req = calloc(1, sizeof(*req));
    *out = NULL;
    if (!req)
        return TS_E_NOMEM;
    req->kms = kms;
    req->done = done;
    req->arg = arg;
    req->easy = curl_easy_init();
    if (!req->easy || !set_options(req, type, body) ||
        curl_multi_add_handle(kms->multi, req->easy)) {
        ue_kms_cancel(req);
        return TS_E_NOMEM;
    }
    *out = req;
    return TS_OK;
}

void ue_kms_cancel(struct ue_kms_request *req)
{
    if (!req)
        return;
    tmr_cancel(&req->retry);
    if (req->easy) {
        curl_multi_remove_handle(req->kms->multi, req->easy);
        curl_easy_cleanup(req->easy);
    }
    free(req);
}

void ue_kms_close(struct ue_kms *kms)
{
    if (!kms)
        return;
    tmr_cancel(&kms->timer);
    if (kms->multi)
        curl_multi_cleanup(kms->multi);
    curl_slist_free_all(kms->headers);
    free(kms);
}
