"""How many clients may be connected, so that running streams never want for a file.

Every connection takes a file of the process, an engine's as well as a client's. A tenth of what the
process may open is kept back for what runs already: beyond that a new client is told to come back,
and beyond half of the tenth it is not even told. Looked at on the beat, compared once a connection.
"""

from math import inf
from typing import Final

KEPT: Final = 0.1  # of the files, for what runs already
OWN: Final = 40  # files that carry no connection: listeners, log, probes, libraries
CALM: Final = 0.9  # of `most`: below it a shortage is over


class Crowd:
    """What is known of the files. `most` clients are let in; over `limit` nobody is answered.

    `away` counts who was turned away since the last look.
    """

    __slots__ = ("away", "limit", "most", "short")

    def __init__(self) -> None:
        self.most = self.limit = inf
        self.away = 0
        self.short = False  # has been told

    def look(self, files: int, *, clients: int, engines: int) -> bool:
        """Take note of how many files may be open; tell whether a shortage has just begun."""
        kept = files * KEPT
        self.limit = max(1.0, files - kept / 2 - OWN - engines)
        self.most = max(1.0, files - kept - OWN - engines)
        away, self.away = self.away, 0
        begun = (clients >= self.most or away > 0) and not self.short
        self.short = begun or (self.short and (away > 0 or clients >= self.most * CALM))
        return begun
