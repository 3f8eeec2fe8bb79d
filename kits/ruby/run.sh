#!/usr/bin/env bash
# `run.sh install` installs RSpec and no more: Debian's packages are installed by one at a time.
# Builds the gem, installs it into a directory of its own, and tests what is there: the suite of all kits and RSpec's.
set -euo pipefail
cd "$(dirname "$0")"
repo="$(cd ../.. && pwd)"
export LCLQ_BIN="${LCLQ_BIN:-$repo/target/release/lclq}"
cache="${LCLQ_TEST_CACHE:-$repo/target/test-cache}/kits"
mkdir -p "$cache"
# RubyGems' registry can't be had everywhere; Debian has RSpec.
install() {
  apt-get install -y -q --no-install-recommends ruby ruby-rspec >"$cache/ruby-install.log" 2>&1
}
if ! ruby -e 'require "rspec/core"' 2>/dev/null; then
  install || { apt-get update -q >/dev/null && install; } || { cat "$cache/ruby-install.log"; exit 1; }
fi
[[ "${1:-}" != install ]] || exit 0
work="$(mktemp -d "$cache/ruby.XXXXXX")"
trap 'rm -rf "$work"' EXIT
gem build --silent --output "$work/lclq.gem" lclq.gemspec
gem install --silent --local --no-document --install-dir "$work/gems" "$work/lclq.gem"
GEM_PATH="$work/gems:$(gem env path)"
export GEM_PATH
../contract/run.py --kit ruby -- ruby spec/agent.rb
TIMEFORMAT="kit ruby: 50 sandboxes at once in %3R s, with %3U + %3S s of CPU"
time ruby -e 'require "rspec/core"; exit RSpec::Core::Runner.run(ARGV)' -- spec/*_spec.rb
