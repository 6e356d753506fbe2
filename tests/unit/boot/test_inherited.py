"""Sockets of a predecessor or of systemd are found, used by their address, and not left about."""

import os
import socket
from pathlib import Path

import msgspec
import pytest
import pytest_socket

from proxy.boot.inherited import VARIABLE, Legacy, find
from proxy.settings.address import Address


@pytest.fixture(autouse=True)
def _any_socket() -> None:
    """Allow all: what is inherited is a number first, and no kind of socket yet."""
    pytest_socket.enable_socket()


def listening(path: Path) -> socket.socket:
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    bound.listen()
    return bound


def legacy(ready: int, **sockets: int) -> dict[str, str]:
    left = Legacy(sockets=dict(sockets), ready=ready)
    return {VARIABLE: msgspec.json.encode(left).decode()}


def test_a_predecessors_socket_is_used_and_it_is_told(tmp_path: Path) -> None:
    told, telling = os.pipe()
    path = tmp_path / "client"
    bound = listening(path)
    environment = {
        VARIABLE: msgspec.json.encode(
            Legacy(sockets={f"unix:{path}": bound.detach()}, ready=telling)
        ).decode()
    }

    inherited = find(environment, 1)
    assert inherited.unhurried
    with inherited.listen(Address(path=str(path))) as taken:
        assert environment == {}
        assert taken.getsockname() == str(path)
        inherited.serving()
        inherited.serving()
        assert os.read(told, 9) == b"1"
        assert os.read(told, 9) == b""  # closed: whoever waits sees an end, too
    os.close(told)


def test_one_that_fails_closes_what_the_predecessor_listens_to(tmp_path: Path) -> None:
    told, telling = os.pipe()

    inherited = find(legacy(telling), 1)
    inherited.forget()

    assert os.read(told, 9) == b""
    assert not inherited.unhurried
    os.close(told)


def test_what_no_setting_asks_for_is_closed(tmp_path: Path) -> None:
    told, telling = os.pipe()
    descriptor = listening(tmp_path / "other").detach()
    inherited = find(legacy(telling, other=descriptor), 1)

    inherited.close()

    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    with inherited.listen(Address(path=str(tmp_path / "new"))) as made:
        assert made.getsockname() == str(tmp_path / "new")
    inherited.forget()
    os.close(told)


def test_sockets_of_systemd_are_for_the_process_that_is_named(tmp_path: Path) -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "x", "HOME": "/"}

    inherited = find(environment, 2)

    assert environment == {"HOME": "/"}
    assert not inherited.unhurried
    with inherited.listen(Address(path=str(tmp_path / "new"))):
        assert (tmp_path / "new").exists()
