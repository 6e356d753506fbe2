"""The gate: a request without a good key is refused as soon as its head is here, its body unread.

What passes is remembered with the head, so that one that is repeated on its connection costs no
look at its fields. Whether the key is still good then, and whether its limits leave room, is judged
once more when the call begins (`flow/guard`).
"""

from typing import TYPE_CHECKING, Final

from aiohttp.http import RawRequestMessage

from proxy.core.failure import Failure
from proxy.core.headers import CREDENTIALS
from proxy.core.keys import presented

if TYPE_CHECKING:
    from proxy.edge.heads import Head
    from proxy.flow.course import Course

# Load balancers ask the one, Ollama's command line the other, before they say who they are.
OPEN: Final = frozenset({"/", "/health"})


class Gate:
    """Judges heads that have been parsed. `pass_through`: engines get the client's credentials."""

    __slots__ = ("_course", "pass_through")

    def __init__(self, course: "Course", *, pass_through: bool) -> None:
        self._course = course
        self.pass_through = pass_through

    def __call__(self, message: RawRequestMessage, head: "Head") -> Failure | None:
        """Return why the request goes no further; None lets it in."""
        request, guard = head.request, self._course.guard
        if self.pass_through and request is not None:
            fields = [(name.lower(), value) for name, value in message.raw_headers]
            request.keep([field for field in fields if field[0] in CREDENTIALS])
        if guard is None:
            return None
        secret = presented(message.raw_headers)
        if request is not None:
            request.secret = secret
        if head.path in OPEN or message.method == "OPTIONS":
            return None
        found = guard.find(secret)
        return found if isinstance(found, Failure) else None
