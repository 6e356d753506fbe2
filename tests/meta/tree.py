"""The project's own files, as the meta tests see them."""

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def files() -> tuple[str, ...]:
    """Return every file git tracks or would track, relative to the root, sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return tuple(sorted(name for name in set(listed) if (ROOT / name).is_file()))


def python(*folders: str) -> tuple[str, ...]:
    """Return the Python files below these folders."""
    starts = tuple(folder + "/" for folder in folders)
    return tuple(name for name in files() if name.endswith(".py") and name.startswith(starts))


def text(name: str) -> str:
    """Return a file's content."""
    return (ROOT / name).read_text(encoding="utf-8")


@functools.cache
def parsed(name: str) -> ast.Module:
    """Return a Python file's syntax tree."""
    return ast.parse(text(name), filename=name)


def module_name(name: str) -> str:
    """Return the dotted name a Python file is imported by."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
