#!/bin/sh
# Refuses what was built and added by accident: a file of more than half a megabyte is none
# that somebody wrote.
set -eu
cd "$(dirname "$0")/.."
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || exit 0 # an unpacked archive has no list
big=$(git ls-tree -r --long HEAD; git diff --cached --name-only --diff-filter=A | while read -r f; do
	echo "- - - $(wc -c <"$f") $f"
done)
big=$(echo "$big" | awk '$4 > 512 * 1024 { print $5, $4 }')
[ -z "$big" ] || { echo "these files are too big to have been written:"; echo "$big"; exit 1; } >&2
