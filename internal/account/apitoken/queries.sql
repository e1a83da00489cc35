-- name: CreateToken :one
INSERT INTO api_token (id, user_id, hash, hint, name, scope, log_scopes, created_at, expires_at)
VALUES (sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(hash), sqlc.arg(hint), sqlc.arg(name), sqlc.arg(scope),
        sqlc.narg(log_scopes), sqlc.arg(now), sqlc.narg(expires_at))
RETURNING *;

-- name: CountTokens :one
SELECT COUNT(*) FROM api_token WHERE user_id = sqlc.arg(user_id);

-- name: ListTokens :many
SELECT * FROM api_token WHERE user_id = sqlc.arg(user_id) ORDER BY id DESC;

-- name: GetToken :one
SELECT * FROM api_token WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: FindToken :one
SELECT sqlc.embed(api_token), users.role, users.epoch
FROM api_token JOIN users ON users.id = api_token.user_id
WHERE api_token.hash = sqlc.arg(hash) AND users.disabled_at IS NULL;

-- name: UseToken :exec
UPDATE api_token SET used_at = sqlc.arg(used_at)
WHERE id = sqlc.arg(id) AND (used_at IS NULL OR used_at <= CAST(sqlc.arg(before) AS BIGINT));

-- name: DeleteToken :one
DELETE FROM api_token WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id)
RETURNING *;

-- name: DeleteTokensOf :many
DELETE FROM api_token WHERE user_id = sqlc.arg(user_id)
RETURNING *;
