"""Every documented setting is shown to work by a test, named here; the table and the page agree."""

import ast
import re

import pytest

from tests.meta import tree

REFERENCE = "docs/reference/settings.md"
KEY = re.compile(r"(?m)^\| *`([a-z_]+(?:\[\])?(?:\.[a-z_*]+(?:\[\])?)*)` *\|")

# key: file below tests/, then the test that fails when the setting does nothing.
SHOWN: dict[str, str] = {}


def documented() -> set[str]:
    """Return the keys in the first column of the reference's tables."""
    return set(KEY.findall(tree.text(REFERENCE)))


def defined(name: str) -> set[str]:
    """Return the names of all tests in a file."""
    return {
        node.name
        for node in ast.walk(tree.parsed(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_documented_setting_has_a_test() -> None:
    assert documented(), "the page has no table of keys"
    assert not documented() - SHOWN.keys()


def test_every_tested_setting_is_documented() -> None:
    assert not SHOWN.keys() - documented()


@pytest.mark.parametrize("key", SHOWN)
def test_the_test_exists(key: str) -> None:
    file, _, test = SHOWN[key].partition("::")

    assert f"tests/{file}" in tree.files()
    assert test in defined(f"tests/{file}")
