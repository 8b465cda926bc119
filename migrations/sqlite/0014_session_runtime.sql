-- What executes the turns of a chat.
ALTER TABLE session ADD COLUMN runtime TEXT NOT NULL DEFAULT 'native' CHECK (runtime IN ('native', 'container'));
