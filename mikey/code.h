/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code points of MIKEY and MIKEY-TICKET (RFC 3830, 4563, 4738, 6043 and the
 * IANA registry "MIKEY Payload Name Spaces").
 */
#ifndef MIKEY_CODE_H
#define MIKEY_CODE_H

#define MIKEY_VERSION 1

enum mikey_type { /* HDR data type */
                  MIKEY_PSK = 0,
                  MIKEY_PSK_VERIFY = 1,
                  MIKEY_PK = 2,
                  MIKEY_PK_VERIFY = 3,
                  MIKEY_DH_INIT = 4,
                  MIKEY_DH_RESP = 5,
                  MIKEY_ERROR = 6,
                  MIKEY_DHHMAC_INIT = 7,
                  MIKEY_DHHMAC_RESP = 8,
                  MIKEY_RSA_R_I = 9,
                  MIKEY_RSA_R_R = 10,
                  MIKEY_REQUEST_INIT_PSK = 11,
                  MIKEY_REQUEST_INIT_PK = 12,
                  MIKEY_REQUEST_RESP = 13,
                  MIKEY_TRANSFER_INIT = 14,
                  MIKEY_TRANSFER_RESP = 15,
                  MIKEY_RESOLVE_INIT_PSK = 16,
                  MIKEY_RESOLVE_INIT_PK = 17,
                  MIKEY_RESOLVE_RESP = 18,
};

enum mikey_next { /* payload types */
                  MIKEY_LAST = 0,
                  MIKEY_KEMAC = 1,
                  MIKEY_PKE = 2,
                  MIKEY_DH = 3,
                  MIKEY_SIGN = 4,
                  MIKEY_T = 5,
                  MIKEY_ID = 6,
                  MIKEY_CERT = 7,
                  MIKEY_CHASH = 8,
                  MIKEY_V = 9,
                  MIKEY_SP = 10,
                  MIKEY_RAND = 11,
                  MIKEY_ERR = 12,
                  MIKEY_TR = 13,
                  MIKEY_IDR = 14,
                  MIKEY_RANDR = 15,
                  MIKEY_TP = 16,
                  MIKEY_TICKET = 17,
                  MIKEY_KEY_DATA = 20,
                  MIKEY_EXT = 21,
};

enum mikey_prf_func {
    MIKEY_PRF_SHA1 = 0,   /* "MIKEY-1" */
    MIKEY_PRF_SHA256 = 1, /* PRF-HMAC-SHA-256 */
};

enum mikey_map_type {
    MIKEY_MAP_SRTP = 0,
    MIKEY_MAP_EMPTY = 1,
    MIKEY_MAP_GENERIC = 2,
};

enum mikey_encr {
    MIKEY_ENCR_NULL = 0,
    MIKEY_ENCR_AES_CM_128 = 1,
    MIKEY_ENCR_AES_KW_128 = 2,
    MIKEY_ENCR_AES_CM_256 = 3,
};

enum mikey_auth_alg {
    MIKEY_AUTH_NULL = 0,
    MIKEY_AUTH_SHA1 = 1,   /* HMAC-SHA-1-160 */
    MIKEY_AUTH_SHA256 = 2, /* HMAC-SHA-256-256 */
};

enum mikey_ts_type {
    MIKEY_NTP_UTC = 0,
    MIKEY_NTP = 1,
    MIKEY_COUNTER = 2,
    MIKEY_NTP_UTC_32 = 3,
};

enum mikey_ts_role {
    MIKEY_TRI = 1,
    MIKEY_TRS = 2,
    MIKEY_TRE = 3,
    MIKEY_TRR = 4
};

enum mikey_id_type { MIKEY_ID_NAI = 0, MIKEY_ID_URI = 1, MIKEY_ID_BYTES = 2 };

enum mikey_id_role {
    MIKEY_IDR_I = 1,
    MIKEY_IDR_R = 2,
    MIKEY_IDR_KMS = 3,
    MIKEY_IDR_PSK = 4,
    MIKEY_IDR_APP = 5,
    MIKEY_IDR_KMS_I = 6, /* RFC 6509 */
    MIKEY_IDR_KMS_R = 7,
};

enum mikey_cert_type {
    MIKEY_CERT_X509 = 0,
    MIKEY_CERT_X509_URL = 1,
    MIKEY_CERT_X509_SIGN = 2,
    MIKEY_CERT_X509_ENCR = 3,
};

/* No RFC gives ECDSA an S type, and the space has no private range: 15 is ours,
 * the one that the registry will reach last. */
enum mikey_s_type {
    MIKEY_S_RSA = 0,     /* RSASSA-PKCS1-v1_5 */
    MIKEY_S_RSA_PSS = 1, /* RSASSA-PSS */
    MIKEY_S_ECCSI = 2,   /* RFC 6509 */
    MIKEY_S_ECDSA = 15,  /* r and s, each as long as the curve's order */
};

enum mikey_hash_func {
    MIKEY_HASH_SHA1 = 0,
    MIKEY_HASH_MD5 = 1,
    MIKEY_HASH_SHA256 = 2,
};

enum mikey_pke_cache { /* C of PKE: what becomes of the envelope key */
                       MIKEY_CACHE_NO = 0,
                       MIKEY_CACHE_YES = 1,
                       MIKEY_CACHE_CSB = 2,
};

enum mikey_rand_role { MIKEY_RAND_I = 1, MIKEY_RAND_R = 2, MIKEY_RAND_KMS = 3 };

