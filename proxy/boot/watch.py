"""Notice that the settings on disk have changed, and that whoever writes them is done.

Theory. About once a second each file is looked at: inode, device, size and time of change. The path
is followed to what it leads to, so a file that is renamed over the old one counts, and so does a
mounted ConfigMap, where a link to a folder is swapped. A change counts when two looks in a row
see the same: who writes in place is given the time to finish, and a file that is gone for a moment
between two steps of an editor is not mourned.

    look       is as known   differs from known, not as before   differs from known, as before
    then       nothing       wait for the next look              tell; this is known now

Looking needs no kernel interface that a network file system or a container may lack, and costs
some microseconds a file, in a thread of its own: a file system that hangs holds up no stream.
"""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

INTERVAL: Final = 1.0  # seconds between two looks

Stamp = tuple[object, ...]


def stamp(files: Sequence[Path]) -> Stamp:
    """Return what tells two states of `files` apart; a folder counts with the files in it."""
    return tuple(_of_path(path) for path in files)


def _of_path(path: Path) -> Stamp:
    try:
        found = path.stat()
        inside = sorted(entry.path for entry in os.scandir(path)) if path.is_dir() else []
    except OSError as error:
        return (error.errno,)
    facts = (found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns)
    return (*facts, *(_of_file(each) for each in inside))


def _of_file(path: str) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 - it comes from scandir
    except OSError as error:
        return (path, error.errno)
    return (path, found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns)


class Watch:
    """Looks at files in a thread of its own and calls `told` there when they have changed.

    `look` is one look; it is public for who keeps the time himself.
    """

    __slots__ = ("_files", "_interval", "_known", "_last", "_lock", "_stopped", "_thread", "_told")

    def __init__(
        self, files: Sequence[Path], told: Callable[[], None], interval: float = INTERVAL
    ) -> None:
        self._told = told
        self._interval = interval
        self._lock = threading.Lock()  # the thread looks while a reload says what to look at
        self._files = tuple(files)
        self._known: Stamp | None = None  # nothing has been looked at
        self._last: Stamp | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings-watch", daemon=True)

    def start(self) -> None:
        """Begin to look; without any file there is nothing to do."""
        if self._files:
            self._thread.start()

    def stop(self) -> None:
        """End the thread, without waiting for it."""
        self._stopped.set()

    def reading(self) -> Stamp:
        """Return the present state; call it before the files are read, and then `follow`."""
        return stamp(self._files)

    def follow(self, files: Sequence[Path], before: Stamp) -> None:
        """Watch `files` from now on: they have been read, and looked like `before` until then."""
        with self._lock:
            same = tuple(files) == self._files
            self._files = tuple(files)
            self._known = self._last = before if same else stamp(files)

    def look(self) -> bool:
        """Look once; tell whether the files have changed and have come to rest.

        The first look only takes note of them.
        """
        with self._lock:
            now = stamp(self._files)
            rests, self._last = now == self._last, now
            if self._known is None:
                self._known = now
            if now == self._known or not rests:
                return False
            self._known = now
            return True

    def _run(self) -> None:
        self.look()
        while not self._stopped.wait(self._interval):
            if self.look():
                self._told()
