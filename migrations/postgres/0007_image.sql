-- Where a build or a publication is, and why, is in its job: there is no second state here.
CREATE TABLE build (
  id         UUID    NOT NULL PRIMARY KEY,
  project_id UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  number     BIGINT  NOT NULL,
  job_id     UUID    NOT NULL REFERENCES job (id),
  version    TEXT    NOT NULL,
  revision   BIGINT  NOT NULL,
  digest     TEXT,
  size       BIGINT,
  created_by TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  CONSTRAINT build_project_id_number_key UNIQUE (project_id, number)
);

CREATE INDEX build_job_id ON build (job_id);
CREATE INDEX build_project_id_id ON build (project_id, id);

-- What is in the store on disk, by digest; two builds may come to the same image.
CREATE TABLE image (
  digest     TEXT    NOT NULL PRIMARY KEY,
  project_id UUID    NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  build_id   UUID    NOT NULL REFERENCES build (id) ON DELETE CASCADE,
  size       BIGINT  NOT NULL,
  platform   TEXT    NOT NULL,
  created_at BIGINT  NOT NULL,
  CONSTRAINT image_build_id_key UNIQUE (build_id)
);

CREATE INDEX image_project_id_build_id ON image (project_id, build_id);

-- The registry's name and address as they were: a publication outlives the registry's settings.
CREATE TABLE publication (
  id            UUID    NOT NULL PRIMARY KEY,
  digest        TEXT    NOT NULL REFERENCES image (digest) ON DELETE CASCADE,
  job_id        UUID    NOT NULL REFERENCES job (id),
  registry_id   UUID    NOT NULL,
  registry_name TEXT    NOT NULL,
  host          TEXT    NOT NULL,
  repository    TEXT    NOT NULL,
  tag           TEXT    NOT NULL,
  published_at  BIGINT,
  created_by    TEXT    NOT NULL,
  created_at    BIGINT  NOT NULL
);

CREATE INDEX publication_digest_id ON publication (digest, id);
CREATE INDEX publication_job_id ON publication (job_id);
