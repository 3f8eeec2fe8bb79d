#!/usr/bin/env bash
# Runs the Rust Pub/Sub suite against the server that LCLQ_PUBSUB names.
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_PUBSUB:?must name a running server, e.g. 127.0.0.1:8085}"
cache="${LCLQ_TEST_CACHE:-$(cd ../../.. && pwd)/target/test-cache}/rust"
mkdir -p "$cache"
export CARGO_TARGET_DIR="$cache/target"

log="$cache/last-pubsub-run.log"
status=0
cargo test --locked --test pubsub -- --test-threads=12 2>&1 | tee "$log" || status=$?
if grep -q '^test .* \.\.\. ignored' "$log" || ! grep -qE '^test result: .* 0 ignored;.* 0 filtered out' "$log"; then
  echo "rust: a test was skipped, or none ran" >&2
  exit 1
fi
exit "$status"
