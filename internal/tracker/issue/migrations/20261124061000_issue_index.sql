-- +goose Up
-- One index serves a column in its order and the reference to its status; and what no
-- issue has, like a parent, needs no entry. Every write saves three of seven indexes.
CREATE INDEX issue_place ON issue (status_id, project_id, rank);
DROP INDEX issue_column;
DROP INDEX issue_status;
DROP INDEX issue_assignee;
CREATE INDEX issue_assigned ON issue (assignee_id) WHERE assignee_id IS NOT NULL;
DROP INDEX issue_parent;
CREATE INDEX issue_child ON issue (parent_id) WHERE parent_id IS NOT NULL;
