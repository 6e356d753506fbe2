"""The settings of balancing: how a backend is chosen, and when one is passed over."""

from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from proxy.core import selection, standing
from proxy.core.warming import SLOW_START

_RULES: Final = standing.Policy()


class Outliers(msgspec.Struct, frozen=True, kw_only=True):
    """When a backend that works is passed over, as long as others can serve. Times are seconds."""

    slowness: Annotated[
        Annotated[float, Meta(ge=1.5, le=100.0)] | None,
        Meta(
            description="How many times slower than the median of its peers it must be; null = how"
            " fast it is makes no difference."
        ),
    ] = _RULES.factor
    samples: Annotated[
        int, Meta(ge=3, le=1000, description="How many answers of the last minute say so.")
    ] = _RULES.samples
    silence: Annotated[
        float,
        Meta(
            ge=0.0,
            le=3600.0,
            description="How long nothing may come from an engine whose streams have begun, or"
            " whose queue grows; 0 = as long as the timeouts allow.",
            extra={"unit": "duration"},
        ),
    ] = _RULES.silence
    flapping: Annotated[
        float,
        Meta(
            ge=0.0,
            le=3600.0,
            description="Who comes back from an outage twice within this time is passed over for a"
            " while; 0 = never.",
            extra={"unit": "duration"},
        ),
    ] = _RULES.flapping
    share: Annotated[
        float,
        Meta(ge=0.0, le=1.0, description="How much of a model's backends that may be at once."),
    ] = _RULES.share
    hold: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600.0,
            description="For how long the first time, twice as long each further time; a quarter of"
            " it after an outage.",
            extra={"unit": "duration"},
        ),
    ] = _RULES.hold
    max_hold: Annotated[
        float,
        Meta(
            ge=0.1,
            le=86400.0,
            description="For how long at most.",
            extra={"unit": "duration"},
        ),
    ] = _RULES.max_hold

    @property
    def policy(self) -> standing.Policy:
        """Return the rules that follow from these."""
        return standing.Policy(
            factor=self.slowness or 0.0,
            samples=self.samples,
            silence=self.silence,
            flapping=self.flapping,
            share=self.share,
            hold=self.hold,
            max_hold=max(self.hold, self.max_hold),
        )


class Sessions(StrEnum):
    """What makes requests one session."""

    NAMED = "named"  # the text of `x-headrace-session`
    CONVERSATIONS = "conversations"  # besides, a chat that begins with the same words


class BalanceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How requests are spread."""

    policy: Annotated[
        selection.Policy,
        Meta(
            description="work: the backend with the least work under way, in tokens and by weight;"
            " least-connections: the fewest requests by weight; round-robin; random."
        ),
    ] = selection.Policy.WORK
    sessions: Annotated[
        Sessions,
        Meta(
            description="named: requests with the same `x-headrace-session` are a session;"
            " conversations: besides, chats that begin with the same instructions and first words."
        ),
    ] = Sessions.NAMED
    session_bound: Annotated[
        Annotated[float, Meta(ge=1.0, le=100.0)] | None,
        Meta(
            description="Requests of a session go to the same backend, unless its load is over so"
            " many times the mean; null = sessions count for nothing."
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
    outliers: Outliers = Outliers()
