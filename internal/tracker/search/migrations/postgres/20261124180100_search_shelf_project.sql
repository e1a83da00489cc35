-- +goose Up
-- What projects that are gone have left behind. From now on the shelves of a project are
-- cleared after its last issue has gone, by whoever has the turn.
DELETE FROM search_shelf WHERE project_id NOT IN (SELECT id FROM project);

CREATE INDEX search_shelf_project ON search_shelf (project_id, shelf);
