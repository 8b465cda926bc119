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

-- What was generated from the spec at one revision: kept, so that a newer gantry changes nothing
-- under anybody's feet.
CREATE TABLE generation (
  project_id        UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  revision          BIGINT  NOT NULL,
  generator_version TEXT    NOT NULL,
  files             TEXT    NOT NULL,
  created_at        BIGINT  NOT NULL,
  PRIMARY KEY (project_id, revision)
);
