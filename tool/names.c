/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/names.h"

#include <stddef.h>
#include <string.h>

#include "tool/near.h"

static const char *const data_type[] = {
    "Pre-shared", /* RFC 3830 */
    "PSK ver msg",     "Public key",       "PK ver msg",
    "D-H init",        "D-H resp",         "Error",
    "DHHMAC init",                         /* RFC 4650 */
    "DHHMAC resp",     "RSA-R I_MSG",      /* RFC 4738 */
    "RSA-R R_MSG",     "REQUEST_INIT_PSK", /* RFC 6043 */
    "REQUEST_INIT_PK", "REQUEST_RESP",     "TRANSFER_INIT",
    "TRANSFER_RESP",   "RESOLVE_INIT_PSK", "RESOLVE_INIT_PK",
    "RESOLVE_RESP",    "REQUEST_KEY_PSK", /* RFC 6267 */
    "REQUEST_KEY_PKE", "REQUEST_KEY_RESP", "I_MESSAGE_1",
    "R_MESSAGE_1",     "I_MESSAGE_2",      "R_MESSAGE_2",
    "SAKKE msg", /* RFC 6509 */
};

static const char *const next_payload[] = {
    "Last payload", "KEMAC", "PKE", "DH",     "SIGN",  "T",     "ID",
    "CERT",         "CHASH", "V",   "SP",     "RAND",  "ERR",   "TR",
    "IDR",          "RANDR", "TP",  "TICKET", NULL,    NULL,    "Key data",
    "EXT",          "IBAKE", "ESK", "SK",     "ECCPT", "SAKKE",
};

static const char *const prf_func[] = {"MIKEY-1", "PRF-HMAC-SHA-256"};
static const char *const map_type[] = {"SRTP-ID", "Empty map", "GENERIC-ID"};
static const char *const encr_alg[] = {"NULL", "AES-CM-128", "AES-KW-128",
                                       "AES-CM-256"};
static const char *const mac_alg[] = {"NULL", "HMAC-SHA-1-160",
                                      "HMAC-SHA-256-256"};
static const char *const ts_type[] = {"NTP-UTC", "NTP", "COUNTER",
                                      "NTP-UTC-32"};
static const char *const ts_role[] = {NULL, "TRi", "TRs", "TRe", "TRr"};
static const char *const id_type[] = {"NAI", "URI", "Byte string"};
static const char *const id_role[] = {NULL,     "IDRi",   "IDRr",    "IDRkms",
                                      "IDRpsk", "IDRapp", "IDRkmsi", "IDRkmsr"};
static const char *const cert_type[] = {"X.509v3", "X.509v3 URL",
                                        "X.509v3 Sign", "X.509v3 Encr"};
static const char *const s_type[] = {"RSA/PKCS#1/1.5", "RSA/PSS",
                                     "ECCSI", [15] = "ECDSA"};
static const char *const key_type[] = {"TGK",  "TGK+SALT",  "TEK", "TEK+SALT",
                                       "GTGK", "GTGK+SALT", "MPK", "K_PR"};
static const char *const kv[] = {"Null", "SPI", "Interval"};
static const char *const hash_func[] = {"SHA-1", "MD5", "SHA-256"};
static const char *const error_no[] = {
    "Auth failure",      "Invalid TS",
    "Invalid PRF",       "Invalid MAC",
    "Invalid EA",        "Invalid HA",
    "Invalid DH",        "Invalid ID",
    "Invalid Cert",      "Invalid SP",
    "Invalid SPpar",     "Invalid DT",
    "Unspecified error", "Unsupported message type", /* RFC 4738 */
    "Invalid TICKET",    "Invalid TPpar",            /* RFC 6043 */
};
static const char *const rand_role[] = {NULL, "RANDRi", "RANDRr", "RANDRkms"};
static const char *const ticket_type[] = {NULL, "MIKEY Base Ticket",
                                          "3GPP Base Ticket"};
static const char *const prot_type[] = {"SRTP", "TESLA"};
static const char *const ext_type[] = {"Vendor ID", "SDP IDs", "TESLA I-Key",
                                       "Key ID",    "CSB_ID",  "OMA BCAST"};
