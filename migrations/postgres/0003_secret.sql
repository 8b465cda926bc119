-- The master keys that were ever in use: never the keys, only what recognises them.
CREATE TABLE master_key (
  id          TEXT    NOT NULL PRIMARY KEY,
  check_value BYTEA   NOT NULL,
  -- 1 for the one in use: there can be only one.
  in_use      BIGINT,
  created_at  BIGINT  NOT NULL,
  retired_at  BIGINT,
  CONSTRAINT master_key_in_use_key UNIQUE (in_use),
  CHECK (in_use = 1)
);

CREATE TABLE secret (
  id         UUID    NOT NULL PRIMARY KEY,
  -- 'instance' for secrets that people name; 'provider' and 'registry' for the credentials of those.
  owner_kind TEXT    NOT NULL CHECK (owner_kind IN ('instance', 'provider', 'registry')),
  -- The name that people gave it; a credential is found through what owns it.
  name       TEXT,
  -- Where its values are kept: the SecretBackend's kind.
  backend    TEXT    NOT NULL,
  -- The newest version, from 1.
  version    BIGINT  NOT NULL,
  created_by TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  updated_at BIGINT  NOT NULL,
  CONSTRAINT secret_name_key UNIQUE (name),
  CHECK ((owner_kind = 'instance') = (name IS NOT NULL))
);

-- The values in Gantry's own store; see server/src/secret/envelope.rs.
CREATE TABLE secret_version (
  secret_id     UUID    NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
  version       BIGINT  NOT NULL,
  master_key_id TEXT    NOT NULL REFERENCES master_key (id),
  wrapped_key   BYTEA   NOT NULL,
  ciphertext    BYTEA   NOT NULL,
  created_by    TEXT    NOT NULL,
  created_at    BIGINT  NOT NULL,
  PRIMARY KEY (secret_id, version)
);
