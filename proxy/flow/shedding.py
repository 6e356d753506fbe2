"""The intake while this proxy is short of something: nothing begins, what runs goes on."""

from typing import TYPE_CHECKING, Final

from typing_extensions import override

from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.flow.intake import Intake, refuse

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.flow.course import Client, Course, Request
    from proxy.flow.skimming import Driver

AGAIN: Final = 5.0  # seconds, of Retry-After


class Shedding(Intake):
    """Refuses every call. `what` it is short of stands in the answer."""

    __slots__ = ("_what",)

    def __init__(self, course: "Course", what: str) -> None:
        super().__init__(course)
        self._what = what

    @override
    def begin(
        self, client: "Client", request: "Request", body: bytes, call: "Call"
    ) -> "Driver | None":
        """Answer 503; the body is not looked at."""
        call.surface = request.operation.surface
        call.body_size = len(body)
        failure = Failure(
            kind=Kind.SHEDDING,
            origin=Origin.PROXY,
            phase=Phase.READ,
            detail=f"this proxy is short of {self._what}: it finishes what runs first",
            retry_after=AGAIN,
        )
        refuse(self._course, client, call, failure)
        return None
