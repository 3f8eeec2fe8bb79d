#!/usr/bin/env bash
# Runs the Java Pub/Sub suite against the server that LCLQ_PUBSUB names.
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_PUBSUB:?must name a running server, e.g. 127.0.0.1:8085}"
cache="${LCLQ_TEST_CACHE:-$(cd ../../.. && pwd)/target/test-cache}/java"
mkdir -p "$cache"

log="$cache/last-pubsub-run.log"
status=0
mvn -B -ntp -Dstyle.color=never -Dmaven.repo.local="$cache/m2" -Dbuild.dir="$cache/build-pubsub" test 2>&1 | tee "$log" || status=$?
if ! grep -qE 'Tests run: [1-9][0-9]*, Failures: [0-9]+, Errors: [0-9]+, Skipped: 0$' "$log"; then
  echo "java: a test was skipped, or none ran" >&2
  exit 1
fi
exit "$status"
