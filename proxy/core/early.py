"""When a client hears of its stream before the engine has begun."""

import msgspec


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When the head goes out, and how often a sign of life follows; seconds."""

    after: float = 0.0
    every: float = 15.0
