"""One file, one idea: sizes, first lines and names of modules."""

import ast
from pathlib import PurePath

import pytest

from tests.meta import tree

MODULE_LINES = 400
FUNCTION_LINES = 50
# Names that say where a thing was put instead of what it is.
EMPTY_NAMES = frozenset(
    {"common", "constants", "helper", "helpers", "manager", "misc", "ports"}
    | {"service", "services", "shared", "util", "utils"}
)
CODE = tree.python("proxy", "benchmarks", "tests")


def test_modules_are_short() -> None:
    long = {name: n for name in CODE if (n := tree.text(name).count("\n")) > MODULE_LINES}

    assert not long, f"over {MODULE_LINES} lines: split by idea"


def test_functions_are_short() -> None:
    long = {
        f"{name}:{node.lineno} {node.name}": n
        for name in CODE
        for node in ast.walk(tree.parsed(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and (n := node.end_lineno - node.lineno + 1) > FUNCTION_LINES
    }

    assert not long, f"over {FUNCTION_LINES} lines"


@pytest.mark.parametrize("folder", ["proxy", "benchmarks", "tests"])
def test_first_line_says_what_a_module_is(folder: str) -> None:
    silent = [name for name in tree.python(folder) if not ast.get_docstring(tree.parsed(name))]

    assert not silent, "no module docstring"


def test_names_say_what_is_inside() -> None:
    parts = {part: name for name in CODE for part in PurePath(name).with_suffix("").parts}

    assert not {name for part, name in parts.items() if part.removeprefix("test_") in EMPTY_NAMES}
