#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The recipes of this project against the schema for editors, and the schema against the program: what
# one refuses in these cases, the other refuses too.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
cd "$top" || exit 1
"$ASSAY" recipe check recipes/*.yaml >/dev/null || echo "not ok - recipes are complete"
python=/usr/bin/python3
$python -c 'import jsonschema, yaml' 2>/dev/null || python=python3
exec $python tests/schema/recipe.py "$ASSAY" docs/schema/recipe-1.json recipes/*.yaml
