-- +goose Up
-- A text that can be found: an issue's title and description, or one comment. The
-- greater doc is the newer text.
CREATE TABLE search_doc (
  doc        BIGINT NOT NULL PRIMARY KEY,
  issue_id   TEXT   NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  comment_id TEXT   NOT NULL, -- '' for the issue's own text
  form       BIGINT NOT NULL  -- what the program made of the text
);

CREATE UNIQUE INDEX search_doc_of ON search_doc (issue_id, comment_id);

-- What was written, or removed, and is not in the index yet.
CREATE TABLE search_todo (
  seq        BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  issue_id   TEXT   NOT NULL,
  comment_id TEXT   NOT NULL
);

-- One row: who changes the index locks it first.
CREATE TABLE search_turn (
  turn BIGINT NOT NULL
);

INSERT INTO search_turn (turn) VALUES (0);

-- The program takes texts apart: words are written as they are kept. Most stay in their
-- row, not packed: to unpack them for the look at a phrase takes longer than the look.
CREATE TABLE search_index (
  doc   BIGINT   NOT NULL PRIMARY KEY REFERENCES search_doc (doc) ON DELETE CASCADE,
  words TSVECTOR NOT NULL
) WITH (toast_tuple_target = 8160);

CREATE INDEX search_index_words ON search_index USING GIN (words) WITH (fastupdate = off);
