"""Listening sockets that were open before this process began: of a predecessor, or of systemd.

A predecessor that is replaced (`boot/successor`) passes on both of its sockets and waits to be told
that its successor serves. systemd passes on those of a `.socket` unit. A socket is taken for the
address it is bound to; one that no setting asks for is closed.
"""

import os
import socket
from collections.abc import Mapping, MutableMapping
from typing import Final

import msgspec

from proxy.boot.listeners import listen
from proxy.settings.address import Address

VARIABLE: Final = "_HEADRACE_PREDECESSOR"
_FIRST: Final = 3  # systemd numbers from here


class Legacy(msgspec.Struct, frozen=True, kw_only=True):
    """What a predecessor leaves: descriptors by address, and one to say on that all is well."""

    sockets: dict[str, int]
    ready: int


class Inherited:
    """The sockets that were found, and the predecessor that waits, if there is one."""

    __slots__ = ("_ready", "_sockets", "_used")

    def __init__(self, sockets: Mapping[str, socket.socket], ready: int | None = None) -> None:
        self._sockets = dict(sockets)
        self._ready = ready
        self._used = False

    @property
    def unhurried(self) -> bool:
        """Tell whether clients are served, or wait unrefused, until this process serves.

        A predecessor serves them; in a socket of systemd's they wait, and would get the errors of
        a proxy that has not heard of its engines yet.
        """
        return self._ready is not None or self._used

    def listen(self, address: Address, mode: str | None = None) -> socket.socket:
        """Return a socket for `address`, inherited or new; raises `Occupied`.

        `mode` is for the file of a new Unix socket.
        """
        found = self._sockets.pop(str(address), None)
        if found is None:
            return listen(address, mode)
        found.setblocking(False)
        self._used = True
        return found

    def close(self) -> None:
        """Close what nobody asked for."""
        for one in self._sockets.values():
            one.close()
        self._sockets = {}

    def forget(self) -> None:
        """Leave it to another process to tell the predecessor."""
        ready, self._ready = self._ready, None
        if ready is not None:
            os.close(ready)

    def serving(self) -> None:
        """Tell the predecessor that this process serves."""
        ready, self._ready = self._ready, None
        if ready is not None:
            try:
                os.write(ready, b"1")
            except OSError:  # it is gone: then nobody waits
                pass
            os.close(ready)


def find(environment: MutableMapping[str, str], pid: int) -> Inherited:
    """Return what was inherited; what tells of it is taken out of `environment`."""
    left = environment.pop(VARIABLE, None)
    if left is not None:
        legacy = msgspec.json.decode(left, type=Legacy)
        os.set_inheritable(legacy.ready, False)
        return Inherited({a: _taken(fd) for a, fd in legacy.sockets.items()}, legacy.ready)
    whose, count = environment.pop("LISTEN_PID", ""), environment.pop("LISTEN_FDS", "")
    environment.pop("LISTEN_FDNAMES", None)
    if whose != str(pid) or not count.isdigit():
        return Inherited({})
    found = [_taken(fd) for fd in range(_FIRST, _FIRST + int(count))]
    return Inherited({_address(one): one for one in found})


def _taken(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)


def _address(one: socket.socket) -> str:
    name = one.getsockname()
    if one.family == socket.AF_UNIX:
        return str(Address(path=name))
    return str(Address(host=name[0], port=name[1]))
