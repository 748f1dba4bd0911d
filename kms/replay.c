/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory: a head, the table, the index of the cache, the cache.
 *
 * The table is a hash of buckets of eight entries (two cache lines); a message
 * goes to the emptier of the two buckets that its tag names, into a free or
 * expired entry. Both lie in one page, since finding a page of a large table
 * costs more than reading it. Both buckets full is E_FULL: that happens when
 * about two thirds of the table are in use.
 *
 * The cache is a ring of bytes written from start to end and over again. The
 * index gives for a tag the place of its newest answer; the record there holds
 * tag and MAC, so an index that points to something overwritten finds nothing.
 */
#include "kms/replay.h"

#include <errno.h>
#include <nettle/aes.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define MAGIC  UINT64_C(0x7465737365726101)
#define BUCKET 8
#define PAGE   32u    /* buckets in a page of memory */
#define INDEX  65536u /* places in the index of the cache */
#define SHARES 65536u /* counters of entries by credential */
#define EPOCH  3600u  /* shares are counted anew this often, in seconds */

struct entry {
    uint8_t tag[12];
    uint32_t expiry; /* Unix seconds, low 32 bits; 0: free */
};

struct head {
    alignas(4096) uint64_t magic; /* so that the table begins a page */
    uint64_t start;               /* Unix microseconds */
    uint64_t buckets;             /* of the table */
    uint64_t bytes;               /* of the cache */
    uint64_t at;                  /* where the next answer goes */
    uint64_t epoch;               /* of the shares */
    uint8_t key[16];              /* of the tags */
    uint32_t share[SHARES];
    uint32_t index[INDEX]; /* offset + 1 */
};

struct record {
    uint8_t tag[12];
    uint32_t len;
    uint64_t time;
    uint8_t mac[32];
    uint32_t mac_len;
    uint32_t zero;
};

struct kms_replay {
    size_t size;
    struct aes128_ctx aes; /* makes the tags */
    struct head *h;
    struct entry *table;
    uint8_t *cache;
};

static uint64_t buckets_for(uint64_t entries)
{
    return (entries + BUCKET * PAGE - 1) / (BUCKET * PAGE) * PAGE;
}

static size_t size_for(uint64_t entries, uint64_t bytes)
{
    return sizeof(struct head) +
           (size_t)buckets_for(entries) * BUCKET * sizeof(struct entry) +
           (size_t)bytes;
}

enum ts_err kms_replay_create(uint64_t entries, uint64_t bytes, uint64_t now,
                              int *fd)
{
    if (entries < 64 || entries > UINT64_C(1) << 32 || bytes < 65536 ||
        bytes > UINT64_C(1) << 31)
        return TS_E_RANGE;
    size_t size = size_for(entries, bytes);
    *fd = memfd_create("replay", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0)
        return TS_E_IO;
    void *p = MAP_FAILED;
    if (ftruncate(*fd, (off_t)size) == 0)
        p = mmap(NULL, sizeof(struct head), PROT_READ | PROT_WRITE, MAP_SHARED,
                 *fd, 0);
    if (p == MAP_FAILED) {
        close(*fd);
        return TS_E_IO;
    }
    struct head *h = p;
    h->magic = MAGIC;
    h->start = now;
    h->buckets = buckets_for(entries);
    h->bytes = bytes;
    enum ts_err err = ts_random(NULL, h->key, sizeof h->key);
    munmap(p, sizeof *h);
    if (err)
        close(*fd);
    return err;
}

