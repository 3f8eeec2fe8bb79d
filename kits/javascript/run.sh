#!/usr/bin/env bash
# Builds the npm packages around LCLQ_BIN, installs them into a new project, and tests what is there: the suite of
# all kits, `npx lclq`, vitest and jest, types, and fifty tests at once.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../.. && pwd)"
binary="${LCLQ_BIN:-$repo/target/release/lclq}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}/kits/javascript"
mkdir -p "$cache"

# SDKs and test runners come from beside the project, since they are not what is tested.
if ! cmp -s tests/package-lock.json "$cache/sdks/.installed-lock"; then
  rm -rf "$cache/sdks"
  mkdir -p "$cache/sdks"
  cp tests/package.json tests/package-lock.json "$cache/sdks"
  (cd "$cache/sdks" && npm ci --cache "$cache/npm" --prefer-offline --no-audit --no-fund --silent)
  cp tests/package-lock.json "$cache/sdks/.installed-lock"
fi
work="$(mktemp -d "$cache/sdks/run.XXXXXX")"
trap 'rm -rf "$work"' EXIT
platform="$(node -p 'process.platform + "-" + process.arch')"
mapfile -t packages < <(./build-packages --out "$work/dist" "$platform=$binary")
du -h "${packages[@]}"
# A binary on PATH or by name is not what is tested.
unset LCLQ_BIN
cp tests/*.mjs tests/*.cjs tests/*.ts "$work"
cd "$work"
echo '{ "name": "project", "private": true }' >package.json
# The platform's package is there as a registry would serve it; it is taken because the other one asks for it.
npm install --cache "$cache/npm" --offline --no-audit --no-fund --silent "${packages[@]}"
version="$(sed -n 's/^version = "\(.*\)"/\1/p' "$repo/Cargo.toml" | head -1)"
[[ "$(npx lclq --version)" == "lclq $version" ]]

"$repo/kits/contract/run.py" --kit javascript -- node agent.mjs
# The command, as a terminal's group of processes, ends when the terminal says so.
setsid npx lclq start --sqs-port 0 --pubsub-port 0 --pubsub-rest-port 0 --admin-port 0 >started 2>log &
npx=$!
for _ in $(seq 200); do
  grep -q '^ready' started && break
  sleep 0.05
done
health="$(sed -n 's/^listening admin //p' started)/api/v1/health"
curl --silent --fail --noproxy '*' --output health "$health"
kill -TERM -- "-$npx"
for _ in $(seq 200); do
  curl --silent --noproxy '*' --output health "$health" || break
  sleep 0.05
done
! curl --silent --noproxy '*' --output health "$health"

cat >vitest.config.mjs <<'END'
export default { test: { globalSetup: "lclq/setup", include: ["*.vitest.ts"], testTimeout: 30000 } };
END
cat >jest.config.cjs <<'END'
module.exports = { globalSetup: "lclq/setup", globalTeardown: "lclq/teardown", testMatch: ["**/*.jest.cjs"] };
END
# Google's library looks for its cloud's metadata server, at every client's start.
export NODE_NO_WARNINGS=1 METADATA_SERVER_DETECTION=none
bin="$cache/sdks/node_modules/.bin"
timeout 60 "$bin/vitest" run
timeout 60 "$bin/jest" --silent
"$bin/tsc" --noEmit --strict --target es2022 --module nodenext --moduleResolution nodenext --skipLibCheck ./*.ts
TIMEFORMAT="kit javascript: 50 tests at once in %3R s, with %3U + %3S s of CPU"
time timeout 120 node --test --test-reporter=spec parallel.test.mjs >tests.log || { cat tests.log; exit 1; }
grep -qx 'ℹ pass 50' tests.log
