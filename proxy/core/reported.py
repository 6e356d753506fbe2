"""What an engine itself says about its load: the values of one look at its gauges."""

import msgspec


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """How busy an engine says it is. None where it does not say.

    `running` and `waiting` are requests, whoever sent them; `kv_used` is the share of its cache in
    use, 0 to 1; `capacity` is how many requests it runs at once.
    """

    running: int | None = None
    waiting: int | None = None
    kv_used: float | None = None
    capacity: int | None = None

    @property
    def requests(self) -> int | None:
        """Return all requests there, running and waiting; None if it tells neither."""
        if self.running is None and self.waiting is None:
            return None
        return (self.running or 0) + (self.waiting or 0)
