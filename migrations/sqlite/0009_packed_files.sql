-- A revision's files are bytes now, which the server packs: their text is not asked for in SQL, and
-- packed it is half as much to write. What was there stays as it is; its first byte says that it is JSON.
CREATE TABLE generation_packed (
  project_id        BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  revision          INTEGER NOT NULL,
  generator_version TEXT    NOT NULL,
  files             BLOB    NOT NULL,
  created_at        INTEGER NOT NULL,
  PRIMARY KEY (project_id, revision)
) STRICT, WITHOUT ROWID;

INSERT INTO generation_packed (project_id, revision, generator_version, files, created_at)
SELECT project_id, revision, generator_version, CAST(files AS BLOB), created_at FROM generation;

DROP TABLE generation;
ALTER TABLE generation_packed RENAME TO generation;
