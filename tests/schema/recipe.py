#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# recipe.py ASSAY SCHEMA RECIPE...: validates recipes, and changes one thing at a time to see that program
# and schema judge alike.
import copy
import json
import os
import subprocess
import sys
import tempfile

import jsonschema
import yaml

assay, schema_path, recipes = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(schema_path, encoding="utf-8") as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failed = False

BASE = {
    "recipe": 1,
    "name": "x",
    "source": {"git": "https://example.org/x", "commit": "0" * 39 + "a"},
    "inputs": [{"url": "https://example.org/y", "sha256": "a" * 64, "to": "vendor/y"}],
    "environment": {"base": "host", "path": "/build/x", "variables": {"A": "b"}, "umask": "022"},
    "build": ["make"],
    "artifacts": [
        {"built": "x", "published": "./x", "sha256": "b" * 64,
         "signature": {"scheme": "raw", "file": "x.sig", "key": "k.pem"}},
    ],
    "accept": "reproducible",
    "limits": {"time": "20min", "memory": "4GiB", "processes": 512},
}
DELETE = object()
CASES = [  # path, value, whether it is still a recipe
    ((), None, True),
    (("name",), DELETE, False),
    (("name",), "../x", False),
    (("recipe",), 2, False),
    (("source",), {"apt-source": "hello=2.10-3"}, True),
    (("source",), {"apt-source": "hello"}, False),
    (("source",), {"archive": {"path": "a.tar", "sha256": "c" * 64}}, True),
    (("source",), {"archive": {"path": "a.tar"}}, False),
    (("source", "commit"), DELETE, False),
    (("source", "commit"), "main", False),
    (("source", "git"), "ext::sh -c id", False),
    (("source", "git"), "ssh://example.org/x", False),
    (("source", "git"), "..", True),
    (("source", "git"), "/srv/x", True),
    (("source", "git"), "--upload-pack=id", False),
    (("inputs",), DELETE, True),
    (("inputs", 0, "sha256"), DELETE, False),
    (("inputs", 0, "to"), "../y", False),
    (("inputs", 0, "to"), "/y", False),
    (("inputs", 0, "path"), "z", False),
    (("environment",), DELETE, True),
    (("environment", "base"), "debian", False),
    (("environment", "path"), "build", False),
    (("environment", "umask"), "8", False),
    (("environment", "cpus"), 0, False),
    (("environment", "variables"), {"A B": "c"}, False),
    (("build",), [], False),
    (("build",), {"make": "all"}, False),
    (("build",), "make", False),
    (("artifacts",), [], False),
    (("artifacts", 0, "sha256"), DELETE, True),
    (("artifacts", 0, "signature"), DELETE, True),
    (("artifacts", 0, "published"), DELETE, False),
    (("artifacts", 0, "built"), "a/../../b", False),
    (("artifacts", 0), {"built": "x", "published": "y"}, False),
    (("artifacts", 0), {"built": "x", "sha256": "d" * 64}, True),
    (("artifacts", 0, "signature", "scheme"), "pgp", False),
    (("artifacts", 0, "signature", "key"), DELETE, False),
    (("accept",), "code", True),
    (("accept",), "yes", False),
    (("limits", "time"), "20", False),
    (("limits", "memory"), "4GB", False),
    (("limits", "cpu"), "1", False),
    (("unknown",), "x", False),
]


def report(fine, name):
    global failed
    print("ok" if fine else "not ok", "-", name)
    failed |= not fine


def changed(path, value):
    recipe = copy.deepcopy(BASE)
    if not path:
        return recipe
    place = recipe
    for step in path[:-1]:
        place = place[step]
    if value is DELETE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return recipe


for path in recipes:
    with open(path, encoding="utf-8") as f:
        errors = [e.message for e in validator.iter_errors(yaml.safe_load(f))]
    report(not errors, f"{path} {errors or ''}")

with tempfile.TemporaryDirectory() as directory:
    file = os.path.join(directory, "r.yaml")
    for path, value, want in CASES:
        recipe = changed(path, value)
        with open(file, "w", encoding="utf-8") as f:
            yaml.safe_dump(recipe, f, sort_keys=False)
        run = subprocess.run([assay, "recipe", "check", file], capture_output=True, text=True)
        judged = {"program": run.returncode == 0, "schema": validator.is_valid(recipe)}
        name = ".".join(map(str, path)) or "the base"
        shown = "without it" if value is DELETE else value
        report(set(judged.values()) == {want}, f"{name}: {shown} {judged if set(judged.values()) != {want} else ''}")
sys.exit(failed)
