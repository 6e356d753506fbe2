"""The top level of a JSON document, found in steps of bounded work: what a decoder is then given.

Theory. A decoder cannot be interrupted: 64 MiB of small values hold the loop for 0.2 to 1.2 s. But
only the top level of a body is needed, and to leave the rest out one has to follow no more than
strings and brackets. A regular expression does that at 1 to 25 ns a byte, and from one slice of the
text it goes on to the next, with others served between them.

    in        seen                       what follows
    text      strings, scalars, leaves   passed in one match: a leaf is a bracket pair with no other
              opening bracket            one deeper; a value of the top level is left out from here
              closing bracket            one up, of the same kind; such a value ends
              a string over the slice    its inside is followed, slice after slice, and left out
    string    its closing quote          text

What is left has the same keys and scalars, and empty lists, objects and long texts for values.
Brackets that do not match are refused; what else is wrong inside, the engine will judge.

Each bracket outside leaves costs a turn in Python. A body with over a million of them, or with over
1 MiB of top level, asks nothing of a model: it is refused.
"""

import re
from collections.abc import Sequence
from typing import Final

from proxy.core.shorten import LONG, cut

SLICE: Final = 128 * 1024  # bytes of one step: 3 ms at worst (CPython 3.11, 2026-11)
TURNS: Final = 1024  # brackets of one step: 2 ms
MOST_TURNS: Final = 1_000_000
DEEPEST: Final = 1000  # as deep as the decoder goes
TOP: Final = 1024 * 1024  # bytes of top level; a decoder takes up to 20 ms for them
_INSIDE: Final = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_STRING: Final = rb'"%b"' % _INSIDE
_SCALARS: Final = rb'[^"\[\]{}]*+'
_FLAT: Final = rb"%b(?:%b%b)*+" % (_SCALARS, _STRING, _SCALARS)
_LEAF: Final = rb"\{%b\}|\[%b\]" % (_FLAT, _FLAT)
_BRACKET: Final = rb"([\[\]{}])?"
_above: Final = re.compile(_FLAT + _BRACKET, re.DOTALL).match
_below: Final = re.compile(
    rb"%b(?:(?:%b|%b)%b)*+%b" % (_SCALARS, _STRING, _LEAF, _SCALARS, _BRACKET), re.DOTALL
).match
_inside: Final = re.compile(_INSIDE, re.DOTALL).match
_CLOSES: Final = {b"{": b"}", b"[": b"]"}


class Skim:
    """The reading of one document. `step` until it returns True; then `flaw` or `kept` stands.

    A step takes `size` bytes of it, or `TURNS` brackets if that is less.

    steps, turns: the work done so far. flaw: what is wrong with it; empty if nothing. refused: it
    may be valid, but is more than is read here.
    """

    __slots__ = (
        "_at",
        "_hidden",
        "_kept",
        "_open",
        "_quoted",
        "_since",
        "_slice",
        "_text",
        "_top",
        "flaw",
        "refused",
        "steps",
        "turns",
    )

    def __init__(self, text: bytes, size: int = SLICE) -> None:
        self.flaw = ""
        self.refused = False
        self.steps = 0
        self.turns = 0
        self._text = text
        self._slice = size
        self._at = 0
        self._quoted = False  # inside a string
        self._open: list[bytes] = []  # brackets that are to close, the innermost last
        self._since = 0  # where the part that is left out began
        self._top = 0  # up to where the top level has been counted
        self._kept = 0  # bytes of it
        self._hidden: list[tuple[int, int]] = []

    @property
    def place(self) -> int:
        """Return how far it has been read."""
        return self._at

    @property
    def hidden(self) -> Sequence[tuple[int, int]]:
        """Return what is left out, in order."""
        return self._hidden

    @property
    def kept(self) -> bytes:
        """Return what is left."""
        return cut(self._text, self._hidden)

    def step(self) -> bool:
        """Read on for a bounded time; tell whether the end, or a flaw, has been reached."""
        self.steps += 1
        stop = self._at + self._slice
        last = self.turns + TURNS
        size = len(self._text)
        while self._at < min(stop, size) and self.turns < last:
            if self._quoted:
                self._follow(stop)
            else:
                self._pass(min(stop, size))
            if self.flaw:
                return True
        if self._at < size:
            return False
        if self._quoted or self._open:
            self.flaw = "it ends before it is complete"
        else:
            self._keep(size)
        return True

    def _pass(self, stop: int) -> None:
        """Pass over text up to a bracket, a string that is longer than the slice, or its end."""
        at = self._at
        deep = len(self._open)
        found = (_below if deep > 1 else _above)(self._text, at, stop)
        assert found is not None  # it matches nothing at all, too
        self._at = end = found.end()
        bracket = found[1]
        if bracket is not None:
            self.turns += 1
            self._turn(bracket, end, deep)
        elif end == at:  # a string that is not whole in this slice
            self._at += 1
            self._quoted = True
            if deep <= 1:
                self._leave_out(self._at)

    def _turn(self, bracket: bytes, end: int, deep: int) -> None:
        closes = _CLOSES.get(bracket)
        if closes is not None:
            self._open.append(closes)
            if deep == 1:
                self._leave_out(end)
            if deep >= DEEPEST:
                self.flaw = "it is nested too deeply"
        elif not deep or self._open.pop() != bracket:
            self.flaw = f"byte {end - 1} closes what is not open"
        elif deep == 2:
            self._take_in(end - 1)
        if self.turns > MOST_TURNS:
            self.refused = True
            self.flaw = f"it has over {MOST_TURNS // 2} lists and objects"

    def _follow(self, stop: int) -> None:
        """Pass over the inside of a string, and its closing quote if that is here."""
        text = self._text
        found = _inside(text, self._at, stop)
        assert found is not None  # see above
        self._at = end = found.end()
        following = text[end : end + 1]
        if following == b'"':
            self._at += 1
            self._quoted = False
            if len(self._open) <= 1 and end - self._since > LONG:  # else it may be the model's name
                self._take_in(end)
        elif following == b"\\":  # with what it escapes, in the next slice
            self._at += 2

    def _leave_out(self, start: int) -> None:
        """Keep what is before `start`, and nothing from there on."""
        self._keep(start)
        self._since = start

    def _take_in(self, end: int) -> None:
        """Keep what follows again."""
        self._top = end
        if end > self._since:
            self._hidden.append((self._since, end))

    def _keep(self, end: int) -> None:
        self._kept += end - self._top
        if self._kept > TOP:
            self.refused = True
            self.flaw = f"it has over {TOP} bytes beside its lists, objects and long texts"
