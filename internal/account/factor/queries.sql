-- Authenticator apps.

-- name: GetTOTP :one
SELECT * FROM totp WHERE user_id = sqlc.arg(user_id);

-- name: SetTOTP :exec
INSERT INTO totp (user_id, seed, step, created_at)
VALUES (sqlc.arg(user_id), sqlc.arg(seed), sqlc.arg(step), sqlc.arg(now))
ON CONFLICT (user_id) DO UPDATE SET seed = excluded.seed, step = excluded.step, created_at = excluded.created_at;

-- name: DeleteTOTP :execrows
DELETE FROM totp WHERE user_id = sqlc.arg(user_id);

-- name: AcceptStep :execrows
UPDATE totp SET step = sqlc.arg(step)
WHERE user_id = sqlc.arg(user_id) AND created_at = sqlc.arg(created_at) AND step < sqlc.arg(step);

-- name: SetDraft :exec
INSERT INTO totp_draft (user_id, seed, expires_at)
VALUES (sqlc.arg(user_id), sqlc.arg(seed), sqlc.arg(expires_at))
ON CONFLICT (user_id) DO UPDATE SET seed = excluded.seed, expires_at = excluded.expires_at;

-- name: GetDraft :one
SELECT seed FROM totp_draft WHERE user_id = sqlc.arg(user_id) AND expires_at > CAST(sqlc.arg(now) AS BIGINT);

-- name: DeleteDraft :execrows
DELETE FROM totp_draft WHERE user_id = sqlc.arg(user_id) AND seed = sqlc.arg(seed);

-- name: DeleteDraftOf :exec
DELETE FROM totp_draft WHERE user_id = sqlc.arg(user_id);

-- name: DeleteDrafts :exec
DELETE FROM totp_draft WHERE expires_at <= sqlc.arg(upto);

-- name: ListSeeds :many
SELECT user_id, seed FROM totp
WHERE user_id > CAST(sqlc.arg(after) AS TEXT)
ORDER BY user_id
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ReplaceSeed :execrows
UPDATE totp SET seed = sqlc.arg(seed) WHERE user_id = sqlc.arg(user_id) AND seed = sqlc.arg(old);

-- Recovery codes.

-- name: AddRecoveryCode :exec
INSERT INTO recovery_code (user_id, hash, created_at)
VALUES (sqlc.arg(user_id), sqlc.arg(hash), sqlc.arg(now));

-- name: UseRecoveryCode :execrows
DELETE FROM recovery_code WHERE user_id = sqlc.arg(user_id) AND hash = sqlc.arg(hash);

-- name: DeleteRecoveryCodes :exec
DELETE FROM recovery_code WHERE user_id = sqlc.arg(user_id);

-- name: CountRecoveryCodes :one
SELECT COUNT(*) AS n, CAST(COALESCE(MAX(created_at), 0) AS BIGINT) AS made_at
FROM recovery_code
WHERE user_id = sqlc.arg(user_id);

-- Passkeys.

-- name: AddHandle :exec
INSERT INTO passkey_handle (user_id, handle) VALUES (sqlc.arg(user_id), sqlc.arg(handle))
ON CONFLICT (user_id) DO NOTHING;

-- name: GetHandle :one
SELECT handle FROM passkey_handle WHERE user_id = sqlc.arg(user_id);

-- name: DeleteHandle :exec
DELETE FROM passkey_handle WHERE user_id = sqlc.arg(user_id);

-- name: GetUserOfHandle :one
SELECT user_id FROM passkey_handle WHERE handle = sqlc.arg(handle);

-- name: AddPasskey :exec
INSERT INTO passkey (id, user_id, name, credential_id, public_key, sign_count, transports,
                     backup_eligible, backed_up, verified, discoverable, regressions, created_at)
VALUES (sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(name), sqlc.arg(credential_id), sqlc.arg(public_key),
        sqlc.arg(sign_count), sqlc.arg(transports), sqlc.arg(backup_eligible),
        sqlc.arg(backed_up), sqlc.arg(verified), sqlc.arg(discoverable), 0, sqlc.arg(now));

-- name: ListPasskeys :many
SELECT * FROM passkey WHERE user_id = sqlc.arg(user_id) ORDER BY id;

-- name: CountCredential :one
SELECT COUNT(*) FROM passkey WHERE credential_id = sqlc.arg(credential_id);

-- name: UsePasskey :execrows
UPDATE passkey
SET sign_count = CAST(sqlc.arg(sign_count) AS BIGINT), backed_up = sqlc.arg(backed_up), used_at = sqlc.arg(now),
    verified = verified OR CAST(sqlc.arg(verified) AS BOOLEAN)
WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id)
  AND (sign_count < CAST(sqlc.arg(sign_count) AS BIGINT)
       OR (sign_count = 0 AND CAST(sqlc.arg(sign_count) AS BIGINT) = 0));

-- name: CountRegression :exec
UPDATE passkey SET regressions = regressions + 1 WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: RenamePasskey :execrows
UPDATE passkey SET name = sqlc.arg(name) WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: DeletePasskey :execrows
DELETE FROM passkey WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: DeletePasskeys :exec
DELETE FROM passkey WHERE user_id = sqlc.arg(user_id);

-- name: CountWays :one
SELECT COUNT(*) FROM passkey WHERE user_id = sqlc.arg(user_id) AND verified AND discoverable;

-- Ceremonies.

-- name: SetCeremony :exec
INSERT INTO ceremony (id, purpose, asker, data, expires_at)
VALUES (sqlc.arg(id), sqlc.arg(purpose), sqlc.arg(asker), sqlc.arg(data), sqlc.arg(expires_at))
ON CONFLICT (id) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at;

-- name: TakeCeremony :one
DELETE FROM ceremony
WHERE id = sqlc.arg(id) AND purpose = sqlc.arg(purpose) AND (asker = sqlc.arg(asker) OR purpose = 'alone')
  AND expires_at > CAST(sqlc.arg(now) AS BIGINT)
RETURNING data;

-- name: CountCeremonies :one
SELECT COUNT(*) FROM ceremony WHERE purpose = sqlc.arg(purpose) AND asker = sqlc.arg(asker);

-- name: CountAnonymousCeremonies :one
SELECT COUNT(*) FROM ceremony WHERE purpose = 'alone';

-- name: PurgeCeremonies :exec
DELETE FROM ceremony WHERE expires_at <= sqlc.arg(now);

-- For admins: who has what, among a range of users.

-- name: UsersWithTOTP :many
SELECT user_id FROM totp WHERE user_id >= CAST(sqlc.arg(first) AS TEXT) AND user_id <= CAST(sqlc.arg(last) AS TEXT);

-- name: UsersWithPasskeys :many
SELECT DISTINCT user_id FROM passkey
WHERE user_id >= CAST(sqlc.arg(first) AS TEXT) AND user_id <= CAST(sqlc.arg(last) AS TEXT);
