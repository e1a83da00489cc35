-- name: Bump :exec
INSERT INTO scope (id, seq) VALUES (sqlc.arg(id), 1)
ON CONFLICT (id) DO UPDATE SET seq = scope.seq + 1 WHERE scope.seq >= 0;

-- name: Unbump :exec
UPDATE scope SET seq = seq - 1 WHERE id = sqlc.arg(id);

-- name: Head :one
SELECT seq FROM scope WHERE id = sqlc.arg(id);

-- name: AddChange :exec
INSERT INTO change (scope, seq, n, tx, at, actor, entity, entity_id, op, patch, prior)
SELECT scope.id, scope.seq, CAST(sqlc.arg(n) AS BIGINT), sqlc.arg(tx), CAST(sqlc.arg(at) AS BIGINT), sqlc.arg(actor),
       sqlc.arg(entity), sqlc.arg(entity_id), sqlc.arg(op), sqlc.arg(patch), sqlc.arg(prior)
FROM scope WHERE scope.id = sqlc.arg(scope);

-- The scope of a change is always CAST: SQLite compares a parameter by itself with what
-- partial indexes are for, and plans the statement anew for every value.

-- name: FindTx :one
SELECT entity, entity_id, op, patch, prior, at FROM change
WHERE scope = CAST(sqlc.arg(scope) AS TEXT) AND actor = sqlc.arg(actor) AND tx = sqlc.arg(tx) AND n = 0;

-- name: Epoch :one
SELECT epoch FROM log_epoch WHERE id = 1;

-- name: BeginEpoch :exec
INSERT INTO log_epoch (id, epoch) VALUES (1, sqlc.arg(epoch)) ON CONFLICT (id) DO NOTHING;

-- name: ChangedSince :many
SELECT DISTINCT entity_id FROM change
WHERE scope = CAST(sqlc.arg(scope) AS TEXT) AND seq > sqlc.arg(since) AND entity = sqlc.arg(entity) AND entity_id > sqlc.arg(after)
ORDER BY entity_id
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: DeleteChanges :exec
DELETE FROM change WHERE scope = CAST(sqlc.arg(scope) AS TEXT);

-- name: End :exec
UPDATE scope SET seq = -1 WHERE id = sqlc.arg(id);

-- name: SharedChanges :many
SELECT scope, seq, n, patch, prior FROM change
WHERE scope IN ('admin', 'org') AND entity_id = sqlc.arg(entity_id) AND entity = sqlc.arg(entity);

-- name: ActsOn :many
SELECT scope, seq, n, patch, prior FROM change
WHERE scope = 'admin' AND actor = sqlc.arg(actor) AND entity = sqlc.arg(entity);

-- name: Rewrite :exec
UPDATE change SET patch = sqlc.arg(patch), prior = sqlc.arg(prior)
WHERE scope = CAST(sqlc.arg(scope) AS TEXT) AND seq = sqlc.arg(seq) AND n = sqlc.arg(n);

-- name: EndEpoch :exec
DELETE FROM log_epoch WHERE id = 1;

-- name: Heads :one
SELECT COUNT(*) AS scopes, CAST(COALESCE(MAX(seq), 0) AS BIGINT) AS highest,
       CAST(COALESCE(SUM(CASE WHEN seq > 0 THEN seq ELSE 0 END), 0) AS BIGINT) AS together
FROM scope;

-- name: NthChange :one
SELECT seq, n FROM change
WHERE scope = CAST(sqlc.arg(scope) AS TEXT) AND seq >= sqlc.arg(since)
ORDER BY seq, n
LIMIT 1 OFFSET CAST(sqlc.arg(nth) AS BIGINT);

-- name: DeleteChangesTo :exec
DELETE FROM change
WHERE scope = CAST(sqlc.arg(scope) AS TEXT) AND seq >= sqlc.arg(since) AND seq <= sqlc.arg(seq)
  AND (seq < sqlc.arg(seq) OR n <= sqlc.arg(n));

-- name: DeleteScope :exec
DELETE FROM scope WHERE id = sqlc.arg(id);
