"""The three descriptors every program counts on, filled where the starter has closed them.

Otherwise the next file or socket takes the number, and what is written to "standard error" goes
there; and libuv ends the process when it is to close a handle that has such a number.
"""

import os
import sys
from typing import Final

_STREAMS: Final = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def fill() -> None:
    """Open the null device in place of each closed one of the three."""
    for number, (name, mode) in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is the one that is opened
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
