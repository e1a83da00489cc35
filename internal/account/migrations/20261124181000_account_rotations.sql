-- +goose Up
-- The rotations before the last one that may still be asked for again, as JSON.
ALTER TABLE session ADD COLUMN former TEXT NOT NULL DEFAULT '';
