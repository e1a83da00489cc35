-- Users.

-- name: CreateUser :one
INSERT INTO users (id, email, email_folded, display_name, name_folded, role, password_hash, email_proven_at, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(email), sqlc.arg(email_folded), sqlc.arg(display_name), sqlc.arg(name_folded),
        sqlc.arg(role), sqlc.narg(password_hash), sqlc.narg(email_proven_at), sqlc.arg(now), sqlc.arg(now))
RETURNING *;

-- name: ProveEmail :exec
UPDATE users SET email_proven_at = sqlc.arg(now) WHERE id = sqlc.arg(id) AND email_proven_at IS NULL;

-- name: GetUser :one
SELECT * FROM users WHERE id = sqlc.arg(id);

-- name: GetUserByEmail :one
SELECT * FROM users WHERE email_folded = sqlc.arg(email_folded);

-- name: LockActiveUser :one
UPDATE users SET updated_at = updated_at WHERE id = sqlc.arg(id) AND disabled_at IS NULL
RETURNING *;

-- name: CountAdmins :one
SELECT COUNT(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL;

-- name: ListPeople :many
SELECT id, display_name, deleted_at FROM users ORDER BY id;

-- name: SetPasswordHash :execrows
UPDATE users SET password_hash = sqlc.arg(password_hash), updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND password_hash = sqlc.arg(seen);

-- name: SetPassword :one
UPDATE users SET password_hash = sqlc.arg(password_hash), version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND disabled_at IS NULL AND COALESCE(password_hash, '') = CAST(sqlc.arg(seen) AS TEXT)
RETURNING *;

-- name: SetDisplayName :one
UPDATE users
SET display_name = sqlc.arg(display_name), name_folded = sqlc.arg(name_folded), version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id)
RETURNING *;

-- name: SetEmail :one
UPDATE users
SET email = sqlc.arg(email), email_folded = sqlc.arg(email_folded), email_proven_at = CAST(sqlc.arg(now) AS BIGINT), version = version + 1,
    updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND disabled_at IS NULL
RETURNING *;

-- name: SetStanding :one
UPDATE users
SET role = sqlc.arg(role), disabled_at = sqlc.narg(disabled_at), epoch = epoch + 1, version = version + 1,
    updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND deleted_at IS NULL
RETURNING *;

-- name: SetSeen :one
UPDATE users SET seen_at = sqlc.arg(now) WHERE id = sqlc.arg(id) AND disabled_at IS NULL
RETURNING *;

-- name: LockUser :one
UPDATE users SET seen_at = seen_at WHERE id = sqlc.arg(id) AND deleted_at IS NULL
RETURNING *;

-- name: BuryUser :one
UPDATE users
SET email = '', email_folded = sqlc.arg(email_folded), display_name = '', name_folded = '', role = 'user',
    password_hash = NULL, email_proven_at = NULL, seen_at = NULL, disabled_at = sqlc.arg(now), deleted_at = sqlc.arg(now),
    epoch = epoch + 1, version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND deleted_at IS NULL
RETURNING *;

-- name: ListUnfolded :many
SELECT id, display_name FROM users WHERE name_folded = '' AND deleted_at IS NULL ORDER BY id
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: SetNameFolded :exec
UPDATE users SET name_folded = sqlc.arg(name_folded) WHERE id = sqlc.arg(id) AND name_folded = '';

-- Sessions.

-- name: CreateSession :one
INSERT INTO session (id, user_id, salt, n, attempt, rotated_at, created_at, idle_at, expires_at,
                     ip, user_agent, method, used_at, confirmed_at)
SELECT sqlc.arg(id), users.id, sqlc.arg(salt), 1, '', sqlc.arg(now), sqlc.arg(now), sqlc.arg(idle_at), sqlc.arg(expires_at),
       sqlc.arg(ip), sqlc.arg(user_agent), sqlc.arg(method), sqlc.arg(now), sqlc.arg(now)
FROM users
WHERE users.id = sqlc.arg(user_id) AND users.disabled_at IS NULL
RETURNING *;

-- name: GetSession :one
SELECT * FROM session WHERE id = sqlc.arg(id);

-- name: ListSessions :many
SELECT * FROM session
WHERE user_id = sqlc.arg(user_id) AND idle_at > sqlc.arg(now)
ORDER BY used_at DESC, id DESC;

-- name: RotateSession :execrows
UPDATE session
SET n = n + 1, attempt = sqlc.arg(attempt), former = sqlc.arg(former), rotated_at = sqlc.arg(now), used_at = sqlc.arg(now), idle_at = sqlc.arg(idle_at),
    ip = sqlc.arg(ip), user_agent = sqlc.arg(user_agent)
