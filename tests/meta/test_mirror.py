"""Each module answers for itself: a test file at the mirrored path, unless a reason stands here."""

import ast
from pathlib import PurePath

from tests.meta import tree

# What only moves things between live objects, and the tier that shows it to work. A decision that
# can be taken out of such a module belongs into one that is tested alone.
STARTED = "it is the process: signals, exit codes; tests/e2e starts it"
ELSEWHERE = {
    "proxy/boot/processes.py": STARTED,
    "proxy/boot/run.py": STARTED,
}


def mirrored(name: str) -> str:
    """Return where the unit tests of a module stand."""
    path = PurePath(name)
    below = path.relative_to("proxy") if path.parts[0] == "proxy" else path
    return str(PurePath("tests/unit") / below.parent / f"test_{path.name}")


def holds_code(name: str) -> bool:
    """Tell whether a module does more than describe or re-export."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for node in tree.parsed(name).body
    )


def holds_tests(name: str) -> bool:
    """Tell whether a test file has at least one test."""
    return any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
        for node in ast.walk(tree.parsed(name))
    )


def test_every_module_of_the_proxy_has_its_unit_tests() -> None:
    known = set(tree.files())
    missing = [
        f"{name} -> {mirrored(name)}"
        for name in tree.python("proxy")
        if name not in ELSEWHERE
        and holds_code(name)
        and not (mirrored(name) in known and holds_tests(mirrored(name)))
    ]

    assert not missing


def test_every_unit_test_file_has_its_module() -> None:
    modules = {mirrored(name) for name in tree.python("proxy", "benchmarks")}
    strays = [
        name
        for name in tree.python("tests/unit")
        if PurePath(name).name.startswith("test_") and name not in modules
    ]

    assert not strays, "no module at the mirrored path"


def test_no_excuse_outlives_its_module() -> None:
    known = set(tree.files())

    assert not [name for name in ELSEWHERE if name not in known or mirrored(name) in known], (
        "gone, or tested after all"
    )