static const char *const pke_c[] = {"no cache", "cache", "cache for CSB"};
static const char *const dh_group[] = {"OAKLEY 5", "OAKLEY 1", "OAKLEY 2"};
static const char *const srtp_param[] = {
    "Encryption algorithm",
    "Session Encr. key length",
    "Authentication algorithm",
    "Session Auth. key length",
    "Session Salt key length",
    "SRTP Pseudo Random Function",
    "Key derivation rate",
    "SRTP encryption off/on",
    "SRTCP encryption off/on",
    "sender's FEC order",
    "SRTP authentication off/on",
    "Authentication tag length",
    "SRTP prefix length",
    "ROC transmission rate", /* RFC 4771 */
    "SRTP Auth. algorithm",
    "SRTCP Auth. algorithm",
    "SRTP Session Auth. key length",
    "SRTCP Session Auth. key length",
    "SRTP Auth. tag length",
    "SRTCP Auth. tag length",
    "AEAD authentication tag length", /* RFC 7714 */
};
static const char *const srtp_encr[] = {"NULL",     "AES-CM",   "AES-F8",
                                        "SEED-CTR", "SEED-CCM", "SEED-GCM",
                                        "AES-GCM",  "ARIA-CTR", "ARIA-GCM"};
static const char *const srtp_auth[] = {"NULL", "HMAC-SHA-1", "RCCm1", "RCCm2",
                                        "RCCm3"};
static const char *const srtp_prf[] = {"AES-CM", "SEED-CTR", "ARIA-CTR"};

#define REGISTRY(names)                                                        \
    {                                                                          \
        names, sizeof names / sizeof names[0]                                  \
    }

static const struct {
    const char *const *names;
    unsigned n;
} registries[MT_REGISTRIES] = {
    [MT_DATA_TYPE] = REGISTRY(data_type),
    [MT_NEXT_PAYLOAD] = REGISTRY(next_payload),
    [MT_PRF_FUNC] = REGISTRY(prf_func),
    [MT_MAP_TYPE] = REGISTRY(map_type),
    [MT_ENCR_ALG] = REGISTRY(encr_alg),
    [MT_MAC_ALG] = REGISTRY(mac_alg),
    [MT_TS_TYPE] = REGISTRY(ts_type),
    [MT_TS_ROLE] = REGISTRY(ts_role),
    [MT_ID_TYPE] = REGISTRY(id_type),
    [MT_ID_ROLE] = REGISTRY(id_role),
    [MT_CERT_TYPE] = REGISTRY(cert_type),
    [MT_S_TYPE] = REGISTRY(s_type),
    [MT_KEY_TYPE] = REGISTRY(key_type),
    [MT_KV] = REGISTRY(kv),
    [MT_HASH_FUNC] = REGISTRY(hash_func),
    [MT_ERROR_NO] = REGISTRY(error_no),
    [MT_RAND_ROLE] = REGISTRY(rand_role),
    [MT_TICKET_TYPE] = REGISTRY(ticket_type),
    [MT_PROT_TYPE] = REGISTRY(prot_type),
    [MT_EXT_TYPE] = REGISTRY(ext_type),
    [MT_PKE_C] = REGISTRY(pke_c),
    [MT_DH_GROUP] = REGISTRY(dh_group),
    [MT_SRTP_PARAM] = REGISTRY(srtp_param),
    [MT_SRTP_ENCR] = REGISTRY(srtp_encr),
    [MT_SRTP_AUTH] = REGISTRY(srtp_auth),
    [MT_SRTP_PRF] = REGISTRY(srtp_prf),
};

const char *mt_name(enum mt_registry registry, unsigned value)
{
    return value < registries[registry].n ? registries[registry].names[value]
                                          : NULL;
}

bool mt_code_point(enum mt_registry registry, const char *name, unsigned *value,
                   const char **near)
{
    struct tool_near search = tool_near(name);
    for (unsigned i = 0; i < registries[registry].n; i++) {
        const char *known = mt_name(registry, i);
        if (!known)
            continue;
        *value = i;
        if (strcmp(known, name) == 0)
            return true;
        tool_near_try(&search, known);
    }
    *near = search.best;
    return false;
}