WHERE id = sqlc.arg(id) AND n = sqlc.arg(n);

-- name: DeleteSession :one
DELETE FROM session WHERE id = sqlc.arg(id)
RETURNING *;

-- name: DeleteSessions :exec
DELETE FROM session WHERE user_id = sqlc.arg(user_id);

-- name: DeleteOtherSessions :many
DELETE FROM session WHERE user_id = sqlc.arg(user_id) AND id <> sqlc.arg(keep)
RETURNING *;

-- name: DeleteSurplusSessions :many
DELETE FROM session WHERE id IN (
  SELECT s.id FROM session s WHERE s.user_id = sqlc.arg(user_id)
  ORDER BY s.used_at DESC, s.id DESC
  LIMIT 1000 OFFSET CAST(sqlc.arg(most) AS BIGINT))
RETURNING *;

-- name: PurgeSessions :exec
DELETE FROM session WHERE idle_at <= sqlc.arg(now);

-- name: ConfirmSession :execrows
UPDATE session SET confirmed_at = sqlc.arg(now) WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: CheckSession :one
SELECT users.epoch FROM users
JOIN session ON session.user_id = users.id
WHERE users.id = sqlc.arg(user_id) AND users.disabled_at IS NULL AND session.id = sqlc.arg(id);

-- Sign-ins that await a second factor.

-- name: CreateSignIn :exec
INSERT INTO sign_in (token, user_id, method, tries, expires_at)
VALUES (sqlc.arg(token), sqlc.arg(user_id), sqlc.arg(method), 0, sqlc.arg(expires_at));

-- name: GetSignIn :one
SELECT * FROM sign_in WHERE token = sqlc.arg(token);

-- name: TrySignIn :one
UPDATE sign_in SET tries = tries + 1
WHERE token = sqlc.arg(token) AND tries < sqlc.arg(most) AND expires_at > sqlc.arg(now)
RETURNING *;

-- name: DeleteSignIn :execrows
DELETE FROM sign_in WHERE token = sqlc.arg(token);

-- name: DeleteSignIns :exec
DELETE FROM sign_in WHERE user_id = sqlc.arg(user_id);

-- name: PurgeSignIns :exec
DELETE FROM sign_in WHERE expires_at <= sqlc.arg(now);

-- Links that set a password.

-- name: CreateReset :exec
INSERT INTO password_reset (token, user_id, made_by, mailed, expires_at)
VALUES (sqlc.arg(token), sqlc.arg(user_id), sqlc.narg(made_by), sqlc.arg(mailed), sqlc.arg(expires_at));

-- name: GetReset :one
SELECT sqlc.embed(users), password_reset.mailed FROM password_reset
JOIN users ON users.id = password_reset.user_id
WHERE password_reset.token = sqlc.arg(token) AND password_reset.expires_at > sqlc.arg(now) AND users.disabled_at IS NULL;

-- name: UseReset :one
DELETE FROM password_reset WHERE token = sqlc.arg(token) AND expires_at > sqlc.arg(now)
RETURNING user_id, mailed;

-- name: DeleteResets :exec
DELETE FROM password_reset WHERE user_id = sqlc.arg(user_id);

-- name: DeleteResetsBy :exec
DELETE FROM password_reset WHERE made_by = sqlc.arg(made_by);

-- name: PurgeResets :exec
DELETE FROM password_reset WHERE expires_at <= sqlc.arg(now);

-- Changes of an e-mail address that await its verification.

-- name: CreateEmailChange :exec
INSERT INTO email_change (user_id, token, email, expires_at)
VALUES (sqlc.arg(user_id), sqlc.arg(token), sqlc.arg(email), sqlc.arg(expires_at));

-- name: GetEmailChange :one
SELECT * FROM email_change WHERE user_id = sqlc.arg(user_id) AND expires_at > sqlc.arg(now);

-- name: GetEmailChangeByToken :one
SELECT * FROM email_change WHERE token = sqlc.arg(token) AND expires_at > sqlc.arg(now);

-- name: UseEmailChange :one
DELETE FROM email_change WHERE token = sqlc.arg(token) AND expires_at > sqlc.arg(now)
RETURNING *;

-- name: DeleteEmailChange :many
DELETE FROM email_change WHERE user_id = sqlc.arg(user_id)
RETURNING *;

-- name: PurgeEmailChanges :exec
DELETE FROM email_change WHERE expires_at <= sqlc.arg(now);

-- The check of COOKIE_SECRET.

-- name: GetSealedCheck :one
SELECT sealed FROM sealed_check WHERE id = 1;

