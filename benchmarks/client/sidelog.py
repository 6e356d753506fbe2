"""Times from the side logs of simulated engines, fetched when a block is over."""

from collections.abc import Sequence

import msgspec

from benchmarks.client import prompts, stamps
from benchmarks.client.course import Bounds, Course, Hooks
from benchmarks.client.framing import taken_apart
from benchmarks.client.pacing import Agenda
from benchmarks.client.pool import Pool, route
from benchmarks.client.reading import Raw, Report
from benchmarks.client.requests import get
from benchmarks.client.target import Target
from benchmarks.load.planned import Planned

_AT_ONCE = 8  # requests running on one engine
_SECONDS = 30.0


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine remembers of one request."""

    taken_ns: int = 0
    emitted: list[int] = []


_DECODER = msgspec.json.Decoder(Told)


async def ask(target: Target, tags: Sequence[str], agenda: Agenda, now_ns: int) -> list[Told]:
    """Ask all engines of a target for all tags; an empty `Told` where none remembers.

    Raises EndpointError for an address that cannot be found.
    """
    told = [Told()] * len(tags)
    for url in target.engines or (target.url,):
        engine = msgspec.structs.replace(target, url=url)
        missing = {at: Planned(input_tokens=0, output_tokens=0) for at in _unknown(told)}
        if not missing:
            break

        def message(at: int, engine: Target = engine) -> bytes:
            return get(engine, f"/fake/stamps?tag={tags[at]}")

        def ended(raw: Raw) -> None:
            told[raw.index] = _read(raw)

        pool = Pool(await route(engine), engine.tls(), agenda, timeout=_SECONDS)
        hooks = Hooks(message=message, ended=ended)
        bounds = Bounds(limit=_AT_ONCE, timeout=_SECONDS)
        course = Course(missing, pool, agenda, hooks, bounds)
        try:
            await course.run(now_ns)
        finally:
            await pool.close()
    return told


def apply(report: Report, told: Told) -> None:
    """Put a side log's times beside what arrived, and count what is missing."""
    observed = report.observed
    if not told.taken_ns:
        return
    observed.taken_ns = told.taken_ns
    observed.emitted = stamps.beside(report.words, told.emitted) or []
    if observed.cancelled or observed.failure:
        return
    events, words = len(report.words), sum(report.words)
    observed.lost = max(0, len(told.emitted) - max(events, words))
    observed.duplicated = max(0, events - len(told.emitted))


def tags(seed: int, indices: Sequence[int]) -> list[str]:
    """Return the tags requests with these places in the schedule were sent with."""
    return [prompts.tag(seed, index) for index in indices]


def _unknown(told: Sequence[Told]) -> list[int]:
    return [at for at, one in enumerate(told) if not one.taken_ns]


def _read(raw: Raw) -> Told:
    message = taken_apart(raw.reads, closed=raw.closed)
    if raw.failure or message.status != 200:
        return Told()
    try:
        return _DECODER.decode(b"".join([piece for _, piece in message.pieces]))
    except msgspec.DecodeError:
        return Told()
