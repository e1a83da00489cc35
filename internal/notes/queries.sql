-- name: CreateNote :one
INSERT INTO notes (id, user_id, title, body, version, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(title), sqlc.arg(body), 1, sqlc.arg(now), sqlc.arg(now))
RETURNING *;

-- name: GetNote :one
SELECT * FROM notes WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id);

-- name: ListNotes :many
SELECT * FROM notes
WHERE user_id = sqlc.arg(user_id) AND id < sqlc.arg(before)
ORDER BY id DESC
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: UpdateNote :one
UPDATE notes
SET title = sqlc.arg(title), body = sqlc.arg(body), version = version + 1, updated_at = sqlc.arg(now)
WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id) AND version = sqlc.arg(version)
RETURNING *;

-- name: DeleteNote :one
DELETE FROM notes WHERE id = sqlc.arg(id) AND user_id = sqlc.arg(user_id)
RETURNING *;

-- name: DeleteNotes :exec
DELETE FROM notes WHERE user_id = sqlc.arg(user_id);
