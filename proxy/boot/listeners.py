"""Listening sockets, opened before anything else: a taken address stops the start at once."""

import errno
import os
import socket
import stat

from proxy.settings.address import Address


class Occupied(Exception):  # noqa: N818 - says what the address is
    """The address cannot be listened on; `reason` says why."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"{address}: {reason}")
        self.address = address
        self.reason = reason


def listen(address: Address, mode: str | None = None) -> socket.socket:
    """Return a bound socket for `address`; raises `Occupied`.

    A Unix socket that nobody listens on any more is replaced; `mode` is for its file, in octal.
    Nobody can connect before it has that mode: it does not listen yet.
    """
    if address.path:
        return _unix(address.path, mode)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setblocking(False)
    try:
        bound.bind((address.host, address.port))
    except OSError as error:
        bound.close()
        raise Occupied(str(address), error.strerror or str(error)) from error
    return bound


def _unix(path: str, mode: str | None) -> socket.socket:
    # Binding elsewhere fails while somebody listens; a file would be taken from under a running
    # process, which then serves nobody and does not know it.
    if _answers(path):
        raise Occupied(f"unix:{path}", os.strerror(errno.EADDRINUSE))
    try:
        if stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116 - before the loop runs
            os.unlink(path)  # noqa: PTH108 - same
    except FileNotFoundError:
        pass
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    bound.setblocking(False)
    try:
        bound.bind(path)
        if mode is not None:
            os.chmod(path, int(mode, 8))  # noqa: PTH101 - before the loop runs
    except OSError as error:
        bound.close()
        raise Occupied(f"unix:{path}", error.strerror or str(error)) from error
    return bound


def _answers(path: str) -> bool:
    """Tell whether a process listens there, one too busy to accept included."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(path)
        except BlockingIOError:
            return True
        except OSError:
            return False
    return True