-- name: CreateSealedCheck :exec
INSERT INTO sealed_check (id, sealed) VALUES (1, sqlc.arg(sealed))
ON CONFLICT (id) DO NOTHING;

-- name: SetSealedCheck :exec
UPDATE sealed_check SET sealed = sqlc.arg(sealed) WHERE id = 1;

-- Revocations.

-- name: NextRevocation :one
UPDATE revocation_head SET seq = seq + 1 WHERE id = 1
RETURNING seq;

-- name: AddRevocation :exec
INSERT INTO revocation (seq, user_id, epoch, session_id, at)
VALUES (sqlc.arg(seq), sqlc.arg(user_id), sqlc.arg(epoch), sqlc.arg(session_id), sqlc.arg(at));

-- name: LastRevocation :one
SELECT seq FROM revocation_head WHERE id = 1;

-- name: ListRevocations :many
SELECT * FROM revocation WHERE seq > sqlc.arg(after) ORDER BY seq;

-- name: PurgeRevocations :exec
DELETE FROM revocation WHERE at < sqlc.arg(before);

-- Invites.

-- name: CreateInvite :one
INSERT INTO invite_codes (code, email, role, id, grants, initial, created_by, created_at, expires_at)
VALUES (sqlc.arg(code), sqlc.narg(email), sqlc.arg(role), sqlc.arg(id), sqlc.arg(grants), FALSE,
        sqlc.narg(created_by), sqlc.arg(now), sqlc.narg(expires_at))
RETURNING *;

-- name: CreateInitialInvite :one
INSERT INTO invite_codes (code, role, id, initial, created_at)
VALUES (sqlc.arg(code), 'admin', sqlc.arg(id), TRUE, sqlc.arg(now))
RETURNING *;

-- name: DeleteStaleInitialInvites :many
DELETE FROM invite_codes WHERE initial AND used_at IS NULL AND code <> sqlc.arg(code)
RETURNING *;

-- name: GetInvite :one
SELECT * FROM invite_codes WHERE id = sqlc.arg(id);

-- name: GetInviteByCode :one
SELECT * FROM invite_codes WHERE code = sqlc.arg(code);

-- name: ListInvites :many
SELECT * FROM invite_codes
WHERE id < CAST(sqlc.arg(before) AS TEXT)
ORDER BY id DESC
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListPlainInvites :many
SELECT * FROM invite_codes WHERE id IS NULL ORDER BY code;

-- name: AdoptInvite :one
UPDATE invite_codes SET code = sqlc.arg(hash), id = sqlc.arg(id), created_at = sqlc.arg(now)
WHERE code = sqlc.arg(code) AND id IS NULL
RETURNING *;

-- name: DeletePlainInvite :exec
DELETE FROM invite_codes WHERE code = sqlc.arg(code) AND id IS NULL;

-- name: UseInvite :one
UPDATE invite_codes SET used_at = sqlc.arg(now)
WHERE code = sqlc.arg(code) AND used_at IS NULL AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > sqlc.arg(now))
RETURNING *;

-- name: SetInviteUser :one
UPDATE invite_codes SET used_by = sqlc.arg(used_by) WHERE code = sqlc.arg(code)
RETURNING *;

-- name: RevokeInvite :one
UPDATE invite_codes SET revoked_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND used_at IS NULL AND revoked_at IS NULL
RETURNING *;

-- name: RenewInvite :one
UPDATE invite_codes SET code = sqlc.arg(code), renewed_at = sqlc.arg(now), mailed_at = NULL, expires_at = sqlc.narg(expires_at)
WHERE id = sqlc.arg(id) AND used_at IS NULL AND revoked_at IS NULL
RETURNING *;

-- name: SetInviteMailed :exec
UPDATE invite_codes SET mailed_at = sqlc.arg(now) WHERE code = sqlc.arg(code) AND used_at IS NULL;

-- name: ListOpenInvitesBy :many
SELECT * FROM invite_codes
WHERE created_by = CAST(sqlc.arg(user_id) AS TEXT) AND used_at IS NULL AND revoked_at IS NULL ORDER BY code;

-- name: ListAddressed :many
SELECT * FROM invite_codes WHERE email IS NOT NULL ORDER BY code;

-- name: ForgetAddress :exec
UPDATE invite_codes SET email = NULL
WHERE id = sqlc.arg(id) AND (used_at IS NOT NULL OR revoked_at IS NOT NULL);

-- Settings.

-- name: GetSetting :one
SELECT value FROM setting WHERE name = sqlc.arg(name);

-- name: SetSetting :exec
INSERT INTO setting (name, value, updated_at) VALUES (sqlc.arg(name), sqlc.arg(value), sqlc.arg(now))
ON CONFLICT (name) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at;
