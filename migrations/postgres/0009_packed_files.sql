-- A revision's files are bytes now, which the server packs: their text is not asked for in SQL, and
-- packed it is half as much to write. What was there stays as it is; its first byte says that it is JSON.
ALTER TABLE generation ALTER COLUMN files TYPE BYTEA USING convert_to(files, 'UTF8');
-- Packed already: Postgres need not try.
ALTER TABLE generation ALTER COLUMN files SET STORAGE EXTERNAL;
