"""What an answer cost in tokens, read when its client has it and nobody waits.

The first of the observers: those behind it see the counts. A stream's end has been looked at
already, because it decides whether the answer was whole.
"""

from typing import TYPE_CHECKING, Final

from proxy.core.tail import read_usage

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.failure import Failure
    from proxy.flow.course import Estimator

HELD: Final = 16 * 1024  # bytes of a plain answer that may wait to be read; a bigger one is at once


class Reckoner:
    """Fills in the token counts of ended calls and teaches the estimator."""

    __slots__ = ("_estimator",)

    def __init__(self, estimator: "Estimator") -> None:
        self._estimator = estimator

    def attempt_failed(self, call: "Call", failure: "Failure", *, retried: bool) -> None:
        """Do nothing: no answer, no tokens."""

    def finished(self, call: "Call") -> None:
        """Read the usage of a plain answer; learn from every answer that ended well."""
        answer = call.answer
        if answer:
            call.tokens_in, call.tokens_out = read_usage(answer)
            call.answer = b""
        if call.tokens_out is not None and call.failure is None:
            self._estimator.learn(call.model, call.tokens_out)


def leave(call: "Call", body: bytes) -> None:
    """Leave a plain answer to be read later."""
    if len(body) <= HELD:
        call.answer = body
    else:
        call.tokens_in, call.tokens_out = read_usage(body)
