#!/usr/bin/env bash
# Builds the modules around LCLQ_BIN, has `go` install them from there into a module cache, and tests what is there:
# the suite of all kits and fifty tests at once.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../.. && pwd)"
binary="${LCLQ_BIN:-$repo/target/release/lclq}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}"
# Downloads and what is compiled of the SDKs, as the other Go suites have it.
export GOMODCACHE="$cache/go/mod" GOCACHE="$cache/go/build"
mkdir -p "$cache/kits"
work="$(mktemp -d "$cache/kits/go.XXXXXX")"
forget() { rm -rf "$work" "$GOMODCACHE"/github.com/lclq "$GOMODCACHE"/cache/download/github.com/lclq; }
# This version of the modules may be there from an earlier binary.
forget
mkdir "$work"
trap forget EXIT
version="$(sed -n 's/^version = "\(.*\)"/\1/p' "$repo/Cargo.toml" | head -1)"
./build-modules --out "$work/proxy" "$(go env GOOS)-$(go env GOARCH)=$binary"
GOPROXY="file://$work/proxy,$(go env GOPROXY)"
export GOPROXY GONOSUMDB="github.com/lclq/*" GOFLAGS="-modcacherw -mod=mod"
# Sums of modules that aren't published yet are not to be recorded.
cp -r tests "$work/tests"
cd "$work/tests"
sed -i "s|\(github.com/lclq/lclq/kits/go[a-z/]*\) v.*|\1 v$version|" go.mod
# The module's own binary is what is tested, unpacked anew.
unset LCLQ_BIN
export XDG_CACHE_HOME="$work/user-cache"
go vet ./...
go build -o "$work/agent" ./agent
go test -c -o "$work/parallel" .
"$repo/kits/contract/run.py" --kit go -- "$work/agent"
TIMEFORMAT="kit go: 50 tests at once in %3R s, with %3U + %3S s of CPU"
time "$work/parallel" -test.v -test.count 1 -test.parallel 50 -test.timeout 60s >"$work/log" || { cat "$work/log"; exit 1; }
count="$(grep -cE '^ *--- PASS: (Test(Queues|Topics)/[0-9]+|Test(AnHour|TheSDK|Without))' "$work/log")"
! grep -q -- '--- SKIP' "$work/log"
((count == 50))
