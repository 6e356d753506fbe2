"""The settings of hedging: whose slow beginnings are met by asking a second engine."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from proxy.core.hedging import Policy

_DEFAULT: Final = Policy()


class Hedging(msgspec.Struct, frozen=True, kw_only=True):
    """When a second engine is asked, and how often."""

    delay: Annotated[
        float,
        Meta(
            ge=0.0,
            le=3600.0,
            description="How long the first may take to begin; 0 = as long as 95 % of the last"
            " requests took.",
            extra={"unit": "duration"},
        ),
    ] = _DEFAULT.delay
    budget: Annotated[
        float,
        Meta(ge=0.001, le=0.5, description="The share of requests for which that may be done."),
    ] = _DEFAULT.budget

    @property
    def policy(self) -> Policy:
        """Return the rules that follow from these."""
        return Policy(delay=self.delay, budget=self.budget)


Hedged = Annotated[
    dict[str, Hedging],
    Meta(
        description="Models, by the names clients ask for, of which a second engine is asked when"
        " the first is slow to begin; who begins first serves. `*` is any letters, `?` one."
    ),
]
