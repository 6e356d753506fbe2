"""Exceptions become reasons; what it does on the wire is shown in the wire tier."""

import asyncio
import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest

from proxy.core.failure import Kind
from proxy.discovery.fetch import HttpFetch, failure
from tests.unit.discovery.fakes import backend

KEY: Any = SimpleNamespace(host="h", port=1, ssl=None, is_ssl=False)


def refused(number: int) -> aiohttp.ClientConnectorError:
    return aiohttp.ClientConnectorError(KEY, OSError(number, "x"))


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (TimeoutError(), Kind.CONNECT_TIMEOUT, "timeout"),
        (aiohttp.ServerTimeoutError(), Kind.CONNECT_TIMEOUT, "timeout"),
        (refused(errno.ECONNREFUSED), Kind.CONNECT_REFUSED, "refused"),
        (refused(errno.EHOSTUNREACH), Kind.CONNECT_FAILED, "no route to host"),
        (refused(errno.ENOENT), Kind.CONNECT_FAILED, "no such socket"),
        (refused(errno.EPERM), Kind.CONNECT_FAILED, "cannot connect"),
        (
            refused(errno.EMFILE),
            Kind.INTERNAL,
            "this proxy has run out of files or memory",
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "x")),
            Kind.CONNECT_FAILED,
            "host not found",
        ),
        (aiohttp.ClientOSError(errno.ECONNRESET, "x"), Kind.CLOSED, "reset"),
        (aiohttp.ServerDisconnectedError(), Kind.CLOSED, "closed without an answer"),
        (aiohttp.ClientPayloadError(), Kind.CLOSED, "closed within the answer"),
        (
            aiohttp.ClientResponseError(cast("Any", None), ()),
            Kind.BAD_RESPONSE,
            "not HTTP",
        ),
    ],
)
def test_each_exception_is_a_plain_reason(error: Exception, kind: Kind, reason: str) -> None:
    found = failure(error)

    assert (found.kind, found.detail) == (kind, reason)


async def test_only_paths_of_the_list_may_be_asked() -> None:
    fetch = HttpFetch(frozenset({"/health"}), {})

    with pytest.raises(ValueError, match="/slots"):
        await fetch(backend(), "/slots?action=erase", 1.0)
    await fetch.close()


async def test_a_socket_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    fetch = HttpFetch(frozenset({"/health"}), {})

    found = await fetch(backend(f"unix://{tmp_path}/engine.sock"), "/health", 1.0)
    await fetch.close()
    await asyncio.sleep(0)

    assert getattr(found, "detail", None) == "no such socket"
