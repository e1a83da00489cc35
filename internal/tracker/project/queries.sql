-- Every statement that changes something names the actor and what role it takes:
-- a check that was forgotten above finds no row here.
--
-- A project that was deleted has no members and no key until its rows are gone: what asks
-- for neither asks for deleted_at.

-- name: CreateProject :one
INSERT INTO project (id, project_key, name, description, version, created_at, updated_at)
VALUES (sqlc.arg(id), sqlc.arg(project_key), sqlc.arg(name), sqlc.arg(description), 1, sqlc.arg(now), sqlc.arg(now))
RETURNING *;

-- name: CreateOwner :one
INSERT INTO project_member (project_id, user_id, role, joined_at)
SELECT project.id, sqlc.arg(user_id), 'owner', sqlc.arg(now)
FROM project
WHERE project.id = sqlc.arg(project_id) AND project.deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM project_member m WHERE m.project_id = project.id)
RETURNING *;

-- name: CreateStatus :one
INSERT INTO status (id, project_id, name, category, color, rank)
SELECT sqlc.arg(id), m.project_id, sqlc.arg(name), sqlc.arg(category), sqlc.arg(color), sqlc.arg(rank)
FROM project_member m
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer')
RETURNING *;

-- name: FindByKey :one
SELECT id FROM project WHERE project_key = sqlc.arg(project_key);

-- name: EnterByKey :one
SELECT sqlc.embed(project), project_member.role
FROM project JOIN project_member ON project_member.project_id = project.id
WHERE project.project_key = sqlc.arg(project_key) AND project_member.user_id = sqlc.arg(actor);

-- name: EnterByID :one
SELECT sqlc.embed(project), project_member.role
FROM project JOIN project_member ON project_member.project_id = project.id
WHERE project.id = sqlc.arg(id) AND project_member.user_id = sqlc.arg(actor);

-- name: GetProject :one
SELECT * FROM project WHERE id = sqlc.arg(id) AND deleted_at IS NULL;

-- name: ListProjects :many
SELECT sqlc.embed(project), project_member.role
FROM project_member JOIN project ON project.id = project_member.project_id
WHERE project_member.user_id = sqlc.arg(actor) AND project.project_key > sqlc.arg(after)
ORDER BY project.project_key
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListScopes :many
SELECT project_id FROM project_member WHERE user_id = sqlc.arg(actor) ORDER BY project_id;

-- name: ListMemberships :many
SELECT project_id, role FROM project_member WHERE user_id = sqlc.arg(actor) ORDER BY project_id;

-- name: UpdateProject :one
UPDATE project
SET name = sqlc.arg(name), description = sqlc.arg(description), version = version + 1, updated_at = sqlc.arg(now)
WHERE project.id = sqlc.arg(id) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = project.id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer'))
RETURNING *;

-- DeleteProject gives the key away: an id is nobody's key.

-- name: DeleteProject :one
UPDATE project SET project_key = id, deleted_at = CAST(sqlc.arg(now) AS BIGINT)
WHERE project.id = sqlc.arg(id) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = project.id AND m.user_id = sqlc.arg(actor) AND m.role = 'owner')
RETURNING *;

-- name: RemoveAllMembers :exec
DELETE FROM project_member
WHERE project_member.project_id = sqlc.arg(project_id) AND EXISTS (
  SELECT 1 FROM project WHERE project.id = project_member.project_id AND project.deleted_at IS NOT NULL);

-- name: ListDeleted :many
SELECT id, CAST(deleted_at AS BIGINT) AS deleted_at FROM project
WHERE project.deleted_at IS NOT NULL
ORDER BY project.deleted_at, project.id;

-- name: PurgeProject :exec
DELETE FROM project WHERE id = sqlc.arg(id) AND deleted_at IS NOT NULL;

-- name: ListStatuses :many
SELECT * FROM status WHERE project_id = sqlc.arg(project_id) ORDER BY rank;

-- name: ListMembers :many
SELECT m.user_id, m.role, users.email, users.display_name
FROM project_member m JOIN users ON users.id = m.user_id
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id > sqlc.arg(after)
ORDER BY m.user_id
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: AllMembers :many
SELECT user_id, role FROM project_member WHERE project_id = sqlc.arg(project_id) ORDER BY user_id;

-- name: GetMember :one
SELECT m.user_id, m.role, users.email, users.display_name
FROM project_member m JOIN users ON users.id = m.user_id
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id = sqlc.arg(user_id);

