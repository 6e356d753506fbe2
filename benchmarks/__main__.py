"""`python -m benchmarks`, which is `headrace bench`: measurements, and the simulated engine."""

import importlib
import sys
from collections.abc import Sequence
from typing import Final

# What `make` calls; not part of `headrace bench`.
PROGRAMS: Final = {
    "price": "benchmarks.driver.relay_price",
    "cancel": "benchmarks.driver.cancel",
    "fake": "benchmarks.fake.__main__",
}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; 2 for one that does not exist."""
    given = list(sys.argv[1:] if words is None else words)
    name = given[0] if given and given[0] in PROGRAMS else ""
    module = importlib.import_module(PROGRAMS.get(name, "benchmarks.cli.app"))
    code: int = module.main(given[1:] if name else given)
    return code


if __name__ == "__main__":
    sys.exit(main())
