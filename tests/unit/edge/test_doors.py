"""A door stays open while its seal changes, over a Unix socket."""

import asyncio
import socket
from pathlib import Path

from proxy.edge.doors import Door
from proxy.settings.seals import Seal, toward_client
from tests.fixtures.sealed import Papers


class Greeting(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"hello")


def door(path: Path) -> Door:
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(str(path))
    return Door(listening, Greeting, backlog=8)


async def greeted(path: Path, papers: Papers | None = None) -> bytes:
    context = None if papers is None else papers.client()
    name = None if papers is None else "127.0.0.1"
    reader, writer = await asyncio.open_unix_connection(path, ssl=context, server_hostname=name)
    said = await reader.readexactly(5)
    writer.transport.abort()
    return said


def seal(papers: Papers) -> Seal:
    certificate = papers.issue("ours.pem")
    return toward_client(certificate=certificate, key=None, client_ca=None, minimum="1.2")


async def test_a_seal_comes_and_goes_on_one_socket(tmp_path: Path) -> None:
    papers, path = Papers(tmp_path), tmp_path / "door"
    made = door(path)

    await made.open(None, 1.0)
    assert await greeted(path) == b"hello"
    await made.open(seal(papers), 1.0)
    assert await greeted(path, papers) == b"hello"
    await made.open(None, 1.0)
    assert await greeted(path) == b"hello"

    assert made.begun == 3
    made.close()


async def test_the_same_seal_changes_nothing(tmp_path: Path) -> None:
    made = door(tmp_path / "door")
    await made.open(None, 1.0)
    server = made._server

    await made.open(None, 1.0)
    assert made._server is server
    await made.open(None, 2.0)
    assert made._server is not server
    made.close()


async def test_a_door_that_never_opened_can_be_closed(tmp_path: Path) -> None:
    door(tmp_path / "door").close()