-- name: CountOwners :one
SELECT COUNT(*) FROM project_member WHERE project_id = sqlc.arg(project_id) AND role = 'owner';

-- name: FirstOwner :one
SELECT m.user_id
FROM project_member m JOIN project ON project.id = m.project_id
WHERE project.project_key = sqlc.arg(project_key) AND m.role = 'owner'
ORDER BY m.joined_at, m.user_id
LIMIT 1;

-- name: FindUser :one
SELECT id, email, display_name FROM users
WHERE email_folded = sqlc.arg(email_folded) AND disabled_at IS NULL;

-- name: AddMember :one
INSERT INTO project_member (project_id, user_id, role, joined_at)
SELECT m.project_id, sqlc.arg(user_id), sqlc.arg(role), sqlc.arg(now)
FROM project_member m
WHERE m.project_id = sqlc.arg(project_id) AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer')
RETURNING *;

-- name: SetRole :one
UPDATE project_member SET role = sqlc.arg(role)
WHERE project_member.project_id = sqlc.arg(project_id) AND project_member.user_id = sqlc.arg(user_id) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = project_member.project_id AND m.user_id = sqlc.arg(actor) AND m.role IN ('owner', 'maintainer'))
RETURNING *;

-- name: RemoveMember :one
DELETE FROM project_member
WHERE project_member.project_id = sqlc.arg(project_id) AND project_member.user_id = sqlc.arg(user_id) AND EXISTS (
  SELECT 1 FROM project_member m
  WHERE m.project_id = project_member.project_id AND m.user_id = sqlc.arg(actor)
    AND (m.role IN ('owner', 'maintainer') OR m.user_id = project_member.user_id))
RETURNING *;

-- name: FindProject :one
SELECT * FROM project WHERE project_key = sqlc.arg(project_key);

-- name: AddByOperator :one
INSERT INTO project_member (project_id, user_id, role, joined_at)
SELECT project.id, sqlc.arg(user_id), sqlc.arg(role), sqlc.arg(now)
FROM project
WHERE project.id = sqlc.arg(project_id) AND project.deleted_at IS NULL AND CAST(sqlc.arg(actor) AS TEXT) = 'operator'
RETURNING *;

-- Owners who are disabled look after nothing: a project without another is ownerless.

-- name: ListSoleOwned :many
SELECT project.id, project.project_key
FROM project_member own JOIN project ON project.id = own.project_id
WHERE own.user_id = sqlc.arg(user_id) AND own.role = 'owner' AND NOT EXISTS (
  SELECT 1 FROM project_member m JOIN users ON users.id = m.user_id
  WHERE m.project_id = own.project_id AND m.user_id <> own.user_id AND m.role = 'owner' AND users.disabled_at IS NULL)
ORDER BY project.project_key;

-- name: HandOver :one
INSERT INTO project_member (project_id, user_id, role, joined_at)
SELECT own.project_id, sqlc.arg(heir), 'owner', sqlc.arg(now)
FROM project_member own
WHERE own.project_id = sqlc.arg(project_id) AND own.user_id = sqlc.arg(user_id) AND own.role = 'owner'
ON CONFLICT (project_id, user_id) DO UPDATE SET role = 'owner'
RETURNING *;

-- name: TakeOver :one
INSERT INTO project_member (project_id, user_id, role, joined_at)
SELECT project.id, users.id, 'owner', sqlc.arg(now)
FROM project CROSS JOIN users
WHERE project.id = sqlc.arg(project_id) AND project.deleted_at IS NULL
  AND users.id = sqlc.arg(actor) AND users.role = 'admin' AND users.disabled_at IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM project_member m JOIN users owner ON owner.id = m.user_id
    WHERE m.project_id = project.id AND m.role = 'owner' AND owner.disabled_at IS NULL)
ON CONFLICT (project_id, user_id) DO UPDATE SET role = 'owner'
RETURNING *;

-- name: ListNames :many
SELECT id, project_key, name FROM project
WHERE project_key > sqlc.arg(after) AND deleted_at IS NULL
ORDER BY project_key
LIMIT CAST(sqlc.arg(n) AS BIGINT);

-- name: ListOwnerless :many
SELECT id, project_key, name FROM project
WHERE project_key > sqlc.arg(after) AND deleted_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM project_member m JOIN users ON users.id = m.user_id
  WHERE m.project_id = project.id AND m.role = 'owner' AND users.disabled_at IS NULL)
ORDER BY project_key
LIMIT CAST(sqlc.arg(n) AS BIGINT);
