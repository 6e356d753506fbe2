"""The whole fleet at one moment: what /status says, and what ended calls say of every backend.

Some 15 ms of CPU for a fleet of 64 with a full history (2026-11), so it is made only for somebody
who asks, once for all who watch, and in steps of at most 5 ms.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from heapq import nlargest
from itertools import islice
from typing import Final, Protocol

import msgspec

from proxy.core.backend import Backend
from proxy.core.call import Call
from proxy.core.catalog import Catalog
from proxy.core.reported import Reported
from proxy.edge import waterfall
from proxy.edge.verdict import Signs, headline, verdict
from proxy.telemetry import vitals
from proxy.telemetry.failures import Record
from proxy.telemetry.lookout import Lookout
from proxy.telemetry.metrics import Live
from proxy.telemetry.vitals import WINDOW, Spread, Vitals

SHOWN: Final = 15  # requests of each kind
CHANGES: Final = 60


class Scene(Live, Protocol):
    """Where the figures come from. `boot` implements it."""

    @property
    def lookout(self) -> Lookout:
        """What is kept for who watches, brought up to date."""
        ...

    def failures(self) -> Sequence[Record]:
        """Return the last failures, oldest first (`telemetry.failures.Recent.records`)."""
        ...


async def document(status: Callable[[], Mapping[str, object]], scene: Scene) -> dict[str, object]:
    """Return what /fleet shows: the document of /status, extended.

    Between two steps the loop moves bytes. What both need is looked up in the first.
    """
    now, lookout, backends = scene.now(), scene.lookout, tuple(scene.backends())
    base = status()
    await asyncio.sleep(0)
    recent = list(lookout.history.calls(now - WINDOW))
    by_backend = vitals.by_backend(recent)
    rates = lookout.pulse.look(now, {name: one.pieces for name, one in by_backend.items()})
    await asyncio.sleep(0)
    signs = _signs(scene, backends, by_backend)
    verdicts = {one.name: verdict(one, signs[one.name], now) for one in backends}
    await asyncio.sleep(0)
    totals = _totals(recent, rates)
    await asyncio.sleep(0)
    return {
        **base,
        "headline": headline(verdicts, draining=bool(base["draining"])),
        "window_s": WINDOW,
        "totals": totals,
        "backends": [
            {
                **shown,
                **msgspec.structs.asdict(verdicts[backend.name]),
                "tokens_s": None if rates is None else round(rates.get(backend.name, 0.0), 1),
                "lately": _lately(signs[backend.name]),
                "engine": _reported(backend.reported),
            }
            for shown, backend in zip(_rows(base["backends"]), backends, strict=True)
        ],
        "changes": [
            {"age_s": round(now - one.at, 1)} | _without_at(one)
            for one in reversed(lookout.chronicle.changes[-CHANGES:])
        ],
        "requests": _requests(recent, scene),
    }


def _signs(
    scene: Scene, backends: Sequence[Backend], by_backend: Mapping[str, Vitals]
) -> dict[str, Signs]:
    now, catalog = scene.now(), scene.catalog()
    tries = Counter(one.backend.name for one in scene.lookout.history.tries(now - WINDOW))
    last = {record.backend: record for record in scene.failures()}
    none = Vitals()
    found = {}
    for backend in backends:
        name = backend.name
        lately = by_backend.get(name, none)
        peers = [by_backend[other] for other in _peers(backend, catalog) if other in by_backend]
        found[name] = Signs(
            lately=lately, tries=tries[name], lag=vitals.lag(lately, peers), last=last.get(name)
        )
    return found


def _peers(backend: Backend, catalog: Catalog) -> set[str]:
    """Return the names of the others that serve a model it serves."""
    names = {other.name for target in catalog.targets_of(backend) for other in target.candidates}
    return names - {backend.name}


def _lately(signs: Signs) -> dict[str, object]:
    lately = signs.lately
    return {
        "requests": lately.calls,
        "failed": lately.failed,
        "moved_on": signs.tries,
        "first_token_ms": _spread(lately.first_token),
        "between_ms": _spread(lately.between),
    }


def _totals(recent: list[Call], rates: Mapping[str, float] | None) -> dict[str, object]:
    """Return the figures of the whole fleet; waits for the first token are those of clients."""
    whole = vitals.vitals(recent)
    firsts = [c.first_token_at - c.received_at for c in recent if c.stream and c.first_token_at]
    return {
        "requests": whole.calls,
        "failed": whole.failed,
        "tokens_s": None if rates is None else round(sum(rates.values()), 1),
        "first_token_ms": _spread(vitals.spread(firsts)),
        "between_ms": _spread(whole.between),
        "queue_ms": _spread(vitals.spread([call.queued_s for call in recent])),
    }


def _requests(recent: list[Call], scene: Scene) -> dict[str, object]:
    history, now = scene.lookout.history, scene.now()
    kinds = {
        "latest": recent[:SHOWN],
        "slowest": nlargest(SHOWN, recent, key=lambda call: call.ended_at - call.received_at),
        "failed": list(islice(filter(vitals.failed, history.calls()), SHOWN)),
    }
    return {
        kind: [waterfall.summary(call, history, now) for call in calls]
        for kind, calls in kinds.items()
    }


def _spread(found: Spread | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "p50": round(found.p50 * 1e3, 2),
        "p95": round(found.p95 * 1e3, 2),
        "count": found.count,
    }


def _reported(said: Reported | None) -> dict[str, object] | None:
    return None if said is None else msgspec.structs.asdict(said)


def _without_at(value: msgspec.Struct) -> dict[str, object]:
    shown = msgspec.structs.asdict(value)
    del shown["at"]
    return shown


def _rows(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return value
