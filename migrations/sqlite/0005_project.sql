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

-- What was generated from the spec at one revision: kept, so that a newer gantry changes nothing
-- under anybody's feet.
CREATE TABLE generation (
  project_id        BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  revision          INTEGER NOT NULL,
  generator_version TEXT    NOT NULL,
  files             TEXT    NOT NULL,
  created_at        INTEGER NOT NULL,
  PRIMARY KEY (project_id, revision)
) STRICT, WITHOUT ROWID;
