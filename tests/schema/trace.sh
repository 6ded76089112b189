#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A traced build of a recipe: every line against docs/schema/trace-1.json, and what `show trace` makes of it.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "${TMPDIR:?}" || exit 1
export ASSAY_STORE=$PWD/store
python=python3
$python -c 'import jsonschema' 2>/dev/null || python=/usr/bin/python3

git init -q src
printf 'out: input\n\tcat input > out\n\t-perl net.pl\n\t-unshare -U true\n' >src/Makefile
cat >src/net.pl <<-'END'
	use Socket;
	socket(S, AF_INET, SOCK_DGRAM, 17) and send(S, "x", 0, pack_sockaddr_in(53, inet_aton("192.0.2.7"))) and die;
END
echo made >src/input
git -C src add . && git -C src -c user.name=t -c user.email=t@x commit -qm x
echo made >out
cat >traced.yaml <<-END
	recipe: 1
	name: traced
	source: {git: $PWD/src, commit: $(git -C src rev-parse HEAD)}
	environment: {base: host}
	build: [make]
	artifacts: [{built: out, published: ./out, sha256: $(sha256sum <out | cut -d ' ' -f 1)}]
END
"$ASSAY" keygen key.pem >/dev/null
"$ASSAY" verify --quiet --trace --key=key.pem --output=run --json=report.json traced.yaml ||
	{ echo "not ok - a traced build"; exit 1; }
"$ASSAY" verify --quiet --key=key.pem --output=plain traced.yaml >/dev/null || echo "not ok - the same without a trace"
[ -e plain/attempt-1.trace.zst ] && echo "not ok - no trace unless asked for"
zstd -qdc run/attempt-1.trace.zst >trace || echo "not ok - the trace is zstd"
"$ASSAY" show trace --json --environment=/ trace >summary.json || echo "not ok - show trace --json"
"$ASSAY" show trace run >text || echo "not ok - show trace RUN"
head -c 300 trace >short && "$ASSAY" show trace short >short.text 2>&1
echo '{"schema": "other"}' | "$ASSAY" show trace /dev/stdin >/dev/null 2>&1
[ $? = 2 ] && echo "ok - what is no trace is refused" || echo "not ok - what is no trace is refused"

"$python" - "$top/docs/schema" <<-'END'
	import json, os, sys
	import jsonschema
	failed = False
	def say(good, name):
	    global failed
	    failed |= not good
	    print(("ok - " if good else "not ok - ") + name)
	def validator(name):
	    schema = json.load(open(f"{sys.argv[1]}/{name}"))
	    jsonschema.Draft202012Validator.check_schema(schema)
	    return jsonschema.Draft202012Validator(schema)
	lines = [json.loads(line) for line in open("trace")]
	trace = validator("trace-1.json")
	bad = [line for line in lines if not trace.is_valid(line)]
	say(not bad, f"every line by the schema {bad[:1]}")
	say(not trace.is_valid({"op": "open", "pid": 1, "ms": 1}), "an open without a path is refused")
	say(lines[-1]["op"] == "end" and lines[-1]["events"] == len(lines) - 2, "the last line counts the others")
	report = json.load(open("report.json"))
	say(validator("report-1.json").is_valid(report), "the report by its schema")
	network = report["isolation"]["network"]
	say(any(a.get("address") == "192.0.2.7 port 53" and a["process"] == "perl" for a in network["attempts"]),
	    "the report names who wanted where")
	say(any(r["syscall"] == "unshare" for r in report["isolation"]["refused"]), "the report names refused calls")
	say(all(i["tx_packets"] == 0 for i in network["interfaces"]) and network["interfaces"] != [],
	    "the interfaces carried nothing")
	summary = json.load(open("summary.json"))
	if os.geteuid() == 0:
	    say("/mnt/source/input" in summary["inputs"], "the input was read")
	    say("/build/traced/out" in summary["written"], "the output was written")
	    perl = [p for p in summary["programs"] if p["path"] == "/usr/bin/perl"]
	    say(perl and perl[0].get("package") == "perl-base", "perl ran, of perl-base")
	say(any(n["address"] == "inet 192.0.2.7 port 53" for n in summary["network"]), "the summary has the address")
	text = open("text").read()
	say("192.0.2.7 port 53" in text and "INCOMPLETE" not in text, "as text")
	say("INCOMPLETE" in open("short.text").read() or "line" in open("short.text").read(), "a trace cut short is told")
	sys.exit(failed)
END
