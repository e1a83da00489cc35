-- The index is made of texts that others have written, and shows nobody more than they
-- may see: its own statements ask for no actor.

-- name: AddTodo :exec
INSERT INTO search_todo (issue_id, comment_id) VALUES (sqlc.arg(issue_id), sqlc.arg(comment_id));

-- name: ListTodo :many
SELECT seq, issue_id, comment_id FROM search_todo ORDER BY seq LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: DropTodo :exec
DELETE FROM search_todo WHERE seq = sqlc.arg(seq);

-- name: TakeTurn :exec
UPDATE search_turn SET turn = turn + 1;

-- Ends asks for each end by itself: for both at once SQLite would read all.

-- name: Ends :one
SELECT CAST(COALESCE((SELECT MIN(doc) FROM search_doc), 1000000000) AS BIGINT) AS oldest,
  CAST(COALESCE((SELECT MAX(doc) FROM search_doc), 1000000000) AS BIGINT) AS newest;

-- AddDoc finds no row for a text that is gone.

-- name: AddDoc :exec
INSERT INTO search_doc (doc, issue_id, comment_id, form)
SELECT CAST(sqlc.arg(doc) AS BIGINT), issue.id, sqlc.arg(comment_id), sqlc.arg(form)
FROM issue
WHERE issue.id = sqlc.arg(issue_id)
  AND (CAST(sqlc.arg(comment_id) AS TEXT) = '' OR EXISTS (SELECT 1 FROM comment c WHERE c.id = CAST(sqlc.arg(comment_id) AS TEXT)));

-- name: SetForm :exec
UPDATE search_doc SET form = sqlc.arg(form) WHERE doc = sqlc.arg(doc);

-- name: DropDoc :exec
DELETE FROM search_doc WHERE issue_id = sqlc.arg(issue_id) AND comment_id = sqlc.arg(comment_id);

-- What is in the todo, or was, is newer than what a walk looks for.

-- name: WalkIssues :many
SELECT issue.id, CAST(COALESCE(d.form, 0) AS BIGINT) AS form
FROM issue LEFT JOIN search_doc d ON d.issue_id = issue.id AND d.comment_id = ''
WHERE issue.id < sqlc.arg(before) AND NOT EXISTS (SELECT 1 FROM search_todo t WHERE t.issue_id = issue.id AND t.comment_id = '')
ORDER BY issue.id DESC
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: WalkComments :many
SELECT comment.id, comment.issue_id, CAST(COALESCE(d.form, 0) AS BIGINT) AS form
FROM comment LEFT JOIN search_doc d ON d.issue_id = comment.issue_id AND d.comment_id = comment.id
WHERE comment.id < sqlc.arg(before) AND NOT EXISTS (SELECT 1 FROM search_todo t WHERE t.comment_id = comment.id)
ORDER BY comment.id DESC
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListScopes :many
SELECT project.id, project.project_key
FROM project_member m JOIN project ON project.id = m.project_id
WHERE m.user_id = sqlc.arg(actor)
ORDER BY project.id;

-- Jump finds an issue by its key.

-- name: Jump :many
SELECT issue.id, issue.project_id, issue.number, issue.title_folded
FROM project
JOIN project_member m ON m.project_id = project.id AND m.user_id = sqlc.arg(actor)
JOIN issue ON issue.project_id = project.id AND issue.number = sqlc.arg(number)
WHERE project.project_key = sqlc.arg(project_key);
