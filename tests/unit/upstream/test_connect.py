"""Connect: addresses as engines expect them, and what connect errors mean."""

import errno
import socket

import pytest

from proxy.core import retry
from proxy.core.failure import Kind, Phase
from proxy.upstream.connect import Endpoint, dropped, refusal

ENGINE = Endpoint(host="gpu", port=8000)


@pytest.mark.parametrize(
    ("endpoint", "authority", "shown"),
    [
        (ENGINE, "gpu:8000", "gpu:8000"),
        (Endpoint(host="gpu", port=80), "gpu", "gpu"),
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
        (OSError(errno.EHOSTUNREACH, "no route"), Kind.CONNECT_FAILED),
        (
            OSError(
                "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0),"
                " [Errno 111] Connect call failed ('127.0.0.1', 1)"
            ),
            Kind.CONNECT_REFUSED,
        ),
        (
            OSError("Multiple exceptions: [Errno 111] Connect call failed, [Errno 113] No route"),
            Kind.CONNECT_FAILED,
        ),
    ],
)
def test_a_connect_error_becomes_a_failure_that_costs_nothing_to_retry(
    error: OSError, kind: Kind
) -> None:
    failure = refusal(error, ENGINE)

    assert failure.kind is kind
    assert "gpu:8000" in failure.detail
    assert retry.cost(failure) is retry.Cost.FREE


def test_a_connection_dropped_at_once_is_tried_elsewhere() -> None:
    failure = dropped(ENGINE)

    assert failure.phase is Phase.CONNECT
    assert retry.cost(failure) is retry.Cost.FREE
