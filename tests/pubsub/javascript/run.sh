#!/usr/bin/env bash
# Runs the JavaScript Pub/Sub suite against the server that LCLQ_PUBSUB names.
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_PUBSUB:?must name a running server, e.g. 127.0.0.1:8085}"
cache="${LCLQ_TEST_CACHE:-$(cd ../../.. && pwd)/target/test-cache}/javascript"
mkdir -p "$cache"

# Node resolves packages next to the tests, so only npm's download cache can live elsewhere.
if ! cmp -s package-lock.json "node_modules/.installed-lock"; then
  npm ci --cache "$cache/npm" --prefer-offline --no-audit --no-fund
  cp package-lock.json node_modules/.installed-lock
fi

log="$cache/last-pubsub-run.log"
status=0
NODE_NO_WARNINGS=1 node --test --test-reporter=spec --test-concurrency=4 test/*.test.js 2>&1 | tee "$log" || status=$?
if ! grep -qx 'ℹ skipped 0' "$log" || ! grep -qx 'ℹ todo 0' "$log"; then
  echo "javascript: a test was skipped, or none ran" >&2
  exit 1
fi
exit "$status"
