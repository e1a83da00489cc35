-- +goose Up
-- Where a session was begun and how, when it was last used, and when whoever is in it
-- last proved who they are.
ALTER TABLE session ADD COLUMN ip TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN method TEXT NOT NULL DEFAULT 'password';
ALTER TABLE session ADD COLUMN used_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN confirmed_at BIGINT NOT NULL DEFAULT 0;

UPDATE session SET used_at = rotated_at, confirmed_at = created_at;

-- A sign-in whose first factor was right and whose second is awaited. Its token is
-- kept as a hash.
CREATE TABLE sign_in (
  token      TEXT   NOT NULL PRIMARY KEY,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  method     TEXT   NOT NULL,
  tries      BIGINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL
);

CREATE INDEX sign_in_user ON sign_in (user_id);
CREATE INDEX sign_in_expiry ON sign_in (expires_at);
