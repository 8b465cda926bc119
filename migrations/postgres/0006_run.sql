-- A chat thread. The provider has no foreign key: when it is deleted, the chat says so instead of
-- falling back to another model.
CREATE TABLE session (
  id          UUID    NOT NULL PRIMARY KEY,
  project_id  UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  title       TEXT    NOT NULL,
  mode        TEXT    NOT NULL CHECK (mode IN ('safe', 'ask', 'dev')),
  provider_id UUID,
  model       TEXT    NOT NULL,
  created_by  TEXT    NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);

CREATE INDEX session_project_id ON session (project_id, id);

-- One execution. Its state is its job's; the spec is what it was when the run was asked for.
CREATE TABLE run (
  id            UUID    NOT NULL PRIMARY KEY,
  project_id    UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  session_id    UUID    REFERENCES session (id) ON DELETE CASCADE,
  job_id        UUID    NOT NULL REFERENCES job (id),
  spec          JSONB   NOT NULL,
  input         TEXT    NOT NULL,
  output        TEXT,
  mode          TEXT    NOT NULL CHECK (mode IN ('safe', 'ask', 'dev')),
  provider_id   UUID,
  model         TEXT    NOT NULL,
  input_tokens  BIGINT NOT NULL DEFAULT 0,
  output_tokens BIGINT NOT NULL DEFAULT 0,
  cost_micros   BIGINT,
  model_calls   BIGINT NOT NULL DEFAULT 0,
  tool_calls    BIGINT NOT NULL DEFAULT 0,
  created_at    BIGINT NOT NULL,
  CONSTRAINT run_job_id_key UNIQUE (job_id)
);

CREATE INDEX run_project_id ON run (project_id, id);
CREATE INDEX run_session_id ON run (session_id, id);

-- A tool call that waits, or waited, for a person.
CREATE TABLE approval (
  id           UUID    NOT NULL PRIMARY KEY,
  run_id       UUID    NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  tool_call_id TEXT    NOT NULL,
  tool         TEXT    NOT NULL,
  effect       TEXT    NOT NULL,
  arguments    JSONB   NOT NULL,
  decision     TEXT    NOT NULL CHECK (decision IN ('pending', 'approved', 'denied', 'expired', 'withdrawn')),
  requested_at BIGINT NOT NULL,
  expires_at   BIGINT NOT NULL,
  decided_at   BIGINT,
  decided_by   TEXT,
  CONSTRAINT approval_run_id_tool_call_id_key UNIQUE (run_id, tool_call_id)
);

CREATE INDEX approval_expires_at ON approval (expires_at) WHERE decision = 'pending';
