CREATE TABLE provider (
  id                  UUID    NOT NULL PRIMARY KEY,
  name                TEXT    NOT NULL,
  base_url            TEXT    NOT NULL,
  default_model       TEXT    NOT NULL,
  secret_id           UUID    REFERENCES secret (id),
  input_price_micros  BIGINT,
  output_price_micros BIGINT,
  created_by          TEXT    NOT NULL,
  created_at          BIGINT  NOT NULL,
  updated_at          BIGINT  NOT NULL,
  CONSTRAINT provider_name_key UNIQUE (name)
);

CREATE INDEX provider_secret_id ON provider (secret_id);

CREATE TABLE registry (
  id         UUID    NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  prefix     TEXT    NOT NULL,
  username   TEXT    NOT NULL,
  secret_id  UUID    REFERENCES secret (id),
  plain_http BOOLEAN NOT NULL,
  created_by TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  updated_at BIGINT  NOT NULL,
  CONSTRAINT registry_name_key UNIQUE (name)
);

CREATE INDEX registry_secret_id ON registry (secret_id);
