#!/usr/bin/env bash
# Runs the Go SDK suite against the server that LCLQ_ENDPOINT names.
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_ENDPOINT:?must name a running server, e.g. http://127.0.0.1:9324}"
cache="${LCLQ_TEST_CACHE:-$(cd ../../.. && pwd)/target/test-cache}/go"
mkdir -p "$cache"
export GOMODCACHE="$cache/mod" GOCACHE="$cache/build" GOFLAGS="${GOFLAGS:-} -modcacherw -mod=readonly"

log="$cache/last-run.log"
status=0
go test -count=1 -v -parallel 8 -timeout 120s ./... 2>&1 | tee "$log" || status=$?
if grep -q -- '--- SKIP' "$log" || ! grep -q -- '--- PASS' "$log"; then
  echo "go: a test was skipped, or none ran" >&2
  exit 1
fi
echo "go: $(grep -c -- '^--- PASS' "$log") passed, $(grep -c -- '^--- FAIL' "$log" || true) failed"
exit "$status"
