#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# farm.sh BUILD WORKDIR: the queue against bare transactions on SQLite and on a PostgreSQL of its own; then what a real
# scheduler with a million queued jobs takes while nothing happens, and while three workers wait.
set -euo pipefail
build=$(realpath "$1")
work=$2/farm
here=$(dirname "$(realpath "$0")")
rm -rf "$work"
mkdir -p "$work"
work=$(realpath "$work")
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

echo "SQLite, $(df --output=fstype "$work" | tail -n 1)"
"$build/bench/farm" "sqlite:$work/queue.db"
echo
echo "PostgreSQL"
# shellcheck disable=SC2016 # for the shell beside PostgreSQL
"$here/../farm/postgres" bash -c '"$1" "$ASSAY_TEST_POSTGRES"' bench "$build/bench/farm"

export ASSAY_STORE=$work/store
"$build/assay" scheduler --database="sqlite:$work/queue.db" 2>"$work/log" &
scheduler=$!
until "$build/assay" jobs --limit=1 >/dev/null 2>&1; do
	kill -0 "$scheduler" || { cat "$work/log"; exit 1; }
	sleep 0.2
done
ticks() { awk '{ print $14 + $15 }' "/proc/$scheduler/stat"; }
idle() { # WHAT
	local before after
	before=$(ticks)
	sleep 20
	after=$(ticks)
	awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v what="$1" -v rss="$(awk '/VmRSS/ { print $2 }' "/proc/$scheduler/status")" \
		'BEGIN { printf "%-32s %5.2f %% of a processor, %d MiB\n", what, 100 * t / hz / 20, rss / 1024 }'
}
echo
echo "A scheduler with a million queued jobs"
idle "nothing happens"
for i in 1 2 3; do "$build/assay" worker --name="b$i" --pool=empty >/dev/null 2>&1 & done
sleep 2
idle "three workers wait for a job"
