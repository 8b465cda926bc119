-- A project may run as a plain process too, then out of one of its revisions. SQLite cannot change a CHECK:
-- the column is made anew.
ALTER TABLE run ADD COLUMN revision INTEGER;
ALTER TABLE run ADD COLUMN executed_by TEXT NOT NULL DEFAULT 'native'
  CHECK (executed_by IN ('native', 'container', 'process'));
UPDATE run SET executed_by = runtime WHERE runtime <> 'native';
ALTER TABLE run DROP COLUMN runtime;
ALTER TABLE run RENAME COLUMN executed_by TO runtime;

ALTER TABLE session ADD COLUMN executed_by TEXT NOT NULL DEFAULT 'native'
  CHECK (executed_by IN ('native', 'container', 'process'));
UPDATE session SET executed_by = runtime WHERE runtime <> 'native';
ALTER TABLE session DROP COLUMN runtime;
ALTER TABLE session RENAME COLUMN executed_by TO runtime;
