-- name: AddJob :exec
INSERT INTO job (id, kind, unique_key, payload, due_at, run_at, created_at)
VALUES (sqlc.arg(id), sqlc.arg(kind), sqlc.arg(unique_key), sqlc.arg(payload), CAST(sqlc.arg(run_at) AS BIGINT), CAST(sqlc.arg(run_at) AS BIGINT), CAST(sqlc.arg(now) AS BIGINT))
ON CONFLICT (kind, unique_key) WHERE dead_at IS NULL DO UPDATE SET
  payload = excluded.payload, again = job.again OR job.leased,
  again_at = CASE WHEN NOT job.leased OR job.again AND (job.again_at IS NULL OR job.again_at < excluded.run_at) THEN job.again_at ELSE excluded.run_at END,
  due_at = CASE WHEN job.leased OR job.due_at < excluded.due_at THEN job.due_at ELSE excluded.due_at END,
  run_at = CASE WHEN job.leased OR job.run_at < excluded.run_at THEN job.run_at ELSE excluded.run_at END;

-- name: AddSchedule :exec
INSERT INTO job (id, kind, unique_key, payload, due_at, run_at, created_at)
VALUES (sqlc.arg(id), sqlc.arg(kind), sqlc.arg(unique_key), 'null', CAST(sqlc.arg(now) AS BIGINT), CAST(sqlc.arg(now) AS BIGINT), CAST(sqlc.arg(now) AS BIGINT))
ON CONFLICT (kind, unique_key) WHERE dead_at IS NULL DO NOTHING;

-- name: HastenSchedule :exec
UPDATE job SET due_at = sqlc.arg(latest), run_at = sqlc.arg(latest)
WHERE kind = sqlc.arg(kind) AND unique_key = sqlc.arg(unique_key) AND dead_at IS NULL AND NOT leased AND run_at > sqlc.arg(latest);

-- name: RenewLease :execrows
UPDATE job SET run_at = sqlc.arg(run_at) WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased;

-- name: FinishJob :execrows
DELETE FROM job WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased AND NOT again;

-- name: FinishAndRunAgain :execrows
UPDATE job SET leased = FALSE, again = FALSE, again_at = NULL, attempt = 0, error = '',
  due_at = CASE WHEN again_at > CAST(sqlc.arg(now) AS BIGINT) THEN again_at ELSE CAST(sqlc.arg(now) AS BIGINT) END,
  run_at = CASE WHEN again_at > CAST(sqlc.arg(now) AS BIGINT) THEN again_at ELSE CAST(sqlc.arg(now) AS BIGINT) END
WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased;

-- name: FinishRound :execrows
UPDATE job SET leased = FALSE, again = FALSE, again_at = NULL, attempt = 0, error = sqlc.arg(error), done_at = COALESCE(CAST(sqlc.narg(done_at) AS BIGINT), done_at),
  due_at = CASE WHEN NOT again OR again_at > CAST(sqlc.arg(next) AS BIGINT) THEN CAST(sqlc.arg(next) AS BIGINT) WHEN again_at > CAST(sqlc.arg(now) AS BIGINT) THEN again_at ELSE CAST(sqlc.arg(now) AS BIGINT) END,
  run_at = CASE WHEN NOT again OR again_at > CAST(sqlc.arg(next) AS BIGINT) THEN CAST(sqlc.arg(next) AS BIGINT) WHEN again_at > CAST(sqlc.arg(now) AS BIGINT) THEN again_at ELSE CAST(sqlc.arg(now) AS BIGINT) END
WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased;

-- name: RetryJob :execrows
UPDATE job SET leased = FALSE, run_at = sqlc.arg(run_at), error = sqlc.arg(error)
WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased;

-- name: ReleaseJob :execrows
UPDATE job SET leased = FALSE, run_at = sqlc.arg(now), attempt = attempt - 1
WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased;

-- name: BuryJob :execrows
UPDATE job SET leased = FALSE, dead_at = sqlc.arg(now), error = sqlc.arg(error)
WHERE id = sqlc.arg(id) AND claim = sqlc.arg(claim) AND leased AND NOT again;

-- name: PurgeDead :exec
DELETE FROM job WHERE dead_at < sqlc.arg(before);

-- name: Counts :many
SELECT kind, CAST(CASE WHEN unique_key = sqlc.arg(scheduled) THEN 1 ELSE 0 END AS BIGINT) AS rounds,
  CAST(SUM(CASE WHEN dead_at IS NULL AND run_at <= sqlc.arg(now) THEN 1 ELSE 0 END) AS BIGINT) AS due,
  CAST(SUM(CASE WHEN dead_at IS NULL AND NOT leased AND run_at > sqlc.arg(now) THEN 1 ELSE 0 END) AS BIGINT) AS later,
  CAST(SUM(CASE WHEN dead_at IS NULL AND leased AND run_at > sqlc.arg(now) THEN 1 ELSE 0 END) AS BIGINT) AS running,
  CAST(SUM(CASE WHEN dead_at IS NULL THEN 0 ELSE 1 END) AS BIGINT) AS dead,
  CAST(MIN(CASE WHEN dead_at IS NULL AND NOT (leased AND run_at > sqlc.arg(now)) THEN due_at ELSE CAST(sqlc.arg(now) AS BIGINT) END) AS BIGINT) AS oldest
FROM job GROUP BY 1, 2 ORDER BY 1, 2;

-- name: GetSchedule :one
SELECT due_at, leased, attempt, error, done_at FROM job
WHERE kind = sqlc.arg(kind) AND unique_key = sqlc.arg(unique_key) AND dead_at IS NULL;

-- name: DeadJobs :many
SELECT id FROM job WHERE kind = sqlc.arg(kind) AND dead_at IS NOT NULL ORDER BY id DESC;

-- name: ReviveJob :execrows
UPDATE job SET dead_at = NULL, again = FALSE, again_at = NULL, attempt = 0, due_at = CAST(sqlc.arg(now) AS BIGINT), run_at = CAST(sqlc.arg(now) AS BIGINT)
WHERE job.id = sqlc.arg(id) AND job.dead_at IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM job other WHERE other.kind = job.kind AND other.unique_key = job.unique_key AND other.dead_at IS NULL);

-- name: GetJob :one
SELECT unique_key, leased, run_at, dead_at FROM job WHERE id = sqlc.arg(id);

-- name: DropJob :exec
DELETE FROM job WHERE id = sqlc.arg(id);
