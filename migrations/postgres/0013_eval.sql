-- A job that waits for others names itself in them: whoever ends one of them wakes it.
ALTER TABLE job ADD COLUMN wakes_job_id UUID;
CREATE INDEX job_wakes_job_id ON job (wakes_job_id) WHERE wakes_job_id IS NOT NULL;

-- An eval of a project at a revision. Spec and cases are what they were when it was asked for; where it is,
-- and why, is in its job.
CREATE TABLE eval (
  id                UUID    NOT NULL PRIMARY KEY,
  project_id        UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  number            BIGINT  NOT NULL,
  job_id            UUID    NOT NULL REFERENCES job (id),
  revision          BIGINT  NOT NULL,
  spec              JSONB   NOT NULL,
  spec_hash         TEXT    NOT NULL,
  cases             JSONB   NOT NULL,
  runtime           TEXT    NOT NULL,
  mode              TEXT    NOT NULL CHECK (mode IN ('safe', 'dev')),
  provider_id       UUID,
  model             TEXT    NOT NULL,
  judge_provider_id UUID,
  judge_model       TEXT    NOT NULL,
  judge_prompt_hash TEXT    NOT NULL,
  repeats           BIGINT  NOT NULL,
  outcome           TEXT    CHECK (outcome IN ('passed', 'failed')),
  score             BIGINT,
  created_by        TEXT    NOT NULL,
  created_at        BIGINT  NOT NULL,
  CONSTRAINT eval_project_id_number_key UNIQUE (project_id, number)
);

CREATE INDEX eval_job_id ON eval (job_id);
CREATE INDEX eval_project_id_id ON eval (project_id, id);

-- One result; the answer and what it used are its run's.
CREATE TABLE eval_result (
  eval_id     UUID    NOT NULL REFERENCES eval (id) ON DELETE CASCADE,
  layer       TEXT    NOT NULL CHECK (layer IN ('static', 'contract', 'safety', 'live', 'judge')),
  name        TEXT    NOT NULL,
  repeat      BIGINT  NOT NULL,
  place       BIGINT  NOT NULL,
  state       TEXT    NOT NULL CHECK (state IN ('waiting', 'running', 'passed', 'failed', 'skipped', 'cancelled')),
  run_id      UUID    REFERENCES run (id) ON DELETE CASCADE,
  input       TEXT    NOT NULL,
  checks      JSONB   NOT NULL,
  duration_ms BIGINT,
  PRIMARY KEY (eval_id, layer, name, repeat)
);

CREATE INDEX eval_result_run_id ON eval_result (run_id);

-- What an eval must have shown before a project's versions of a channel are built or published.
CREATE TABLE gate (
  project_id UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  channel    TEXT    NOT NULL CHECK (channel IN ('release', 'dev')),
  policy     JSONB   NOT NULL,
  changed_by TEXT    NOT NULL,
  changed_at BIGINT  NOT NULL,
  PRIMARY KEY (project_id, channel)
);

-- Every time that somebody let something through a gate. Kept for ever, so nothing refers to the project.
CREATE TABLE gate_override (
  id           UUID    NOT NULL PRIMARY KEY,
  project_id   UUID    NOT NULL,
  project_name TEXT    NOT NULL,
  channel      TEXT    NOT NULL,
  action       TEXT    NOT NULL,
  revision     BIGINT  NOT NULL,
  reason       TEXT    NOT NULL,
  missing      JSONB   NOT NULL,
  created_by   TEXT    NOT NULL,
  created_at   BIGINT  NOT NULL,
  used_for     UUID,
  used_at      BIGINT
);

CREATE INDEX gate_override_project_id ON gate_override (project_id, channel, id);
