#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""validate.py SCHEMAS FILE...: validates each file against the schema its "schema" key names, one TAP line
each, and proves that the schemas refuse what they should."""
import copy
import json
import os
import sys

import jsonschema

failed = False


def say(good, name, detail=""):
    global failed
    failed |= not good
    print(f"{'ok' if good else 'not ok'} - {name}" + (f": {detail}" if detail and not good else ""))


def no_twice(pairs):
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key stands twice")
    return dict(pairs)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, object_pairs_hook=no_twice)


folder, files = sys.argv[1], [name for name in sys.argv[2:] if os.path.exists(name)]
validators = {}
for name in ("report", "anatomy", "agreement"):
    schema = load(os.path.join(folder, name + "-1.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    validators[f"assay.{name}/1"] = jsonschema.Draft202012Validator(schema)

for path in sorted(files):
    name = "/".join(path.split("/")[-2:])
    if name.endswith("report/hostile.json"):
        continue  # wrong types on purpose
    document = load(path)
    if isinstance(document, dict) and str(document.get("schema", "")) in validators:
        errors = sorted(validators[document["schema"]].iter_errors(document), key=str)
        say(not errors, name, errors[0].message[:300] + " at " + errors[0].json_path if errors else "")

# What must be refused: a whole report, changed in one place.
report = validators["assay.report/1"]
golden = {os.path.basename(path)[:-5]: load(path) for path in files if "/golden/report/" in path}
wrong = [
    ("a verdict that is none", "divergent", lambda r: r.update(verdict="fine")),
    ("equivalent without a grade", "equivalent", lambda r: r.pop("grade")),
    ("equivalent and cut short", "equivalent", lambda r: r.update(truncated=True)),
    ("reproducible with divergences", "divergent", lambda r: r.update(verdict="reproducible")),
    ("no accounting", "divergent", lambda r: r.pop("accounting")),
    ("a divergence without a cause", "divergent", lambda r: r["divergences"][0].pop("cause")),
    ("an unknown key", "divergent", lambda r: r["divergences"][0].update(surprise=1)),
    ("a digest that is none", "verify", lambda r: r["inputs"][0].update(sha256="00")),
    ("reproducible with one that is not", "verify-reproducible",
     lambda r: r["subjects"][0].update(verdict="divergent")),
    ("rejected, and built all the same", "verify", lambda r: r.update(verdict="rejected", exit_status=4)),
]
for name, base, change in wrong:
    document = copy.deepcopy(golden[base])
    change(document)
    say(not report.is_valid(document), "refused: " + name)
sys.exit(failed)
