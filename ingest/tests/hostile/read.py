"""Reads events as a receiver would and says what each field holds.

Standard input: a line per event, `json` or `cef`, a space, the event. Standard output: per field its path, a tab and
its value in hexadecimal of UTF-8; a line with a full stop ends an event. JSON is read by Python's own module, CEF by
`cefp` from PyPI.
"""

import json
import sys

import cefp


def fields(value, path=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from fields(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from fields(inner, f"{path}/{at}")
    elif isinstance(value, str):
        yield path, value
    else:
        yield path, json.dumps(value)


def once(pairs):
    """A JSON object in which no key stands twice."""
    keys = [key for key, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError(f"a key stands twice: {keys}")
    return dict(pairs)


for line in sys.stdin.buffer.read().decode("ascii").split("\n")[:-1]:
    kind, text = line.split(" ", 1)
    event = json.loads(text, object_pairs_hook=once) if kind == "json" else cefp.parse(text)
    for path, value in fields(event):
        print(f"{path}\t{value.encode().hex()}")
    print(".")
