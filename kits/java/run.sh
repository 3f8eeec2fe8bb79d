#!/usr/bin/env bash
# Builds the artifacts around LCLQ_BIN, has Maven install them into its local repository, and tests what is there
# in a project of its own: the suite of all kits, a Spring Boot application, and fifty tests at once.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../.. && pwd)"
binary="${LCLQ_BIN:-$repo/target/release/lclq}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}"
mkdir -p "$cache/kits" "$cache/java"
work="$(mktemp -d "$cache/kits/java.XXXXXX")"
forget() { rm -rf "$work" "$cache/java/m2/io/github/lclq"; }
forget
mkdir "$work"
trap forget EXIT
version="$(sed -n 's/^version = "\(.*\)"/\1/p' "$repo/Cargo.toml" | head -1)"
platform="linux-$(uname -m)"
mkdir -p "$work/binary/lclq/$platform"
cp "$binary" "$work/binary/lclq/$platform/lclq"
maven=(mvn -B -ntp -Dstyle.color=never -Dmaven.repo.local="$cache/java/m2")
"${maven[@]}" -q -Drevision="$version" -Dplatform="$platform" -Dbuild.dir="$work" install
ls -l "$cache"/java/m2/io/github/lclq/*/"$version"/*.jar | awk '{ print $5, $9 }' | sed "s|$cache/java/m2/||"

# The artifact's own binary is what is tested, unpacked anew.
unset LCLQ_BIN
export XDG_CACHE_HOME="$work/user-cache"
log="$work/log"
"${maven[@]}" -f tests/pom.xml -Dlclq.version="$version" -Dlclq.platform="$platform" -Dbuild.dir="$work/tests" test |
  tee "$log" | grep -aE '^\[(INFO|ERROR|WARNING)\] (Tests run|  |BUILD|COMPIL)|ERROR' || true
grep -qE 'Tests run: 55, Failures: 0, Errors: 0, Skipped: 0$' "$log"
seconds="$(sed -nE 's/.*Tests run: 50, .*Time elapsed: ([0-9.]+) s.* lclq.ParallelTest/\1/p' "$log")"
echo "kit java: 50 tests at once in $(awk "BEGIN { print $seconds * 1000 }") ms"
../contract/run.py --kit java -- \
  java -cp "$work/tests/test-classes:$(cat "$work/tests/class-path")" -Dorg.slf4j.simpleLogger.defaultLogLevel=error lclq.Agent
