"""The settings of balancing: how a backend is chosen, and when one is passed over."""

from typing import Annotated

import msgspec
from msgspec import Meta

from proxy.core import selection
from proxy.core.warming import SLOW_START


class BalanceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are spread."""

    policy: Annotated[
        selection.Policy,
        Meta(
            description="work: the backend with the least work under way, in tokens and by weight;"
            " least-connections: the fewest requests by weight; round-robin; random."
        ),
    ] = selection.Policy.WORK
    session_bound: Annotated[
        Annotated[float, Meta(ge=1.0, le=100.0)] | None,
        Meta(
            description="Requests with the same `x-headrace-session` go to the same backend, unless"
            " its load is over so many times the mean; null = sessions count for nothing."
        ),
    ] = 1.25
    slow_start: Annotated[
        float,
        Meta(
            ge=0.0,
            le=3600.0,
            description="How long a backend that comes back takes from a tenth of its weight and"
            " cap to all of them; without a cap from 16 requests at once, doubling every 2 s.",
            extra={"unit": "duration"},
        ),
    ] = SLOW_START
