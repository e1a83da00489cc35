-- +goose Up
CREATE TABLE comment (
  id         TEXT   NOT NULL PRIMARY KEY,
  issue_id   TEXT   NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  author_id  TEXT   NOT NULL REFERENCES users (id),
  body       TEXT   NOT NULL,
  version    BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE INDEX comment_of_issue ON comment (issue_id, id);
