-- +goose Up
CREATE TABLE users (
  id            TEXT   NOT NULL PRIMARY KEY,
  email         TEXT   NOT NULL,
  email_folded  TEXT   NOT NULL UNIQUE,
  display_name  TEXT   NOT NULL,
  role          TEXT   NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
  password_hash TEXT,
  epoch         BIGINT NOT NULL DEFAULT 1,
  disabled_at   BIGINT,
  created_at    BIGINT NOT NULL,
  updated_at    BIGINT NOT NULL,
  version       BIGINT NOT NULL DEFAULT 1
);

CREATE TABLE session (
  id         TEXT   NOT NULL PRIMARY KEY,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  salt       TEXT   NOT NULL,
  n          BIGINT NOT NULL,
  attempt    TEXT   NOT NULL,
  rotated_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  idle_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX session_of_user ON session (user_id);
CREATE INDEX session_idle ON session (idle_at);

-- What ended before its tokens did. Its numbers follow each other in the order of
-- the commits, so whoever has read up to one has missed nothing.
CREATE TABLE revocation (
  seq        BIGINT NOT NULL PRIMARY KEY,
  user_id    TEXT   NOT NULL,
  epoch      BIGINT NOT NULL,
  session_id TEXT   NOT NULL,
  at         BIGINT NOT NULL
);

CREATE TABLE revocation_head (
  id  BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  seq BIGINT NOT NULL
);

INSERT INTO revocation_head (id, seq) VALUES (1, 0);

-- An operator may add a row by hand: INSERT INTO invite_codes (code, email, role)
-- VALUES ('…', NULL, 'user'). Everything else has a default, which the program
-- replaces when it first sees the row.
CREATE TABLE invite_codes (
  code       TEXT    NOT NULL PRIMARY KEY,
  email      TEXT,
  role       TEXT    NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'admin')),
  id         TEXT    UNIQUE,
  grants     TEXT    NOT NULL DEFAULT 'null',
  initial    BOOLEAN NOT NULL DEFAULT FALSE,
  created_by TEXT    REFERENCES users (id) ON DELETE SET NULL,
  created_at BIGINT  NOT NULL DEFAULT 0,
  expires_at BIGINT,
  used_by    TEXT    REFERENCES users (id) ON DELETE SET NULL,
  used_at    BIGINT,
  revoked_at BIGINT
);
