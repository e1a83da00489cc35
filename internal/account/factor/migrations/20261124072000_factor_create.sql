-- +goose Up
-- An authenticator app. The seed is sealed; step is that of the last code that was
-- accepted.
CREATE TABLE totp (
  user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  seed       TEXT   NOT NULL,
  step       BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);

-- One whose first code has not been seen yet.
CREATE TABLE totp_draft (
  user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  seed       TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX totp_draft_expiry ON totp_draft (expires_at);

-- Codes are kept as hashes. A used one is gone.
CREATE TABLE recovery_code (
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  hash       TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, hash)
);

-- What authenticators know a user by: random, and the same for all of their passkeys.
CREATE TABLE passkey_handle (
  user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  handle  TEXT NOT NULL UNIQUE
);

-- verified: a person was recognised, by finger, face or PIN, when it was made or next
-- to another factor since. discoverable: it can be found without knowing whose it is.
CREATE TABLE passkey (
  id              TEXT    NOT NULL PRIMARY KEY,
  user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name            TEXT    NOT NULL,
  credential_id   TEXT    NOT NULL UNIQUE,
  public_key      TEXT    NOT NULL,
  sign_count      BIGINT  NOT NULL,
  transports      TEXT    NOT NULL,
  backup_eligible BOOLEAN NOT NULL,
  backed_up       BOOLEAN NOT NULL,
  verified        BOOLEAN NOT NULL,
  discoverable    BOOLEAN NOT NULL,
  regressions     BIGINT  NOT NULL DEFAULT 0,
  created_at      BIGINT  NOT NULL,
  used_at         BIGINT
);

CREATE INDEX passkey_user ON passkey (user_id);

-- A challenge that awaits its answer. asker is the session, the hash of the pending
-- sign-in's token, or for a sign-in by passkey alone the network that it came from;
-- there the id, which nobody else knows, is what binds.
CREATE TABLE ceremony (
  id         TEXT   NOT NULL PRIMARY KEY,
  purpose    TEXT   NOT NULL CHECK (purpose IN ('enrol', 'second', 'alone', 'confirm')),
  asker      TEXT   NOT NULL,
  data       TEXT   NOT NULL,
  expires_at BIGINT NOT NULL
);

CREATE INDEX ceremony_asker ON ceremony (purpose, asker);
CREATE INDEX ceremony_expiry ON ceremony (expires_at);
