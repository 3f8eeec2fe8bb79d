#!/usr/bin/env bash
# Runs the Python (boto3) suite against the server that LCLQ_ENDPOINT names.
# The few tests that need a server with special flags start LCLQ_BIN themselves.
# Arguments go to pytest and replace the default selection of tests: ./run.sh test_fifo.py -k group
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../../.. && pwd)"
: "${LCLQ_ENDPOINT:?must name a running server, e.g. http://127.0.0.1:9324}"
export LCLQ_BIN="${LCLQ_BIN:-$repo/target/release/lclq}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}/python"
mkdir -p "$cache"

wanted="$(cat requirements.txt query-model-requirements.txt; python3 --version)"
if [[ "$(cat "$cache/installed" 2>/dev/null)" != "$wanted" ]]; then
  rm -rf "$cache/venv" "$cache/query-model" "$cache/installed"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --target "$cache/query-model" -r query-model-requirements.txt
  echo "$wanted" >"$cache/installed"
fi
export LCLQ_QUERY_MODEL="$cache/query-model/botocore/data"
export PATH="$cache/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1

log="$cache/last-run.log"
: >"$log"
status=0
run() { pytest "$@" 2>&1 | tee -a "$log" || status=$?; }
if (($#)); then
  run "$@"
else
  run -m "not alone and not times" -n "${LCLQ_TEST_JOBS:-4}" --dist worksteal
  run -m times -n "${LCLQ_TEST_JOBS:-4}" --dist worksteal
  run -m alone
fi
if grep -qE '^=+ .*[0-9]+ (skipped|xfailed|xpassed)' "$log"; then
  echo "python: a test was skipped" >&2
  exit 1
fi
exit "$status"
