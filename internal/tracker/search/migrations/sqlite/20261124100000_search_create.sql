-- +goose Up
-- A text that can be found: an issue's title and description, or one comment. The
-- greater doc is the newer text.
CREATE TABLE search_doc (
  doc        INTEGER NOT NULL PRIMARY KEY,
  issue_id   TEXT    NOT NULL REFERENCES issue (id) ON DELETE CASCADE,
  comment_id TEXT    NOT NULL, -- '' for the issue's own text
  form       BIGINT  NOT NULL  -- what the program made of the text
);

CREATE UNIQUE INDEX search_doc_of ON search_doc (issue_id, comment_id);

-- What was written, or removed, and is not in the index yet.
CREATE TABLE search_todo (
  seq        INTEGER NOT NULL PRIMARY KEY,
  issue_id   TEXT    NOT NULL,
  comment_id TEXT    NOT NULL
);

-- One row: who changes the index locks it first.
CREATE TABLE search_turn (
  turn BIGINT NOT NULL
);

INSERT INTO search_turn (turn) VALUES (0);

-- The program takes texts apart; this only has to find spaces. Words by their first two
-- or three letters have an index of their own: to read all of them takes long. Parts of
-- the index are put together when there are eight, not four: that is cheaper by a sixth.
CREATE VIRTUAL TABLE search_index USING fts5(words, content = '', contentless_delete = 1, tokenize = 'ascii', prefix = '2 3');
INSERT INTO search_index (search_index, rank) VALUES ('automerge', 8);

-- +goose StatementBegin
CREATE TRIGGER search_doc_gone AFTER DELETE ON search_doc BEGIN
  DELETE FROM search_index WHERE rowid = old.doc;
END;
-- +goose StatementEnd
