#!/usr/bin/env bash
# How close lclq comes to a server that does nothing.
#
# Runs the no-op server and lclq in turn, several rounds of each, interleaved so that whatever else
# the machine does meets both alike, loads each with SendMessage, and prints the ratio of the
# medians. Both run on the same driver and as many cores.
#
#   loadtest/ratio.sh [LCLQ_BINARY [extra arguments for `lclq start`...]]
#
# Settings by environment: ROUNDS=5 SECONDS_EACH=4 CONNECTIONS=64 RUNTIME=epoll CORES=2 BODY=200
# BIN=target/release (where noop-server and sqs-load are).
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
bin=${BIN:-${CARGO_TARGET_DIR:-$root/target}/release}
lclq=${1:-$bin/lclq}
if [ $# -gt 0 ]; then shift; fi
rounds=${ROUNDS:-5}
seconds=${SECONDS_EACH:-4}
connections=${CONNECTIONS:-64}
runtime=${RUNTIME:-epoll}
cores=${CORES:-2}
body=${BODY:-200}

work=$(mktemp -d)
server=
stop() {
    # Only ever the process started below, by its id.
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap 'stop; rm -rf "$work"' EXIT

# measure NAME COMMAND...: starts the server, loads it, appends "requests/s p99" to $work/NAME.
measure() {
    local name=$1 url=
    shift
    "$@" >"$work/out" 2>"$work/err" &
    server=$!
    for _ in $(seq 200); do
        if grep -q '^ready' "$work/out"; then break; fi
        if ! kill -0 "$server" 2>/dev/null; then break; fi
        sleep 0.05
    done
    url=$(sed -n 's/^listening sqs //p' "$work/out" | head -n 1)
    if [ -z "$url" ]; then
        echo "$name didn't start:" >&2
        cat "$work/out" "$work/err" >&2
        exit 1
    fi
    "$bin/sqs-load" --url "$url" --connections "$connections" --seconds "$seconds" \
        --body-bytes "$body" --action send >"$work/load"
    stop
    sed -n 's/.*"errors":\([0-9]*\).*"requests_per_second":\([0-9.]*\).*"p99_us":\([0-9]*\).*/\2 \3 \1/p' \
        "$work/load" | tee -a "$work/$name" |
        { read -r rate p99 errors; echo "  $name: $rate requests/s, p99 $p99 us, $errors errors"; }
}

median() { # COLUMN FILE
    awk -v column="$1" '{print $column}' "$2" | sort -n |
        awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'
}

echo "SendMessage of $body bytes, $connections connections, $runtime, $cores cores, $rounds rounds"
for round in $(seq "$rounds"); do
    echo "round $round"
    measure noop "$bin/noop-server" --runtime "$runtime" --cores "$cores" --port 0
    measure lclq "$lclq" start --sqs-port 0 --runtime "$runtime" --cores "$cores" "$@"
done
noop=$(median 1 "$work/noop")
real=$(median 1 "$work/lclq")
echo "medians: no-op $noop requests/s, lclq $real requests/s, ratio $(awk -v a="$real" -v b="$noop" 'BEGIN {printf "%.3f", a / b}')"
echo "median p99: no-op $(median 2 "$work/noop") us, lclq $(median 2 "$work/lclq") us"
