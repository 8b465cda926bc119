CREATE TABLE job (
  id                  UUID    NOT NULL PRIMARY KEY,
  kind                TEXT    NOT NULL,
  args                JSONB   NOT NULL,
  state               TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'done', 'failed', 'cancelled')),
  priority            BIGINT  NOT NULL DEFAULT 0,
  attempt             BIGINT  NOT NULL DEFAULT 0,
  failures            BIGINT  NOT NULL DEFAULT 0,
  max_attempts        BIGINT  NOT NULL,
  run_at              BIGINT  NOT NULL,
  last_seq            BIGINT  NOT NULL DEFAULT 0,
  lease_owner         TEXT,
  lease_until         BIGINT,
  cancel_requested_at BIGINT,
  wake_requested_at   BIGINT,
  dedupe_key          TEXT,
  reason_code         TEXT,
  reason_message      TEXT,
  result              JSONB,
  project_id          UUID,
  subject_id          UUID,
  created_by          TEXT    NOT NULL,
  created_at          BIGINT  NOT NULL,
  started_at          BIGINT,
  finished_at         BIGINT
);

-- What a worker looks for.
CREATE INDEX job_ready ON job (priority, run_at) WHERE state IN ('queued', 'running');

-- A dedupe key is taken for as long as its job is not over.
CREATE UNIQUE INDEX job_dedupe_key ON job (dedupe_key) WHERE state IN ('queued', 'running', 'waiting');

CREATE INDEX job_project_id ON job (project_id, kind, id);
CREATE INDEX job_subject_id ON job (subject_id);
CREATE INDEX job_finished_at ON job (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE job_event (
  job_id UUID    NOT NULL REFERENCES job (id) ON DELETE CASCADE,
  seq    BIGINT  NOT NULL,
  at     BIGINT  NOT NULL,
  kind   TEXT    NOT NULL,
  body   JSONB   NOT NULL,
  PRIMARY KEY (job_id, seq)
);

-- The answers to requests that carried an Idempotency-Key.
CREATE TABLE idempotency (
  actor_id     TEXT    NOT NULL,
  key          TEXT    NOT NULL,
  request_hash TEXT    NOT NULL,
  status       BIGINT,
  response     JSONB,
  created_at   BIGINT  NOT NULL,
  PRIMARY KEY (actor_id, key)
);
