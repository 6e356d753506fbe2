"""What becomes of one source of backends: what it has now, and how often it could not say."""

import msgspec


class SourceState(msgspec.Struct, frozen=True, kw_only=True):
    """A source as `/status` and the metrics show it.

    `heard` is False until it has said something, `current` while it cannot be asked. `failures`
    counts how often it became unable to say; `problems` are in words for a person.
    """

    name: str
    heard: bool = False
    current: bool = False
    backends: int = 0
    failures: int = 0
    problems: tuple[str, ...] = ()
