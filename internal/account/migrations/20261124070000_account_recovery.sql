-- +goose Up
-- Links that set a new password: by mail, or made by an admin. Their codes are kept
-- as hashes.
CREATE TABLE password_reset (
  token      TEXT   NOT NULL PRIMARY KEY,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL
);

CREATE INDEX password_reset_user ON password_reset (user_id);
CREATE INDEX password_reset_expiry ON password_reset (expires_at);

-- The address that a user wants to change to, until a link that went there is used.
CREATE TABLE email_change (
  user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  token      TEXT   NOT NULL UNIQUE,
  email      TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX email_change_expiry ON email_change (expires_at);

-- A value sealed with COOKIE_SECRET: another secret does not open it.
CREATE TABLE sealed_check (
  id     BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  sealed TEXT   NOT NULL
);
