#!/usr/bin/env bash
# Runs the Python (google-cloud-pubsub) suite against the server that LCLQ_PUBSUB names.
# Arguments go to pytest and replace the default selection of tests: ./run.sh test_push.py -k oidc
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../../.. && pwd)"
: "${LCLQ_PUBSUB:?must name a running server, e.g. 127.0.0.1:8085}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}/pubsub-python"
mkdir -p "$cache"

wanted="$(cat requirements.txt; python3 --version)"
if [[ "$(cat "$cache/installed" 2>/dev/null)" != "$wanted" ]]; then
  rm -rf "$cache/venv" "$cache/installed"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
  echo "$wanted" >"$cache/installed"
fi
export PATH="$cache/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
# The tests choose their endpoint themselves; with this set, the libraries would.
unset PUBSUB_EMULATOR_HOST

log="$cache/last-run.log"
: >"$log"
status=0
run() { pytest "$@" 2>&1 | tee -a "$log" || status=$?; }
if (($#)); then
  run "$@"
else
  # Most of the time goes into waiting for deadlines, so more jobs than cores.
  run -n "${LCLQ_TEST_JOBS:-6}" --dist worksteal
fi
if grep -qE '^=+ .*[0-9]+ (skipped|xfailed|xpassed)' "$log"; then
  echo "pubsub/python: a test was skipped" >&2
  exit 1
fi
exit "$status"
