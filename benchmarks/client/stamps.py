"""Matching what arrived with what a simulated engine stamped: emission times, order, losses.

Token indices tell what happened on the way. An event begins with token `i` and holds as many
tokens as words (a simulated engine's tokens are words), so the next must begin with `i + words`.
"""

import re
from collections.abc import Sequence

import msgspec

_CONTENT = re.compile(r"~(\d+):(\d+)(?::(\d+))?~")


class Piece(msgspec.Struct, frozen=True, gc=False):
    """One stamped stretch of text: index of its first token, when it was written, its words."""

    token: int
    emitted_ns: int
    words: int
    taken_ns: int = 0


class Integrity(msgspec.Struct, kw_only=True):
    """Tokens that never came, came twice, or came after a later one."""

    lost: int = 0
    duplicated: int = 0
    reordered: int = 0


def in_content(text: str) -> tuple[str, list[Piece]]:
    """Take the stamps out of an event's text; a gateway may have put several events into one."""
    found = list(_CONTENT.finditer(text))
    if not found:
        return text, []
    clean, pieces = [text[: found[0].start()]], []
    for mark, following in zip(found, [*found[1:], None], strict=True):
        said = text[mark.end() : following.start() if following is not None else len(text)]
        clean.append(said)
        pieces.append(
            Piece(int(mark[1]), int(mark[2]), max(1, len(said.split())), int(mark[3] or 0))
        )
    return "".join(clean), pieces


def integrity(pieces: Sequence[Piece], total: int | None) -> Integrity:
    """Compare token indices with an unbroken count from 0 to `total`; None: the end is open."""
    expected = 0
    for piece in pieces:
        if piece.token != expected:
            return _accounted(pieces, total)
        expected += piece.words
    return Integrity(lost=max(0, (total or 0) - expected))


def _accounted(pieces: Sequence[Piece], total: int | None) -> Integrity:
    result = Integrity()
    seen: set[int] = set()
    highest = 0  # one more than the largest index seen
    for piece in pieces:
        tokens = range(piece.token, piece.token + piece.words)
        doubled = sum(token in seen for token in tokens)
        result.duplicated += doubled
        if piece.token < highest:
            result.reordered += piece.words - doubled
        seen.update(tokens)
        highest = max(highest, tokens.stop)
    result.lost = max(highest, total or 0) - len(seen)
    return result


def beside(words: Sequence[int], emitted: Sequence[int]) -> list[int] | None:
    """Deal a side log's times out to received events, given how many words each of them has.

    Returns one emission time for each event, or None if the two cannot be matched. Events merged
    on the way get the time of the first token in them: what it waited is what merging costs.
    """
    if len(words) == len(emitted):
        return list(emitted)
    if sum(words) != len(emitted):
        return None
    times, at = [], 0
    for count in words:
        times.append(emitted[at])
        at += count
    return times
