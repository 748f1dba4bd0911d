/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* As the configuration has them if it says nothing. */
#define ENTRIES (UINT64_C(1) << 22)
#define ANSWERS (UINT64_C(1) << 24)
/* Batches until pages of both have been touched, as they are in a KMS that
   has served for a while. */
#define WARMUP 1024

#define KMS_URI "sip:kms@example.org"

static const struct kms_policy policy = {.skew = 300, .max_lifetime = 86400};

static void must(enum ts_err err, const char *what)
{
    if (!err)
        return;
    fprintf(stderr, "bench: %s: %s\n", what, ts_strerror(err));
    exit(1);
}

static void enrol(struct party *p, struct kms_user *user, unsigned bits,
                  const char *uri, const char *psk_id)
{
    *p = (struct party){.suite = mikey_suite_bits(bits),
                        .uri = uri,
                        .kms = KMS_URI,
                        .psk_id = psk_id,
                        .psk = {.len = 32}};
    must(ts_random(NULL, p->psk.b, p->psk.len), "random numbers");
    *user = (struct kms_user){.key_id_len = (uint16_t)strlen(psk_id),
                              .identity_len = (uint16_t)strlen(uri),
                              .psk = p->psk};
    memcpy(user->key_id, psk_id, user->key_id_len);
    memcpy(user->identity, uri, user->identity_len);
}

static void make_ticket_key(struct kms_engine *e)
{
    struct kms_tpk *tpk = &e->ring.tpk[0];
    tpk->use = true;
    tpk->key.len = KMS_TICKETKEY_LEN;
    must(ts_random(NULL, tpk->key.b, tpk->key.len), "random numbers");
    e->ring.n = 1;
}

void rig_open(struct rig *rig, unsigned bits)
{
    struct kms_replay *replay = NULL;
    int fd;
    memset(rig, 0, sizeof *rig);
    rig->now = (uint64_t)time(NULL) * 1000000 + 1000000;
    must(kms_replay_create(ENTRIES, ANSWERS, (uint64_t)time(NULL), &fd),
         "replay table");
    must(kms_replay_open(fd, ENTRIES, ANSWERS, &replay), "replay table");
    close(fd);
    must(kms_engine_init(&rig->engine, KMS_URI, &policy, replay, ts_random),
         "engine");
    make_ticket_key(&rig->engine);
    enrol(&rig->alice, &rig->alice_user, bits, "sip:alice@example.org",
          "alice-1");
    enrol(&rig->bob, &rig->bob_user, bits, "sip:bob@example.org", "bob-1");

    rig_prepare(rig, RIG_REQUEST);
    size_t n = rig_answer(rig, RIG_REQUEST, 0);
    must(party_transfer(&rig->alice, &rig->batch[0], ts_span(rig->reply, n),
                        &rig->transfer),
         "ticket");
}

void rig_warm(struct rig *rig)
{
    for (unsigned i = 0; i < WARMUP; i++) {
        rig_prepare(rig, RIG_RESOLVE);
        for (unsigned j = 0; j < RIG_BATCH; j++)
            (void)rig_answer(rig, RIG_RESOLVE, j);
    }
}

void rig_close(struct rig *rig)
{
    kms_replay_close(rig->engine.replay);
    ts_wipe(rig, sizeof *rig);
}

void rig_prepare(struct rig *rig, enum rig_exchange which)
{
    for (unsigned i = 0; i < RIG_BATCH; i++) {
        struct party_msg *m = &rig->batch[i];
        uint32_t csb = ++rig->csb;
        must(which == RIG_REQUEST
                 ? party_request(&rig->alice, rig->bob.uri, csb, rig->now, m)
                 : party_resolve(&rig->bob, &rig->transfer, csb, rig->now, m),
             "message");
    }
}

size_t rig_answer(struct rig *rig, enum rig_exchange which, unsigned nth)
{
    struct kms_engine *e = &rig->engine;
    struct kms_question *q = &rig->q;
    struct ts_writer w = ts_writer_init(rig->reply, sizeof rig->reply);
    bool request = which == RIG_REQUEST;
    struct ts_span body = party_span(&rig->batch[nth]);

    if (!kms_engine_open(e, q, request ? KMS_ASK_REQUEST : KMS_ASK_RESOLVE,
                         body, rig->now, &w))
        must(TS_E_FORMAT, q->reason);
    must(kms_engine_verify(e, q, request ? &rig->alice_user : &rig->bob_user),
         "message refused");
    kms_engine_answer(e, q, &w);
    if (q->result != KMS_GRANTED)
        must(TS_E_AUTH, q->reason);
    (void)kms_engine_record(e, q, rig->record);
    return w.len;
}
