-- +goose Up
-- Whether an address is its user's: since when that is known, or null for somebody's word
-- only. Whoever came by an invite for one address is believed; of others from before
-- nobody can tell.
ALTER TABLE users ADD COLUMN email_proven_at BIGINT;

UPDATE users SET email_proven_at = created_at
WHERE EXISTS (SELECT 1 FROM invite_codes i WHERE i.used_by = users.id AND i.email IS NOT NULL);

ALTER TABLE invite_codes ADD COLUMN mailed_at BIGINT; -- when its present link was sent to its address
ALTER TABLE password_reset ADD COLUMN mailed BOOLEAN NOT NULL DEFAULT FALSE; -- its link went to the user's address
