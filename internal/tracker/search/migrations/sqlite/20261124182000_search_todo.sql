-- +goose Up
-- SQLite gives the number of a line that is gone to the next one, unless it is told to
-- count: who had read the old line and was overtaken took the new one, which says
-- something else, for done.
CREATE TABLE search_todo_counted (
  seq        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  issue_id   TEXT    NOT NULL,
  comment_id TEXT    NOT NULL
);

INSERT INTO search_todo_counted (seq, issue_id, comment_id) SELECT seq, issue_id, comment_id FROM search_todo;
DROP TABLE search_todo;
ALTER TABLE search_todo_counted RENAME TO search_todo;
