"""What is declared, pinned, imported and explained is the same set of packages."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from typing import Any

from tests.meta import tree

CONSTRAINTS = tuple(
    name for name in tree.files() if name.startswith("constraints/") and name.endswith(".txt")
)
PIN = re.compile(r"([a-z0-9][a-z0-9._-]*)==[0-9][^ ;]*( ; [^#]+)?(  # .+)?")


def project() -> dict[str, Any]:
    """Return the project table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads(tree.text("pyproject.toml"))["project"]
    return table


def distribution(requirement: str) -> str:
    """Return the normalised name in front of a requirement."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def pins(name: str) -> list[str]:
    """Return the lines of a constraints file that are not remarks."""
    return [line for line in tree.text(name).splitlines() if not line.startswith("#")]


def test_every_constraint_is_one_exact_version() -> None:
    assert not [line for name in CONSTRAINTS for line in pins(name) if not PIN.fullmatch(line)]


def test_every_declared_dependency_is_pinned() -> None:
    table = project()
    declared = {
        "constraints/runtime.txt": table["dependencies"],
        "constraints/local.txt": table["optional-dependencies"]["local"],
        "constraints/dev.txt": table["optional-dependencies"]["dev"],
    }

    for name, requirements in declared.items():
        pinned = {distribution(line) for line in pins(name)}
        assert {distribution(one) for one in requirements} <= pinned, name


def test_the_files_agree_on_versions() -> None:
    agreed: dict[str, set[str]] = {}
    for name in CONSTRAINTS:
        here: dict[str, set[str]] = {}
        for line in pins(name):
            here.setdefault(distribution(line), set()).add(line.split()[0])
        for one, versions in here.items():
            assert agreed.setdefault(one, versions) == versions, name


def test_no_other_distribution_brings_a_package_named_proxy() -> None:
    pinned = {distribution(line) for name in CONSTRAINTS for line in pins(name)}

    assert "proxy-py" not in pinned
    assert "uv.lock" not in tree.files()


def test_every_runtime_dependency_is_explained() -> None:
    page = tree.text("docs/explanation/dependencies.md")

    assert not [
        name for one in project()["dependencies"] if f"`{(name := distribution(one))}`" not in page
    ]


def test_the_proxy_imports_only_what_is_declared() -> None:
    table = project()
    declared = {
        distribution(one)
        for one in [
            *table["dependencies"],
            *(
                one
                for name in ("local", "postgres", "redis")
                for one in table["optional-dependencies"][name]
            ),
        ]
    }
    homes = importlib.metadata.packages_distributions()
    undeclared = {
        f"{name}: {module}"
        for name in tree.python("proxy")
        for node in ast.walk(tree.parsed(name))
        for module in imported(node)
        if module not in sys.stdlib_module_names
        and module not in {"proxy", "benchmarks"}
        and not {distribution(home) for home in homes.get(module, [module])} & declared
    }

    assert not undeclared


def imported(node: ast.AST) -> list[str]:
    """Return the top-level names an import statement loads."""
    if isinstance(node, ast.Import):
        return [alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module is not None:
        return [node.module.split(".")[0]]
    return []
