#!/bin/sh
# Runs one named phase and prints how long it took: scripts/phase.sh "go vet" go vet ./...
name=$1
shift
start=$(date +%s)
echo "==> $name"
"$@"
status=$?
if [ $status -eq 0 ]; then
	echo "    $name: $(($(date +%s) - start)) s"
else
	echo "    $name: not right (status $status), after $(($(date +%s) - start)) s" >&2
fi
exit $status
