"""The settings of early commits: whose clients hear of their stream before its engine begins."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from proxy.core.early import Policy

_DEFAULT: Final = Policy()


class Early(msgspec.Struct, frozen=True, kw_only=True):
    """When the head goes out, and how often a sign of life follows."""

    after: Annotated[
        float,
        Meta(
            ge=0.0,
            le=3600.0,
            description="How long a stream is waited for before its client gets status 200 and a"
            " sign of life; 0 = not at all. Until then an error has its own status.",
            extra={"unit": "duration"},
        ),
    ] = _DEFAULT.after
    every: Annotated[
        float,
        Meta(
            ge=0.1,
            le=3600.0,
            description="How often a sign of life follows until the engine begins. Less than what"
            " stands before this proxy lets a connection be silent.",
            extra={"unit": "duration"},
        ),
    ] = _DEFAULT.every

    @property
    def policy(self) -> Policy:
        """Return the rules that follow from these."""
        return Policy(after=self.after, every=self.every)


Committed = Annotated[
    dict[str, Early],
    Meta(
        description="Models, by the names clients ask for, whose streams get their head and signs"
        " of life while they wait, and errors as events. `*` is any letters, `?` one."
    ),
]
