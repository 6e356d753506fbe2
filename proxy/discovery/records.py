"""DNS records to backends, and when to look again.

answer               then
records              these are the engines; look again when they have lived, or after `interval`
no such name, none   believed when it is said twice in a row: a zone may be half loaded
no answer            what is known stays
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.discovery import finding
from proxy.discovery.finding import Finding, Notes
from proxy.settings.discovery import DnsSource, Record
from proxy.settings.schema import BackendSettings

CONFIRMATIONS: Final = 2
LONGEST: Final = 3600.0  # seconds between two looks, whatever the records say
_TOP: Final = 1000  # the highest tier there is
_NARROW: Final = (0.01, 1000.0)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What one record says; for an address only `host` counts.

    `address` is where `host` is, if the server that was asked says so.
    """

    host: str
    address: str = ""
    port: int = 0
    priority: int = 0
    weight: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a look. `known` is False if nobody answered; `problem` says why."""

    targets: tuple[Target, ...] = ()
    ttl: float = 0.0
    known: bool = True
    problem: str = ""


class Lookout:
    """What holds for one name after each look."""

    __slots__ = ("_empty", "_finding", "_source")

    def __init__(self, source: DnsSource) -> None:
        self._source = source
        self._finding = Finding()
        self._empty = 0

    def took(self, answer: Answer) -> Finding:
        """Take an answer in; return what is known now."""
        problems = (answer.problem,) if answer.problem else ()
        self._empty = 0 if answer.targets else self._empty + answer.known
        if answer.targets or self._empty >= CONFIRMATIONS:
            self._finding = Finding(backends=_backends(self._source, answer.targets))
        self._finding = msgspec.structs.replace(
            self._finding, problems=problems, current=answer.known
        )
        return self._finding

    def wait(self, answer: Answer) -> float:
        """Return the seconds until the next look."""
        return min(max(answer.ttl, self._source.interval), LONGEST)


def _backends(source: DnsSource, targets: Sequence[Target]) -> tuple[BackendSettings, ...]:
    ordered = sorted(set(targets), key=lambda one: (one.priority, one.host, one.port))
    by_url: dict[str, BackendSettings] = {}
    for target in ordered:
        port = target.port if source.record is Record.SRV else source.port
        name = finding.url(target.host, port).removeprefix("http://")
        url = finding.url(target.address or target.host, port)
        notes = _notes(source, target, ordered)
        by_url.setdefault(url, finding.backend(source.backend, notes, name=name, url=url))
    return tuple(by_url.values())


def _notes(source: DnsSource, target: Target, targets: Sequence[Target]) -> Notes:
    """Return the weight and the tier of an SRV record: both mean something among records only."""
    if source.record is not Record.SRV:
        return Notes()
    tiers = sorted({one.priority for one in targets})
    peers = [one.weight for one in targets if one.priority == target.priority]
    share = target.weight * len(peers) / sum(peers) if sum(peers) else 1.0
    return Notes(
        priority=min(source.backend.priority + tiers.index(target.priority), _TOP),
        weight=min(max(source.backend.weight * share, _NARROW[0]), _NARROW[1]),
    )
