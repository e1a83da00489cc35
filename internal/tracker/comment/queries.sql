-- Every statement that changes something names the actor and takes only what they may
-- write: a check that was forgotten above finds no row here.

-- CreateComment also finds the issue, so that a comment needs no look at it before.

-- name: CreateComment :one
INSERT INTO comment (id, issue_id, author_id, body, version, created_at, updated_at)
SELECT sqlc.arg(id), issue.id, m.user_id, sqlc.arg(body), 1, CAST(sqlc.arg(now) AS BIGINT), CAST(sqlc.arg(now) AS BIGINT)
FROM project
JOIN project_member m ON m.project_id = project.id
JOIN issue ON issue.project_id = project.id
WHERE project.project_key = sqlc.arg(project_key) AND project.id = sqlc.arg(project_id) AND issue.number = sqlc.arg(number)
  AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member')
RETURNING issue_id;

-- name: EnterIssue :one
SELECT issue.id, issue.project_id, project_member.role
FROM project
JOIN project_member ON project_member.project_id = project.id AND project_member.user_id = sqlc.arg(actor)
JOIN issue ON issue.project_id = project.id AND issue.number = sqlc.arg(number)
WHERE project.project_key = sqlc.arg(project_key);

-- name: EnterComment :one
SELECT sqlc.embed(comment), issue.project_id, issue.number, project.project_key, project_member.role
FROM comment
JOIN issue ON issue.id = comment.issue_id
JOIN project ON project.id = issue.project_id
JOIN project_member ON project_member.project_id = project.id AND project_member.user_id = sqlc.arg(actor)
WHERE comment.id = sqlc.arg(id);

-- name: ListComments :many
SELECT * FROM comment
WHERE issue_id = sqlc.arg(issue_id) AND id > sqlc.arg(after)
ORDER BY id
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListCommentsBack :many
SELECT * FROM comment
WHERE issue_id = sqlc.arg(issue_id) AND id < sqlc.arg(before)
ORDER BY id DESC
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListIDs :many
SELECT id FROM comment WHERE issue_id = sqlc.arg(issue_id) ORDER BY id;

-- name: UpdateComment :exec
UPDATE comment
SET body = sqlc.arg(body), version = comment.version + 1, updated_at = sqlc.arg(now)
WHERE comment.id = sqlc.arg(id) AND comment.version = sqlc.arg(version) AND comment.author_id = sqlc.arg(actor) AND EXISTS (
  SELECT 1 FROM issue JOIN project_member m ON m.project_id = issue.project_id
  WHERE issue.id = comment.issue_id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member'));

-- name: DeleteComment :exec
DELETE FROM comment
WHERE comment.id = sqlc.arg(id) AND EXISTS (
  SELECT 1 FROM issue JOIN project_member m ON m.project_id = issue.project_id
  WHERE issue.id = comment.issue_id AND m.user_id = sqlc.arg(actor)
    AND (m.role IN ('owner', 'maintainer') OR m.role = 'member' AND comment.author_id = m.user_id));
