-- What a project was after each write, whole: a rollback or a comparison needs no other row. Until now
-- nothing but the generator wrote files, so what there is was generated as it stands.
ALTER TABLE generation RENAME TO revision;
ALTER TABLE revision RENAME COLUMN revision TO number;

-- What the generator wrote; null when that is what `files` has.
ALTER TABLE revision ADD COLUMN generated    BLOB;
ALTER TABLE revision ADD COLUMN cause        TEXT    NOT NULL DEFAULT 'created';
ALTER TABLE revision ADD COLUMN summary      TEXT    NOT NULL DEFAULT '';
-- Empty where it was not written down.
ALTER TABLE revision ADD COLUMN created_by   TEXT    NOT NULL DEFAULT '';
-- The files in conflict with what each decision makes of them, packed as `files`; null when there is none.
ALTER TABLE revision ADD COLUMN conflicts    BLOB;
-- How many files differ from what the generator wrote.
ALTER TABLE revision ADD COLUMN edited_files INTEGER NOT NULL DEFAULT 0;

UPDATE revision SET summary = 'The project was created.',
       created_by = (SELECT project.created_by FROM project WHERE project.id = revision.project_id)
 WHERE number = 1;
UPDATE revision SET cause = 'spec', summary = 'The spec was changed.' WHERE number > 1;
