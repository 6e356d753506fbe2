"""The words of sampled calls whose models the settings name: noted beside their way.

The request is read when the call begins. The answer is read from what the client is sent, so it is
what the client saw, in the client's dialect, whichever engines it came from and whatever was
translated. Calls that are not meant keep their client as it is, and their code knows nothing of
this.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from proxy.core.recording import Rule, Spoken
from proxy.dialects.transcript import asked
from proxy.dialects.transcript.hearing import Hearing
from proxy.upstream.framing import BadResponse, Dechunker

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.failure import Failure
    from proxy.dialects.transcript.asked import Asked
    from proxy.flow.course import Client, Request

MOST_HEAD: Final = 64 * 1024  # bytes of an answer's head
_END: Final = b"\r\n\r\n"


class Recorder:
    """Knows which calls are noted. `rule_of` is asked for a model."""

    __slots__ = ("rule_of",)

    def __init__(self) -> None:
        self.rule_of: Callable[[str], Rule | None] = _none

    def client(self, client: "Client", request: "Request", call: "Call") -> "Client":
        """Return the client of a sampled call: itself, or one whose answer is heard."""
        operation = request.operation.name
        rule = self.rule_of(call.model)
        trace = call.trace
        if rule is None or trace is None or operation not in asked.READERS:
            return client
        if not rule.covers("" if call.grant is None else call.grant.account.key.name):
            return client
        ear = Ear(operation, rule.limit)
        trace.spoken = _Notes(asked.read(operation, call.body, rule.limit), ear).spoken
        return HeardClient(client, ear)


class Ear:
    """Reads one answer as it is written to a client: its head first, then its body."""

    __slots__ = ("_dechunker", "_head", "_limit", "_operation", "hearing", "unread")

    def __init__(self, operation: str, limit: int) -> None:
        self._operation = operation
        self._limit = limit
        self._head = b""
        self._dechunker: Dechunker | None = None
        self.hearing: Hearing | None = None  # since the head is known
        self.unread = ""

    def hear(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.unread:
            return
        if self.hearing is not None:
            self._body(self.hearing, data)
            return
        head, end, body = (self._head + data).partition(_END)
        if not end:
            self._head = head
            if len(head) > MOST_HEAD:
                self.unread = f"the answer's head has over {MOST_HEAD} bytes"
            return
        self._begin(head.lower(), body)

    def _begin(self, head: bytes, body: bytes) -> None:
        self._head = b""
        if b"\r\ncontent-encoding:" in head:
            self.unread = "the answer is compressed"
            return
        kind = _value(head, b"content-type")
        stream = "sse" if b"event-stream" in kind else "ndjson" if b"ndjson" in kind else ""
        if _value(head, b"transfer-encoding") == b"chunked":
            self._dechunker = Dechunker()
        self.hearing = Hearing(self._operation, self._limit, stream)
        self._body(self.hearing, body)

    def _body(self, hearing: Hearing, data: bytes) -> None:
        if self._dechunker is not None:
            try:
                data = self._dechunker.feed(data)
            except BadResponse:
                self.unread = "the answer is not framed as it should be"
                return
        if data:
            hearing.feed(data)


class HeardClient:
    """A client whose answer is heard. Fulfils `flow.course.Client`."""

    __slots__ = ("_client", "http10", "write")

    def __init__(self, client: "Client", ear: Ear) -> None:
        self._client = client
        self.http10 = client.http10
        self.write = _heard(client.write, ear.hear)

    @property
    def closing(self) -> bool:
        """Tell whether the connection ends with this answer."""
        return self._client.closing

    @closing.setter
    def closing(self, closing: bool) -> None:
        self._client.closing = closing

    def refuse(self, call: "Call", failure: "Failure") -> None:
        """Answer with an error; it is not heard: engines repeat prompts in theirs."""
        self._client.refuse(call, failure)

    def answered(self, *, whole: bool) -> None:
        """Give the connection back."""
        self._client.answered(whole=whole)


class _Notes:
    """What a call has said so far."""

    __slots__ = ("_asked", "_ear")

    def __init__(self, asked: "Asked", ear: Ear) -> None:
        self._asked = asked
        self._ear = ear

    def spoken(self) -> Spoken:
        """Return all of it, once, when the call has ended."""
        request, ear = self._asked, self._ear
        hearing = ear.hearing
        answered = hearing.messages() if hearing is not None else []
        unheard = ear.unread or (hearing.unread if hearing is not None else "")
        return Spoken(
            asked=_json(request.messages),
            system=_json(request.system),
            answered=_json(answered),
            asked_cut=request.cut,
            answered_cut=hearing is not None and hearing.cut,
            omitted=request.omitted,
            unread="; ".join([why for why in (request.unread, unheard) if why]),
        )


def _heard(
    write: Callable[[bytes], None], hear: Callable[[bytes], None]
) -> Callable[[bytes], None]:
    def both(data: bytes) -> None:
        write(data)
        hear(data)

    return both


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


def _json(found: list[dict[str, object]]) -> str:
    return msgspec.json.encode(found).decode() if found else ""


def _none(_model: str) -> Rule | None:
    return None
