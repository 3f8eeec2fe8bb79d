#!/usr/bin/env bash
# Compares proto/ with the descriptors of the official PyPI packages: every name, number, type,
# method and HTTP rule. Needs no server.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../../.. && pwd)"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}/contract"
mkdir -p "$cache"

wanted="$(cat requirements.txt; python3 --version)"
if [[ "$(cat "$cache/installed" 2>/dev/null)" != "$wanted" ]]; then
  rm -rf "$cache/venv" "$cache/installed"
  python3 -m venv "$cache/venv"
  "$cache/venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
  echo "$wanted" >"$cache/installed"
fi
export PYTHONDONTWRITEBYTECODE=1
exec "$cache/venv/bin/python" compare.py "$repo/proto"
