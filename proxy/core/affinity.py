"""Keep the calls of one session at one backend, as long as that costs nobody much.

Theory. Engines keep the keys and values of prompts they have seen, so the next turn of a talk is
cheapest where the turns before it were answered. Rendezvous hashing finds that place without
remembering anything: each backend draws a number from the session's name and its own, and the best
number wins. All replicas of the proxy come to the same result without talking. A backend that
leaves moves its own sessions only, each to the one that was second for it; one that joins takes
over its share and moves nothing else. Numbers are drawn so that shares follow the weights: the
first to happen of exponential waits, each as fast as its weight.

A session is not worth a queue (bounded load: Mirrokni, Thorup and Zadimoghaddam, 2016). A backend
is passed over while it carries more than `bound` times the mean load of all that could take the
call, this call counted in; then the next of the session's order is asked. Loads are those of
selection: work by weight. So nobody ever carries more than `bound` times the mean and one call.

The cost is a digest of 1 us and 0.5 us a candidate (CPython 3.11.7, 2026-11), for calls that name a
session.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from math import log

from proxy.core.backend import Backend
from proxy.core.selection import eligible

_WORD = (1 << 64) - 1


def pick(
    session: str,
    candidates: Sequence[Backend],
    *,
    bound: float,
    work: float,
    tried: Sequence[Backend],
    now: float,
) -> Backend | None:
    """Return the session's backend, or None: nobody is eligible, or whoever is has enough to do.

    `work` is what this call is expected to take, in tokens. Candidates stand in order of priority;
    only the lowest tier with an eligible one is looked at.
    """
    able = eligible(candidates, tried, now)
    if not able:
        return None
    total = sum([backend.work for backend in able]) + work
    most = bound * total / sum([backend.pull for backend in able])
    for backend in order(session, able):
        if (backend.work + backend.penalty) / backend.pull <= most:
            return backend
    return None


def order(session: str, backends: Sequence[Backend]) -> list[Backend]:
    """Return the backends in the order in which the session prefers them."""
    mark = _digest(session)

    def wait(backend: Backend) -> float:
        return -log(_drawn(mark ^ _seed(backend.name))) / backend.weight

    return sorted(backends, key=wait)


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=4096)
def _seed(name: str) -> int:
    """Return the digest of a backend's name: there are few, and they are asked for at each call."""
    return _digest(name)


def _drawn(mark: int) -> float:
    """Return a number between 0 and 1, neither included: the last step of splitmix64."""
    mark = (mark ^ (mark >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    mark = (mark ^ (mark >> 27)) * 0x94D049BB133111EB & _WORD
    mark ^= mark >> 31
    return ((mark >> 12) + 0.5) / (1 << 52)