enum mikey_key_type {
    MIKEY_TGK = 0,
    MIKEY_TGK_SALT = 1,
    MIKEY_TEK = 2,
    MIKEY_TEK_SALT = 3,
    MIKEY_GTGK = 4,
    MIKEY_GTGK_SALT = 5,
    MIKEY_MPK = 6,
    MIKEY_K_PR = 7, /* RFC 6267 */
};

enum mikey_kv { MIKEY_KV_NULL = 0, MIKEY_KV_SPI = 1, MIKEY_KV_INTERVAL = 2 };

enum mikey_error_no {
    MIKEY_ERR_AUTH = 0,
    MIKEY_ERR_TS = 1,
    MIKEY_ERR_PRF = 2,
    MIKEY_ERR_MAC = 3,
    MIKEY_ERR_EA = 4,
    MIKEY_ERR_HA = 5,
    MIKEY_ERR_DH = 6,
    MIKEY_ERR_ID = 7,
    MIKEY_ERR_CERT = 8,
    MIKEY_ERR_SP = 9,
    MIKEY_ERR_SPPAR = 10,
    MIKEY_ERR_DT = 11,
    MIKEY_ERR_UNSPECIFIED = 12,
    MIKEY_ERR_MSG_TYPE = 13,
    MIKEY_ERR_TICKET = 14,
    MIKEY_ERR_TPPAR = 15,
};

/* Ticket Type, Subtype and Version of the MIKEY base ticket. */
#define MIKEY_BASE_TICKET  1
#define MIKEY_BASE_SUBTYPE 1
#define MIKEY_BASE_VERSION 1

/* Flags of the Ticket Policy, octets 5 (low bit) to 7: D in the highest bit. */
#define MIKEY_FLAG_D 0x0800u
#define MIKEY_FLAG_E 0x0400u
#define MIKEY_FLAG_F 0x0200u
#define MIKEY_FLAG_G 0x0100u
#define MIKEY_FLAG_H 0x0080u
#define MIKEY_FLAG_I 0x0040u
#define MIKEY_FLAG_J 0x0020u
#define MIKEY_FLAG_K 0x0010u
#define MIKEY_FLAG_L 0x0008u
#define MIKEY_FLAG_M 0x0004u
#define MIKEY_FLAG_N 0x0002u
#define MIKEY_FLAG_O 0x0001u

enum mikey_prot { MIKEY_PROT_SRTP = 0, MIKEY_PROT_TESLA = 1 };

enum mikey_srtp_param { /* parameter types of an SP for SRTP */
                        MIKEY_SP_ENCR_ALG = 0,
                        MIKEY_SP_ENCR_KEY = 1,
                        MIKEY_SP_AUTH_ALG = 2,
                        MIKEY_SP_AUTH_KEY = 3,
                        MIKEY_SP_SALT = 4,
                        MIKEY_SP_PRF = 5,
                        MIKEY_SP_KDR = 6,
                        MIKEY_SP_SRTP_ENCR = 7,
                        MIKEY_SP_SRTCP_ENCR = 8,
                        MIKEY_SP_FEC = 9,
                        MIKEY_SP_SRTP_AUTH = 10,
                        MIKEY_SP_TAG = 11,
                        MIKEY_SP_PREFIX = 12,
                        MIKEY_SP_ROC_RATE = 13, /* RFC 4771, as up to 19 */
                        MIKEY_SP_SRTP_AUTH_ALG = 14,
                        MIKEY_SP_SRTCP_AUTH_ALG = 15,
                        MIKEY_SP_SRTP_AUTH_KEY = 16,
                        MIKEY_SP_SRTCP_AUTH_KEY = 17,
                        MIKEY_SP_SRTP_TAG = 18,
                        MIKEY_SP_SRTCP_TAG = 19,
                        MIKEY_SP_AEAD_TAG = 20, /* RFC 7714 */
                        MIKEY_SP_PARAMS
};

enum mikey_srtp_encr {
    MIKEY_SRTP_NULL = 0,
    MIKEY_SRTP_AES_CM = 1,
    MIKEY_SRTP_AES_F8 = 2,
    MIKEY_SRTP_SEED_CTR = 3, /* RFC 5748 */
    MIKEY_SRTP_SEED_CCM = 4,
    MIKEY_SRTP_SEED_GCM = 5,
    MIKEY_SRTP_AES_GCM = 6,  /* RFC 7714 */
    MIKEY_SRTP_ARIA_CTR = 7, /* RFC 8269 */
    MIKEY_SRTP_ARIA_GCM = 8,
};

enum mikey_srtp_auth {
    MIKEY_SRTP_AUTH_NULL = 0,
    MIKEY_SRTP_HMAC_SHA1 = 1,
    MIKEY_SRTP_RCC_M1 = 2, /* RFC 4771: the ROC in the packet */
    MIKEY_SRTP_RCC_M2 = 3,
    MIKEY_SRTP_RCC_M3 = 4,
};

enum mikey_srtp_prf {
    MIKEY_SRTP_PRF_AES_CM = 0,
    MIKEY_SRTP_PRF_SEED_CTR = 1,
    MIKEY_SRTP_PRF_ARIA_CTR = 2,
};

enum mikey_ext_type {
    MIKEY_EXT_VENDOR_ID = 0,
    MIKEY_EXT_SDP_IDS = 1,
    MIKEY_EXT_TESLA_I_KEY = 2,
    MIKEY_EXT_KEY_ID = 3,    /* RFC 4563 */
    MIKEY_EXT_CSB_ID = 4,    /* RFC 5410 */
    MIKEY_EXT_OMA_BCAST = 5, /* RFC 5410 */
};

#endif
