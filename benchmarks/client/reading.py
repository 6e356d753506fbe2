"""From the reads of one request to what is reported about it. Nothing here touches a socket."""

import hashlib
from collections.abc import Iterable

import msgspec

from benchmarks.client import events, stamps
from benchmarks.client.answers import Said, complaint, reader
from benchmarks.client.framing import Message, taken_apart
from benchmarks.client.stamps import Piece
from benchmarks.client.target import Api, Stamp, Target
from benchmarks.load.observed import Observed


class Raw:
    """A request as it went: times, what was read, how it ended. Kept until it is read."""

    __slots__ = (
        "cancelled",
        "closed",
        "ended_ns",
        "failure",
        "head_ns",
        "index",
        "intended_ns",
        "reads",
        "sent_ns",
        "weight",
    )

    def __init__(self, index: int, intended_ns: int) -> None:
        self.index = index
        self.intended_ns = intended_ns
        self.sent_ns = 0
        self.head_ns = 0
        self.ended_ns = 0
        self.failure = ""
        self.cancelled = False
        self.closed = False
        self.reads: list[tuple[int, bytes]] = []
        self.weight = 0


class _Gathered(msgspec.Struct, kw_only=True):
    # What the events of one answer add up to.
    text: list[str] = msgspec.field(default_factory=list)
    received: list[int] = msgspec.field(default_factory=list)
    words: list[int] = msgspec.field(default_factory=list)
    stamped: list[Piece] = msgspec.field(default_factory=list)
    reads: set[int] = msgspec.field(default_factory=set)
    finish: str = ""
    over: bool = False
    error: str = ""
    events: int = 0


class Report(msgspec.Struct, kw_only=True):
    """A request read, and the words in each of its events, which a side log is matched by."""

    observed: Observed
    words: list[int]
    content_type: str = ""
    events: int = 0
    said: str = ""
    """The text of an answer, or what an error answer says."""


def read(raw: Raw, target: Target) -> Report:
    """Read one request. A failure noted while it ran stands before what its bytes say."""
    observed = Observed(
        index=raw.index,
        intended_ns=raw.intended_ns,
        sent_ns=raw.sent_ns,
        head_ns=raw.head_ns,
        ended_ns=raw.ended_ns,
        failure=raw.failure,
        cancelled=raw.cancelled,
    )
    message = taken_apart(raw.reads, closed=raw.closed)
    observed.status = message.status
    observed.engine = message.headers.get("x-simulated-engine", "")
    kind = message.headers.get("content-type", "").partition(";")[0].strip().lower()
    report = Report(observed=observed, words=[], content_type=kind)
    if message.problem and not observed.failure:
        observed.failure = message.problem
    if message.status == 200:
        _read_answer(message, target, report)
    elif message.status:
        report.said = complaint(b"".join([piece for _, piece in message.pieces]))
        observed.failure = observed.failure or f"status {message.status}: {report.said}"
    if not (message.complete or observed.cancelled or observed.failure):
        observed.failure = "closed in the middle of the answer"
    if message.complete and not observed.failure:
        observed.ended_ns = message.ended_ns
    return report


def streams(kind: str, api: Api) -> bool:
    """Tell whether a content type is the one this API streams with."""
    wanted = "application/x-ndjson" if api is Api.OLLAMA else "text/event-stream"
    return kind == wanted


def _read_answer(message: Message, target: Target, report: Report) -> None:
    pieces, observed = message.pieces, report.observed
    gathered = _Gathered()
    found: Iterable[events.Event]
    streamed = streams(report.content_type, target.api)
    if streamed:
        found = (events.ndjson if target.api is Api.OLLAMA else events.sse)(pieces)
    else:
        whole = b"".join([piece for _, piece in pieces])
        found = [events.Event(message.ended_ns, "", whole)] if message.complete else []
    say = reader(target.api)
    for event in found:
        gathered.events += 1
        try:
            said = say(event.data)
        except msgspec.DecodeError as problem:
            gathered.error = gathered.error or f"an event that cannot be read: {problem}"
            continue
        _note(gathered, event, said, observed)
        if said.text:
            _gather(gathered, event, said, target.stamp)
    report.words, report.events = gathered.words, gathered.events
    _settle(gathered, observed, report, target, streamed=streamed)


def _note(gathered: _Gathered, event: events.Event, said: Said, observed: Observed) -> None:
    # What is told beside the text.
    if said.finish:
        gathered.finish = said.finish
    if said.over:
        gathered.over = True
    if said.error or event.kind == "error":
        gathered.error = gathered.error or said.error or "error event"
    if said.tokens_in is not None:
        observed.tokens_in = said.tokens_in
    if said.tokens_out is not None:
        observed.tokens_out = said.tokens_out


def _gather(gathered: _Gathered, event: events.Event, said: Said, stamp: Stamp) -> None:
    text = said.text
    pieces: list[Piece] = []
    if stamp is Stamp.CONTENT:
        text, pieces = stamps.in_content(text)
    gathered.text.append(text)
    gathered.reads.add(event.stamp)
    if not pieces:
        words = max(1, len(text.split()))
        gathered.received.append(event.stamp)
        gathered.words.append(words)
        if stamp is Stamp.FIELD and said.stamp_ns:
            gathered.stamped.append(Piece(said.token, said.stamp_ns, words, said.taken_ns))
        return
    for piece in pieces:
        gathered.received.append(event.stamp)
        gathered.words.append(piece.words)
        gathered.stamped.append(piece)


def _settle(
    gathered: _Gathered, observed: Observed, report: Report, target: Target, *, streamed: bool
) -> None:
    observed.received = gathered.received
    observed.chunks = len(gathered.received)
    observed.segments = len(gathered.reads)
    observed.finish = gathered.finish
    observed.first_ns = gathered.received[0] if gathered.received else 0
    report.said = "".join(gathered.text)
    observed.digest = hashlib.sha256(report.said.encode("utf-8", "surrogatepass")).hexdigest()
    if gathered.stamped and len(gathered.stamped) == len(gathered.received):
        observed.emitted = [piece.emitted_ns for piece in gathered.stamped]
        observed.taken_ns = gathered.stamped[0].taken_ns
        if gathered.stamped[0].token >= 0:
            total = None if observed.cancelled or observed.failure else observed.tokens_out
            checked = stamps.integrity(gathered.stamped, total)
            observed.lost = checked.lost
            observed.duplicated = checked.duplicated
            observed.reordered = checked.reordered
    if observed.failure or observed.cancelled:
        return
    if gathered.error:
        observed.failure = f"error in the answer: {gathered.error}"[:200]
    elif target.stream and not streamed:
        observed.failure = (
            f"asked for a stream, got {report.content_type or 'no content type'} instead"
        )
    elif streamed and not (gathered.over or gathered.finish):
        observed.failure = "the stream ended without saying that it is complete"
    elif not gathered.received:
        observed.failure = "the answer has no text"
