-- +goose Up
CREATE TABLE project (
  id          TEXT   NOT NULL PRIMARY KEY,
  project_key TEXT   NOT NULL UNIQUE,
  name        TEXT   NOT NULL,
  description TEXT   NOT NULL,
  version     BIGINT NOT NULL,
  created_at  BIGINT NOT NULL,
  updated_at  BIGINT NOT NULL
);

CREATE TABLE project_member (
  project_id TEXT   NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role       TEXT   NOT NULL CHECK (role IN ('owner', 'maintainer', 'member', 'viewer')),
  joined_at  BIGINT NOT NULL,
  PRIMARY KEY (project_id, user_id)
);

CREATE INDEX project_member_user ON project_member (user_id);

CREATE TABLE status (
  id         TEXT NOT NULL PRIMARY KEY,
  project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  category   TEXT NOT NULL CHECK (category IN ('backlog', 'open', 'in_progress', 'done', 'cancelled')),
  color      TEXT NOT NULL,
  rank       TEXT NOT NULL
);

CREATE UNIQUE INDEX status_order ON status (project_id, rank);
