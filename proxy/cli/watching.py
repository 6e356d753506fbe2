"""`headrace top`, the part that goes on: ask, draw, listen to keys, until somebody has had enough.

In a terminal it draws over itself and takes keys: `q` ends it, `s` and `S` sort by the next and the
last column. Into anything else goes one look, so that it can be piped and used over a dumb line.
"""

import asyncio
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.live import Live

from proxy.cli import top
from proxy.cli.status import Unanswered, fetch
from proxy.settings.address import Address

PATH: Final = "/fleet"
BETWEEN: Final = 1.0  # seconds between the two looks that one figure needs: tokens per second
_UNFOLDED: Final = 200  # columns where nothing says how wide it is


class Keys:
    """What keys have changed. `pressed` is set whenever one was."""

    def __init__(self, sort: str) -> None:
        self.sort = sort
        self.over = False
        self.pressed = asyncio.Event()

    def press(self, keys: str) -> None:
        """Obey keys; those without a meaning do nothing."""
        names = list(top.SORTS)
        for key in keys:
            if key in "sS":
                step = 1 if key == "s" else -1
                self.sort = names[(names.index(self.sort) + step) % len(names)]
            self.over = self.over or key in "qQ\x03\x04"
        self.pressed.set()

    async def wait(self, seconds: float) -> None:
        """Come back after so long, or at once when a key was pressed."""
        self.pressed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self.pressed.wait()
        except TimeoutError:
            return


def run(admin: Address, *, every: float, sort: str, once: bool) -> int:
    """Show the fleet of the proxy at `admin`; return 1, with a reason, if none answers."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNFOLDED)
    try:
        if once or not sys.stdout.isatty():
            asyncio.run(one_look(admin, console, sort))
        else:
            asyncio.run(_go_on(admin, console, every, Keys(sort)))
    except Unanswered as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


async def one_look(admin: Address, console: Console, sort: str) -> None:
    """Print one look; the second of two, because a first one does not know tokens per second."""
    top.decoded(await fetch(admin, PATH), admin)
    await asyncio.sleep(BETWEEN)
    fleet = top.decoded(await fetch(admin, PATH), admin)
    console.print(top.look(fleet, sort=sort, lines=10_000, marks=_marks(console)))


async def _go_on(admin: Address, console: Console, every: float, keys: Keys) -> None:
    fleet = top.decoded(await fetch(admin, PATH), admin)
    with _listening(keys), Live(console=console, screen=True, auto_refresh=False) as live:
        while not keys.over:
            note = f"sorted by {keys.sort}   s: sort   q: quit"
            fleet, note = await renewed(admin, fleet, note)
            shown = top.look(
                fleet,
                sort=keys.sort,
                lines=console.size.height,
                marks=_marks(console),
                note=note,
            )
            live.update(shown, refresh=True)
            await keys.wait(every)


async def renewed(admin: Address, fleet: top.Fleet, note: str) -> tuple[top.Fleet, str]:
    """Return a new look, or the old one with what went wrong: it may come back."""
    try:
        return top.decoded(await fetch(admin, PATH), admin), note
    except Unanswered as error:
        return fleet, f"OLD FIGURES: {str(error).partition(chr(10))[0]}"


def _marks(console: Console) -> bool:
    return console.encoding.startswith("utf")


@contextmanager
def _listening(keys: Keys) -> Iterator[None]:
    """Take single keys from the terminal, and put it back as it was."""
    if not sys.stdin.isatty():
        yield
        return
    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    loop = asyncio.get_running_loop()
    tty.setcbreak(number)
    loop.add_reader(number, lambda: keys.press(sys.stdin.read(1)))
    try:
        yield
    finally:
        loop.remove_reader(number)
        termios.tcsetattr(number, termios.TCSADRAIN, before)
