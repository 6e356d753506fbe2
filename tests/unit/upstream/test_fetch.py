"""Exceptions become reasons; what it does on the wire is shown in the wire tier."""

import errno
import os
import socket
import ssl
from pathlib import Path

import pytest

from proxy.core.failure import Failure, Kind
from proxy.upstream.fetch import HttpFetch, failure
from tests.unit.discovery.fakes import backend


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (TimeoutError(), Kind.CONNECT_TIMEOUT, "timeout"),
        (ConnectionAbortedError(), Kind.CONNECT_TIMEOUT, "timeout"),
        (system(errno.ETIMEDOUT), Kind.CONNECT_TIMEOUT, "timeout"),
        (system(errno.ECONNREFUSED), Kind.CONNECT_REFUSED, "refused"),
        (system(errno.EHOSTUNREACH), Kind.CONNECT_FAILED, "no route to host"),
        (system(errno.ENOENT), Kind.CONNECT_FAILED, "no such socket"),
        (system(errno.EPERM), Kind.CONNECT_FAILED, "cannot connect"),
        (system(errno.EMFILE), Kind.INTERNAL, "this proxy has run out of files or memory"),
        (socket.gaierror(socket.EAI_NONAME, "x"), Kind.CONNECT_FAILED, "host not found"),
        (UnicodeError("label too long"), Kind.CONNECT_FAILED, "host not found"),
        (system(errno.ECONNRESET), Kind.CLOSED, "reset"),
        (ssl.SSLError(1, "x"), Kind.CONNECT_TLS, "the TLS handshake failed (without a reason)"),
    ],
)
def test_each_exception_is_a_plain_reason(
    error: OSError | UnicodeError, kind: Kind, reason: str
) -> None:
    found = failure(error)

    assert (found.kind, found.detail) == (kind, reason)


async def test_only_paths_of_the_list_may_be_asked() -> None:
    fetch = HttpFetch(frozenset({"/health"}), {})

    with pytest.raises(ValueError, match="/slots"):
        await fetch(backend(), "/slots?action=erase", 1.0)


async def test_a_socket_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    fetch = HttpFetch(frozenset({"/health"}), {})

    found = await fetch(backend(f"unix://{tmp_path}/engine.sock"), "/health", 1.0)

    assert isinstance(found, Failure)
    assert found.detail == "no such socket"
