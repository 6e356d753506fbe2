"""What no tracked file holds: unfinished business, addresses of an index, paths of a machine."""

import re

import pytest

from tests.meta import tree

TEXTS = tuple(
    name
    for name in tree.files()
    if b"\0" not in (tree.ROOT / name).read_bytes() and name != "tests/meta/test_files.py"
)
FORBIDDEN = {
    "unfinished business": re.compile(r"\b(TODO|FIXME|XXX|HACK)\b"),
    "address of a package index": re.compile(
        r"(?i)(pypi\.org|pythonhosted|index[-_]url *[=:] *['\"]?http|--find-links|extra-index-url)"
    ),
    "path of one machine": re.compile(
        r"(?<![\w.-])/(work|root|opt/wheels|home/\w+|Users/\w+|tmp/hr)/"
    ),
    "conflict mark": re.compile(r"(?m)^(<{7}|>{7}) "),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str) -> None:
    found = {
        f"{name}:{tree.text(name).count(chr(10), 0, match.start()) + 1}": match.group()
        for name in TEXTS
        for match in FORBIDDEN[what].finditer(tree.text(name))
    }

    assert not found


def test_texts_end_with_one_newline() -> None:
    assert not [
        name for name in TEXTS if (t := tree.text(name)) and (t[-1] != "\n" or t[-2:] == "\n\n")
    ]
