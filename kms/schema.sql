-- SPDX-License-Identifier: Apache-2.0
-- Version 1 of the store. Comments stand on lines of their own; the build
-- turns this file into a C string (kms/meson.build).
--
-- Times are seconds since 1970. What is called sealed is made by kms/seal.h.

-- Facts about the store itself: "check" proves the store key.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a user. identity: canonical form of the IMPU (base/identity.h).
CREATE TABLE users (
    id       INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    created  INTEGER NOT NULL
) STRICT;

-- What a user authenticates with. key_id: the ID data of IDRpsk.
-- kind: enum kms_credential_kind. identity: the user's, to which the sealed key
-- is bound; it stands here too so that a look-up reads one row, not two.
CREATE TABLE credentials (
    key_id   BLOB PRIMARY KEY,
    user     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    identity TEXT NOT NULL,
    kind     INTEGER NOT NULL,
    sealed   BLOB NOT NULL,
    created  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_user ON credentials (user);

-- The keys that tickets are made with (TPK). state: enum kms_key_state;
-- retired: when a successor came into use.
CREATE TABLE ticket_keys (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    id      BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    state   INTEGER NOT NULL,
    sealed  BLOB NOT NULL,
    created INTEGER NOT NULL,
    retired INTEGER
) STRICT;

-- Never two keys in use at once (state 1: KMS_KEY_USE).
CREATE UNIQUE INDEX ticket_keys_use ON ticket_keys (state) WHERE state = 1;
