#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# --help of the program and of each verb: exit 0, to stdout, at most 80 columns; each verb has a page, and
# each option of the code stands in its page with the same kind, and the other way round.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
failed=0

report() { # report STATUS NAME
	if [ "$1" = 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		failed=1
	fi
}

check_help() { # check_help NAME ARGUMENT...
	local name=$1 out=$TMPDIR/out err=$TMPDIR/err bad=0
	shift
	"$ASSAY" "$@" --help >"$out" 2>"$err" </dev/null || { echo "# exit status $?"; bad=1; }
	[ -s "$out" ] || { echo "# nothing on stdout"; bad=1; }
	[ ! -s "$err" ] || { echo "# on stderr: $(head -n 1 "$err")"; bad=1; }
	if grep -nE '.{81}' "$out" | sed 's/^/# too wide: /' | grep .; then
		bad=1
	fi
	report $bad "$name --help"
}

# Verbs as the table in cli/main.c has them.
verbs=$(sed -nE 's/^\t\{ "([a-z][a-z -]*)", .*/\1/p' cli/main.c)

check_help assay
while read -r verb; do
	[ -n "$verb" ] || continue
	# shellcheck disable=SC2086 # two words are two arguments
	check_help "assay $verb" $verb
	tools/pages verbs docs/man/*.1.scd | grep -qx "$verb"
	report $? "assay $verb has a page"
done <<<"$verbs"

# Options in the tables of cli/VERB*.c against the pages of the same first word.
documented() { # documented WORD
	find docs/man \( -name "assay-$1.1.scd" -o -name "assay-$1-*.1.scd" \) -exec tools/pages options {} + |
		cut -d ' ' -f 2- | grep -v -- '^--help ' | LC_ALL=C sort -u
}
coded() { # coded WORD
	cat cli/"$1".c cli/"$1"_*.c 2>/dev/null | perl -0777 -ne '
		my %kind = (FLAG => "flag", TEXT => "value", LIST => "value", OPTIONAL => "optional");
		while (/\{\s*"([a-z][a-z0-9-]*)",\s*CLI_(FLAG|TEXT|LIST|OPTIONAL)\b/g) {
			print length $1 > 1 ? "--" : "-", "$1 $kind{$2}\n";
		}' | LC_ALL=C sort -u
}
for word in $(cut -d ' ' -f 1 <<<"$verbs" | sort -u); do
	diff <(documented "$word") <(coded "$word") | sed -n 's/^</# only in the page:/p; s/^>/# only in the code:/p'
	[ "$(documented "$word")" = "$(coded "$word")" ]
	report $? "options of $word: page and code agree"
done

# What is wrong goes to stderr, and the exit status is 2.
wrong() { # wrong NAME ARGUMENT...
	local name=$1 out=$TMPDIR/out err=$TMPDIR/err
	shift
	"$ASSAY" "$@" >"$out" 2>"$err" </dev/null
	[ $? = 2 ] && [ ! -s "$out" ] && [ -s "$err" ]
	report $? "$name"
}
wrong "an unknown verb" no-such-verb
for word in $(grep -v ' ' <<<"$verbs"); do
	wrong "an unknown option of $word" "$word" --no-such-option
done

# Completions are made from the same pages.
bash -n "$BUILD/completions/assay.bash"
report $? "the completion for bash is bash"
for verb in $(cut -d ' ' -f 1 <<<"$verbs" | sort -u); do
	grep -q "\b$verb\b" "$BUILD/completions/assay.bash" &&
		grep -q "\b$verb\b" "$BUILD/completions/_assay" &&
		grep -q "\b$verb\b" "$BUILD/completions/assay.fish"
	report $? "completions know $verb"
done
exit $failed
