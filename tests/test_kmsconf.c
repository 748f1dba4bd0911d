/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <arpa/inet.h>

#include "folder.h"
#include "kms/conf.h"

#define KMS                                                                    \
    "[kms]\nidentity=sip:kms@example.org\nstore=sqlite:kms.db\n"               \
    "store-key=/etc/tessera/key\n"
#define HTTP "[http]\nlisten=127.0.0.1:8080\n"

static char msg[TS_CONF_MSG];

static enum ts_err load(const char *text, struct kms_conf *conf)
{
    return kms_conf_load(file_with("kms.conf", text, 0600), conf, msg);
}

static void two_blocks_are_enough(void **state)
{
    (void)state;
    struct kms_conf c;
    OK(load(KMS HTTP, &c));
    assert_string_equal(c.canonical.text, "sip:kms@example.org");
    assert_string_equal(c.store, in_folder("kms.db"));
    assert_string_equal(c.store_key, "/etc/tessera/key");
    assert_string_equal(c.admin_socket, in_folder("kms.db.admin"));
    assert_string_equal(c.audit_file, in_folder("kms.db.audit"));
    assert_int_equal(c.n_http, 1);
    assert_int_equal(c.n_https, 0);
    assert_null(c.cert);
    assert_int_equal(c.policy.skew, 300);
    assert_int_equal(c.policy.max_lifetime, 86400);
    assert_int_equal(c.policy.forking, KMS_FORKING_YES);
    assert_false(c.policy.reuse);
    assert_int_equal(c.limits.answer_bytes, 16 << 20);
    assert_int_equal(c.log_level, TS_INFO);
    assert_false(c.log_clear);
    kms_conf_free(&c);
}

static void all_that_can_be_said_is_understood(void **state)
{
    (void)state;
    struct kms_conf c;
    OK(load(KMS "[https]\nlisten=[::1]:8443\nlisten=192.0.2.1:443\n"
                "cert=c.pem\nkey=k.pem\n[admin]\nsocket=/run/a\n"
                "[policy]\nskew=60\nmax-lifetime=3600\nforking=required\n"
                "reuse=yes\n[limits]\nreplay-entries=2048\n"
                "answer-bytes=1048576\nconnections=20\n[audit]\nfile=a.log\n"
                "[log]\nlevel=debug\nidentities=clear\n",
            &c));
    const struct sockaddr_in6 *six = (const void *)&c.https[0].addr;
    const struct sockaddr_in *four = (const void *)&c.https[1].addr;
    assert_int_equal(c.n_https, 2);
    assert_int_equal(six->sin6_family, AF_INET6);
    assert_int_equal(six->sin6_port, htons(8443));
    assert_memory_equal(&six->sin6_addr, &in6addr_loopback, 16);
    assert_int_equal(four->sin_addr.s_addr, inet_addr("192.0.2.1"));
    assert_string_equal(c.cert, in_folder("c.pem"));
    assert_string_equal(c.admin_socket, "/run/a");
    assert_string_equal(c.audit_file, in_folder("a.log"));
    assert_int_equal(c.policy.forking, KMS_FORKING_REQUIRED);
    assert_true(c.policy.reuse);
    assert_int_equal(c.policy.max_lifetime, 3600);
    assert_int_equal(c.limits.replay_entries, 2048);
    assert_int_equal(c.limits.connections, 20);
    assert_int_equal(c.log_level, TS_DEBUG);
    assert_true(c.log_clear);
    kms_conf_free(&c);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *say;
    } wrong[] = {
        {KMS, "nowhere to listen"},
        {HTTP, "identity"},
        {KMS "[http]\nlisten=localhost:80\n", "write an address and a port"},
        {KMS "[http]\nlisten=127.0.0.1\n", "write an address and a port"},
        {KMS "[http]\nlisten=127.0.0.1:0\n", "write an address and a port"},
        {KMS "[http]\nlisten=127.0.0.1:65536\n", "write an address and a port"},
        {KMS "[http]\nlisten=127.0.0.1:8o\n", "write an address and a port"},
        {KMS "[http]\nlisten=::1:80\n", "write an address and a port"},
        {KMS "[http]\nlisten=[::1]80\n", "write an address and a port"},
        {KMS "[http]\nlisten=[::1:80\n", "write an address and a port"},
        {KMS "[https]\nlisten=127.0.0.1:443\n", "cert"},
        {KMS HTTP "[policy]\nforking=maybe\n", "yes, no or required"},
        {KMS HTTP "[policy]\nskew=0\n", "skew"},
        {KMS HTTP "[policy]\nskwe=1\n", "skew"},
        {KMS HTTP "[log]\nlevel=loud\n", "debug, info"},
        {KMS HTTP "[log]\nidentities=some\n", "pseudonym or clear"},
        {"[kms]\nidentity=kms\nstore=sqlite:x\nstore-key=k\n" HTTP, "SIP URI"},
        {"[kms]\nidentity=sip:k@x\nstore=postgresql://h/d\nstore-key=k\n" HTTP,
         "not in this version"},
        {"[kms]\nidentity=sip:k@x\nstore=/x\nstore-key=k\n" HTTP,
         "sqlite:PATH"},
    };
    (void)state;
    struct kms_conf c;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FAILS(TS_E_CONFIG, load(wrong[i].text, &c));
        if (!strstr(msg, wrong[i].say) || !strstr(msg, "kms.conf"))
            fail_msg("%s does not say %s", msg, wrong[i].say);
        kms_conf_free(&c);
    }
}

static void a_17th_listener_is_one_too_many(void **state)
{
    (void)state;
    char text[2000] = KMS "[http]\n";
    struct kms_conf c;
    for (int i = 0; i < 17; i++) {
        size_t n = strlen(text);
        (void)snprintf(text + n, sizeof text - n, "listen=127.0.0.1:%d\n",
                       8000 + i);
    }
    FAILS(TS_E_CONFIG, load(text, &c));
    assert_non_null(strstr(msg, "more than 16 listeners"));
    kms_conf_free(&c);
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct kms_conf c;
    FAILS(TS_E_IO, kms_conf_load(in_folder("none"), &c, msg));
    kms_conf_free(&c);
}

#define FOLDER_TEST(name) cmocka_unit_test_setup(name, folder_fresh)

UNIT_MAIN(FOLDER_TEST(two_blocks_are_enough),
          FOLDER_TEST(all_that_can_be_said_is_understood),
          FOLDER_TEST(what_is_wrong_is_named),
          FOLDER_TEST(a_17th_listener_is_one_too_many),
          FOLDER_TEST(a_file_that_is_not_there_is_an_error))
