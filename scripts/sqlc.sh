#!/bin/sh
# Generates each slice's query/ from its queries.sql, by both engines' parsers, and holds
# the two-engine gate: the packages may differ in nothing but the form of placeholders.
#
#   scripts/sqlc.sh                  every slice of sqlc.yaml
#   scripts/sqlc.sh internal/notes   only that one: quick, and works while another is broken
#   CHECK=1 scripts/sqlc.sh          also refuses when that changed a committed file
set -eu
cd "$(dirname "$0")/.."
sqlc() { go tool -modfile=tools/go.mod sqlc "$@"; }

config=sqlc.yaml
slices=$(sed -n 's|^ *queries: *\(.*\)/queries\.sql$|\1|p' sqlc.yaml | sort -u)
if [ $# -gt 0 ]; then
	slices=${1%/}
	config=$(mktemp ./.sqlc.XXXXXX.yaml)
	trap 'rm -f "$config"' EXIT
	# An entry is four lines that begin with "- engine".
	awk -v want="$slices/queries.sql" '
		/^  - engine:/ { entry = ""; entries = 1 }
		!entries { print; next }
		{ entry = entry $0 "\n" }
		$1 == "queries:" && $2 == want { keep = 1 }
		$1 == "gen:" { if (keep) printf "%s", entry; keep = 0 }
	' sqlc.yaml >"$config"
	grep -q '^ *queries:' "$config" || { echo "sqlc: $slices is not in sqlc.yaml" >&2; exit 2; }
fi

before=.prepare/before
rm -rf .prepare
for slice in $slices; do
	[ ! -d "$slice/query" ] || { mkdir -p "$before/$slice" && cp -R "$slice/query" "$before/$slice/"; }
done

sqlc generate -f "$config"

status=0
for slice in $slices; do
	sed -E -i.bak 's/\?([0-9]+)/$\1/g' ".prepare/$slice/query/"*.go
	rm -f ".prepare/$slice/query/"*.bak
	if ! diff -r "$slice/query" ".prepare/$slice/query"; then
		echo "sqlc: $slice: PostgreSQL (<) and SQLite (>) would run different Go code; see the cast rules in docs/development.md" >&2
		status=1
	fi
	if [ "${CHECK:-}" ] && ! diff -r "$before/$slice/query" "$slice/query" >/dev/null; then
		echo "sqlc: $slice/query was not up to date: commit what make prepare wrote" >&2
		status=1
	fi
done
rm -rf .prepare
exit $status
