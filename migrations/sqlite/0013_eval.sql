-- A job that waits for others names itself in them: whoever ends one of them wakes it.
ALTER TABLE job ADD COLUMN wakes_job_id BLOB;
CREATE INDEX job_wakes_job_id ON job (wakes_job_id) WHERE wakes_job_id IS NOT NULL;

-- An eval of a project at a revision. Spec and cases are what they were when it was asked for; where it is,
-- and why, is in its job.
CREATE TABLE eval (
  id                BLOB    NOT NULL PRIMARY KEY,
  project_id        BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  number            INTEGER NOT NULL,
  job_id            BLOB    NOT NULL REFERENCES job (id),
  revision          INTEGER NOT NULL,
  spec              TEXT    NOT NULL,
  spec_hash         TEXT    NOT NULL,
  cases             TEXT    NOT NULL,
  runtime           TEXT    NOT NULL,
  mode              TEXT    NOT NULL CHECK (mode IN ('safe', 'dev')),
  provider_id       BLOB,
  model             TEXT    NOT NULL,
  judge_provider_id BLOB,
  judge_model       TEXT    NOT NULL,
  judge_prompt_hash TEXT    NOT NULL,
  repeats           INTEGER NOT NULL,
  outcome           TEXT    CHECK (outcome IN ('passed', 'failed')),
  score             INTEGER,
  created_by        TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  CONSTRAINT eval_project_id_number_key UNIQUE (project_id, number)
) STRICT;

CREATE INDEX eval_job_id ON eval (job_id);
CREATE INDEX eval_project_id_id ON eval (project_id, id);

-- One result; the answer and what it used are its run's.
CREATE TABLE eval_result (
  eval_id     BLOB    NOT NULL REFERENCES eval (id) ON DELETE CASCADE,
  layer       TEXT    NOT NULL CHECK (layer IN ('static', 'contract', 'safety', 'live', 'judge')),
  name        TEXT    NOT NULL,
  repeat      INTEGER NOT NULL,
  place       INTEGER NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'passed', 'failed', 'skipped', 'cancelled')),
  run_id      BLOB    REFERENCES run (id) ON DELETE CASCADE,
  input       TEXT    NOT NULL,
  checks      TEXT    NOT NULL,
  duration_ms INTEGER,
  PRIMARY KEY (eval_id, layer, name, repeat)
) STRICT, WITHOUT ROWID;

CREATE INDEX eval_result_run_id ON eval_result (run_id);

-- What an eval must have shown before a project's versions of a channel are built or published.
CREATE TABLE gate (
  project_id BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  channel    TEXT    NOT NULL CHECK (channel IN ('release', 'dev')),
  policy     TEXT    NOT NULL,
  changed_by TEXT    NOT NULL,
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (project_id, channel)
) STRICT, WITHOUT ROWID;

-- Every time that somebody let something through a gate. Kept for ever, so nothing refers to the project.
CREATE TABLE gate_override (
  id           BLOB    NOT NULL PRIMARY KEY,
  project_id   BLOB    NOT NULL,
  project_name TEXT    NOT NULL,
  channel      TEXT    NOT NULL,
  action       TEXT    NOT NULL,
  revision     INTEGER NOT NULL,
  reason       TEXT    NOT NULL,
  missing      TEXT    NOT NULL,
  created_by   TEXT    NOT NULL,
  created_at   INTEGER NOT NULL,
  used_for     BLOB,
  used_at      INTEGER
) STRICT;

CREATE INDEX gate_override_project_id ON gate_override (project_id, channel, id);
