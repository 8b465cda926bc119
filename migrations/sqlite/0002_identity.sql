-- People. Roles and identities at other providers (OAuth, OIDC) will be tables beside this one.
CREATE TABLE account (
  id            BLOB    NOT NULL PRIMARY KEY,
  name          TEXT    NOT NULL,
  email         TEXT    NOT NULL,
  -- The address as it is compared: trimmed and in lower case.
  email_key     TEXT    NOT NULL,
  password_hash TEXT    NOT NULL,
  -- 1 for the account that the set-up link made: there can be only one, so a link works only once.
  from_setup    INTEGER,
  created_at    INTEGER NOT NULL,
  CONSTRAINT account_email_key_key UNIQUE (email_key),
  CONSTRAINT account_from_setup_key UNIQUE (from_setup),
  CHECK (from_setup = 1)
) STRICT;

-- The set-up links that work, one per node that is waiting for its first account.
CREATE TABLE setup_link (
  node       TEXT    NOT NULL PRIMARY KEY,
  token_hash BLOB    NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;

-- Browsers that are signed in.
CREATE TABLE login (
  id           BLOB    NOT NULL PRIMARY KEY,
  account_id   BLOB    NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  token_hash   BLOB    NOT NULL,
  created_at   INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  CONSTRAINT login_token_hash_key UNIQUE (token_hash)
) STRICT;

CREATE INDEX login_account_id ON login (account_id);

-- How often an account or an address was tried lately; see server/src/identity/throttle.rs.
CREATE TABLE login_attempt (
  key           TEXT    NOT NULL PRIMARY KEY,
  attempts      INTEGER NOT NULL,
  attempted_at  INTEGER NOT NULL,
  blocked_until INTEGER NOT NULL
) STRICT;

CREATE INDEX login_attempt_attempted_at ON login_attempt (attempted_at);

-- API credentials.
CREATE TABLE token (
  id           BLOB    NOT NULL PRIMARY KEY,
  name         TEXT    NOT NULL,
  -- Its first characters, to recognise it by.
  prefix       TEXT    NOT NULL,
  token_hash   BLOB    NOT NULL,
  -- The scopes' words, separated by spaces.
  scopes       TEXT    NOT NULL,
  created_by   TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER,
  last_used_at INTEGER,
  CONSTRAINT token_token_hash_key UNIQUE (token_hash)
) STRICT;
