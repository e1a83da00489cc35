#!/bin/sh
# Installs what is missing, and says nothing when nothing is.
#
#   web    the page's npm packages, as web/package-lock.json has them
#   test   what only the tests need: a C compiler (for go test -race), PostgreSQL's
#          server programs, PgBouncer, Chromium, curl
set -eu
cd "$(dirname "$0")/.."

need() { command -v "$1" >/dev/null 2>&1 || { echo "$1 is missing: $2" >&2; exit 1; }; }

web() {
	need node "install Node.js 20.19 or later"
	# npm keeps no note of which lockfile it installed from, so we do.
	stamp=web/node_modules/.installed-from
	cmp -s web/package-lock.json "$stamp" && return
	echo "==> npm ci"
	(cd web && npm ci --no-audit --no-fund --loglevel=error)
	cp web/package-lock.json "$stamp"
}

has_chromium() { [ -n "${CHROMIUM:-}" ] || [ -x /usr/bin/chromium ]; }
has_postgres() { command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }

test_tools() {
	packages=
	command -v gcc >/dev/null 2>&1 || packages="$packages gcc libc6-dev"
	command -v curl >/dev/null 2>&1 || packages="$packages curl"
	has_postgres || packages="$packages postgresql"
	command -v pgbouncer >/dev/null 2>&1 || packages="$packages pgbouncer"
	has_chromium || packages="$packages chromium"
	[ -n "$packages" ] || return 0
	command -v apt-get >/dev/null 2>&1 || {
		echo "the tests need, in Debian's names:$packages" >&2
		echo "(another Chromium: CHROMIUM=/path; without PostgreSQL: PEISEAR_TEST_ENGINES=sqlite)" >&2
		exit 1
	}
	sudo=
	[ "$(id -u)" -eq 0 ] || {
		need sudo "run as root: apt-get install$packages"
		sudo=sudo
	}
	echo "==> apt-get install$packages"
	# Packages say much while they are set up; only what went wrong is worth reading.
	log=$(mktemp)
	# shellcheck disable=SC2086 # the list is meant to be split
	{ $sudo apt-get update -qq &&
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages; } >"$log" 2>&1 || {
		cat "$log" >&2
		rm "$log"
		exit 1
	}
	rm "$log"
}

need go "install Go 1.26 or later"
for part in "$@"; do
	case $part in
	web) web ;;
	test) test_tools ;;
	esac
done
