"""Breaking a simulated engine and making it whole again, the way machines and programs do.

A killed engine leaves a closed port. A hanging one is stopped by a signal: its kernel still takes
connections, and nothing is ever read. The others misbehave by themselves (`/fake/faults`).
"""

import os
import signal
from enum import StrEnum

from benchmarks.driver import engines
from benchmarks.fake.launch import Child, start
from benchmarks.fake.profile import Profile


class Breakage(StrEnum):
    """What happens to an engine."""

    KILL = "kill"
    HANG = "hang"
    STATUS = "503"
    RESET = "reset"
    CUT = "cut"


TOLD = {
    Breakage.STATUS: {"kind": "status", "status": 503, "retry_after": "1"},
    Breakage.RESET: {"kind": "close", "reset": True},
    Breakage.CUT: {"kind": "cut", "after": 3, "reset": True},
}
"""What the engine is told; a cut comes after the third token, when no other can take over."""


class Victim:
    """One simulated engine, and what can be done to it. `stop` it at the end, whatever happened."""

    __slots__ = ("_child", "_profile")

    def __init__(self, child: Child, profile: Profile) -> None:
        self._child = child
        self._profile = profile

    @property
    def port(self) -> int:
        """Where it listens, also after it came back."""
        return self._profile.port

    @property
    def name(self) -> str:
        """As it names itself in its answers."""
        return self._profile.name

    async def damage(self, how: Breakage) -> None:
        """Let it happen. Raises NotReadyError if the engine cannot be told."""
        if how is Breakage.KILL:
            self._child.kill()
        elif how is Breakage.HANG:
            os.kill(self._child.pid, signal.SIGSTOP)
        else:
            await engines.switch(self.port, TOLD[how])

    async def heal(self, how: Breakage) -> None:
        """Make it whole: start it again, let it go on, or tell it to behave."""
        if how is Breakage.KILL:
            await self._child.stop()
            self._child = await start(self._profile)
        elif how is Breakage.HANG:
            os.kill(self._child.pid, signal.SIGCONT)
        else:
            await engines.switch(self.port)

    async def stop(self) -> None:
        """End it, also if it hangs."""
        try:
            os.kill(self._child.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass
        await self._child.stop()
