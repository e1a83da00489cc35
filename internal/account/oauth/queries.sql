-- Attempts.

-- name: CountAttempts :one
SELECT COUNT(*) FROM oauth_attempt WHERE network = sqlc.arg(network) AND expires_at > sqlc.arg(now);

-- name: CreateAttempt :exec
INSERT INTO oauth_attempt (state, browser, network, provider, purpose, user_id, session_id, place, sealed, expires_at)
VALUES (sqlc.arg(state), sqlc.arg(browser), sqlc.arg(network), sqlc.arg(provider), sqlc.arg(purpose),
        sqlc.narg(user_id), sqlc.narg(session_id), sqlc.arg(place), sqlc.arg(sealed), sqlc.arg(expires_at));

-- name: CountAwaited :one
SELECT COUNT(*) FROM oauth_attempt
WHERE state = sqlc.arg(state) AND provider = sqlc.arg(provider) AND answer IS NULL AND expires_at > sqlc.arg(now);

-- name: SetAnswer :execrows
UPDATE oauth_attempt SET answer = sqlc.arg(answer)
WHERE state = sqlc.arg(state) AND provider = sqlc.arg(provider) AND answer IS NULL AND expires_at > sqlc.arg(now);

-- name: TakeAttempt :one
DELETE FROM oauth_attempt
WHERE state = sqlc.arg(state) AND provider = sqlc.arg(provider) AND browser = sqlc.arg(browser) AND expires_at > sqlc.arg(now)
RETURNING *;

-- name: DeleteAttemptsOf :exec
DELETE FROM oauth_attempt WHERE user_id = sqlc.arg(user_id);

-- name: PurgeAttempts :exec
DELETE FROM oauth_attempt WHERE expires_at <= sqlc.arg(now);

-- Identities.

-- name: CreateIdentity :one
INSERT INTO identity (id, issuer, subject, user_id, provider, name, email, created_at, used_at)
SELECT sqlc.arg(id), sqlc.arg(issuer), sqlc.arg(subject), users.id, sqlc.arg(provider), sqlc.arg(name), sqlc.arg(email),
       sqlc.arg(now), sqlc.arg(now)
FROM users
WHERE users.id = sqlc.arg(user_id) AND users.disabled_at IS NULL
RETURNING *;

-- name: GetIdentity :one
SELECT * FROM identity WHERE issuer = sqlc.arg(issuer) AND subject = sqlc.arg(subject);

-- name: ListIdentities :many
SELECT * FROM identity WHERE user_id = sqlc.arg(user_id) ORDER BY id;

-- name: UseIdentity :execrows
UPDATE identity SET name = sqlc.arg(name), email = sqlc.arg(email), used_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: DeleteIdentity :one
DELETE FROM identity WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id)
RETURNING *;

-- name: DeleteIdentitiesOf :exec
DELETE FROM identity WHERE user_id = sqlc.arg(user_id);

-- What admins have entered.

-- name: ListSettings :many
SELECT * FROM provider_setting ORDER BY provider;

-- name: GetSetting :one
SELECT * FROM provider_setting WHERE provider = sqlc.arg(provider);

-- name: PutSetting :one
INSERT INTO provider_setting (provider, client_id, secret, extra, version, updated_at)
VALUES (sqlc.arg(provider), sqlc.arg(client_id), sqlc.arg(secret), sqlc.arg(extra), 1, sqlc.arg(now))
ON CONFLICT (provider) DO UPDATE
SET client_id = excluded.client_id, secret = excluded.secret, extra = excluded.extra,
    version = provider_setting.version + 1, updated_at = excluded.updated_at
RETURNING *;

-- name: DeleteSetting :one
DELETE FROM provider_setting WHERE provider = sqlc.arg(provider)
RETURNING *;

-- name: SetSecret :execrows
UPDATE provider_setting SET secret = sqlc.arg(secret) WHERE provider = sqlc.arg(provider) AND version = sqlc.arg(version);
