#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# mirror.sh ASSAY: a mirror that answers with errors, stops half way, or serves other bytes.  The exit
# status is that of the table (3 trouble, 4 broken evidence), and no blob is left that was not whole.
set -u
assay=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
proxy=
trap 'kill "$proxy" 2>/dev/null; rm -rf "$work"' EXIT
failed=0

try() { # MODE EXIT-STATUS
	local status blobs
	rm -f "$work/port"
	python3 "$here/mirror.py" "$1" "$work/port" &
	proxy=$!
	for _ in $(seq 50); do
		[ -s "$work/port" ] && break
		sleep 0.1
	done
	printf 'Acquire::http::Proxy "http://127.0.0.1:%s";\nAcquire::Retries "0";\n' \
		"$(cat "$work/port")" >"$work/apt.conf"
	APT_CONFIG=$work/apt.conf timeout 280 "$assay" verify --store="$work/store" \
		pkg:deb/debian/libcjson1 >"$work/out" 2>"$work/err"
	status=$?
	kill "$proxy"
	wait "$proxy" 2>/dev/null
	blobs=$(find "$work/store/blobs" -name '[0-9a-f]*' -type f -size +0 | wc -l)
	if [ "$status" = "$2" ] && [ "$blobs" = 0 ]; then
		echo "ok - $1: exit status $status, nothing kept"
	else
		echo "not ok - $1: exit status $status, wanted $2; $blobs blobs"
		tail -n 3 "$work/err"
		failed=1
	fi
}

try error 3
try short 3
try corrupt 4
exit $failed
