-- +goose Up
-- On which shelves of a thousand texts a project has some, or had. The texts that are in
-- the index are put there once more, with their places.
CREATE TABLE search_shelf (
  project_id TEXT   NOT NULL REFERENCES project (id) ON DELETE CASCADE,
  shelf      BIGINT NOT NULL,
  PRIMARY KEY (project_id, shelf)
);

UPDATE search_doc SET form = 0;
