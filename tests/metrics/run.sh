#!/usr/bin/env bash
# Has a real Prometheus scrape the binary that LCLQ_BIN names, and promtool read its metrics, the alert
# rules and what the dashboard asks. Prometheus comes as Debian's package, which is unpacked and not
# installed; where there is a prometheus and a promtool already, these are taken.
set -euo pipefail
: "${LCLQ_BIN:?must name the binary under test, e.g. target/release/lclq}"
LCLQ_BIN="$(realpath "$LCLQ_BIN")"
cd "$(dirname "$0")"
root="$(cd ../.. && pwd)"
cache="${LCLQ_TEST_CACHE:-$root/target/test-cache}/prometheus"

if command -v prometheus >/dev/null && command -v promtool >/dev/null; then
  bin="$(dirname "$(command -v prometheus)")"
else
  bin="$cache/unpacked/usr/bin"
  if [[ ! -x "$bin/prometheus" ]]; then
    if ! command -v apt-get >/dev/null; then
      echo "metrics: install prometheus and promtool, or run this where there is apt-get" >&2
      exit 1
    fi
    rm -rf "$cache"
    mkdir -p "$cache"
    # Its lists of packages may be old, or not be there.
    (cd "$cache" && { apt-get -o APT::Sandbox::User=root download -qq prometheus || { apt-get update -qq && apt-get -o APT::Sandbox::User=root download -qq prometheus; }; })
    dpkg -x "$cache"/prometheus_*.deb "$cache/unpacked"
    rm "$cache"/prometheus_*.deb
  fi
fi
exec env LCLQ_BIN="$LCLQ_BIN" PROMETHEUS="$bin/prometheus" PROMTOOL="$bin/promtool" \
  python3 check.py "$root"
