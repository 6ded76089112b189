#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds in a real environment while the greediest collections run beside them: what is in use stays, and goes afterwards.
set -u
assay=$(realpath "${1:-$ASSAY}")
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "want root to make an environment"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-collect.XXXXXX")
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE=$work/store
failed=0

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then echo "ok - $name"; else echo "not ok - $name"; grep -v "^ " "$work"/*.log | tail -n 12; failed=1; fi
}
collect() {
	"$assay" store gc --grace=0s --keep-for=blobs=0s,environments=0s,candidates=0s,logs=0s >>"$work/gc.log" 2>&1
}
environments() { find "$work/store/environments" -mindepth 1 -maxdepth 1 | wc -l; }

image=$(python3 "$here/make.py" "$work" | sed -n 's/^good //p')
mkdir "$work/src"
echo source >"$work/src/file"
tar -C "$work/src" -cf "$work/src.tar" file
printf 'source\n' >"$work/want"
cat >"$work/r.yaml" <<END
recipe: 1
name: x
source: {archive: {path: src.tar, sha256: $(sha256sum <"$work/src.tar" | cut -d ' ' -f 1)}}
environment: {oci: {layout: layout, digest: $image}}
build: [cat file >out, "i=0; while [ \$i -lt 400000 ]; do i=\$((i + 1)); done"]
artifacts:
  - {built: out, published: want, sha256: $(sha256sum <"$work/want" | cut -d ' ' -f 1)}
END
for n in 1 2; do
	"$assay" verify "$work/r.yaml" >"$work/verify$n.log" 2>&1 &
	build=$!
	lost=0 seen=0
	while kill -0 $build 2>/dev/null; do
		collect || lost=$((lost + 1))
		[ "$(environments)" = 0 ] || seen=1
	done
	wait $build
	check "build $n in the midst of collections" test $? = 0
	check "none of them failed" test $lost = 0
	check "its environment was there" test $seen = 1
	sleep 1.1 # times are compared by the second
	collect
	check "unused, it goes" test "$(environments)" = 0
done
exit $failed
