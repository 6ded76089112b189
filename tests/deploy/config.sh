#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# config.sh ASSAY: the configuration of a scheduler and of a worker, and --check-config on good and bad ones.
set -u
assay=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-config.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset ASSAY_CONFIG
export ASSAY_STORE=$work/default LC_ALL=C.UTF-8
passed=0 failed=0

# check NAME STATUS WORDS [OPTION...]: the configuration is on standard input
check() {
	local name=$1 want=$2 words=$3 have
	shift 3
	cat >"$work/assay.yaml"
	"$assay" scheduler --check-config --config="$work/assay.yaml" "$@" >"$work/out" 2>&1
	have=$?
	if [ $have = "$want" ] && grep -qF -- "$words" "$work/out"; then
		passed=$((passed + 1)) && echo "ok - $name"
	else
		failed=$((failed + 1)) && echo "not ok - $name" && sed 's/^/# /' "$work/out" && echo "# exit status $have"
	fi
}

check "nothing but the version" 0 "store      $work/default, will be made" <<<'config: 1'
check "the default database is in the store" 0 "sqlite:$work/default/farm/queue.db" <<<'config: 1'
check "keys are used" 0 "listen     :8443" <<<$'config: 1\nscheduler: {listen: ":8443", keep-for: [logs=3d]}'
check "ages too" 0 "logs=3d" <<<$'config: 1\nscheduler: {listen: ":8443", keep-for: [logs=3d]}'
check "an option comes before its key" 0 "listen     [::1]:9" --listen='[::1]:9' <<<$'config: 1\nscheduler: {listen: ":8443"}'
check "an unknown key has its place" 2 "assay.yaml:2:13: scheduler: " <<<$'config: 1\nscheduler: {port: 8443}'
check "another kind too" 2 "assay.yaml:2:22: scheduler.listen: " <<<$'config: 1\nscheduler: {listen:  [a]}'
check "an age that is none" 2 "keep-for" <<<$'config: 1\nscheduler: {keep-for: [logs=soon]}'
check "an address that is none" 2 "want HOST:PORT" <<<$'config: 1\nscheduler: {listen: here}'
check "a place that cannot be written" 2 "Not a directory" <<<"{config: 1, scheduler: {store: $work/assay.yaml/x}}"
check "a socket's path that is too long" 2 "for a socket" <<<"{config: 1, scheduler: {socket: /$(printf '%0120d' 0)}}"
check "a database that does not answer" 3 "assay:" <<<"{config: 1, scheduler: {database: 'postgresql://nobody:secret@/x?host=$work'}}"
check "a database of another kind" 2 "want sqlite:" <<<"{config: 1, scheduler: {database: 'mysql://x'}}"
check "a worker's keys" 0 "could start" <<<$'config: 1\nworker: {pool: prod, labels: disk=fast, scheduler: "https://x:1", telemetry: "http://y:4318/v1/traces"}'
check "a worker's unknown key" 2 "worker: " <<<$'config: 1\nworker: {pools: prod}'
if [ -e "$work/default" ]; then
	failed=$((failed + 1)) && echo "not ok - a check makes nothing"
else
	passed=$((passed + 1)) && echo "ok - a check makes nothing"
fi
printf 'config: 1\nworker: {socket: %s}\n' "$work/none" >"$work/assay.yaml"
if timeout 2 "$assay" worker --once --config="$work/assay.yaml" 2>&1 | grep -qF "no scheduler answers at $work/none"; then
	passed=$((passed + 1)) && echo "ok - a worker reads its part"
else
	failed=$((failed + 1)) && echo "not ok - a worker reads its part"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
