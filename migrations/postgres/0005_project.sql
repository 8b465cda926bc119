CREATE TABLE project (
  id          UUID    NOT NULL PRIMARY KEY,
  name        TEXT    NOT NULL,
  description TEXT    NOT NULL,
  framework   TEXT    NOT NULL,
  version     TEXT    NOT NULL,
  spec        JSONB   NOT NULL,
  revision    BIGINT  NOT NULL DEFAULT 1,
  created_by  TEXT    NOT NULL,
  created_at  BIGINT  NOT NULL,
  updated_at  BIGINT  NOT NULL,
  CONSTRAINT project_name_key UNIQUE (name)
);

-- What was generated from the spec at the project's current revision.
CREATE TABLE project_file (
  project_id UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  path       TEXT    NOT NULL,
  content    TEXT    NOT NULL,
  size       BIGINT  NOT NULL,
  sha256     TEXT    NOT NULL,
  PRIMARY KEY (project_id, path)
);
