"""Reading in sips: no more than `SIP` bytes of a bulky answer at once.

A loop reads up to 256 KiB at a time (uvloop and asyncio alike), and what a slow client does not
take of that lies in memory, beside what its write buffer holds already. Asked for less, a loop
leaves the rest to the kernel. It asks for a buffer only from a `BufferedProtocol`, so a connection
puts this one in its own place while its answer comes in bulk; `set_protocol` takes effect with the
next read, paused or not, with TLS and without. Costs 1 us per read, so token streams, whose reads
are some hundred bytes, are not read so, unless their client has once been too slow.
"""

import asyncio
from typing import Final

from typing_extensions import override

SIP: Final = 32 * 1024  # bytes


class Cup:
    """Where the loop reads to: one for many connections, for each read is taken out at once."""

    __slots__ = ("_room",)

    def __init__(self) -> None:
        self._room: memoryview | None = None

    def room(self) -> memoryview:
        """Return the memory, got when it is first needed."""
        if self._room is None:
            self._room = memoryview(bytearray(SIP))
        return self._room


class Sips(asyncio.BufferedProtocol):
    """Stands in for a protocol: what it reads and hears is that one's."""

    __slots__ = ("_drinker", "_room")

    def __init__(self, drinker: asyncio.Protocol, cup: Cup) -> None:
        self._drinker = drinker
        self._room = cup.room()

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return self._room

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self._drinker.data_received(bytes(self._room[:nbytes]))

    @override
    def eof_received(self) -> bool | None:
        return self._drinker.eof_received()

    @override
    def pause_writing(self) -> None:
        self._drinker.pause_writing()

    @override
    def resume_writing(self) -> None:
        self._drinker.resume_writing()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._drinker.connection_lost(exc)
