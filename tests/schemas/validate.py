"""Holds YAML or JSON against schemas: each line of stdin is a schema's path, a tab, and the file's.

Answers each with `ok`, or with the mistakes on one line.
"""

import json
import sys

import jsonschema
import yaml

validators = {}
for line in sys.stdin:
    schema, path = line.rstrip("\n").split("\t")
    if schema not in validators:
        with open(schema) as file:
            text = json.load(file)
        kind = jsonschema.validators.validator_for(text)
        kind.check_schema(text)
        validators[schema] = kind(text)
    with open(path) as file:
        data = yaml.safe_load(file)
    mistakes = [f"{'.'.join(map(str, e.path))}: {e.message}" for e in validators[schema].iter_errors(data)]
    print("; ".join(mistakes).replace("\n", " ") or "ok", flush=True)
