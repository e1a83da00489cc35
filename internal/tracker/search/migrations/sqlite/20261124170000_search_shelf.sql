-- +goose Up
-- FTS5 gives the newest texts first by itself: it has no shelves.
SELECT 1;
