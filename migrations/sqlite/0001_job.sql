CREATE TABLE job (
  id                  BLOB    NOT NULL PRIMARY KEY,
  kind                TEXT    NOT NULL,
  args                TEXT    NOT NULL,
  state               TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
  priority            INTEGER NOT NULL DEFAULT 0,
  attempt             INTEGER NOT NULL DEFAULT 0,
  failures            INTEGER NOT NULL DEFAULT 0,
  max_attempts        INTEGER NOT NULL,
  run_at              INTEGER NOT NULL,
  last_seq            INTEGER NOT NULL DEFAULT 0,
  lease_owner         TEXT,
  lease_until         INTEGER,
  cancel_requested_at INTEGER,
  wake_requested_at   INTEGER,
  dedupe_key          TEXT,
  reason_code         TEXT,
  reason_message      TEXT,
  result              TEXT,
  project_id          BLOB,
  subject_id          BLOB,
  created_by          TEXT    NOT NULL,
  created_at          INTEGER NOT NULL,
  started_at          INTEGER,
  finished_at         INTEGER
) STRICT;

-- What a worker looks for.
CREATE INDEX job_ready ON job (priority, run_at) WHERE state IN ('queued', 'running');

-- A dedupe key is taken for as long as its job is not over.
CREATE UNIQUE INDEX job_dedupe_key ON job (dedupe_key) WHERE state IN ('queued', 'running', 'waiting');

CREATE INDEX job_project_id ON job (project_id, kind, id);
CREATE INDEX job_subject_id ON job (subject_id);
CREATE INDEX job_finished_at ON job (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_event (
  job_id BLOB    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  seq    INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  kind   TEXT    NOT NULL,
  body   TEXT    NOT NULL,
  PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;

-- The answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
  actor_id     TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  request_hash TEXT    NOT NULL,
  status       INTEGER,
  response     TEXT,
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (actor_id, key)
) STRICT, WITHOUT ROWID;
