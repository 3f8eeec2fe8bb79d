#!/usr/bin/env bash
# Runs the wire suite (raw sockets, no SDK) against the server that LCLQ_ENDPOINT names.
# Arguments go to pytest and replace the default selection of tests: ./run.sh test_http1.py -k chunked
set -euo pipefail
cd "$(dirname "$0")"
: "${LCLQ_ENDPOINT:?must name a running server, e.g. http://127.0.0.1:9324}"
cache="${LCLQ_TEST_CACHE:-$(cd ../.. && pwd)/target/test-cache}/wire"
mkdir -p "$cache"

wanted="$(cat requirements.txt; python3 --version)"
if [[ "$(cat "$cache/installed" 2>/dev/null)" != "$wanted" ]]; then
  rm -rf "$cache/venv" "$cache/installed"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
  echo "$wanted" >"$cache/installed"
fi
export PATH="$cache/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1

log="$cache/last-run.log"
status=0
if (($#)); then set -- "$@"; else set -- -n "${LCLQ_TEST_JOBS:-4}" --dist worksteal; fi
pytest "$@" 2>&1 | tee "$log" || status=$?
if grep -qE '^=+ .*[0-9]+ (skipped|xfailed|xpassed)' "$log"; then
  echo "wire: a test was skipped" >&2
  exit 1
fi
exit "$status"
