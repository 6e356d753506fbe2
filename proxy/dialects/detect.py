"""Which engine answers at an address, told by the bodies of its replies.

Status codes and well-known paths identify nothing: SGLang, Lemonade and others answer Ollama's
paths, LM Studio answers 200 to every path, llama-server lists its models in Ollama's shape too. So
the owner fields of the model list make a claim, and further GETs with strict judges confirm it.
Whatever is not confirmed is the generic engine, which is never wrong, only less well known.

`steps` is a dialogue without I/O: it yields paths to GET and is sent the replies.
"""

from collections.abc import Generator, Iterable, Sequence

import msgspec

from proxy.core.failure import Failure
from proxy.dialects.base import MISSING_PATH, NEEDS_CREDENTIALS, Engine, Reply
from proxy.dialects.models import items, owners, status_reason

LISTING = "/v1/models"
Dialogue = Generator[str, Reply | Failure, "Finding"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a detection: an engine, or the reason why nothing can be said yet.

    marks: what the listing showed; another value later means that the engine may have changed.
    listed: the number of models in the listing.
    """

    engine: Engine | None = None
    reason: str = ""
    marks: tuple[str, ...] = ()
    listed: int = 0


def marks(reply: Reply) -> tuple[str, ...]:
    """Return what a listing shows of its engine's identity, in a form that can be compared."""
    return (reply.headers.get("server", ""), *sorted(owners(reply)))


def steps(engines: Iterable[Engine]) -> Dialogue:
    """Yield the paths to ask, be sent their replies, return the finding.

    The record without a sign stands for what nobody confirms. Failures, server errors and answers
    that need credentials leave the kind unknown: ask again later. So does an address without a
    model list anywhere.
    """
    known = tuple(engines)
    listing = yield LISTING
    if isinstance(listing, Failure):
        return Finding(reason=listing.detail)
    if items(listing) is not None:
        generic = next((engine for engine in known if engine.sign is None), None)
        return (yield from _told(known, listing, generic))
    if listing.status in MISSING_PATH:
        for path in sorted({engine.models_path for engine in known} - {LISTING}):
            reply = yield path
            if isinstance(reply, Reply) and items(reply) is not None:
                there = [engine for engine in known if engine.models_path == path]
                found = yield from _told(there, reply, None)
                if found.engine is not None or found.reason:
                    return found
    return Finding(reason=status_reason(listing) or "not a model list")


def _told(engines: Sequence[Engine], listing: Reply, otherwise: Engine | None) -> Dialogue:
    """Ask the claimants, the strongest first; `otherwise` is the finding if none is confirmed."""
    seen, listed = marks(listing), len(items(listing) or ())
    asked: dict[str, Reply | Failure] = {}
    for engine in _claimants(engines, listing):
        assert engine.sign is not None
        for probe in engine.sign.confirm:
            if probe.path not in asked:
                asked[probe.path] = yield probe.path
            reply = asked[probe.path]
            if isinstance(reply, Failure):
                return Finding(reason=f"confirming {engine.title}: {reply.detail}")
            if not probe.judge(reply):
                return Finding(engine=engine, marks=seen, listed=listed)
            if reply.status >= 500 and reply.status not in MISSING_PATH:
                return Finding(reason=f"confirming {engine.title}: {status_reason(reply)}")
            if reply.status in NEEDS_CREDENTIALS:
                return Finding(reason=f"confirming {engine.title}: {status_reason(reply)}")
    return Finding(engine=otherwise, marks=seen, listed=listed)


def _claimants(engines: Sequence[Engine], listing: Reply) -> list[Engine]:
    found = [engine for engine in engines if engine.sign and engine.sign.claims(listing)]
    return sorted(found, key=_rank)


def _rank(engine: Engine) -> int:
    return engine.sign.rank if engine.sign is not None else 0
