-- +goose Up
CREATE TABLE scope (
  id  TEXT   NOT NULL PRIMARY KEY,
  seq BIGINT NOT NULL
);

CREATE TABLE change (
  scope     TEXT   NOT NULL REFERENCES scope (id) ON DELETE CASCADE,
  seq       BIGINT NOT NULL,
  n         BIGINT NOT NULL,
  tx        TEXT   NOT NULL,
  at        BIGINT NOT NULL,
  actor     TEXT   NOT NULL,
  entity    TEXT   NOT NULL,
  entity_id TEXT   NOT NULL,
  op        TEXT   NOT NULL CHECK (op IN ('create', 'update', 'delete')),
  patch     TEXT   NOT NULL,
  prior     TEXT   NOT NULL,
  PRIMARY KEY (scope, seq, n)
);

-- A transaction has one seq per scope and one or more rows; the first stands for it.
CREATE UNIQUE INDEX change_tx ON change (scope, actor, tx) WHERE n = 0;

-- One row: which life of the log this is. Restoring a backup begins another.
CREATE TABLE log_epoch (
  id    BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
  epoch TEXT   NOT NULL
);
