#!/usr/bin/env bash
# Runs the Go Pub/Sub suite against the server that LCLQ_PUBSUB names.
# With LCLQ_LONG=1 the idle stream waits ten minutes rather than 70 seconds.
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_PUBSUB:?must name a running server, e.g. 127.0.0.1:8085}"
cache="${LCLQ_TEST_CACHE:-$(cd ../../.. && pwd)/target/test-cache}/go"
mkdir -p "$cache"
export GOMODCACHE="$cache/mod" GOCACHE="$cache/build" GOFLAGS="${GOFLAGS:-} -modcacherw -mod=readonly"

log="$cache/last-pubsub-run.log"
status=0
# Most tests wait more than they work, so far more of them run at once than there are cores.
go test -count=1 -v -parallel 32 -timeout "$([[ -n "${LCLQ_LONG:-}" ]] && echo 900s || echo 240s)" ./... 2>&1 |
  tee "$log" || status=$?
if grep -q -- '--- SKIP' "$log" || ! grep -q -- '--- PASS' "$log"; then
  echo "go: a test was skipped, or none ran" >&2
  exit 1
fi
echo "go: $(grep -c -- '^--- PASS' "$log") passed, $(grep -c -- '^--- FAIL' "$log" || true) failed"
exit "$status"
