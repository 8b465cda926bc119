-- Where a build or a publication is, and why, is in its job: there is no second state here.
CREATE TABLE build (
  id         BLOB    NOT NULL PRIMARY KEY,
  project_id BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  number     INTEGER NOT NULL,
  job_id     BLOB    NOT NULL REFERENCES job (id),
  version    TEXT    NOT NULL,
  revision   INTEGER NOT NULL,
  digest     TEXT,
  size       INTEGER,
  created_by TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  CONSTRAINT build_project_id_number_key UNIQUE (project_id, number)
) STRICT;

CREATE INDEX build_job_id ON build (job_id);
CREATE INDEX build_project_id_id ON build (project_id, id);

-- What is in the store on disk, by digest; two builds may come to the same image.
CREATE TABLE image (
  digest     TEXT    NOT NULL PRIMARY KEY,
  project_id BLOB    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  build_id   BLOB    NOT NULL REFERENCES build (id) ON DELETE CASCADE,
  size       INTEGER NOT NULL,
  platform   TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  CONSTRAINT image_build_id_key UNIQUE (build_id)
) STRICT;

CREATE INDEX image_project_id_build_id ON image (project_id, build_id);

-- The registry's name and address as they were: a publication outlives the registry's settings.
CREATE TABLE publication (
  id            BLOB    NOT NULL PRIMARY KEY,
  digest        TEXT    NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
  job_id        BLOB    NOT NULL REFERENCES job (id),
  registry_id   BLOB    NOT NULL,
  registry_name TEXT    NOT NULL,
  host          TEXT    NOT NULL,
  repository    TEXT    NOT NULL,
  tag           TEXT    NOT NULL,
  published_at  INTEGER,
  created_by    TEXT    NOT NULL,
  created_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX publication_digest_id ON publication (digest, id);
CREATE INDEX publication_job_id ON publication (job_id);
