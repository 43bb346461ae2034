"""Answers cases of test/clients/python-format.test.ts with what the library `packaging` says.

Reads one JSON list `[kind, input…]` per line, writes one JSON value per line: null for what the
library refuses.
"""

import base64
import json
import sys

from packaging.metadata import parse_email
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidName,
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version


def version(text):
    parsed = Version(text)
    return [str(parsed), parsed.is_prerelease]


def order(a, b):
    first, second = Version(a), Version(b)
    return (first > second) - (first < second)


def specifiers(text, versions):
    parsed = SpecifierSet(text)
    return [
        [parsed.contains(each, prereleases=allowed) for allowed in (False, True)] for each in versions
    ]


def requirement(text):
    parsed = Requirement(text)
    return {
        "name": parsed.name,
        "extras": sorted(parsed.extras),
        "specifiers": sorted({str(each).replace(" ", "") for each in parsed.specifier}),
        "url": parsed.url,
        "marker": parsed.marker is not None,
    }


def wheel(text):
    name, parsed, build, _ = parse_wheel_filename(text)
    return [name, str(parsed), "".join(str(part) for part in build)]


def sdist(text):
    name, parsed = parse_sdist_filename(text)
    return [name, str(parsed)]


def name(text):
    try:
        return [canonicalize_name(text, validate=True), True]
    except InvalidName:
        return [canonicalize_name(text), False]


def joined(value):
    lines = value.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return " ".join(line.strip() for line in lines).strip()


def metadata(text):
    raw, unparsed = parse_email(base64.b64decode(text))
    if unparsed:
        return None
    fields = {}
    for key, value in raw.items():
        if key == "description":
            fields[key] = value
        elif isinstance(value, list):
            fields[key] = [joined(each) for each in value]
        elif isinstance(value, str):
            fields[key] = joined(value)
    return fields


KINDS = {
    each.__name__: each for each in (version, order, specifiers, requirement, wheel, sdist, name, metadata)
}
REFUSALS = (
    InvalidVersion,
    InvalidSpecifier,
    InvalidRequirement,
    InvalidWheelFilename,
    InvalidSdistFilename,
)

for line in sys.stdin:
    kind, *inputs = json.loads(line)
    try:
        answer = KINDS[kind](*inputs)
    except REFUSALS:
        answer = None
    print(json.dumps(answer))
