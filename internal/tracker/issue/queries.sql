-- Every statement that changes something names the actor and takes only projects
-- where they may write: a check that was forgotten above finds no row here.

-- name: TakeNumbers :exec
INSERT INTO issue_number (project_id, last)
SELECT m.project_id, CAST(sqlc.arg(last) AS BIGINT) FROM project_member m
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member')
ON CONFLICT (project_id) DO UPDATE SET last = excluded.last WHERE excluded.last > issue_number.last;

-- name: CreateIssue :exec
INSERT INTO issue (id, project_id, number, title, title_folded, description, status_id, priority, assignee_id,
                   effort, parent_id, due_on, rank, author_id, version, created_at, updated_at)
SELECT sqlc.arg(id), m.project_id, CAST(sqlc.arg(number) AS BIGINT), sqlc.arg(title), sqlc.arg(title_folded),
       sqlc.arg(description), sqlc.arg(status_id), sqlc.arg(priority), CAST(sqlc.narg(assignee_id) AS TEXT),
       CAST(sqlc.narg(effort) AS BIGINT), CAST(sqlc.narg(parent_id) AS TEXT), CAST(sqlc.narg(due_on) AS TEXT),
       sqlc.arg(rank), m.user_id, 1, CAST(sqlc.arg(now) AS BIGINT), CAST(sqlc.arg(now) AS BIGINT)
FROM project_member m
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member');

-- All that a new issue has to know. A status that is not the project's, and an assignee
-- who is no member, are not found.

-- name: EnterColumn :one
SELECT project.id, project.project_key, project_member.role,
       CAST(COALESCE(status.id, '') AS TEXT) AS status_id,
       CAST(COALESCE((SELECT i.rank FROM issue i WHERE i.project_id = project.id AND i.status_id = status.id
                      ORDER BY i.rank LIMIT 1), '') AS TEXT) AS first_rank,
       CAST(COALESCE(issue_number.last, 0) AS BIGINT) AS last_number,
       (SELECT COUNT(*) FROM project_member a
        WHERE a.project_id = project.id AND a.user_id = CAST(sqlc.narg(assignee_id) AS TEXT)) AS assignees
FROM project
JOIN project_member ON project_member.project_id = project.id AND project_member.user_id = sqlc.arg(actor)
LEFT JOIN status ON status.id = (
  SELECT s.id FROM status s
  WHERE s.project_id = project.id AND (CAST(sqlc.arg(status_id) AS TEXT) = '' OR s.id = CAST(sqlc.arg(status_id) AS TEXT))
  ORDER BY CASE s.category WHEN 'open' THEN 0 WHEN 'backlog' THEN 1 ELSE 2 END, s.rank
  LIMIT 1)
LEFT JOIN issue_number ON issue_number.project_id = project.id
WHERE project.project_key = sqlc.arg(project_key);

-- name: LastNumber :one
SELECT last FROM issue_number WHERE project_id = sqlc.arg(project_id);

-- name: EnterIssue :one
SELECT sqlc.embed(issue), project.project_key, project_member.role
FROM project
JOIN project_member ON project_member.project_id = project.id AND project_member.user_id = sqlc.arg(actor)
JOIN issue ON issue.project_id = project.id AND issue.number = sqlc.arg(number)
WHERE project.project_key = sqlc.arg(project_key);

-- name: GetIssue :one
SELECT * FROM issue WHERE id = sqlc.arg(id);

-- The columns of a project, those first in which there is work.

-- name: ListColumns :many
SELECT id FROM status WHERE project_id = sqlc.arg(project_id)
ORDER BY CASE WHEN category IN ('done', 'cancelled') THEN 1 ELSE 0 END, rank;

-- name: PageHeaders :many
SELECT issue.id, project.project_key, issue.number, issue.title, issue.status_id, issue.priority, issue.assignee_id,
       issue.effort, issue.parent_id, issue.due_on, issue.rank, issue.author_id, issue.version, issue.created_at, issue.updated_at
FROM issue JOIN project ON project.id = issue.project_id AND project.deleted_at IS NULL
WHERE issue.status_id = sqlc.arg(status_id) AND issue.project_id = sqlc.arg(project_id)
  AND issue.rank >= sqlc.arg(rank) AND (issue.rank > sqlc.arg(rank) OR issue.id > sqlc.arg(id))
ORDER BY issue.rank, issue.id
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: GetHeader :one
SELECT issue.id, project.project_key, issue.number, issue.title, issue.status_id, issue.priority, issue.assignee_id,
       issue.effort, issue.parent_id, issue.due_on, issue.rank, issue.author_id, issue.version, issue.created_at, issue.updated_at
