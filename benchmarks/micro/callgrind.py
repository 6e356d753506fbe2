"""Instructions of stretches of a program, counted by valgrind's callgrind.

A count does not know what else the machine is doing, so it shows a change of one percent where a
timing cannot show ten. The program calls `mark` where a stretch begins and ends; callgrind writes
what was counted since the mark before each time it sees the C function behind it, which nobody
else calls: `getpriority`.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MARK: Final = "getpriority"
_TOTALS: Final = re.compile(rb"^totals: (\d+)$", re.MULTILINE)


class CallgrindError(Exception):
    """The instructions could not be counted; the text says why."""


def mark() -> None:
    """End a stretch and begin the next. Costs a system call outside of callgrind."""
    os.getpriority(os.PRIO_PROCESS, 0)


def stretches(words: Sequence[str], *, timeout: float = 280.0) -> list[int]:
    """Run the program `words` and return the instructions between each two of its marks.

    What came before the first mark and after the last is left out. Raises CallgrindError without
    valgrind, and when the program fails or takes longer than `timeout` seconds.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CallgrindError("valgrind is not installed (Debian: apt-get install valgrind)")
    with tempfile.TemporaryDirectory(prefix="headrace-callgrind-") as folder:
        out = Path(folder) / "out"
        command = [
            *(valgrind, "--tool=callgrind", f"--callgrind-out-file={out}"),
            *(f"--dump-before={MARK}", *words),
        ]
        # One order of every set and dict of strings, else two runs differ by a percent.
        settings = {**os.environ, "PYTHONHASHSEED": "0"}
        try:
            ran = subprocess.run(
                command, env=settings, capture_output=True, check=False, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            raise CallgrindError(f"not done after {timeout:.0f} s under callgrind") from None
        if ran.returncode:
            said = ran.stderr.decode(errors="replace").strip().splitlines()[-5:]
            raise CallgrindError("the program failed under callgrind: " + " / ".join(said))
        dumps = sorted(out.parent.glob("out.*"), key=lambda path: int(path.suffix[1:]))
        return [total(dump.read_bytes()) for dump in dumps[1:]]


def total(dump: bytes) -> int:
    """Return the instructions a dump of callgrind tells of, or raise CallgrindError."""
    found = _TOTALS.search(dump)
    if found is None:
        raise CallgrindError("callgrind wrote a file without totals")
    return int(found[1])
