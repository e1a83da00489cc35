-- name: HasStatus :one
SELECT COUNT(*) FROM status WHERE id = sqlc.arg(id) AND project_id = sqlc.arg(project_id);

-- name: FindNeighbour :one
SELECT id, status_id, rank FROM issue WHERE id = sqlc.arg(id) AND project_id = sqlc.arg(project_id);

-- name: FindNeighbourByNumber :one
SELECT issue.id, issue.status_id, issue.rank FROM issue JOIN project ON project.id = issue.project_id
WHERE issue.number = sqlc.arg(number) AND project.project_key = sqlc.arg(project_key) AND issue.project_id = sqlc.arg(project_id);

-- name: RankAfter :one
SELECT rank FROM issue
WHERE project_id = sqlc.arg(project_id) AND status_id = sqlc.arg(status_id) AND rank > sqlc.arg(rank) AND id <> sqlc.arg(moved)
ORDER BY rank LIMIT 1;

-- name: ListBefore :many
SELECT id, rank FROM issue
WHERE project_id = sqlc.arg(project_id) AND status_id = sqlc.arg(status_id) AND rank <= sqlc.arg(rank) AND id <> sqlc.arg(moved)
ORDER BY rank DESC LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListAfter :many
SELECT id, rank FROM issue
WHERE project_id = sqlc.arg(project_id) AND status_id = sqlc.arg(status_id) AND rank > sqlc.arg(rank) AND id <> sqlc.arg(moved)
ORDER BY rank LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: RankBefore :one
SELECT rank FROM issue
WHERE project_id = sqlc.arg(project_id) AND status_id = sqlc.arg(status_id) AND rank < sqlc.arg(rank) AND id <> sqlc.arg(moved)
ORDER BY rank DESC LIMIT 1;
