-- +goose Up
-- An attempt to sign in somewhere else, from the way there to the way back. It is used
-- once. The state and the browser are kept as hashes; what must not be read is sealed.
CREATE TABLE oauth_attempt (
  state      TEXT   NOT NULL PRIMARY KEY,
  browser    TEXT   NOT NULL,
  network    TEXT   NOT NULL,
  provider   TEXT   NOT NULL CHECK (provider IN ('google', 'github', 'microsoft', 'apple', 'oidc')),
  purpose    TEXT   NOT NULL CHECK (purpose IN ('login', 'signup', 'link', 'confirm')),
  user_id    TEXT   REFERENCES users (id) ON DELETE CASCADE,
  session_id TEXT   REFERENCES session (id) ON DELETE CASCADE,
  place      TEXT   NOT NULL,
  sealed     TEXT   NOT NULL,
  answer     TEXT,
  expires_at BIGINT NOT NULL,
  CHECK ((purpose IN ('link', 'confirm')) = (user_id IS NOT NULL AND session_id IS NOT NULL))
);

CREATE INDEX oauth_attempt_expiry ON oauth_attempt (expires_at);
CREATE INDEX oauth_attempt_network ON oauth_attempt (network, expires_at);
CREATE INDEX oauth_attempt_user ON oauth_attempt (user_id);
CREATE INDEX oauth_attempt_session ON oauth_attempt (session_id);

-- Who a user is somewhere else.
CREATE TABLE identity (
  id         TEXT   NOT NULL PRIMARY KEY,
  issuer     TEXT   NOT NULL,
  subject    TEXT   NOT NULL,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  provider   TEXT   NOT NULL CHECK (provider IN ('google', 'github', 'microsoft', 'apple', 'oidc')),
  name       TEXT   NOT NULL,
  email      TEXT   NOT NULL,
  created_at BIGINT NOT NULL,
  used_at    BIGINT NOT NULL,
  UNIQUE (issuer, subject)
);

CREATE INDEX identity_user ON identity (user_id, id);

-- What an admin has entered of a provider. The secret is sealed.
CREATE TABLE provider_setting (
  provider   TEXT   NOT NULL PRIMARY KEY CHECK (provider IN ('google', 'github', 'microsoft', 'apple', 'oidc')),
  client_id  TEXT   NOT NULL,
  secret     TEXT   NOT NULL,
  extra      TEXT   NOT NULL,
  version    BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
