"""Days and months end at midnight in UTC."""

from datetime import UTC, datetime

import pytest

from proxy.boot.spans import calendar


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        (at(2026, 11, 22, 23, 59, 59), at(2026, 11, 23), at(2026, 12, 1)),
        (at(2026, 12, 31), at(2027, 1, 1), at(2027, 1, 1)),
        (at(2028, 2, 28, 12), at(2028, 2, 29), at(2028, 3, 1)),
        (at(2027, 1, 31), at(2027, 2, 1), at(2027, 2, 1)),
    ],
)
def test_ends(now: float, day: float, month: float) -> None:
    found = calendar(now)

    assert (found.wall, found.day.ends_at, found.month.ends_at) == (now, day, month)


def test_names() -> None:
    found = calendar(at(2026, 3, 4, 5))

    assert (found.day.name, found.month.name) == ("2026-03-04", "2026-03")
