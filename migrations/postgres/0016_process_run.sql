-- A project may run as a plain process too, then out of one of its revisions.
ALTER TABLE run ADD COLUMN revision BIGINT;
ALTER TABLE run DROP CONSTRAINT run_runtime_check;
ALTER TABLE run ADD CONSTRAINT run_runtime_check CHECK (runtime IN ('native', 'container', 'process'));

ALTER TABLE session DROP CONSTRAINT session_runtime_check;
ALTER TABLE session ADD CONSTRAINT session_runtime_check CHECK (runtime IN ('native', 'container', 'process'));
