-- +goose Up
CREATE TABLE issue (
  id           TEXT   NOT NULL PRIMARY KEY,
  project_id   TEXT   NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  number       BIGINT NOT NULL,
  title        TEXT   NOT NULL,
  title_folded TEXT   NOT NULL, -- what search and sorting compare, written by the program
  description  TEXT   NOT NULL,
  status_id    TEXT   NOT NULL REFERENCES status (id),
  priority     TEXT   NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
  assignee_id  TEXT   REFERENCES users (id) ON DELETE SET NULL,
  effort       BIGINT CHECK (effort >= 0), -- thousandths of a point; NULL: not estimated
  parent_id    TEXT   REFERENCES issue (id) ON DELETE SET NULL,
  due_on       TEXT,
  rank         TEXT   NOT NULL,
  author_id    TEXT   NOT NULL REFERENCES users (id),
  version      BIGINT NOT NULL,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL
);

CREATE UNIQUE INDEX issue_number_of_project ON issue (project_id, number);
CREATE INDEX issue_column ON issue (project_id, status_id, rank);
CREATE INDEX issue_updated ON issue (project_id, updated_at, id);
CREATE INDEX issue_status ON issue (status_id);
CREATE INDEX issue_assignee ON issue (assignee_id);
CREATE INDEX issue_parent ON issue (parent_id);

-- Numbers are handed out one by one and never again, also after a deletion.
CREATE TABLE issue_number (
  project_id TEXT   NOT NULL PRIMARY KEY REFERENCES project (id) ON DELETE CASCADE,
  last       BIGINT NOT NULL
);

-- The key that an imported issue had elsewhere. It makes importing again change
-- nothing, and search finds it; it never stands for the issue's own key.
CREATE TABLE issue_alias (
  project_id   TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  alias        TEXT NOT NULL,
  alias_folded TEXT NOT NULL,
  issue_id     TEXT NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  PRIMARY KEY (project_id, alias)
);

CREATE INDEX issue_alias_issue ON issue_alias (issue_id);
