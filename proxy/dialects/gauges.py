"""How busy an engine is, read from its metrics page or from JSON.

Every signal has a list of names, newest first: engines rename their series, and an old version must
be read as well. A page is searched for the few series that matter, not parsed: some are 100 kB of
histograms.
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import Final

from proxy.core.reported import Reported
from proxy.dialects.base import Reply
from proxy.dialects.pointers import highest, parsed, total
from proxy.dialects.profile import Signals, Source

_MANY: Final = 1_000_000  # requests: above it a number is no count
_SAMPLE: Final = re.compile(rb"(?:\{[^\n]*\})? +(\S+)")  # what stands behind a metric's name
_LINE_FEED: Final = 10


def reader(source: Source) -> Callable[[Reply], Reported | None]:
    """Return the function that reads a reply of this source; None if it tells nothing."""
    signals = source.signals
    return _json(signals) if source.json else _prometheus(signals)


def series(page: bytes, name: str) -> list[float]:
    """Return the values of every series of a metric in Prometheus text, whatever its labels."""
    found, key, end = [], name.encode(), 0
    while (at := page.find(key, end)) >= 0:  # 10 times as fast as a pattern over the whole page
        end = at + len(key)
        sample = _SAMPLE.match(page, end) if not at or page[at - 1] == _LINE_FEED else None
        value = _number(sample[1]) if sample else None
        if value is not None:
            found.append(value)
    return found


def _json(signals: Signals) -> Callable[[Reply], Reported | None]:
    def read(reply: Reply) -> Reported | None:
        document = parsed(reply) if reply.status == 200 else None
        return _reported(
            total(document, signals.running),
            total(document, signals.waiting),
            highest(document, signals.kv_used),
            total(document, signals.capacity),
        )

    return read


def _prometheus(signals: Signals) -> Callable[[Reply], Reported | None]:
    def read(reply: Reply) -> Reported | None:
        page = reply.body if reply.status == 200 else b""
        return _reported(
            _folded(page, signals.running, sum),
            _folded(page, signals.waiting, sum),
            _folded(page, signals.kv_used, max),
            _folded(page, signals.capacity, sum),
        )

    return read


def _folded(
    page: bytes, names: Sequence[str], fold: Callable[[list[float]], float]
) -> float | None:
    for name in names:
        found = series(page, name)
        if found:
            return fold(found)
    return None


def _reported(
    running: float | None, waiting: float | None, kv_used: float | None, capacity: float | None
) -> Reported | None:
    said = Reported(
        running=_count(running),
        waiting=_count(waiting),
        kv_used=min(kv_used, 1.0) if kv_used is not None and kv_used >= 0.0 else None,
        capacity=_count(capacity) or None,
    )
    return None if said == _NOTHING else said


def _count(value: float | None) -> int | None:
    return None if value is None or not 0 <= value <= _MANY else int(value)


def _number(text: bytes) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


_NOTHING = Reported()
