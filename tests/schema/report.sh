#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds what the program prints against docs/schema, by a JSON Schema validator that is not ours: real
# comparisons and span trees of files made here, and the reports in tests/golden.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "${TMPDIR:?}" || exit 1

python=python3
$python -c 'import jsonschema' 2>/dev/null || python=/usr/bin/python3

# Pairs: the same, text, an encoding, metadata of an archive, a program, directories, names that are bytes.
mkdir -p same text gzip tar elf dir/a/x dir/b bytes/a bytes/b empty
printf 'one\ntwo\n' >same/a && cp same/a same/b
printf 'one\ntwo\nthree\n' >text/a && printf 'one\n2\nthree\n' >text/b
seq 5000 | gzip -1n >gzip/a && seq 5000 | gzip -9n >gzip/b
touch -d @1000000000 same/a && tar -cf tar/a -C same --owner=0 --group=0 a
touch -d @1100000000 same/a && tar -cf tar/b -C same --owner=7 --group=7 a
cp /bin/true elf/a && cp /bin/false elf/b
printf 'x' >dir/a/only && printf 'y' >dir/b/other && printf 'z' >dir/a/x/deep
printf 'x' >bytes/a/$'\xff\xfe' && printf 'y' >bytes/b/$'\xff\xfe' && printf 'y' >bytes/b/$'new\nline'
: >empty/a && printf '\0' >empty/b

for pair in same text gzip tar elf dir bytes empty; do
	"$ASSAY" compare --json="$pair.report.json" "$pair/a" "$pair/b" >/dev/null 2>"$pair.err"
	[ $? -le 1 ] || { echo "not ok - compare $pair: $(cat "$pair.err")"; exit 1; }
	# swapping the sides mirrors the report and gives the same verdict
	"$ASSAY" compare --json="$pair.swapped.report.json" "$pair/b" "$pair/a" >/dev/null 2>&1
done
python3 -c 'import zipfile; z = zipfile.ZipFile("signed.jar", "w"); z.writestr("META-INF/A.RSA", "x"); z.writestr("a", "a")'
cp signed.jar other.jar && printf '\0' >>other.jar
"$ASSAY" compare --json=signed.report.json signed.jar other.jar >/dev/null 2>&1
"$ASSAY" anatomy --json=signed.anatomy.json signed.jar >/dev/null || echo "not ok - anatomy of a signed jar"
"$ASSAY" normalize --check --json=normalize.json signed.jar other.jar gzip/a tar/a elf/a text/a >/dev/null 2>&1
"$ASSAY" compare --json=agreement.json gzip/a gzip/b gzip/a text/a >/dev/null 2>&1
"$ASSAY" compare --json=moved.report.json dir/a dir/b >/dev/null 2>&1
(cd dir && sha256sum b/other) >sums
"$ASSAY" compare --json=sums.report.json sums dir >/dev/null 2>&1
if "$ASSAY" --help | grep -q '^  anatomy '; then
	for file in text/a gzip/a tar/a elf/a empty/a; do
		"$ASSAY" anatomy --json="${file%/a}.anatomy.json" "$file" >/dev/null ||
			echo "not ok - anatomy of $file"
		"$ASSAY" anatomy --context --json="${file%/a}.context.json" "$file" >/dev/null ||
			echo "not ok - context of $file"
	done
fi
find "$PWD" "$top/tests/golden" -name '*.json' -exec "$python" "$top/tests/schema/validate.py" \
	"$top/docs/schema" {} +
