-- Certificates (PEM) of the registry's own authority.
ALTER TABLE registry ADD COLUMN ca_certificate TEXT;
