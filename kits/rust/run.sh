#!/usr/bin/env bash
# Runs the suite of all kits against the crate. Its own tests, fifty at once among them, are run by cargo:
# `cargo test -p lclq-testkit`. The agent is what that has built, or is built.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../.. && pwd)"
target="${CARGO_TARGET_DIR:-$repo/target}"
agent=
for built in "$target"/llvm-cov-target/debug/examples/agent "$target"/debug/examples/agent; do
  [[ -x "$built" && "$built" -nt "${agent:-/dev/null}" ]] && agent="$built"
done
if [[ -z "$agent" ]]; then
  cargo build --locked -p lclq-testkit --example agent
  agent="$target/debug/examples/agent"
fi
# Of these servers' variables the kit takes none.
export LCLQ_SQS_PORT=1
../contract/run.py --kit rust --in-process -- "$agent"
