#!/bin/sh
# make dev: the API on :3000, built again when a Go or SQL file changes, and the page on
# :5173 with hot reload, which passes /api on. Ctrl-C, or the end of either, ends both.
set -u
cd "$(dirname "$0")/.."
mkdir -p bin

api= vite= ended=
finish() {
	[ -z "$ended" ] || return
	ended=yes
	for pid in $api $vite; do kill "$pid" 2>/dev/null; done
	wait
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Everything the binary is made of but the page, which Vite serves here.
changed() { find cmd internal go.mod -newer bin/.dev-built \( -name '*.go' -o -name '*.sql' -o -name go.mod \) -print -quit; }

start() {
	touch bin/.dev-built
	go build -o bin/peisear-dev.new ./cmd/peisear || return 0 # the one that runs goes on
	if [ -n "$api" ]; then kill "$api" 2>/dev/null; wait "$api"; fi
	mv bin/peisear-dev.new bin/peisear-dev
	bin/peisear-dev serve &
	api=$!
}

start
(cd web && exec node node_modules/vite/bin/vite.js) &
vite=$!
while kill -0 "$vite" 2>/dev/null; do
	[ -z "$(changed)" ] || { echo "==> changed: building again"; start; }
	sleep 1
done
