"""What a call has used, for accounts and ledgers.

Engines say it in most answers. Where they do not (a stream without usage, a client that left), it
is estimated: the prompt by its bytes, the answer by the pieces that were passed on, which most
engines write one a token. Nothing is charged for a call that no engine answered.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.core.call import Call


class Measure(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one call. By position: one is made for each."""

    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False


_NONE: Final = Measure()


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """What one key has used of one model on one day (in UTC, as 2026-11-22); `money` by prices.

    `estimated` is how many of the requests had to be estimated.
    """

    day: str
    key: str
    tenant: str
    model: str
    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    money: float = 0.0
    estimated: int = 0

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Return what tells two of them apart."""
        return self.day, self.key, self.tenant, self.model


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What is written at once, again and again until that has come about.

    A ledger that has seen the `serial` of this process before has the rows already. `whole`:
    nothing that has been used is left out.
    """

    serial: int
    rows: Sequence[Used]
    whole: bool = True


def measured(call: Call) -> Measure:
    """Return what an ended call has used."""
    if call.backend is None or not call.committed:
        return _NONE
    tokens_in, tokens_out = call.tokens_in, call.tokens_out
    if tokens_in is not None:
        return Measure(tokens_in, tokens_out or 0)
    if tokens_out is None:
        tokens_out = call.chunks if call.stream else int(call.output_work)
    return Measure(int(call.prompt_work), tokens_out, estimated=True)
