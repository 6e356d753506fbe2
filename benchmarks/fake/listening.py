"""Listening sockets on ports the system will not hand out to outgoing connections."""

import random
import socket
from collections.abc import Callable, Iterable

_LOWEST, _HIGHEST, _TRIES = 20_000, 29_999, 200


def listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    """Open a non-blocking listener; port 0 picks a free one between 20000 and 29999.

    Raises OSError when the port is taken.
    """
    return _open(host, port, lambda sock: sock.listen(backlog))


def held_socket(host: str, port: int) -> socket.socket:
    """Take a port without listening: who connects is refused until `listen` is called on it.

    Picks and raises as `listening_socket` does.
    """
    return _open(host, port, lambda _: None)


def _open(host: str, port: int, then: Callable[[socket.socket], None]) -> socket.socket:
    choice: Iterable[int] = random.sample(range(_LOWEST, _HIGHEST + 1), _TRIES)
    problem = OSError("no port tried")
    for number in (port,) if port else choice:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, number))
            then(sock)
        except OSError as refused:
            sock.close()
            problem = refused
        else:
            sock.setblocking(False)
            return sock
    raise problem
