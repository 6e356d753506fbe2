"""Listening sockets: a taken address is told, a stale Unix socket is replaced."""

import errno
import socket
from pathlib import Path

import pytest

from proxy.boot.listeners import Occupied, listen
from proxy.settings.address import Address


def test_a_stale_unix_socket_is_replaced(tmp_path: Path) -> None:
    path = str(tmp_path / "proxy.sock")
    listen(Address(path=path)).close()

    with listen(Address(path=path)) as again:
        assert again.getsockname() == path


def test_a_unix_socket_somebody_listens_on_is_not_taken_away(tmp_path: Path) -> None:
    path = str(tmp_path / "proxy.sock")
    with listen(Address(path=path)) as first:
        first.listen(0)
        for _ in range(3):  # the queue of connections is full at last, and it still counts
            with pytest.raises(Occupied, match="in use"):
                listen(Address(path=path))

        with socket.socket(socket.AF_UNIX) as caller:
            caller.setblocking(False)
            assert caller.connect_ex(path) in {0, errno.EAGAIN}  # not: refused


def test_a_file_that_is_no_socket_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")

    with pytest.raises(Occupied) as caught:
        listen(Address(path=str(path)))

    assert path.read_text() == "data"
    assert str(path) in caught.value.address
    assert caught.value.reason


def test_a_folder_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(Occupied, match="No such file"):
        listen(Address(path=str(tmp_path / "missing" / "proxy.sock")))


def test_the_socket_does_not_block(tmp_path: Path) -> None:
    with listen(Address(path=str(tmp_path / "proxy.sock"))) as bound:
        assert isinstance(bound, socket.socket)
        assert bound.gettimeout() == 0.0


@pytest.mark.setting("socket_mode")
@pytest.mark.parametrize("mode", ["0660", "0600", "666"])
def test_a_unix_socket_has_the_mode_that_is_asked_for(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "proxy.sock"

    with listen(Address(path=str(path)), mode):
        assert path.stat().st_mode & 0o777 == int(mode, 8)
