#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# store check, gc and stats: exit statuses, words, and the JSON against its schema.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
ASSAY=${1:-$ASSAY}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE=$work/store
failed=0

want() { # want STATUS NAME COMMAND...
	local status=$1 name=$2 have
	shift 2
	"$@" >"$work/out" 2>"$work/err" </dev/null
	have=$?
	if [ "$have" = "$status" ]; then
		echo "ok - $name"
	else
		echo "not ok - $name: want exit status $status, have $have: $(tail -n 1 "$work/err")"
		failed=1
	fi
}
valid() { # valid NAME: the last output
	want 0 "$1" /usr/bin/python3 -c 'import json, jsonschema, sys
schema, document = (json.load(open(path)) for path in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(document)' "$top/docs/schema/store-1.json" "$work/out.json"
}
json() { # json STATUS NAME COMMAND...
	want "$@" --json
	cp "$work/out" "$work/out.json"
	valid "$2: by its schema"
}
blob() { # blob TEXT AGE: prints its path
	local hex
	hex=$(printf %s "$1" | sha256sum | cut -d ' ' -f 1)
	mkdir -p "$ASSAY_STORE/blobs/${hex:0:2}"
	printf %s "$1" >"$ASSAY_STORE/blobs/${hex:0:2}/$hex"
	touch -d "$2" "$ASSAY_STORE/blobs/${hex:0:2}/$hex"
	echo "$ASSAY_STORE/blobs/${hex:0:2}/$hex"
}

want 0 "an empty store is whole" "$ASSAY" store check
old=$(blob old '40 days ago') young=$(blob young '2 days ago')
json 0 "check" "$ASSAY" store check
json 0 "stats" "$ASSAY" store stats
want 0 "stats as text" "$ASSAY" store stats
cp "$work/out" "$work/said"
want 0 "two blobs" grep -qE '^blobs +2 ' "$work/said"
json 0 "gc, dry" "$ASSAY" store gc --dry-run
want 0 "nothing is gone" test -e "$old"
want 0 "gc" "$ASSAY" store gc
cp "$work/out" "$work/said"
want 0 "it says what went" grep -qE '^blobs +1 .* 1 ' "$work/said"
want 1 "the old one is gone" test -e "$old"
want 0 "the young one is not" test -e "$young"
want 0 "gc of younger ones" "$ASSAY" store gc --keep-for=blobs=1d --keep-for=logs=1h
want 1 "it is gone too" test -e "$young"
want 2 "a class that is none" "$ASSAY" store gc --keep-for=blob=1d
want 2 "an age that is none" "$ASSAY" store gc --keep-for=blobs=tomorrow
want 2 "a grace without end" "$ASSAY" store gc --grace=forever
want 2 "too many arguments" "$ASSAY" store check x
bad=$(blob bad now)
printf bid >"$bad"
json 4 "wrong bytes" "$ASSAY" store check
want 0 "they are named" grep -q "${bad##*/}" "$work/out.json"
want 0 "and moved aside" test -e "$bad.corrupt" -a ! -e "$bad"
want 0 "once" "$ASSAY" store check
exit $failed
