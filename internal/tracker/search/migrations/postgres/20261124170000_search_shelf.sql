-- +goose Up
-- On which shelves of a thousand texts a project has some, or had. No reference: whoever
-- deletes a project would wait for the index, and the index for them. What is left of a
-- project that is gone, nobody asks for.
CREATE TABLE search_shelf (
  shelf      BIGINT NOT NULL,
  project_id TEXT   NOT NULL,
  PRIMARY KEY (shelf, project_id)
);
