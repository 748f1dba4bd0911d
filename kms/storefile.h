/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SQLite file behind a store: which program and version it belongs to,
 * and a connection with the settings that a store needs. Inside kms/ only.
 */
#ifndef KMS_STOREFILE_H
#define KMS_STOREFILE_H

#include <sqlite3.h>

#include "base/bytes.h"
#include "base/conf.h"
#include "base/err.h"

/** The project's error for a result of SQLite. */
enum ts_err kms_sqlite_err(int rc);

/** As kms_store_open(), but the bare connection; sqlite3_close() ends it. */
TS_MUST enum ts_err kms_storefile_open(const char *path, sqlite3 **out,
                                       char msg[static TS_CONF_MSG]);

/** Make the name of a new file durable: sync its folder. OK or E_IO. */
TS_MUST enum ts_err kms_sync_folder(const char *path);

#endif
