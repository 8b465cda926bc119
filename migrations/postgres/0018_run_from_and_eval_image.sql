-- Which run another one does anew, from which point of it on, and whether something was changed there.
ALTER TABLE run ADD COLUMN from_run_id UUID REFERENCES run (id) ON DELETE SET NULL;
ALTER TABLE run ADD COLUMN from_point TEXT;
ALTER TABLE run ADD COLUMN from_edited BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX run_from_run_id ON run (from_run_id, id) WHERE from_run_id IS NOT NULL;

-- The image whose runs an eval looked at; none when the spec was interpreted.
ALTER TABLE eval ADD COLUMN image TEXT;
