"""`headrace top`, what one look is drawn as: the fleet in a terminal, as /fleet tells of it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from proxy.cli.status import Unanswered, plain, uptime
from proxy.settings.address import Address

STYLES: Final = MappingProxyType({"ok": "green", "idle": "dim", "warn": "yellow", "bad": "red"})
MARKS: Final = MappingProxyType({"ok": "●", "idle": "○", "warn": "▲", "bad": "■"})
_RANK: Final = MappingProxyType({"bad": 0, "warn": 1, "idle": 2, "ok": 3})
_FRAME: Final = 5  # lines around the rows: three above, the heading, the last
_FAILURES: Final = 5
_UNCAPPED: Final = 999


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles in milliseconds."""

    p50: float
    p95: float


class Lately(msgspec.Struct, frozen=True, kw_only=True):
    """How a backend has done in the last minute."""

    requests: int
    failed: int
    moved_on: int
    first_token_ms: Waits | None
    between_ms: Waits | None


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a backend; names and units are those of /fleet."""

    name: str
    level: str
    word: str
    why: str
    in_flight: int
    cap: int | None
    tokens_s: float | None
    lately: Lately


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a failure."""

    age_s: float
    backend: str | None
    kind: str
    detail: str
    request_id: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the whole fleet."""

    requests: int
    failed: int
    tokens_s: float | None
    first_token_ms: Waits | None
    between_ms: Waits | None


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of /fleet; other fields are left alone."""

    version: str
    uptime_s: float
    headline: str
    in_flight: int
    queued: int
    window_s: float
    totals: Totals
    backends: tuple[Backend, ...]
    failures: tuple[Failure, ...]


def decoded(data: bytes, admin: Address) -> Fleet:
    """Return the answer as a value; Unanswered if it is not that of a headrace."""
    try:
        return msgspec.json.decode(data, type=Fleet)
    except msgspec.DecodeError as error:
        why = f"{admin} answers, but not as a headrace of this version: {error}."
        raise Unanswered(why) from None


def _first(one: Backend) -> float:
    waits = one.lately.first_token_ms
    return 0.0 if waits is None else -waits.p50


def _between(one: Backend) -> float:
    waits = one.lately.between_ms
    return 0.0 if waits is None else -waits.p50


def bad(one: Backend) -> int:
    """Return how many requests and attempts failed at a backend."""
    return one.lately.failed + one.lately.moved_on


SORTS: Final[Mapping[str, Callable[[Backend], float]]] = MappingProxyType(
    {
        "state": lambda one: _RANK.get(one.level, 0),
        "name": lambda _: 0.0,
        "in-flight": lambda one: -one.in_flight,
        "tokens": lambda one: -(one.tokens_s or 0.0),
        "first": _first,
        "between": _between,
        "failed": lambda one: -bad(one),
    }
)


def ordered(backends: Sequence[Backend], sort: str) -> list[Backend]:
    """Return the backends in the order asked for: the one to look at first stands first."""
    return sorted(backends, key=lambda one: (SORTS[sort](one), one.name))


def look(fleet: Fleet, *, sort: str, lines: int, marks: bool = True, note: str = "") -> Group:
    """Return what a terminal of so many lines shows. `note` stands at the right of the first."""
    rows = ordered(fleet.backends, sort)
    failures = fleet.failures[:_FAILURES]
    below = len(failures) + 1 if failures else 0
    shown = rows[: max(3, lines - _FRAME - below)]
    parts: list[RenderableType] = [
        _head(fleet, note),
        Text(plain(fleet.headline).plain, style=f"bold {_worst(fleet)}".strip()),
        _totals(fleet),
        _table(shown, marks=marks),
    ]
    if len(shown) < len(rows):
        parts.append(Text(f"and {len(rows) - len(shown)} more", style="dim"))
    elif failures and lines >= len(rows) + _FRAME + below:
        parts += [Text("last failures", style="dim"), *map(_failure, failures)]
    return Group(*parts)


def _head(fleet: Fleet, note: str) -> Table:
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right", style="dim")
    head.add_row(f"headrace {fleet.version}, up {uptime(fleet.uptime_s)}", note)
    return head


def _totals(fleet: Fleet) -> Text:
    totals = fleet.totals
    seconds = max(1.0, min(fleet.window_s, fleet.uptime_s))
    parts = [
        ("tokens/s", _rate(totals.tokens_s)),
        ("requests/s", _rate(totals.requests / seconds)),
        ("in flight", str(fleet.in_flight)),
        ("queued", str(fleet.queued)),
        ("first token", _both(totals.first_token_ms)),
        ("between", _both(totals.between_ms)),
        ("failed", f"{totals.failed} of {totals.requests}"),
    ]
    line = Text(overflow="ellipsis", no_wrap=True)
    for name, value in parts:
        line.append(f"{name} ", style="dim").append(f"{value}   ")
    return line


def _table(rows: Sequence[Backend], *, marks: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    table.add_column("state", no_wrap=True)
    table.add_column("backend", no_wrap=True, overflow="ellipsis", max_width=40)
    for name in ("in flight", "tok/s", "first", "p95", "between", "p95", "failed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in rows:
        style, lately = STYLES.get(one.level, ""), one.lately
        mark = f"{MARKS.get(one.level, '?')} " if marks else ""
        table.add_row(
            Text(f"{mark}{one.word}", style),
            plain(one.name),
            _flight(one),
            _rate(one.tokens_s),
            *_columns(lately.first_token_ms),
            *_columns(lately.between_ms),
            Text(str(bad(one)), "red" if bad(one) else "dim"),
            Text(plain(one.why).plain, "" if one.level == "ok" else style),
        )
    return table


def _flight(one: Backend) -> str:
    # One without a cap has a large one for a while after a fault: its start is slow.
    capped = one.cap is not None and one.cap <= _UNCAPPED
    return f"{one.in_flight}/{one.cap}" if capped else str(one.in_flight)


def _failure(one: Failure) -> Text:
    where = one.backend or "no backend"
    said = f"{uptime(one.age_s)} ago  {where}  {one.kind}  {one.request_id}  {one.detail}"
    return Text(plain(said).plain, overflow="ellipsis", no_wrap=True)


def _worst(fleet: Fleet) -> str:
    levels = {one.level for one in fleet.backends}
    return next((STYLES[level] for level in ("bad", "warn") if level in levels), "")


def _columns(waits: Waits | None) -> tuple[str, str]:
    return ("-", "-") if waits is None else (_wait(waits.p50), _wait(waits.p95))


def _both(waits: Waits | None) -> str:
    return "-" if waits is None else f"{_wait(waits.p50)} p95 {_wait(waits.p95)}"


def _wait(ms: float) -> str:
    if ms < 10.0:
        return f"{ms:.1f}ms"
    return f"{ms:.0f}ms" if ms < 1000.0 else f"{ms / 1e3:.2f}s"


def _rate(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if 0.0 < value < 10.0 else f"{value:.0f}"
