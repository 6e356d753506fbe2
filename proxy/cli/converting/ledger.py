"""What becomes of each key of another proxy's configuration: nothing is passed over in silence.

A converter takes the keys it understands, one by one. Whatever it has not taken in the end is in
the report too, as dropped.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final

import msgspec

MISSING: Final = object()


class Fate(StrEnum):
    """What became of a key."""

    CARRIED = "carried"  # it means the same here
    APPROXIMATED = "approximated"  # something near to it stands in the result
    DROPPED = "dropped"  # nothing does


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One key of the report; `words` say where it went, or why not."""

    fate: Fate
    path: str
    words: str


class Ledger:
    """A document, and what has been said of its keys so far."""

    __slots__ = ("_document", "_lines", "_taken")

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._lines: list[Line] = []
        self._taken: set[str] = set()

    def at(self, path: str) -> Any:  # noqa: ANN401  whatever a foreign document has there
        """Return what stands at `path` (`a.b[0].c`), or MISSING, without saying anything of it."""
        return dict(_nodes(self._document, "")).get(path, MISSING)

    def carried(self, path: str, words: str = "") -> None:
        """Say that a key, with all below it, means the same here."""
        self._say(Fate.CARRIED, path, words)

    def approximated(self, path: str, words: str) -> None:
        """Say that something near to a key stands in the result."""
        self._say(Fate.APPROXIMATED, path, words)

    def dropped(self, path: str, words: str) -> None:
        """Say why there is nothing for a key."""
        self._say(Fate.DROPPED, path, words)

    def report(self) -> list[Line]:
        """Return what became of every key, those nobody spoke of included."""
        rest = [
            Line(fate=Fate.DROPPED, path=path, words="headrace has nothing like it")
            for path, node in _nodes(self._document, "")
            if path and not isinstance(node, Mapping | list) and not self._known(path)
        ]
        return [*self._lines, *rest]

    def _say(self, fate: Fate, path: str, words: str) -> None:
        if self.at(path) is MISSING:
            return
        self._taken.add(path)
        self._lines.append(Line(fate=fate, path=path, words=words))

    def _known(self, path: str) -> bool:
        return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in self._taken)


def text(lines: list[Line]) -> str:
    """Return the report for a person: a line for each key, by what became of it."""
    shown = []
    for fate in Fate:
        some = [line for line in lines if line.fate is fate]
        if some:
            shown.append(f"{fate.value}: {len(some)}")
            shown += [
                f"  {one.path}: {one.words}" if one.words else f"  {one.path}" for one in some
            ]
    return "\n".join(shown) + "\n"


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  as above
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _nodes(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nodes(value, f"{path}[{index}]")
