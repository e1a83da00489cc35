#!/bin/sh
# The committed description of the API must be what the program says it is, and the
# page's types must be made from it.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

go run ./cmd/peisear openapi >"$dir/openapi.json"
diff -u api/openapi.json "$dir/openapi.json" | head -60
cmp -s api/openapi.json "$dir/openapi.json" || { echo "api/openapi.json is not up to date: commit what make prepare writes" >&2; exit 1; }

cp web/src/base/api/schema.d.ts "$dir/committed.d.ts"
(cd web && npm run --silent api >/dev/null)
cmp -s "$dir/committed.d.ts" web/src/base/api/schema.d.ts || { echo "schema.d.ts was not up to date: commit what make prepare writes" >&2; exit 1; }
