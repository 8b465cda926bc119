-- Who executes a run: the interpreter, or the project's image in a container; and which image.
ALTER TABLE run ADD COLUMN runtime TEXT NOT NULL DEFAULT 'native' CHECK (runtime IN ('native', 'container'));
ALTER TABLE run ADD COLUMN image TEXT;

-- What lets a run's own code ask a model. Only a hash of the token is kept, and it opens nothing
-- unless that attempt at the run's job is under way.
CREATE TABLE gateway_access (
  run_id      UUID   NOT NULL PRIMARY KEY REFERENCES run (id) ON DELETE CASCADE,
  token_hash  BYTEA  NOT NULL,
  attempt     BIGINT NOT NULL,
  opened_at   BIGINT NOT NULL,
  expires_at  BIGINT NOT NULL,
  -- How many of its requests wait for a person now, since when, and for how long one waited in all.
  holding     BIGINT NOT NULL DEFAULT 0,
  held_since  BIGINT,
  held_micros BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT gateway_access_token_hash_key UNIQUE (token_hash)
);

-- What a run's log says already. A run has two witnesses, the traffic to its model and the project
-- itself: whoever writes a fact down first tells it, and the other keeps silent.
CREATE TABLE gateway_fact (
  run_id UUID NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  fact   TEXT NOT NULL,
  PRIMARY KEY (run_id, fact)
);

-- Calls that were denied while others of the same turn were let through: the project never saw
-- them, so the gateway puts them back into the conversation, beside the call named as neighbour.
CREATE TABLE gateway_denial (
  run_id    UUID  NOT NULL REFERENCES run (id) ON DELETE CASCADE,
  call_id   TEXT  NOT NULL,
  neighbour TEXT  NOT NULL,
  name      TEXT  NOT NULL,
  arguments TEXT  NOT NULL,
  answer    TEXT  NOT NULL,
  PRIMARY KEY (run_id, call_id)
);