enum ts_err kms_replay_open(int fd, uint64_t entries, uint64_t bytes,
                            struct kms_replay **out)
{
    struct kms_replay *r = calloc(1, sizeof *r);
    struct stat st;
    *out = NULL;
    if (!r)
        return TS_E_NOMEM;
    r->size = size_for(entries, bytes);
    if (fstat(fd, &st) || st.st_size != (off_t)r->size) {
        free(r);
        return TS_E_FORMAT;
    }
    void *p = mmap(NULL, r->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) {
        free(r);
        return TS_E_IO;
    }
    (void)madvise(p, r->size, MADV_DONTDUMP);
    r->h = p;
    aes128_set_encrypt_key(&r->aes, r->h->key);
    r->table = (void *)(r->h + 1);
    r->cache = (uint8_t *)(r->table + r->h->buckets * BUCKET);
    if (r->h->magic != MAGIC || r->h->buckets != buckets_for(entries) ||
        r->h->bytes != bytes) {
        kms_replay_close(r);
        return TS_E_FORMAT;
    }
    if (r->h->at > bytes)
        r->h->at = 0;
    *out = r;
    return TS_OK;
}

void kms_replay_close(struct kms_replay *r)
{
    if (!r)
        return;
    munmap(r->h, r->size);
    free(r);
}

uint64_t kms_replay_start(const struct kms_replay *r)
{
    return r->h->start;
}

void kms_replay_clock(struct kms_replay *r, uint64_t now)
{
    if (now >= r->h->start)
        return;
    ts_log(TS_ERROR, "clock-went-back",
           TS_UINT("seconds", (r->h->start - now) / 1000000));
    r->h->start = now;
}

static uint32_t part(const struct kms_tag *tag, unsigned at)
{
    uint32_t v;
    memcpy(&v, tag->b + at, sizeof v);
    return v;
}

/* The two buckets of a tag, in one page. */
static struct entry *bucket(const struct kms_replay *r,
                            const struct kms_tag *tag, bool second)
{
    uint64_t nth = part(tag, 0) * r->h->buckets >> 32;
    if (second)
        nth = nth / PAGE * PAGE + part(tag, 4) % PAGE;
    return r->table + nth * BUCKET;
}

static uint32_t *index_of(const struct kms_replay *r, const struct kms_tag *tag)
{
    return &r->h->index[part(tag, 8) % INDEX];
}

/* CBC-MAC under a key of this daemon; the length in the first block makes the
   inputs free of prefixes, so it is a PRF. */
void kms_replay_tag(const struct kms_replay *r, struct ts_span key_id,
                    uint64_t t, uint32_t csb, uint8_t type, struct kms_tag *tag)
{
    uint8_t mac[AES_BLOCK_SIZE] = {0};
    uint16_t len = (uint16_t)key_id.n;
    memcpy(mac, &t, 8);
    memcpy(mac + 8, &csb, 4);
    memcpy(mac + 12, &len, 2);
    mac[14] = type;
    aes128_encrypt(&r->aes, sizeof mac, mac, mac);
    for (size_t at = 0; at < key_id.n; at += sizeof mac) {
        size_t n = key_id.n - at < sizeof mac ? key_id.n - at : sizeof mac;
        for (size_t i = 0; i < n; i++)
            mac[i] ^= key_id.p[at + i];
        aes128_encrypt(&r->aes, sizeof mac, mac, mac);
    }
    memcpy(tag->b, mac, sizeof tag->b);

    uint32_t who = 2166136261u; /* FNV-1a; only spreads the shares */
    for (size_t i = 0; i < key_id.n; i++)
        who = (who ^ key_id.p[i]) * 16777619u;
    tag->who = who;

    /* the table is far larger than a cache: have the memory come meanwhile */
    const struct entry *first = bucket(r, tag, false);
    const struct entry *second = bucket(r, tag, true);
    __builtin_prefetch(first);
    __builtin_prefetch(first + BUCKET / 2);
    __builtin_prefetch(second);
    __builtin_prefetch(second + BUCKET / 2);
    __builtin_prefetch(index_of(r, tag));
}

/* An expired entry is free. Times are compared in 32 bits, as they wrap. */
static bool is_free(const struct entry *e, uint32_t now)
{
    return e->expiry == 0 || (int32_t)(e->expiry - now) < 0;
}

