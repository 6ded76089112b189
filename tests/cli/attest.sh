#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# keygen, sign, attest: exit statuses by the table, signatures that the real tools accept, and statements
# that count only under the right key and about the right file.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
ASSAY=${1:-$ASSAY}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export XDG_DATA_HOME=$work/data
failed=0

want() { # want STATUS NAME COMMAND...
	local status=$1 name=$2 have
	shift 2
	"$@" >out 2>err </dev/null
	have=$?
	if [ "$have" = "$status" ]; then
		echo "ok - $name"
	else
		echo "not ok - $name: want exit status $status, have $have: $(tail -n 1 err)"
		failed=1
	fi
}

says() { # says FILE TEXT NAME
	if grep -qF -- "$2" "$1"; then
		echo "ok - $3"
	else
		echo "not ok - $3: no \"$2\" in: $(head -c 300 "$1")"
		failed=1
	fi
}

echo artifact >file
echo another >other

want 2 "sign without a key" "$ASSAY" sign file
says err "assay keygen" "and says how to get one"
want 0 "keygen" "$ASSAY" keygen
want 2 "keygen overwrites nothing" "$ASSAY" keygen
want 0 "keygen of a named key" "$ASSAY" keygen --json mine.pem
minisign_key=$(sed -n 's/.*"minisign": "\(.*\)".*/\1/p' out)
want 0 "sign" "$ASSAY" sign --key=mine.pem file
want 0 "openssl accepts it" openssl pkeyutl -verify -rawin -pubin -inkey mine.pem.pub -in file -sigfile file.sig
want 0 "sign for minisign" "$ASSAY" sign --key=mine.pem --format=minisign file
want 0 "minisign accepts it" minisign -V -P "$minisign_key" -m file
want 1 "and not for another file" minisign -V -P "$minisign_key" -m other -x file.minisig
want 2 "sign in an unknown format" "$ASSAY" sign --format=pgp file
want 3 "sign what is not there" "$ASSAY" sign nothing
chmod 644 mine.pem
want 4 "a key that others can read" "$ASSAY" sign --key=mine.pem file
chmod 600 mine.pem

# A statement about `file`, signed with mine.pem by openssl alone.
digest=$(sha256sum file | cut -d ' ' -f 1)
type=application/vnd.in-toto+json
body='{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"file","digest":{"sha256":"'$digest'"}}],'
body+='"predicateType":"https://assay.dev/attestation/rebuild-comparison/v0.1","predicate":{"verdict":"DIVERGENT"}}'
printf 'DSSEv1 %d %s %d %s' ${#type} $type ${#body} "$body" >pae
openssl pkeyutl -sign -rawin -inkey mine.pem -in pae -out sig
envelope() {
	printf '{"payload":"%s","payloadType":"%s","signatures":[{"sig":"%s"}]}\n' \
		"$(printf %s "$1" | base64 -w 0)" $type "$(base64 -w 0 sig)"
}
envelope "$body" >good.intoto.jsonl
envelope "${body/DIVERGENT/IDENTICAL}" >forged.intoto.jsonl
{ cat good.intoto.jsonl; echo; cat forged.intoto.jsonl; } >mixed.intoto.jsonl
: >empty

want 0 "verify" "$ASSAY" attest verify --key=mine.pem.pub good.intoto.jsonl
says out DIVERGENT "and prints the verdict"
want 4 "verify with our default key" "$ASSAY" attest verify good.intoto.jsonl
want 4 "a forged verdict" "$ASSAY" attest verify --key=mine.pem.pub forged.intoto.jsonl
if grep -q IDENTICAL out; then
	echo "not ok - a forged verdict is not shown"
	failed=1
else
	echo "ok - a forged verdict is not shown"
fi
want 4 "one good and one forged" "$ASSAY" attest verify --key=mine.pem.pub mixed.intoto.jsonl
says out "1 valid, 0 about another subject, 1 invalid" "and counts them"
want 0 "either of two keys" "$ASSAY" attest verify --key=data/assay/key.pem.pub --key=mine.pem.pub good.intoto.jsonl
want 0 "about this file" "$ASSAY" attest verify --key=mine.pem.pub --subject=file good.intoto.jsonl
want 3 "about another file" "$ASSAY" attest verify --key=mine.pem.pub --subject=other good.intoto.jsonl
want 3 "nothing there" "$ASSAY" attest verify --key=mine.pem.pub empty
want 3 "no such file" "$ASSAY" attest verify --key=mine.pem.pub nothing
want 2 "no such key" "$ASSAY" attest verify --key=nothing.pub good.intoto.jsonl
want 2 "a private key is no public key" "$ASSAY" attest verify --key=mine.pem good.intoto.jsonl
want 4 "not an envelope" "$ASSAY" attest verify --key=mine.pem.pub file
want 0 "verify --json" "$ASSAY" attest verify --json --key=mine.pem.pub good.intoto.jsonl
says out '"status": "valid"' "and gives the status"
want 0 "show" "$ASSAY" attest show forged.intoto.jsonl
says out UNVERIFIED "and says that it is not verified"
says err UNVERIFIED "also on stderr"
want 2 "show what is no envelope" "$ASSAY" attest show file
cd "$top" || exit 1
exit $failed
