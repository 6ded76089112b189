#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# recipe.sh ASSAY: recipes and .buildinfo files from another machine, over mutual TLS: brought, looked at, built.
set -u
assay=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-afar.XXXXXX")
export LC_ALL=C.UTF-8
# shellcheck disable=SC2046 # several numbers
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT
passed=0 failed=0
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then passed=$((passed + 1)); echo "ok - $name"; else failed=$((failed + 1)); echo "not ok - $name"; tail -n 4 "$work"/log.* "$work/err" | sed 's/^/# /'; fi
}
until_true() { # SECONDS COMMAND...
	local left=$(($1 * 5))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.2
	done
}
farm() { ASSAY_STORE=$work/farm "$assay" "$@"; }
port() { grep -o "$1[0-9]*" "$work/$2" | head -n 1 | grep -o '[0-9]*$'; }
enrolled() { ASSAY_IDENTITY=$work/$1 ASSAY_STORE=$work/$1.store ASSAY_SCHEDULER=$url "$assay" "${@:2}"; }
enrol() { farm scheduler token "${@:2}" | "$assay" enrol --identity="$work/$1" "$url" >"$work/log.enrol" 2>&1; }
submit() { enrolled submitter submit "$@" 2>"$work/err" | head -n 1 | cut -d ' ' -f 1; }
field() { enrolled submitter show --json "$1" 2>/dev/null | python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1], ""))' "$2"; }
is() { [ "$(field "$1" "$2")" = "$3" ]; } # JOB FIELD VALUE
refused() { # WORDS STATUS COMMAND...
	local words=$1 status=$2 had
	shift 2
	"$@" >/dev/null 2>"$work/err"
	had=$?
	[ $had = "$status" ] && grep -q "$words" "$work/err" || { echo "# exit status $had"; return 1; }
}

# A source that lies on some server, an artifact that lies beside the recipe on the submitter's disk.
mkdir -p "$work/site/thing" "$work/mine/keys"
printf 'out: ; cp ../given ../out\n' >"$work/site/thing/Makefile"
tar -C "$work/site" --mtime=@0 --owner=0 --group=0 --numeric-owner --format=ustar -cf "$work/site/thing.tar" thing
(cd "$work/site" && exec python3 -u -m http.server --bind 127.0.0.1 0 >"$work/log.site" 2>&1) &
ASSAY_STORE=$work/farm "$assay" scheduler --listen=127.0.0.1:0 --collect-every=1s 2>"$work/log.scheduler" &
until_true 10 grep -q 'listening at https' "$work/log.scheduler"
until_true 10 grep -q 'port [0-9]' "$work/log.site"
url=https://localhost:$(port 'listening at https://[^ ]*:' log.scheduler)
printf 'the artifact\n' >"$work/mine/keys/input"
cp "$work/mine/keys/input" "$work/mine/published"
sum() { sha256sum <"$1" | cut -d ' ' -f 1; }
recipe() { # PUBLISHED
	cat <<-END
		recipe: 1
		name: thing
		source: {archive: {url: "http://127.0.0.1:$(port 'port ' log.site)/thing.tar", sha256: $(sum "$work/site/thing.tar")}}
		inputs: [{path: keys/input, sha256: $(sum "$work/mine/keys/input"), to: given}]
		environment: {base: host}
		build: [make -C thing]
		artifacts: [{built: out, published: $1, sha256: $(sum "$work/mine/published")}]
	END
}
recipe ./published >"$work/mine/thing.yaml"

check "a worker, a submitter and a viewer enrol" enrol worker --worker=w1
enrol submitter --user=alice --role=submitter
enrol viewer --user=bob --role=viewer
job=$(submit "$work/mine/thing.yaml")
check "a recipe is brought from afar" is "$job" target recipe:thing
check "the same again is open" grep -q ' open ' <(enrolled submitter submit "$work/mine/thing.yaml")
rm "$work/mine/published"
check "without one of its files it is not" refused published 3 enrolled submitter submit "$work/mine/thing.yaml"
cp "$work/mine/keys/input" "$work/mine/published"
recipe /etc/passwd >"$work/mine/bad.yaml"
check "a file of the worker's is not named from afar" refused 'from afar.*/etc/passwd' 2 enrolled submitter submit "$work/mine/bad.yaml"
printf 'recipe: 1\nname: [\n' >"$work/mine/bad.yaml"
check "nor is what is no recipe" refused 'bad.yaml:' 2 enrolled submitter submit "$work/mine/bad.yaml"
check "a viewer brings nothing" refused 'role submitter' 4 enrolled viewer submit "$work/mine/thing.yaml"
ASSAY_STORE=$work/worker.store "$assay" worker --scheduler="$url" --identity="$work/worker" --name=w1 2>"$work/log.worker" &
check "a worker that has none of its files builds it" until_true 60 is "$job" verdict reproducible
printf 'another artifact\n' >"$work/mine/published"
recipe published >"$work/mine/thing.yaml"
other=$(submit "$work/mine/thing.yaml")
check "an edited recipe is another job" test -n "$other" -a "$other" != "$job"
differs() { enrolled submitter show --json "$1" 2>/dev/null | grep -q '"verdict": "divergent"'; }
check "and another artifact another verdict" until_true 60 differs "$other"
cat >"$work/mine/one.buildinfo" <<-END
	Format: 1.0
	Source: thing
	Architecture: amd64
	Version: 1.0
	Checksums-Sha256:
	 $(printf %064d 0) 100 thing_1.0_amd64.deb
END
echo "$work/mine/one.buildinfo" >"$work/list"
check "a list of .buildinfo files is brought too" grep -q ' new ' <(enrolled submitter submit --buildinfo-list="$work/list" 2>"$work/err")
named() { grep -q "^locks $(sum "$work/mine/$1") " "$work/farm/farm/names"; }
check "what was brought is named for as long as a job needs it" until_true 10 named keys/input
check "and so is the recipe" until_true 10 named thing.yaml
echo "$passed passed, $failed failed"
[ $failed = 0 ]
