#!/bin/sh
# Makes an empty migration: scripts/migrate-add.sh tracker/issue add_labels
set -eu
cd "$(dirname "$0")/.."
slice=${1:-} name=${2:-}
usage() { echo "usage: make migrate-add SLICE=tracker/issue NAME=add_labels" >&2; exit 2; }
[ -n "$slice" ] && [ -d "internal/$slice" ] || usage
case $name in '' | *[!a-z0-9_]*) usage ;; esac

file=internal/$slice/migrations/$(date -u +%Y%m%d%H%M%S)_$(basename "$slice")_$name.sql
mkdir -p "$(dirname "$file")"
cat >"$file" <<-'EOF'
	-- Portable types only: TEXT, BIGINT, BOOLEAN, DOUBLE PRECISION. Forward only: what a
	-- released version reads stays until the version after it has stopped reading it.

	-- +goose Up
EOF
echo "$file"
