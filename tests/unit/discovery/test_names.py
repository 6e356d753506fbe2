"""Looking a name up: dnspython's answers, and its errors, as ours."""

import asyncio
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdata
import dns.resolver
import dns.rrset
import pytest

from proxy.discovery import names
from proxy.discovery.finding import Finding
from proxy.settings.discovery import DnsSource, Record


class Answer(list[dns.rdata.Rdata]):
    """What the resolver returns, as far as it is read."""

    def __init__(self, kind: str, *values: str) -> None:
        self.rrset = dns.rrset.from_text("engines.", 30, "IN", kind, *values)
        super().__init__(self.rrset)


class Resolver:
    """Says one thing after the other."""

    def __init__(self, *said: Answer | Exception | type[Exception]) -> None:
        self._said = iter(said)
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, name: str, kind: str, *, search: bool, lifetime: float) -> Answer:
        assert search == (name != "host.example")  # what a record names is a whole name
        assert lifetime == names.LIFETIME
        self.asked.append((name, kind))
        said = next(self._said)
        if isinstance(said, Answer):
            return said
        raise said


async def follow(
    source: DnsSource, resolver: Resolver, monkeypatch: pytest.MonkeyPatch, looks: int
) -> tuple[Sequence[Finding], Sequence[float]]:
    monkeypatch.setattr(names, "_resolver", lambda _: resolver)
    findings: list[Finding] = []
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == looks:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await names.follow(source, findings.append, sleep)
    return findings, slept


async def test_addresses_are_told_and_looked_at_again_when_they_have_lived(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Resolver(Answer("AAAA", "fd00::1"))
    source = DnsSource(name="engines", record=Record.AAAA, port=8000)

    (finding,), slept = await follow(source, resolver, monkeypatch, 1)

    assert finding.backends[0].url == "http://[fd00::1]:8000"
    assert slept == [30.0]
    assert resolver.asked == [("engines", "AAAA")]


async def test_a_service_record_without_a_host_means_that_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = Answer("SRV", "0 0 8000 host.example.", "0 0 0 .")

    (finding,), _ = await follow(
        DnsSource(name="x", record=Record.SRV), Resolver(answer), monkeypatch, 1
    )

    assert [one.url for one in finding.backends] == ["http://host.example:8000"]


def no_answer() -> dns.resolver.NoAnswer:
    error = dns.resolver.NoAnswer.__new__(dns.resolver.NoAnswer)
    Exception.__init__(error)
    return error


async def test_a_server_of_ones_own_is_asked_for_the_hosts_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver = Resolver(Answer("SRV", "0 0 8000 host.example."), no_answer(), Answer("AAAA", "::2"))
    source = DnsSource(name="x", record=Record.SRV, resolver="10.0.0.10:53")

    (finding,), _ = await follow(source, resolver, monkeypatch, 1)

    (backend,) = finding.backends
    assert (backend.name, backend.url) == ("host.example:8000", "http://[::2]:8000")
    assert resolver.asked[1:] == [("host.example", "A"), ("host.example", "AAAA")]


async def test_a_host_that_its_own_server_does_not_know_is_left_to_the_system(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unknown = dns.resolver.NXDOMAIN
    resolver = Resolver(Answer("SRV", "0 0 8000 host.example."), unknown, unknown)
    source = DnsSource(name="x", record=Record.SRV, resolver="10.0.0.10:53")

    (finding,), _ = await follow(source, resolver, monkeypatch, 1)

    assert [one.url for one in finding.backends] == ["http://host.example:8000"]


async def test_the_same_silence_is_told_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    late = [
        dns.resolver.LifetimeTimeout(timeout=5.0 + more, errors=[])  # type: ignore[no-untyped-call]
        for more in (0.1, 0.2)
    ]

    (first, second), _ = await follow(
        DnsSource(name="engines", port=1), Resolver(*late), monkeypatch, 2
    )

    assert first.problems == second.problems == ("no answer from DNS for engines: none within 5 s",)


@pytest.mark.parametrize(
    ("error", "problem", "current"),
    [
        (dns.resolver.NXDOMAIN, "DNS knows no engines: is the name right", True),
        (dns.exception.Timeout, "no answer from DNS for engines: ", False),
        (dns.resolver.NoNameservers, "no answer from DNS for engines: ", False),
        (OSError("no route"), "no answer from DNS for engines: no route", False),
    ],
)
async def test_an_error_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, error: Exception | type[Exception], problem: str, current: bool
) -> None:
    (finding,), slept = await follow(
        DnsSource(name="engines", port=1), Resolver(error), monkeypatch, 1
    )

    assert finding.problems[0].startswith(problem)
    assert finding.current is current
    assert slept == [5.0]


async def test_a_name_without_such_records_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    (finding,), _ = await follow(
        DnsSource(name="engines", port=1), Resolver(no_answer()), monkeypatch, 1
    )

    assert finding.problems == ("engines has no A record: is `record` right?",)


def test_a_server_of_ones_own_is_asked_at_its_port() -> None:
    resolver = names._resolver("[::1]:5353")

    assert (resolver.nameservers, resolver.port) == (["::1"], 5353)
