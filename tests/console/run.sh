#!/usr/bin/env bash
# The web console in a real browser: its types, each view, each action, axe, the keyboard, strangers' pages.
# Installs what it needs: a Chromium from Debian where there is none, and a few packages of npm.
#
#   LCLQ_BIN=target/release/lclq tests/console/run.sh          all tests
#   LCLQ_BIN=target/release/lclq tests/console/run.sh shots    pictures of all views in target/console-shots
#   LCLQ_BIN=target/release/lclq tests/console/run.sh load     half an hour beside a busy server, in figures
set -euo pipefail
cd "$(dirname "$0")"
root="$(cd ../.. && pwd)"
export LCLQ_BIN="$(cd "$root" && realpath "${LCLQ_BIN:-target/release/lclq}")"
if [[ -n "${LCLQ_LOAD:-}" ]]; then
  export LCLQ_LOAD="$(cd "$root" && realpath "$LCLQ_LOAD")"
fi
cache="${LCLQ_TEST_CACHE:-$root/target/test-cache}/console"
mkdir -p "$cache"

if [[ -z "${LCLQ_CHROMIUM:-}" ]] && ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null; then
  if ! command -v apt-get >/dev/null || [[ "$(id -u)" != 0 ]]; then
    echo "console: install chromium, or name one by LCLQ_CHROMIUM" >&2
    exit 1
  fi
  install=(apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core)
  DEBIAN_FRONTEND=noninteractive "${install[@]}" >"$cache/apt.log" 2>&1 ||
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${install[@]}" >"$cache/apt.log" 2>&1; } ||
    { cat "$cache/apt.log" >&2; exit 1; }
fi

# Node resolves packages next to the tests, so only npm's download cache can live elsewhere.
if ! cmp -s package-lock.json "node_modules/.installed-lock"; then
  npm ci --cache "$cache/npm" --prefer-offline --no-audit --no-fund
  cp package-lock.json node_modules/.installed-lock
fi

case "${1:-}" in
  shots | load) exec node "$1.js" "${@:2}" ;;
esac
node_modules/.bin/tsc -p "$root/console/tsconfig.json" --checkJs --noEmit
echo "console: types are sound"

log="$cache/last-run.log"
status=0
NODE_NO_WARNINGS=1 node --test --test-reporter=spec --test-concurrency=2 --test-timeout=180000 test/*.test.js 2>&1 | tee "$log" || status=$?
if ! grep -qx 'ℹ skipped 0' "$log" || ! grep -qx 'ℹ todo 0' "$log"; then
  echo "console: a test was skipped, or none ran" >&2
  exit 1
fi
exit "$status"
