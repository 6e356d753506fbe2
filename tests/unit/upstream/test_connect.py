"""Connect: addresses as engines expect them, and what connect errors mean."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from typing import Any

import pytest

from proxy.core import retry
from proxy.core.breaker import Blame, blame
from proxy.core.failure import Kind, Phase
from proxy.upstream.connect import Endpoint, dial, dropped, refusal
from proxy.upstream.whereabouts import Whereabouts

ENGINE = Endpoint(host="gpu", port=8000)


@pytest.mark.parametrize(
    ("endpoint", "authority", "shown"),
    [
        (ENGINE, "gpu:8000", "gpu:8000"),
        (Endpoint(host="gpu", port=80), "gpu", "gpu"),
        (Endpoint(host="gpu", port=443, secure=True), "gpu", "gpu"),
        (Endpoint(host="gpu", port=80, secure=True), "gpu:80", "gpu:80"),
        (Endpoint(host="::1", port=8000), "[::1]:8000", "[::1]:8000"),
        (Endpoint(path="/run/engine.sock"), "localhost", "unix:/run/engine.sock"),
    ],
)
def test_an_engine_is_addressed_by_its_own_name(
    endpoint: Endpoint, authority: str, shown: str
) -> None:
    assert endpoint.authority == authority
    assert str(endpoint) == shown


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), Kind.CONNECT_REFUSED),
        (FileNotFoundError(errno.ENOENT, "x"), Kind.CONNECT_REFUSED),
        (socket.gaierror(-2, "x"), Kind.CONNECT_FAILED),
        (UnicodeError("label too long"), Kind.CONNECT_FAILED),
        (TimeoutError(errno.ETIMEDOUT, "x"), Kind.CONNECT_TIMEOUT),
        (ConnectionAbortedError("the handshake is taking longer"), Kind.CONNECT_TIMEOUT),
        (ssl.SSLError(1, "x"), Kind.CONNECT_TLS),
        (OSError(errno.EHOSTUNREACH, "no route"), Kind.CONNECT_FAILED),
    ],
)
def test_a_connect_error_becomes_a_failure_that_costs_nothing_to_retry(
    error: OSError, kind: Kind
) -> None:
    failure = refusal(error, ENGINE)

    assert failure.kind is kind
    assert "gpu:8000" in failure.detail
    assert retry.cost(failure) is retry.Cost.FREE


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_what_this_process_lacks_is_no_engines_fault(number: int) -> None:
    failure = refusal(OSError(number, "x"), ENGINE)

    assert (failure.kind, failure.code) == (Kind.INTERNAL, "PC")
    assert "gpu:8000" in failure.detail
    assert blame(failure) is Blame.NONE
    assert retry.cost(failure) is retry.Cost.NEVER


class Doors:
    """A loop that knows a host's addresses, and what is behind each."""

    def __init__(self, **behind: Exception | None) -> None:
        self.behind = behind

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        return [(0, 0, 0, "", (address, port)) for address in self.behind]

    async def create_connection(
        self, factory: Callable[[], asyncio.Protocol], host: str, port: int
    ) -> tuple[None, asyncio.Protocol]:
        what = self.behind[host]
        if what is not None:
            raise what
        return None, factory()


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "x")
NO_ROUTE = OSError(errno.EHOSTUNREACH, "no route")


async def called(monkeypatch: pytest.MonkeyPatch, **behind: Exception | None) -> asyncio.Protocol:
    doors, loop = Doors(**behind), asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", doors.getaddrinfo)
    monkeypatch.setattr(loop, "create_connection", doors.create_connection)
    return await dial(ENGINE, Whereabouts("gpu", 8000), asyncio.Protocol)


async def test_of_several_addresses_the_first_that_answers_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    protocol = await called(monkeypatch, a=REFUSED, b=NO_ROUTE, c=None)

    assert isinstance(protocol, asyncio.Protocol)


async def test_of_several_errors_a_refusal_says_least(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="no route"):
        await called(monkeypatch, a=REFUSED, b=NO_ROUTE, c=REFUSED)
    with pytest.raises(ConnectionRefusedError):
        await called(monkeypatch, a=REFUSED, b=REFUSED)


async def test_a_name_without_an_address_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(socket.gaierror):
        await called(monkeypatch)


def test_a_connection_dropped_at_once_is_tried_elsewhere() -> None:
    failure = dropped(ENGINE)

    assert failure.phase is Phase.CONNECT
    assert retry.cost(failure) is retry.Cost.FREE
