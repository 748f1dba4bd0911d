/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of the code points of MIKEY, as the RFCs and the IANA registry print
 * them (mikey-ticket.md 2.19), for what mikeytool shows.
 */
#ifndef TOOL_NAMES_H
#define TOOL_NAMES_H

#include <stdbool.h>

/** One registry. */
enum mt_registry {
    MT_DATA_TYPE,
    MT_NEXT_PAYLOAD,
    MT_PRF_FUNC,
    MT_MAP_TYPE,
    MT_ENCR_ALG,
    MT_MAC_ALG, /* of KEMAC; Auth alg of V */
    MT_TS_TYPE,
    MT_TS_ROLE,
    MT_ID_TYPE,
    MT_ID_ROLE,
    MT_CERT_TYPE,
    MT_S_TYPE,
    MT_KEY_TYPE,
    MT_KV,
    MT_HASH_FUNC,
    MT_ERROR_NO,
    MT_RAND_ROLE,
    MT_TICKET_TYPE,
    MT_PROT_TYPE,
    MT_EXT_TYPE,
    MT_PKE_C,
    MT_DH_GROUP,
    MT_SRTP_PARAM,
    MT_SRTP_ENCR,
    MT_SRTP_AUTH,
    MT_SRTP_PRF,
    MT_REGISTRIES
};

/** Name of a code point, NULL for one that has none. */
const char *mt_name(enum mt_registry registry, unsigned value);

/**
 * The code point of a name.
 *
 * @param value  gets it
 * @param near   gets the name that comes nearest to one that is not there,
 *               NULL if none does
 * @return false for a name that is not in the registry
 */
bool mt_code_point(enum mt_registry registry, const char *name, unsigned *value,
                   const char **near);

#endif