FROM issue JOIN project ON project.id = issue.project_id AND project.deleted_at IS NULL
WHERE issue.id = sqlc.arg(id) AND issue.project_id = sqlc.arg(project_id);

-- name: UpdateIssue :exec
UPDATE issue
SET title = sqlc.arg(title), title_folded = sqlc.arg(title_folded), description = sqlc.arg(description),
    status_id = sqlc.arg(status_id), priority = sqlc.arg(priority), assignee_id = sqlc.narg(assignee_id),
    effort = sqlc.narg(effort), parent_id = sqlc.narg(parent_id), due_on = sqlc.narg(due_on), rank = sqlc.arg(rank),
    version = issue.version + 1, updated_at = sqlc.arg(now)
WHERE issue.id = sqlc.arg(id) AND issue.version = sqlc.arg(version) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = issue.project_id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member'));

-- PlaceIssue is UpdateIssue for a move, which most changes are: a column that is not
-- named costs no index and no look at what it refers to.

-- name: PlaceIssue :exec
UPDATE issue
SET status_id = sqlc.arg(status_id), rank = sqlc.arg(rank), version = issue.version + 1, updated_at = sqlc.arg(now)
WHERE issue.id = sqlc.arg(id) AND issue.version = sqlc.arg(version) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = issue.project_id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member'));

-- name: Rerank :one
UPDATE issue SET rank = sqlc.arg(rank), version = version + 1
WHERE issue.id = sqlc.arg(id) AND issue.project_id = sqlc.arg(project_id) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = issue.project_id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member'))
RETURNING *;

-- name: DeleteIssue :one
DELETE FROM issue
WHERE issue.id = sqlc.arg(id) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = issue.project_id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member'))
RETURNING *;

-- name: ListChildren :many
SELECT * FROM issue WHERE parent_id = CAST(sqlc.arg(parent_id) AS TEXT) ORDER BY number;

-- name: ListAssigned :many
SELECT * FROM issue
WHERE project_id = sqlc.arg(project_id) AND assignee_id = CAST(sqlc.arg(user_id) AS TEXT) ORDER BY number;

-- name: Unassign :one
UPDATE issue
SET assignee_id = (
      SELECT heir.user_id FROM project_member heir
      WHERE heir.project_id = issue.project_id AND heir.user_id = sqlc.arg(heir)),
    version = version + 1, updated_at = sqlc.arg(now)
WHERE issue.id = sqlc.arg(id) AND issue.assignee_id IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = issue.project_id AND m.user_id = issue.assignee_id)
RETURNING *;

-- name: DefaultStatus :one
SELECT id FROM status
WHERE project_id = sqlc.arg(project_id)
ORDER BY CASE category WHEN 'open' THEN 0 WHEN 'backlog' THEN 1 ELSE 2 END, rank
LIMIT 1;

-- name: HasStatus :one
SELECT COUNT(*) FROM status WHERE id = sqlc.arg(id) AND project_id = sqlc.arg(project_id);

-- name: HasMember :one
SELECT COUNT(*) FROM project_member WHERE user_id = sqlc.arg(user_id) AND project_id = sqlc.arg(project_id);

-- name: FindParent :one
SELECT parent_id FROM issue WHERE id = sqlc.arg(id) AND project_id = sqlc.arg(project_id);

-- name: FirstRank :one
SELECT rank FROM issue
WHERE project_id = sqlc.arg(project_id) AND status_id = sqlc.arg(status_id)
ORDER BY rank LIMIT 1;

-- name: LastRank :one
SELECT rank FROM issue
WHERE project_id = sqlc.arg(project_id) AND status_id = sqlc.arg(status_id)
ORDER BY rank DESC LIMIT 1;

-- name: ListStatusNames :many
SELECT id, name FROM status WHERE project_id = sqlc.arg(project_id) ORDER BY rank;

-- name: FindAlias :one
SELECT issue.id, issue.number FROM issue_alias a JOIN issue ON issue.id = a.issue_id
WHERE a.project_id = sqlc.arg(project_id) AND a.alias = sqlc.arg(alias);

-- name: CreateAlias :exec
INSERT INTO issue_alias (project_id, alias, alias_folded, issue_id)
SELECT m.project_id, sqlc.arg(alias), sqlc.arg(alias_folded), sqlc.arg(issue_id) FROM project_member m
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer', 'member');

-- name: ProjectKey :one
SELECT project_key FROM project WHERE id = sqlc.arg(id);

-- name: ListFrom :many
SELECT id, number FROM issue
WHERE project_id = sqlc.arg(project_id) AND number > sqlc.arg(after)
ORDER BY number
LIMIT CAST(sqlc.arg(n) AS BIGINT);
