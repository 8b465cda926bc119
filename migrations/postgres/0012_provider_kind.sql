-- What kind of endpoint a provider is, and what only some kinds have: a version of the API, an address
-- that turns the key into a token, and what it calls this instance since it was paired with it.
ALTER TABLE provider ADD COLUMN kind TEXT NOT NULL DEFAULT 'openai-compatible';
ALTER TABLE provider ADD COLUMN api_version TEXT;
ALTER TABLE provider ADD COLUMN token_url TEXT;
ALTER TABLE provider ADD COLUMN paired_device TEXT;
ALTER TABLE provider ADD COLUMN paired_at BIGINT;
