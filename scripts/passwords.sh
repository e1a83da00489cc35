#!/bin/sh
# Writes the list of passwords that are tried first: those of the zxcvbn-ts project
# (MIT), which were found in leaks, that are long enough to be a password here. A new
# version of the list is a new number in this file.
set -eu
cd "$(dirname "$0")/.."
out=$PWD/internal/account/guessed
version=4.1.3

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm pack --silent "@zxcvbn-ts/language-common@$version" >/dev/null
tar xzf ./*.tgz
node -p 'JSON.parse(require("fs").readFileSync("package/src/passwords.json", "utf8")).join("\n")' |
	tr '[:upper:]' '[:lower:]' | awk 'length >= 8' | LC_ALL=C sort -u >"$out.txt"
cp package/LICENSE.txt "$out.LICENSE"
