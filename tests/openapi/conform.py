"""Whether JSON values have the shapes that an OpenAPI document tells.

Reads {"document", "answers": [{"name", "schema", "value"}]} from stdin, where `schema` is a
reference into the document. Prints a line for each fault, and how many values were held against
their schema. Exits with 1 if there is a fault.
"""

import json
import sys

from jsonschema import Draft202012Validator

given = json.load(sys.stdin)
faults = 0
for answer in given["answers"]:
    validator = Draft202012Validator(
        {**given["document"], "$ref": answer["schema"]},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    for fault in validator.iter_errors(answer["value"]):
        faults += 1
        print(f"{answer['name']}: {fault.json_path}: {fault.message[:300]}")
print(f"{len(given['answers'])} values, {faults} faults")
sys.exit(1 if faults else 0)
