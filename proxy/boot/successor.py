"""Put a newer version in this process's place without a client noticing.

    1 start    the same command line, with both listening sockets; it may be other code by now
    2 wait     until it says that it serves: it has read its settings and checked the engines once
    3 let go   it accepts; this process accepts no more, ends what runs, and exits

If it ends before it is ready, or takes longer than `PATIENCE`, nothing has changed: this process
serves on. A connection that waits in the kernel is accepted by whichever of the two is faster.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import msgspec

from proxy.boot.inherited import VARIABLE, Legacy

PATIENCE: Final = 60.0  # seconds


class Successor:
    """A process that was started to take over. `descriptor` becomes readable when it is decided."""

    __slots__ = ("_process", "descriptor")

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self._process = process
        self.descriptor = descriptor

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    def ready(self) -> bool:
        """Tell, when `descriptor` is readable, whether it serves; else it has failed."""
        said = os.read(self.descriptor, 1)
        os.close(self.descriptor)
        return bool(said)

    def give_up(self) -> None:
        """End it: it takes too long."""
        self._process.kill()
        os.close(self.descriptor)

    def wait(self) -> int:
        """Wait for its end; return its exit code."""
        return self._process.wait()

    def buried(self) -> int | None:
        """Return its exit code if it has ended, and leave no zombie."""
        return self._process.poll()


def start(sockets: Mapping[str, socket.socket]) -> Successor:
    """Start the same command line with the sockets of these addresses; raises OSError."""
    told, telling = os.pipe()
    try:
        legacy = Legacy(
            sockets={address: one.fileno() for address, one in sockets.items()}, ready=telling
        )
        process = subprocess.Popen(  # noqa: S603 - what this process itself was started with
            [sys.executable, *sys.orig_argv[1:]],
            env=os.environ | {VARIABLE: msgspec.json.encode(legacy).decode()},
            pass_fds=(telling, *legacy.sockets.values()),
        )
    except OSError:
        os.close(told)
        raise
    finally:
        os.close(telling)
    return Successor(process, told)
