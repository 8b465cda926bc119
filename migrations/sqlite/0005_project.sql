CREATE TABLE project (
  id          BLOB    NOT NULL PRIMARY KEY,
  name        TEXT    NOT NULL,
  description TEXT    NOT NULL,
  framework   TEXT    NOT NULL,
  version     TEXT    NOT NULL,
  spec        TEXT    NOT NULL,
  revision    INTEGER NOT NULL DEFAULT 1,
  created_by  TEXT    NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  CONSTRAINT project_name_key UNIQUE (name)
) STRICT;

-- What was generated from the spec at the project's current revision.
CREATE TABLE project_file (
  project_id BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  path       TEXT    NOT NULL,
  content    TEXT    NOT NULL,
  size       INTEGER NOT NULL,
  sha256     TEXT    NOT NULL,
  PRIMARY KEY (project_id, path)
) STRICT, WITHOUT ROWID;
