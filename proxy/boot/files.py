"""Open files: raise this process's limit as far as the system lets it.

Every client is an open file, and so is every request at an engine. Many systems start a process
with a limit of 1,024, which only programs that use `select` need: 500 streams would reach it, and
then no engine can be connected to and no client accepted.
"""

import resource
from typing import Final

# Where the hard limit is none, some systems (macOS) still refuse a soft one that is none.
_PLENTY: Final = (65_536, 10_240)


def allow_open_files() -> int:
    """Raise the soft limit to the hard one, or to plenty if there is none; return what holds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    for wanted in _PLENTY if hard == unlimited else (hard,):
        if soft == unlimited or soft >= wanted:
            break
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):  # a sandbox may forbid it: then the old limit holds
            continue
        return wanted
    return soft
