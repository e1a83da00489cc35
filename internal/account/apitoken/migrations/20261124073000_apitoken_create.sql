-- +goose Up
-- Tokens with which programs act for users. A token itself is kept as a hash; its last
-- characters are kept so that its owner knows it again.
CREATE TABLE api_token (
  id         TEXT   NOT NULL PRIMARY KEY,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash       TEXT   NOT NULL UNIQUE,
  hint       TEXT   NOT NULL,
  name       TEXT   NOT NULL,
  scope      TEXT   NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
  log_scopes TEXT, -- separated by spaces; NULL for no limit
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  used_at    BIGINT
);

CREATE INDEX api_token_user ON api_token (user_id, id);
