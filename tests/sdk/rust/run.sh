#!/usr/bin/env bash
# Runs the Rust SDK suite against the server that LCLQ_ENDPOINT names.
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_ENDPOINT:?must name a running server, e.g. http://127.0.0.1:9324}"
cache="${LCLQ_TEST_CACHE:-$(cd ../../.. && pwd)/target/test-cache}/rust"
mkdir -p "$cache"
export CARGO_TARGET_DIR="$cache/target"

log="$cache/last-run.log"
status=0
cargo test --locked --test sqs -- --test-threads=8 2>&1 | tee "$log" || status=$?
if grep -q '^test .* \.\.\. ignored' "$log" || ! grep -qE '^test result: .* 0 ignored;.* 0 filtered out' "$log"; then
  echo "rust: a test was skipped, or none ran" >&2
  exit 1
fi
exit "$status"