/* In one bucket: the tag itself, or how many places are free, and one. */
static bool look(struct entry *b, const struct kms_tag *tag, uint32_t now,
                 unsigned *nfree, struct entry **place)
{
    for (unsigned i = 0; i < BUCKET; i++) {
        if (is_free(&b[i], now)) {
            *place = &b[i];
            ++*nfree;
        } else if (memcmp(b[i].tag, tag->b, sizeof b[i].tag) == 0) {
            return true;
        }
    }
    return false;
}

/* A credential may hold an eighth of the table within an hour's count. */
static bool share_left(struct kms_replay *r, const struct kms_tag *tag,
                       uint64_t now)
{
    if (now / EPOCH != r->h->epoch) {
        memset(r->h->share, 0, sizeof r->h->share);
        r->h->epoch = now / EPOCH;
    }
    const uint64_t most = r->h->buckets * BUCKET / 8;
    return r->h->share[tag->who % SHARES] < most; /* R281 */
}

enum ts_err kms_replay_enter(struct kms_replay *r, const struct kms_tag *tag,
                             uint64_t now, uint64_t expiry)
{
    struct entry *one = NULL, *two = NULL;
    unsigned n1 = 0, n2 = 0;
    uint32_t now32 = (uint32_t)now;
    if (look(bucket(r, tag, false), tag, now32, &n1, &one) ||
        look(bucket(r, tag, true), tag, now32, &n2, &two))
        return TS_E_REPLAY;
    struct entry *place = n2 > n1 ? two : one; /* the emptier one */
    if (!place || !share_left(r, tag, now))
        return TS_E_FULL;
    r->h->share[tag->who % SHARES]++;
    memcpy(place->tag, tag->b, sizeof place->tag);
    place->expiry = (uint32_t)expiry ? (uint32_t)expiry : 1;
    return TS_OK;
}

enum ts_err kms_replay_answer(const struct kms_replay *r,
                              const struct kms_tag *tag, struct ts_span mac,
                              uint64_t now, struct ts_span *answer)
{
    uint64_t at = *index_of(r, tag);
    struct record rec;
    if (at == 0 || at - 1 + sizeof rec > r->h->bytes)
        return TS_E_NOTFOUND;
    memcpy(&rec, r->cache + at - 1, sizeof rec);
    if (memcmp(rec.tag, tag->b, sizeof rec.tag) != 0 ||
        rec.mac_len > sizeof rec.mac ||
        !ts_equal(rec.mac, rec.mac_len, mac.p, mac.n) || now < rec.time ||
        now - rec.time > KMS_ANSWER_TIME ||
        rec.len > r->h->bytes - (at - 1) - sizeof rec)
        return TS_E_NOTFOUND;
    *answer = ts_span(r->cache + at - 1 + sizeof rec, rec.len);
    return TS_OK;
}

void kms_replay_keep(struct kms_replay *r, const struct kms_tag *tag,
                     struct ts_span mac, uint64_t now, struct ts_span answer)
{
    struct record rec = {
        .len = (uint32_t)answer.n, .time = now, .mac_len = (uint32_t)mac.n};
    size_t need = (sizeof rec + answer.n + 7) & ~(size_t)7;
    if (need > r->h->bytes / 4 || mac.n > sizeof rec.mac)
        return;
    if (r->h->at + need > r->h->bytes)
        r->h->at = 0;
    memcpy(rec.tag, tag->b, sizeof rec.tag);
    memcpy(rec.mac, mac.p, mac.n);
    uint8_t *to = r->cache + r->h->at;
    /* no record there while it is being written, whenever we are killed */
    memset(to, 0, sizeof rec);
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(to + sizeof rec, answer.p, answer.n);
    atomic_signal_fence(memory_order_seq_cst);
    memcpy(to, &rec, sizeof rec);
    *index_of(r, tag) = (uint32_t)r->h->at + 1;
    r->h->at += need;
}
