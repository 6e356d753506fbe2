"""`python -m benchmarks COMMAND`: the measurements, and the simulated engine."""

import importlib
import sys
from collections.abc import Sequence
from typing import Final

COMMANDS: Final = {
    "price": ("benchmarks.driver.relay_price", "what a request and a chunk cost"),
    "cancel": ("benchmarks.driver.cancel", "how soon an engine is free after its client left"),
    "fake": ("benchmarks.fake.__main__", "a simulated engine"),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; 2 for a command that does not exist."""
    given = list(sys.argv[1:] if words is None else words)
    if not given or given[0] not in COMMANDS:
        for name, (_, meaning) in COMMANDS.items():
            print(f"python -m benchmarks {name:8} {meaning}")
        return 0 if not given or given[0] in {"-h", "--help"} else 2
    module = importlib.import_module(COMMANDS[given[0]][0])
    code: int = module.main(given[1:])
    return code


if __name__ == "__main__":
    sys.exit(main())
