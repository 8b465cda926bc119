CREATE TABLE provider (
  id                  BLOB    NOT NULL PRIMARY KEY,
  name                TEXT    NOT NULL,
  base_url            TEXT    NOT NULL,
  default_model       TEXT    NOT NULL,
  secret_id           BLOB    REFERENCES secret (id),
  input_price_micros  INTEGER,
  output_price_micros INTEGER,
  created_by          TEXT    NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL,
  CONSTRAINT provider_name_key UNIQUE (name)
) STRICT;

CREATE INDEX provider_secret_id ON provider (secret_id);

CREATE TABLE registry (
  id         BLOB    NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  prefix     TEXT    NOT NULL,
  username   TEXT    NOT NULL,
  secret_id  BLOB    REFERENCES secret (id),
  plain_http INTEGER NOT NULL,
  created_by TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CONSTRAINT registry_name_key UNIQUE (name)
) STRICT;

CREATE INDEX registry_secret_id ON registry (secret_id);
