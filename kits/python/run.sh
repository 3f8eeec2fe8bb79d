#!/usr/bin/env bash
# Builds the wheel around LCLQ_BIN, installs it into a new virtual environment, and tests what is there:
# the suite of all kits, the kit's own tests, and fifty tests at once.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../.. && pwd)"
export LCLQ_BIN="${LCLQ_BIN:-$repo/target/release/lclq}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}/kits/python"
mkdir -p "$cache"

wanted="$(cat requirements.txt; python3 --version)"
if [[ "$(cat "$cache/installed" 2>/dev/null)" != "$wanted" ]]; then
  rm -rf "$cache/sdks" "$cache/installed"
  python3 -m venv "$cache/sdks"
  "$cache/sdks/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt
  echo "$wanted" >"$cache/installed"
fi

work="$(mktemp -d "$cache/run.XXXXXX")"
trap 'rm -rf "$work"' EXIT
wheel="$(./build-wheel --binary "$LCLQ_BIN" --out "$work/dist" --python "$cache/sdks/bin/python" --no-build-isolation)"
echo "$(basename "$wheel"), $(($(stat -c %s "$wheel") / 1024)) KiB"
# New, with the wheel alone; SDKs come from beside it, since they are not what is tested.
python3 -m venv --without-pip "$work/venv"
"$cache/sdks/bin/pip" --python "$work/venv/bin/python" install --quiet --disable-pip-version-check --no-deps "$wheel"
"$cache/sdks/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
  >"$(echo "$work"/venv/lib/python*/site-packages)/sdks.pth"
# The wheel's own binary is what is tested.
unset LCLQ_BIN
export PATH="$work/venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1
[[ "$(command -v lclq)" == "$work/venv/bin/lclq" ]]

../contract/run.py --kit python -- "$work/venv/bin/python" tests/agent.py
python -m pytest -q -p no:cacheprovider tests/test_server.py tests/test_sample.py
TIMEFORMAT="kit python: 50 tests at once in %3R s, with %3U + %3S s of CPU"
time python -m pytest -q -p no:cacheprovider -n "${LCLQ_TEST_JOBS:-2}" --dist worksteal tests/test_parallel.py \
  >"$work/log" || { cat "$work/log"; exit 1; }
grep -qE '^50 passed' "$work/log"
