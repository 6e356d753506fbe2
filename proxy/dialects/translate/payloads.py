"""Cuts a stream of server-sent events into payloads, however the network cut it before."""

from typing import Final

LIMIT: Final = 32 * 1024 * 1024  # bytes of one event; an image or a long tool call fits
_BOM: Final = b"\xef\xbb\xbf"


class TooLongError(ValueError):
    """One event, or what is kept of an answer, is more than the limit."""


class Payloads:
    """Splits decoded body bytes into the payloads of the events they hold.

    Follows the standard: any of CR, LF and CRLF ends a line, data lines of one event are joined
    with LF, comments and other fields are passed over. Time is linear in the bytes fed, also when
    an event comes in a thousand pieces.
    """

    __slots__ = ("_after_cr", "_begun", "_data", "_held", "_limit", "_parts")

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._parts: list[bytes] = []  # the current line, as far as it is here
        self._held = 0  # bytes of the current event, its unfinished line included
        self._data: list[bytes] = []  # data lines of the current event
        self._after_cr = False  # a line feed now would belong to the line before
        self._begun = False  # the first line is over

    def feed(self, data: bytes) -> list[bytes]:
        """Return the payloads that are complete now, none of them empty. Raises `TooLongError`."""
        if data.startswith(b"data: {") and not (self._parts or self._data or self._after_cr):
            # What engines send most: one whole event, alone in its piece. It takes a third.
            size = len(data)
            plain = data.endswith(b"}\n\n") and data.find(b"\n") == size - 2 and b"\r" not in data
            if plain and size <= self._limit:
                self._begun = True
                return [data[6:-2]]
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if b"\n" not in data and b"\r" not in data:
            self._hold(data)
            return []
        if self._parts:
            data = b"".join((*self._parts, data))
            self._parts.clear()
        self._after_cr = data.endswith(b"\r")
        lines = data.splitlines()
        if not data.endswith((b"\n", b"\r")):
            rest = lines.pop()
            found = self._take(lines)
            self._hold(rest)
            return found
        return self._take(lines)

    def finish(self) -> list[bytes]:
        """Return the payload of an event the end of the body left open, if any."""
        line = b"".join(self._parts)
        self._parts.clear()
        return self._take([line, b""])

    def _hold(self, part: bytes) -> None:
        if part:
            self._parts.append(part)
            self._count(len(part))

    def _count(self, size: int) -> None:
        self._held += size
        if self._held > self._limit:
            raise TooLongError(f"an event of the engine is longer than {self._limit} bytes")

    def _take(self, lines: list[bytes]) -> list[bytes]:
        found: list[bytes] = []
        if not self._begun and lines:
            self._begun = True
            lines[0] = lines[0].removeprefix(_BOM)
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
                self._count(len(line))
            elif not line:
                self._held = 0
                if data:
                    payload = data[0] if len(data) == 1 else b"\n".join(data)
                    data.clear()
                    if payload.strip():
                        found.append(payload)
        return found
