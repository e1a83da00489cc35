-- +goose Up
-- A project that was deleted is nobody's from then on, and has its id for a key. Its rows
-- go away afterwards, few at a time, and this one last.
ALTER TABLE project ADD COLUMN deleted_at BIGINT;

CREATE INDEX project_deleted ON project (deleted_at) WHERE deleted_at IS NOT NULL;
