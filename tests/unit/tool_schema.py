#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""tool_schema.py SCHEMA FILE...: exits 1 unless every FILE is valid, and unless the schema notices
when any key it requires goes missing or turns into a word."""

import copy
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def paths(value, path=()):
    """Every key of every object, the first item of each list standing for all."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield path + (key,)
            yield from paths(inner, path + (key,))
    elif isinstance(value, list) and value:
        yield from paths(value[0], path + (0,))


def parent_of(document, path):
    for step in path[:-1]:
        document = document[step]
    return document


failed = False
for name in sys.argv[2:]:
    document = json.load(open(name))
    for error in validator.iter_errors(document):
        print(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
        failed = True
    for path in paths(document):
        removed = copy.deepcopy(document)
        del parent_of(removed, path)[path[-1]]
        changed = copy.deepcopy(document)
        parent_of(changed, path)[path[-1]] = {"no": "such type"}
        for what, variant in (("missing", removed), ("of another type", changed)):
            if validator.is_valid(variant):
                print(f"{name}: the schema does not notice {'/'.join(map(str, path))} {what}")
                failed = True
sys.exit(failed)
