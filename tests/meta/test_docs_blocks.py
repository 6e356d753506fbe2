"""What the documentation shows can be used: settings load, commands have these words and flags."""

import ast
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import typer
import yaml

from benchmarks.cli import app as bench
from benchmarks.cli.vllm import translated
from proxy.cli.app import app
from proxy.dialects.registry import parse
from proxy.settings import fields, secrets
from proxy.settings.load import load
from proxy.settings.problems import SettingsError
from tests.meta import tree

FENCE = re.compile(r"(?ms)^( *)```(\w+)\n(.*?)^ *```$")
TARGET = re.compile(r"(?m)^([a-z-]+):")
# A problem that is one of the place, not of the text: the file is not on this machine.
ELSEWHERE = re.compile(r"no key in that file|cannot be read|cannot be used|is not there")
# What stands in for variables.
ADDRESSES = {"REDIS_URL": "redis://127.0.0.1:6379", "DATABASE_URL": "postgresql://127.0.0.1/x"}
SOME_KEY = "a-key-of-twenty-letters"
# Documents of other programs: they are what their own tools make of them.
FOREIGN = frozenset({"services", "scrape_configs", "endpoints", "groups", "http", "server"})


class Block(NamedTuple):
    """A block of code of a page."""

    page: str
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        """Return where it stands."""
        return f"{self.page}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages in these languages."""
    return [block for block in _blocks() if block.language in languages]


def _blocks() -> Iterator[Block]:
    for page in tree.files():
        if not page.endswith(".md") or page.startswith("docs/changes.d/"):
            continue
        text = tree.text(page)
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            yield Block(page, line, match[2], textwrap.dedent(match[3]))


def commands() -> list[tuple[str, list[str]]]:
    """Return every command of ours that a page shows, with its place."""
    found = []
    for block in blocks("console", "sh", "bash"):
        text = block.text.replace("\\\n", " ")
        lines = text.splitlines()
        typed = [line[2:] for line in lines if line.startswith("$ ")] or lines  # else it is output
        for line in typed:
            words = _words(line.strip())
            if words and Path(words[0]).name in {"headrace", "make"}:
                found.append((block.place, [Path(words[0]).name, *words[1:]]))
    return found


def _words(line: str) -> list[str]:
    """Return the words of one command, without what stands before and behind it in a shell."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    ends = [words.index(mark) for mark in ("|", "&", "&&", ">", "2>", "||", ";") if mark in words]
    return words[: min(ends, default=len(words))]


def wrong(words: list[str]) -> str:
    """Return what is wrong with the words of a command; nothing is run."""
    command: Any = typer.main.get_command(app)
    if words[:1] == ["bench"]:
        command, words = typer.main.get_command(bench.app), words[1:]
        if words and words[0] in bench.PASTED:
            words = [words[0], *translated(words[1:])[0]]
    while hasattr(command, "commands"):
        if not words or words[0].startswith("-"):
            return ""
        name, *words = words
        if name not in command.commands:
            return f"there is no command {name!r}"
        command = command.commands[name]
    try:
        command.make_context(command.name, words)
    except typer.Exit:
        return ""
    except Exception as error:  # noqa: BLE001 - typer brings the exceptions of a click of its own
        return str(getattr(error, "message", error))
    return ""


def problems(text: str, folder: Path) -> list[str]:
    """Return what headrace would say against settings, but for what is missing on this machine."""
    file = folder / "headrace.yaml"
    file.write_text(text)
    env = {
        name: next((url for word, url in ADDRESSES.items() if word in name), SOME_KEY)
        for name in secrets.references(text)
    }
    try:
        load(file, {name: value for name, value in env.items() if name.isidentifier()})
    except SettingsError as error:
        return [str(one) for one in error.problems if not ELSEWHERE.search(str(one))]
    return []


def documents(block: Block) -> list[Any]:
    """Return the documents of a block of YAML."""
    return [one for one in yaml.safe_load_all(block.text) if one is not None]


def test_settings_in_pages_are_settings(tmp_path: Path) -> None:
    known = set(fields.tree().members)
    found, strange = [], []
    for block in blocks("yaml"):
        for one in documents(block):
            keys = set(one) if isinstance(one, dict) else set()
            if keys and keys <= known:
                text = yaml.safe_dump(one)
                found += [f"{block.place}: {problem}" for problem in problems(text, tmp_path)]
            elif "profile" in keys:
                found += [f"{block.place}: {flaw}" for flaw in parse(block.text.encode())[1]]
            elif keys & known and not keys & FOREIGN and "apiVersion" not in keys:
                strange.append(f"{block.place}: {sorted(keys - known)}")

    assert not found
    assert not strange


@pytest.mark.parametrize(("place", "words"), commands())
def test_commands_in_pages_have_these_words(place: str, words: list[str]) -> None:
    if words[0] == "make":
        targets = set(TARGET.findall(tree.text("Makefile")))
        assert {word for word in words[1:] if re.fullmatch(r"[a-z-]+", word)} <= targets, place
    else:
        assert not wrong(words[1:]), place


def test_json_and_toml_in_pages_can_be_read() -> None:
    for block in blocks("json"):
        try:
            orjson.loads(block.text)
        except orjson.JSONDecodeError as error:
            pytest.fail(f"{block.place}: {error}")
    for block in blocks("toml"):
        tomllib.loads(block.text)


def test_python_in_pages_compiles() -> None:
    for block in blocks("python"):
        # A piece may stand for the inside of a coroutine.
        ast.parse("async def piece():\n" + textwrap.indent(block.text, "    "), block.place)


def test_a_wrong_command_is_seen() -> None:
    assert "no command" in wrong(["sevre"])
    assert "No such option" in wrong(["serve", "--lisen", "x"])
    assert not wrong(["serve", "--listen", "127.0.0.1:1"])


def test_a_wrong_setting_is_seen(tmp_path: Path) -> None:
    assert problems("limits: {quue: 1}", tmp_path)
    assert not problems("limits: {queue: 1}", tmp_path)
