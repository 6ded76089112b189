#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# buildinfo.sh ASSAY [STORE]: a real .buildinfo, made by dpkg-genbuildinfo in a rebuild of ours, signed with a
# key of the test, and given back to --buildinfo: exact versions, its path, its signature; and what is wrong
# with it when something is.  As root, with the machine's mirror.
set -u
assay=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/var/tmp}/assay-buildinfo.XXXXXX")
store=${2:-$work/store}
target=pkg:deb/debian/libcjson1
failed=0
export GNUPGHOME=$work/gnupg LC_ALL=C.UTF-8
trap 'gpgconf --kill all 2>/dev/null; rm -rf "$work"' EXIT
mkdir -m 700 "$GNUPGHOME"

ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; tail -n 5 "$work/err" | sed 's/^/# /'; failed=1; }
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then ok "$name"; else not_ok "$name"; fi
}
verify() { # EXIT-STATUS ARGUMENTS...: the report lies in $work/report.json
	local want=$1
	shift
	"$assay" verify --store="$store" --json="$work/report.json" "$@" "$target" >"$work/out" 2>"$work/err"
	[ $? = "$want" ]
}
says() { # PYTHON-EXPRESSION over the report r
	python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
		"$work/report.json" "$1"
}
key() { gpg --batch --quiet --passphrase '' --quick-generate-key "$1 <$1@example.org>" ed25519 sign never 2>/dev/null; }

check "a rebuild that keeps its work directory" verify 0 --keep --output="$work/run"
info=$(echo "$work"/run/workspace-1/reproducible-path/cjson_*_amd64.buildinfo)
check "dpkg-genbuildinfo has left a .buildinfo" test -s "$info"
key builder
key stranger
gpg --batch --quiet --armor --export builder >"$work/builder.asc"
gpg --batch --quiet --export stranger >"$work/stranger.gpg"
gpg --batch --quiet --local-user builder --clearsign --output "$work/signed.buildinfo" "$info"

verify 0 --buildinfo="$work/signed.buildinfo" --buildinfo-key="$work/builder.asc" --output="$work/again"
check "signed: reproducible in the environment that it records" test $? = 0
check "its signature is a step of the chain" \
	says 'any(s["step"] == "buildinfo" and s["status"] == "verified" for s in r["chain"])'
check "its path is the build's" says 'r["build"]["path"].startswith("/build/reproducible-path/cjson-")'
versions() { sed -n '/^Installed-Build-Depends:/,/^[^ ]/s/^ \([^ :]*\).* (= \(.*\)).*/\1 \2/p' "$1" | sort; }
digest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["environment"]["lock"])' "$work/report.json")
locked=$(grep -rlx "end $digest" "$store/blobs" | head -n 1)
check "exactly the versions that it names are installed" \
	diff <(versions "$info") <(sed -n 's/^0 \([^ ]*\) \([^ ]*\) .*/\1 \2/p' "$locked" | grep -vE '^(lib)?fakeroot ' | sort)

sed 's/^Build-Path: .*/Build-Path: \/build\/cjson-elsewhere/' "$info" >"$work/path.buildinfo"
verify 0 --buildinfo="$work/path.buildinfo"
check "another build path, not signed: built there, and still the same" \
	says 'r["build"]["path"] == "/build/cjson-elsewhere" and any(s["status"] == "unsigned" for s in r["chain"])'

sed 's/^Architecture: amd64/Architecture: amd64 all/' "$work/signed.buildinfo" >"$work/bad.buildinfo"
verify 4 --buildinfo="$work/bad.buildinfo" --buildinfo-key="$work/builder.asc"
check "a signature that does not match: rejected, nothing built" \
	says 'r["verdict"] == "rejected" and not r["attempts"] and "does not match" in r["reason"]'
verify 4 --buildinfo="$work/signed.buildinfo" --buildinfo-key="$work/stranger.gpg"
check "signed by another key than the one wanted: rejected" says 'r["verdict"] == "rejected" and "keyring does not have" in r["reason"]'
verify 4 --buildinfo="$info" --buildinfo-key="$work/builder.asc"
check "a signature wanted and none there: rejected" says 'r["verdict"] == "rejected" and "have none" in r["reason"]'

sed -E 's/^( (make|gcc-12|tar)) \(= .*\)/\1 (= 0.1-1)/' "$info" >"$work/lost.buildinfo"
verify 3 --buildinfo="$work/lost.buildinfo"
check "versions that are gone: inputs-lost, the reason names them" \
	says 'r["verdict"] == "inputs-lost" and all(n + " 0.1-1 (there is " in r["reason"] for n in ("make", "gcc-12", "tar"))'
check "and each is a step of the chain" says 'sum(s["status"] == "not carried" for s in r["chain"]) == 3'

sed 's/^Source: .*/Source: other/' "$info" >"$work/other.buildinfo"
check "of another source: wrong usage" verify 2 --buildinfo="$work/other.buildinfo"
"$assay" verify --buildinfo="$work/none" "$target" >"$work/out" 2>"$work/err"
check "no such file: wrong usage, which names it" test $? = 2
exit $failed
