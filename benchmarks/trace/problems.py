"""What is wrong with a trace, told by line: all of it at once, not one line per attempt."""

from typing import Final

SHOWN: Final = 20


class TraceError(ValueError):
    """A trace that cannot be used; the message names every bad row it has room for.

    `lines` are the numbers of all bad rows.
    """

    def __init__(self, message: str, lines: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.lines = lines


class RowError(ValueError):
    """One row is not what the format allows; the message says what and what is allowed."""


class Ledger:
    """Collects the bad rows of one reading, and those left out on purpose."""

    __slots__ = ("_bad", "left_out")

    def __init__(self) -> None:
        self._bad: list[tuple[int, str]] = []
        self.left_out: dict[str, int] = {}

    def bad(self, line: int, sentence: object) -> None:
        """Note a row that cannot be used."""
        self._bad.append((line, str(sentence)))

    def leave_out(self, why: str) -> None:
        """Note a row the format itself marks as no request that was answered."""
        self.left_out[why] = self.left_out.get(why, 0) + 1

    def notes(self) -> tuple[str, ...]:
        """Return what was left out, in words."""
        found = [f"{count} rows left out: {why}" for why, count in self.left_out.items()]
        if self._bad:
            lines = ", ".join(str(line) for line, _ in self._bad[:SHOWN])
            more = " and more" if len(self._bad) > SHOWN else ""
            found.append(f"{len(self._bad)} bad rows left out, lines {lines}{more}")
        return tuple(found)

    def judge(self, name: str, format: str, allowed: str) -> None:
        """Raise TraceError if a row was bad."""
        if not self._bad:
            return
        count = len(self._bad)
        told = [f"{name}: {count} bad {'row' if count == 1 else 'rows'} (read as {format})"]
        told += [f"  line {line}: {sentence}" for line, sentence in self._bad[:SHOWN]]
        if count > SHOWN:
            told.append(f"  and {count - SHOWN} more")
        told.append(f"A row of {format} is: {allowed}.")
        raise TraceError("\n".join(told), tuple(line for line, _ in self._bad))
