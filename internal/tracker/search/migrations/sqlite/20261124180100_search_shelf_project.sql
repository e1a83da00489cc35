-- +goose Up
-- FTS5 has no shelves.
SELECT 1;
