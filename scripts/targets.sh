#!/bin/sh
# Runs the commands of the list that the tests do not, as somebody would who has just
# cloned: on the default ports, with throw-away data. The tree must be as clean after as
# before, so it also says when make fmt or make prepare would change something.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
group=
stop() {
	[ -z "$group" ] || kill -TERM "-$group" 2>/dev/null || true
	group=
}
trap 'stop; rm -rf "$dir"' EXIT
export DATABASE_URL="sqlite://$dir/app.db" DATA_DIR="$dir"

phase() { scripts/phase.sh "$@"; }

# serves NAME URL...: starts make NAME, waits until each URL answers, ends it with Ctrl-C's signal.
serves() {
	name=$1
	shift
	for url in "$@"; do
		! curl -s -o /dev/null "$url" || { echo "make $name: something else answers at $url" >&2; return 1; }
	done
	setsid make "$name" >"$dir/$name.log" 2>&1 &
	group=$!
	for url in "$@"; do
		curl -sf -o /dev/null --retry 120 --retry-delay 1 --retry-all-errors "$url" || {
			cat "$dir/$name.log" >&2
			echo "make $name: $url does not answer" >&2
			return 1
		}
	done
	kill -INT "-$group"
	wait "$group" || true
	group=
	for url in "$@"; do
		! curl -s -o /dev/null "$url" || { echo "make $name: Ctrl-C leaves $url answering" >&2; return 1; }
	done
}

git status --porcelain >"$dir/before"

phase "make build" make build
phase "make migrate" make migrate
make gen-jwt-keys | grep -q '^JWT_PRIVATE_KEY_PEM=' || { echo "make gen-jwt-keys prints no key" >&2; exit 1; }

file=$(make migrate-add SLICE=notes NAME=nothing)
grep -q '^-- +goose Up' "$file"
rm "$file"

phase "make fmt" make fmt
phase "make prepare" make prepare

start=$(date +%s)
serves run http://localhost:3000/api/health http://localhost:3000/
serves dev http://localhost:3000/api/health http://localhost:5173/ http://localhost:5173/api/health
echo "    make run, make dev: $(($(date +%s) - start)) s"

git status --porcelain >"$dir/after"
diff "$dir/before" "$dir/after" || { echo "a make target changed the tree: commit what it wrote" >&2; exit 1; }
