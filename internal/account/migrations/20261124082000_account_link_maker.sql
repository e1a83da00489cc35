-- +goose Up
-- Who made a link that sets a password, where that was an admin: it is good for as long
-- as they are one.
ALTER TABLE password_reset ADD COLUMN made_by TEXT REFERENCES users (id) ON DELETE CASCADE;

CREATE INDEX password_reset_maker ON password_reset (made_by) WHERE made_by IS NOT NULL;
