"""What is wrong with the settings, told so that it can be put right: place, finding, range, hint.

Also holds `Source`, the place a value came from, which problems and `headrace explain` share.
"""

import difflib
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override


class Layer(IntEnum):
    """Where settings come from; a higher layer wins."""

    DEFAULT = 0
    FILE = 1
    ENVIRONMENT = 2
    FLAG = 3


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The place of a value: its layer, and there the file and line, the variable or the flag."""

    layer: Layer
    name: str = ""
    line: int = 0  # from 1; 0 = the file as a whole, or not a file

    @override
    def __str__(self) -> str:
        if self.layer is Layer.DEFAULT:
            return "default"
        if self.layer is Layer.ENVIRONMENT:
            return f"env {self.name}"
        return f"{self.name}:{self.line}" if self.line else self.name


DEFAULT: Final = Source(layer=Layer.DEFAULT)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that must be changed. No field ever holds a credential.

    `path` is the key (`backends[0].url`), empty for the file as a whole; `found` says what stands
    there, `allowed` what may, `hint` what to do; each of the last two may be empty.
    """

    path: str
    source: Source
    found: str
    allowed: str = ""
    hint: str = ""

    @override
    def __str__(self) -> str:
        place = f"{self.source}: {self.path}" if self.path else str(self.source)
        text = f"{place}: {self.found}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        return f"{text}\n    {self.hint}" if self.hint else text


class SettingsError(Exception):
    """The settings cannot be used. `problems` holds every one that was found, in reading order.

    `files` are those that were read or looked for: a change to one of them may put things right.
    """

    def __init__(self, problems: Iterable[Problem], files: Iterable[Path] = ()) -> None:
        self.files = tuple(files)
        self.problems = tuple(
            sorted(problems, key=lambda one: (one.source.layer, one.source.name, one.source.line))
        )
        super().__init__(self.report())

    def report(self) -> str:
        """Return all problems as text for a person, a line or two each."""
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        return "\n".join([f"{head} in the settings:", *map(str, self.problems)])


def suggestion(word: str, known: Iterable[str], prefix: str = "") -> str:
    """Return `did you mean ...?` for the known word nearest to `word`, or an empty string.

    A `prefix` that all known words share does not count for nearness; `word` comes without it.
    """
    plain = {one.removeprefix(prefix).lower().replace("-", "_"): one for one in known}
    near = difflib.get_close_matches(word.lower().replace("-", "_"), plain, n=1)
    return f"did you mean {plain[near[0]]}?" if near else ""
