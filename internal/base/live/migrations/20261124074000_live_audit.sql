-- +goose Up
-- The scope admin is the audit trail: it is read by time, and by who, what and whom.
-- Other scopes, where most is written, have none of these indexes.
CREATE INDEX change_audit ON change (scope, at, seq, n) WHERE scope = 'admin';
CREATE INDEX change_audit_actor ON change (actor, at, seq, n) WHERE scope = 'admin';
CREATE INDEX change_audit_entity ON change (entity, at, seq, n) WHERE scope = 'admin';
CREATE INDEX change_audit_about ON change (entity_id, at, seq, n) WHERE scope = 'admin';

-- What outlives a user is found by the row that it is about, to forget it there.
CREATE INDEX change_shared ON change (entity_id) WHERE scope IN ('admin', 'org');
