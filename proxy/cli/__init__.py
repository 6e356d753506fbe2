"""The command line: words to intents. `main` answers `version`; `app` does everything else."""

import sys
from collections.abc import Sequence

from proxy import __version__
from proxy.cli import descriptors


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong words or settings.

    The version is told before the command library is loaded, which takes a quarter of a second on a
    slow machine; scripts ask for it often.
    """
    descriptors.fill()
    words = sys.argv[1:] if words is None else list(words)
    if words in (["version"], ["--version"]):
        sys.stdout.write(f"headrace {__version__}\n")
        return 0
    from proxy.cli.app import run

    return run(words)
