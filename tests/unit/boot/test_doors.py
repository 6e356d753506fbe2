"""Both listeners follow the settings, one reload after the other."""

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp import web

from proxy.boot.doors import Doors
from proxy.edge.server import Edge
from proxy.settings.access import Allow
from proxy.settings.schema import Limits, Settings
from proxy.settings.seals import toward_client
from proxy.settings.tls import ListenerTls, Tls
from proxy.telemetry.metrics import Metrics
from tests.fixtures.course import World
from tests.fixtures.sealed import Papers
from tests.fixtures.stack import eventually
from tests.fixtures.view import FakeView


def bound(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.setblocking(False)
    listening.bind(str(path))
    return listening


async def test_certificates_follow_the_settings_and_are_told(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    metrics = Metrics("1", FakeView({}))
    doors = Doors(Edge(World("a").course, Limits()), metrics)
    seal = toward_client(
        certificate=papers.issue("ours.pem"), key=None, client_ca=None, minimum="1.2"
    )
    clients = bound(tmp_path / "clients"), web.Application()
    admin = bound(tmp_path / "admin"), web.Application()

    old, new = Settings(), Settings(tls=Tls(listen=ListenerTls(seal=seal)))
    both = Settings(tls=Tls(listen=ListenerTls(seal=seal), admin=ListenerTls(seal=seal)))

    await doors.open_clients(*clients, old)
    await doors.open_admin(*admin, old)
    assert not metrics.certificates()
    assert not metrics.handshakes()
    doors.follow(old, new)
    doors.follow(new, both)
    await eventually(lambda: not doors._tasks)

    assert metrics.certificates() == {"listen": seal.ends, "admin": seal.ends}
    assert metrics.handshakes() == {"begun": 0, "done": 0}
    reader, writer = await asyncio.open_unix_connection(
        tmp_path / "clients", ssl=papers.client(), server_hostname="127.0.0.1"
    )
    writer.transport.abort()
    assert reader is not None
    await doors.stop()


async def test_a_listener_with_a_certificate_never_speaks_without(tmp_path: Path) -> None:
    papers = Papers(tmp_path)
    ours = papers.issue("ours.pem")
    seal = toward_client(certificate=ours, key=None, client_ca=None, minimum="1.2")
    good = Settings(tls=Tls(listen=ListenerTls(certificate=str(ours), seal=seal)))
    gone = Settings(tls=Tls(listen=ListenerTls(certificate=str(ours))))
    doors = Doors(Edge(World("a").course, Limits()), Metrics("1", FakeView({})))

    with (
        bound(tmp_path / "first") as first,
        pytest.raises(RuntimeError, match="cannot be used any more"),
    ):
        await doors.open_clients(first, web.Application(), gone)
    await doors.open_clients(bound(tmp_path / "clients"), web.Application(), good)
    doors.follow(good, gone)
    await eventually(lambda: not doors._tasks)
    _, writer = await asyncio.open_unix_connection(
        tmp_path / "clients", ssl=papers.client(), server_hostname="127.0.0.1"
    )

    writer.transport.abort()
    await doors.stop()


async def test_who_was_turned_away_is_counted_over_reloads_and_processes() -> None:
    metrics = Metrics("1", FakeView({}))
    edge = Edge(World("a").course, Limits())
    doors = Doors(edge, metrics)
    narrow = Settings(allow=Allow(listen=("10.0.0.0/8",)))

    doors.follow(Settings(), narrow)
    assert edge.reception is not None
    assert not edge.reception.visitors.admits("192.0.2.1")
    doors.follow(narrow, Settings(allow=Allow(listen=("10.0.0.0/16",))))
    doors.elsewhere = lambda: [(("listen",), 2.0)]

    told = dict(metrics.tables["headrace_connections_refused_total"]())
    assert told == {("listen",): 3, ("admin",): 0}
    await doors.stop()
