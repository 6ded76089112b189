#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# recipes.sh ASSAY [STORE]: recipes that need the mirror: a locked environment, a Debian source package as
# source, and the recipe that `recipe infer` writes, each to its verdict.  As root.
set -u
assay=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/var/tmp}/assay-recipes.XXXXXX")
export ASSAY_STORE=${2:-$work/store}
trap 'rm -rf "$work"' EXIT
failed=0
cd "$work" || exit 1

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >out 2>err; then echo "ok - $name"; else echo "not ok - $name"; tail -n 5 err out | sed 's/^/# /'; failed=1; fi
}
refused() { # STATUS PATTERN COMMAND...
	local want=$1 pattern=$2
	shift 2
	"$@" >said 2>&1
	[ $? = "$want" ] && grep -q "$pattern" said
}

check "infer writes a recipe and a lock" "$assay" recipe infer --output=inferred.yaml pkg:deb/debian/libcjson1
check "they are complete" "$assay" recipe check inferred.yaml
check "and lead to the verdict that the package URL has" "$assay" verify inferred.yaml
check "the lock is that of Debian's builders" grep -qx "usr split" inferred.lock

deb=$(sed -n 's/.*published: .*\/\(libcjson1_.*\)"/\1/p' inferred.yaml)
sha256=$(grep -A 1 "published: .*/libcjson1_" inferred.yaml | sed -n 's/.*sha256: //p')
name=$(sed -n 's/.*built: "\(libcjson1_.*\)"/\1/p' inferred.yaml)
version=$(sed -n 's/.*apt-source: cjson=//p' inferred.yaml)
cp "$ASSAY_STORE/blobs/${sha256:0:2}/$sha256" published.deb
cat >open.yaml <<END
recipe: 1
name: cjson
source: {apt-source: cjson=$version}
environment:
  debian: {suite: bookworm, packages: [debhelper, cmake]}
  path: /build/reproducible-path/cjson-${version%%-*}
build:
  - DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -us -uc -b
  - cp ../libcjson1_*.deb .
artifacts:
  - {built: $name, published: published.deb}
END
check "the inferred artifact has a URL" test -n "$deb"
check "a recipe without pins is refused" refused 2 "recipe lock" "$assay" recipe check open.yaml
check "lock pins it" "$assay" recipe lock --output=pinned.yaml open.yaml
mv cjson.lock first.lock
check "and once more" "$assay" recipe lock pinned.yaml
check "the same lock twice" cmp first.lock cjson.lock
check "a lock of an installed system" grep -qx "usr merged" cjson.lock
sed -i 's/^0 bash \(.*\) \([0-9]*\) /0 bash \1 99 /' cjson.lock
check "a lock that was edited is refused" refused 2 "it was edited" "$assay" recipe check pinned.yaml
check "also by verify" refused 2 "it was edited" "$assay" verify pinned.yaml
mv first.lock cjson.lock
check "apt-source in a locked environment: the same package" "$assay" verify pinned.yaml
sed 's/apt-source: cjson=[^}]*/apt-source: cjson=0.1-1/' pinned.yaml >gone.yaml
check "a version that is gone: inputs-lost, with the one there is" refused 3 "not carried (there is $version" "$assay" verify gone.yaml
exit $failed
