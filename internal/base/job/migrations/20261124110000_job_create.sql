-- +goose Up
-- Work that waits, runs, or was given up. run_at is when it may be taken: when it was
-- asked for, later after an attempt that did not succeed, and while it runs the end of
-- the lease, after which it is anybody's again.
CREATE TABLE job (
  id         TEXT    NOT NULL PRIMARY KEY,
  kind       TEXT    NOT NULL,
  unique_key TEXT,
  payload    TEXT    NOT NULL,
  due_at     BIGINT  NOT NULL,
  run_at     BIGINT  NOT NULL,
  leased     BOOLEAN NOT NULL DEFAULT FALSE,
  claim      BIGINT  NOT NULL DEFAULT 0, -- how often it was taken: only who took it last may end it
  attempt    BIGINT  NOT NULL DEFAULT 0, -- of them, since it was asked for or was last done
  again      BOOLEAN NOT NULL DEFAULT FALSE, -- asked for once more while it runs
  error      TEXT    NOT NULL DEFAULT '', -- of the last attempt
  done_at    BIGINT, -- of a schedule: when it was last done
  dead_at    BIGINT, -- when it was given up
  created_at BIGINT  NOT NULL
);

CREATE INDEX job_waiting ON job (run_at, id) WHERE dead_at IS NULL;
CREATE INDEX job_dead ON job (dead_at) WHERE dead_at IS NOT NULL;

-- Two rows without a key are never the same.
CREATE UNIQUE INDEX job_key ON job (kind, unique_key) WHERE dead_at IS NULL;
