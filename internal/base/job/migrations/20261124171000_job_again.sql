-- +goose Up
-- When a job that was asked for once more while it runs is due then. Null: at once.
ALTER TABLE job ADD COLUMN again_at BIGINT;
