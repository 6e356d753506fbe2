"""`headrace import`: read the file, convert it, check the result, write it, report."""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from proxy.cli.converting import ledger, litellm, olla
from proxy.cli.converting.ledger import Ledger
from proxy.settings import secrets
from proxy.settings.load import load
from proxy.settings.problems import SettingsError

DONE: Final = 0
FAILED: Final = 1
WRONG: Final = 2

_CONVERTERS: Final[dict[str, Callable[[Mapping[str, Any]], tuple[dict[str, Any], Ledger]]]] = {
    "olla": olla.converted,
    "litellm": litellm.converted,
}
_TITLES: Final = {"olla": "Olla", "litellm": "LiteLLM"}


class Unreadable(Exception):  # noqa: N818  it is an outcome, told to a person
    """The file is no configuration; the text says why."""


def convert(kind: str, file: Path, output: Path | None) -> int:
    """Convert `file` and write the result; return 0, 1 if it cannot be written, 2 if it is no use.

    The result is written even if it needs work before headrace starts with it; that is told.
    """
    try:
        document = read(file)
    except Unreadable as error:
        sys.stderr.write(f"{error}\n")
        return WRONG
    settings, told = _CONVERTERS[kind](document)
    text = written(settings, _TITLES[kind], file.name)
    try:
        _put(text, output)
    except OSError as error:
        sys.stderr.write(f"{output} cannot be written: {error.strerror}\n")
        return FAILED
    sys.stderr.write(ledger.text(told.report()))
    problems = wrong(text)
    if problems:
        sys.stderr.write("Before headrace starts with the result:\n")
        sys.stderr.writelines(f"  {problem}\n" for problem in problems)
    return WRONG if problems else DONE


def read(file: Path) -> dict[str, Any]:
    """Return the document in `file`."""
    try:
        document = yaml.safe_load(file.read_bytes())
    except OSError as error:
        raise Unreadable(f"{file} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        where = f", line {mark.line + 1}" if (mark := getattr(error, "problem_mark", None)) else ""
        raise Unreadable(f"{file}{where}: not YAML") from None
    if not isinstance(document, dict):
        raise Unreadable(f"{file} holds no keys: is it the right file?")
    return document


def written(settings: Mapping[str, Any], title: str, name: str) -> str:
    """Return settings as a file, with where they come from."""
    head = (
        f"# Made from {title}'s {name} by `headrace import`; see its report for what is missing.\n"
    )
    return head + yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=100)


def wrong(text: str) -> list[str]:
    """Return what headrace would say against these settings.

    Variables that are not set here may be set where it runs: they count as set.
    """
    env = dict.fromkeys(secrets.references(text), "set") | dict(os.environ)
    env = {name: value for name, value in env.items() if not name.startswith("HEADRACE_")}
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        file = Path(folder, "headrace.yaml")
        file.write_text(text, encoding="utf-8")
        try:
            settings = load(file, env).settings
        except SettingsError as error:
            place = f"{file}:"
            return [
                str(one).replace(place, "line ").replace("\n", "\n  ") for one in error.problems
            ]
    return [] if settings.backends else ["no backend is left: list at least one engine"]


def _put(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    # It may hold keys.
    with open(output, "w", encoding="utf-8", opener=_private) as opened:
        opened.write(text)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
