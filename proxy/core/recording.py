"""What is noted of the words of a call: of which calls, how much, and what came of it.

Nothing, unless the settings name the model. The words are JSON in the shapes that the conventions
of OpenTelemetry have for messages; who sends them knows the names.
"""

from typing import Final

import msgspec

DEFAULT: Final = 16 * 1024


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is noted of the calls of one model.

    limit: bytes of text each way. keys: names of the clients' keys; empty = whoever asks.
    """

    limit: int = DEFAULT
    keys: frozenset[str] = frozenset()

    def covers(self, key: str) -> bool:
        """Tell whether calls with this key are meant; an empty name is a call without one."""
        return not self.keys or key in self.keys


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one call, each empty if there is nothing to tell.

    asked, answered: the messages. system: the instructions, where an API has them apart. asked_cut,
    answered_cut: not all of it is there. omitted: messages left out, the oldest. unread: why the
    request or its answer was not read.
    """

    asked: str = ""
    system: str = ""
    answered: str = ""
    asked_cut: bool = False
    answered_cut: bool = False
    omitted: int = 0
    unread: str = ""
