"""Which engine answers at an address, told by the bodies of its replies.

Status codes and well-known paths identify nothing: SGLang, Lemonade and others answer Ollama's
paths, LM Studio answers 200 to every path, llama-server lists its models in Ollama's shape too. So
the owner fields of the model list make a claim, and one more GET with a strict judge confirms it.
Whatever is not confirmed is the generic engine, which is never wrong, only less well known.

`steps` is a dialogue without I/O: it yields paths to GET and is sent the replies.
"""

from collections.abc import Generator, Iterable

import msgspec

from proxy.core.failure import Failure
from proxy.dialects.base import NEEDS_CREDENTIALS, Engine, Reply
from proxy.dialects.models import items, owners, status_reason
from proxy.dialects.openai import OPENAI

LISTING = "/v1/models"


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


def steps(engines: Iterable[Engine]) -> Generator[str, Reply | Failure, Finding]:
    """Yield the paths to ask, be sent their replies, return the finding.

    Failures, server errors and answers that need credentials leave the kind unknown: ask again
    later. Only a readable listing that nobody confirmed is generic.
    """
    listing = yield LISTING
    if isinstance(listing, Failure):
        return Finding(reason=listing.detail)
    reason = status_reason(listing)
    models = items(listing)
    if reason or models is None:
        return Finding(reason=reason or "not a model list")
    seen, listed = marks(listing), len(models)
    for engine in _claimants(engines, listing):
        assert engine.sign is not None
        reply = yield engine.sign.confirm.path
        if isinstance(reply, Failure):
            return Finding(reason=f"confirming {engine.title}: {reply.detail}")
        if not engine.sign.confirm.judge(reply):
            return Finding(engine=engine, marks=seen, listed=listed)
        if reply.status >= 500 or reply.status in NEEDS_CREDENTIALS:
            return Finding(reason=f"confirming {engine.title}: {status_reason(reply)}")
    return Finding(engine=OPENAI, marks=seen, listed=listed)


def _claimants(engines: Iterable[Engine], listing: Reply) -> list[Engine]:
    found = [engine for engine in engines if engine.sign and engine.sign.claims(listing)]
    return sorted(found, key=_rank)


def _rank(engine: Engine) -> int:
    return engine.sign.rank if engine.sign is not None else 0
