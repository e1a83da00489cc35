-- +goose Up
-- What admins see of users, and by what they find them. A user who is deleted leaves a
-- row without a name, because what they wrote still points at it.
ALTER TABLE users ADD COLUMN name_folded TEXT NOT NULL DEFAULT ''; -- what search and sorting compare, written by the program
ALTER TABLE users ADD COLUMN seen_at BIGINT; -- when a session was last begun or gone on with
ALTER TABLE users ADD COLUMN deleted_at BIGINT;

CREATE INDEX users_name ON users (name_folded, id) WHERE deleted_at IS NULL;
CREATE INDEX users_disabled ON users (name_folded, id) WHERE deleted_at IS NULL AND disabled_at IS NOT NULL;
CREATE INDEX users_admin ON users (id) WHERE role = 'admin';

ALTER TABLE invite_codes ADD COLUMN renewed_at BIGINT; -- when the code was last replaced

-- What admins decide while the program runs; what is missing has the program's default.
CREATE TABLE setting (
  name       TEXT   NOT NULL PRIMARY KEY,
  value      TEXT   NOT NULL,
  updated_at BIGINT NOT NULL
);
