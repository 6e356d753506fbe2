"""What the fleet and its workers say to each other: length-prefixed MessagePack over pipes."""

import struct

import msgspec

from benchmarks.client.dealing import Share
from benchmarks.client.target import Target
from benchmarks.load.observed import Trial

SIZE = struct.Struct(">Q")


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To a worker: prepare this block."""

    target: Target
    share: Share
    warm: int
    timeout: float
    first: bool = False
    """May go before other processes: a core is left for them."""


class Begin(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """To a worker: this instant of CLOCK_MONOTONIC is second 0."""

    at_ns: int


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From a worker: connections are open."""


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From a worker: so many of its requests have ended."""

    count: int


class Result(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From a worker: the block is over."""

    trial: Trial


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """From a worker: the endpoint cannot be measured, in a sentence."""

    sentence: str


ToWorker = Order | Begin
FromWorker = Ready | Ended | Result | Refused

TO_WORKER: msgspec.msgpack.Decoder[ToWorker] = msgspec.msgpack.Decoder(ToWorker)
FROM_WORKER: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)


def frame(message: ToWorker | FromWorker) -> bytes:
    """Return a message as it goes through the pipe."""
    data = msgspec.msgpack.encode(message)
    return SIZE.pack(len(data)) + data
