#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# buildinfo.sh ASSAY: a list of .buildinfo files becomes jobs, and the files blobs that the jobs name.
set -u
assay=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-buildinfo-list.XXXXXX")
export ASSAY_STORE=$work/store LC_ALL=C.UTF-8
trap 'kill "$scheduler" 2>/dev/null; wait; rm -rf "$work"' EXIT
passed=0 failed=0
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then passed=$((passed + 1)); echo "ok - $name"; else failed=$((failed + 1)); echo "not ok - $name"; fi
}
"$assay" scheduler --collect-every=1s 2>"$work/log" &
scheduler=$!
for _ in $(seq 50); do [ -S "$ASSAY_STORE/farm/socket" ] && break; sleep 0.1; done
cat >"$work/one.buildinfo" <<END
Format: 1.0
Source: thing
Binary: thing libthing-dev
Architecture: amd64
Version: 1:2.0-3+b1
Checksums-Sha256:
 $(printf %064d 0) 100 thing-dbgsym_2.0-3+b1_amd64.ddeb
 $(printf %064d 0) 100 libthing-dev_2.0-3+b1_amd64.deb
Installed-Build-Depends:
 gcc (= 4:12.2.0-3)
END
printf '# a list\n\n%s\n' "$work/one.buildinfo" >"$work/list"
check "a list is taken" "$assay" submit --buildinfo-list="$work/list" >"$work/out"
check "its first package is the target" grep -qF 'pkg:deb/debian/libthing-dev@1:2.0-3+b1?arch=amd64' <("$assay" jobs)
check "the same list again is known" grep -q ' open ' <("$assay" submit --buildinfo-list="$work/list")
check "the file is a blob" test -e "$ASSAY_STORE/blobs/$(sha256sum <"$work/one.buildinfo" | cut -c 1-2)/$(sha256sum <"$work/one.buildinfo" | cut -d ' ' -f 1)"
named() { grep -q "^locks $(sha256sum <"$work/one.buildinfo" | cut -d ' ' -f 1) " "$ASSAY_STORE/farm/names"; }
for _ in $(seq 50); do named && break; sleep 0.2; done
check "it is named for as long as its job waits" named
for bad in 'nope' $'Version: 1\n' $'Version: 1\nChecksums-Sha256:\n 0 1 source.dsc\n' ''; do
	printf '%s' "$bad" >"$work/bad.buildinfo"
	echo "$work/bad.buildinfo" >"$work/list"
	"$assay" submit --buildinfo-list="$work/list" >/dev/null 2>"$work/err"
	check "what is no .buildinfo is refused with its place" test $? = 2 -a -n "$(grep -F "$work/list:1: $work/bad.buildinfo: " "$work/err")"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
