"""What a call becomes for an engine that is not to get it as it came: translated, or as a stream.

Decided for every attempt anew, so a call whose first engine speaks its dialect and whose second
does not is passed on to the one and translated for the other.
"""

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from proxy.core import bulk, peek
from proxy.core.catalog import Target
from proxy.core.failure import Failure, Kind, Origin, Phase
from proxy.core.patched import Patched
from proxy.dialects import threads as kept
from proxy.dialects.translate import asking
from proxy.dialects.translate.assemble import Assembly, streamed
from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.flow import ways
from proxy.flow.commit import answer_head
from proxy.flow.gathering import Gathering, StreamOpening
from proxy.flow.opening import Opening
from proxy.flow.outgoing import engine_request, head_for
from proxy.flow.verdicts import PATH_MISSING

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.dialects.base import Engine
    from proxy.dialects.translate.base import Answer
    from proxy.flow.attempts import Attempts
    from proxy.flow.course import Course, Side
    from proxy.flow.ways import Way
    from proxy.upstream.exchange import Connection
    from proxy.upstream.framing import ResponseHead


TOO_LARGE: Final = "too_large"  # the code of a refusal, besides those of the translators


class Load(NamedTuple):
    """What an engine is sent, who takes its answer, and what turns a stream back."""

    head: bytes
    body: bytes | Patched
    opening: Opening
    answer: "Answer | None"


def load(attempts: "Attempts", side: "Side", way: "Way") -> Load | Failure | Settled:
    """Return what this attempt sends, or why it cannot be made, or that it need not be."""
    if way.form == ways.GATHERED:
        return _gathered(attempts, side, way)
    return _translated(attempts, side, way)


def _gathered(attempts: "Attempts", side: "Side", way: "Way") -> Load:
    call, engine = attempts.call, side.engine
    if bulk.excess(call.body):  # then it is asked plainly: it may not notice who leaves
        head, body = engine_request(call, attempts.request, way, side.pool)
        return Load(head, body, Opening(attempts, engine, way), None)
    body = streamed(_renamed(call, call.body))
    head = head_for(call, way.line, way, side.pool, body)
    opening = Gathering(attempts, engine, Assembly(), None, moment(attempts), way)
    return Load(head, body, opening, None)


def _translated(attempts: "Attempts", side: "Side", way: "Way") -> Load | Failure | Settled:
    call, engine = attempts.call, side.engine
    if not asking.reachable(call.path, engine):
        return _lacking(call)
    made = translate(attempts.course, call, engine, attempts.targets)
    if isinstance(made, Refusal):
        return refusal(made)
    if isinstance(made, Settled):
        return made
    body = _renamed(call, made.body)
    opening: Opening
    if made.stream:
        opening = StreamOpening(attempts, engine)
    else:
        gathers = ways.gathers(made.path, engine)
        body = streamed(body) if gathers else body
        assembly = Assembly() if gathers else None
        opening = Gathering(attempts, engine, assembly, made.answer, moment(attempts))
    head = head_for(call, ways.line(made.path, engine), way, side.pool, body)
    return Load(head, body, opening, made.answer if made.stream else None)


def unsent(
    attempts: "Attempts", side: "Side", connection: "Connection", made: Failure | Settled
) -> None:
    """End an attempt that sends nothing; its connection can serve another."""
    side.pool.put(connection)
    if isinstance(made, Failure):
        attempts.failed(made)
    else:
        attempts.complete(settled_head(made), len(made.body), made.body)


def settled_head(made: Settled) -> "ResponseHead":
    """Return the head of an answer no engine was asked for."""
    fields = b"content-type: %b\r\n%b" % (made.content_type, made.fields)
    return answer_head(200, b"OK", fields)


def prepared(
    course: "Course", call: "Call", targets: tuple[Target, ...], *, threads: bool = False
) -> tuple[Target, ...] | Failure | Settled:
    """Leave out backends for which this call cannot be translated; None left is a failure.

    What no engine need be asked is settled, unless an engine speaks the caller's dialect. A large
    body is translated for the engine that gets it, and not before. `threads`: the call may be a
    turn of a conversation that no engine keeps, and is refused then.
    """
    if threads and kept.wanted(call.body):
        why = f"`{kept.FIELD}` cannot be carried: {kept.WHY}"
        return refusal(Refusal(message=why, param=kept.FIELD))
    foreign: dict[str, Engine] = {}
    for target in targets:
        for backend in target.candidates:
            side = course.sides[backend]
            if not side.speaks(call.path):
                foreign[side.engine.name] = side.engine
    if foreign and len(call.body) > bulk.LARGE and not bulk.excess(call.body):
        return targets
    outcomes = {name: translate(course, call, e, targets) for name, e in foreign.items()}
    unfit = {name for name, made in outcomes.items() if not isinstance(made, Translated)}
    if not unfit:
        return targets
    left = tuple(
        Target(
            target.model,
            tuple(
                backend
                for backend in target.candidates
                if (side := course.sides[backend]).speaks(call.path)
                or side.engine.name not in unfit
            ),
            target.native,
        )
        for target in targets
    )
    if any(target.candidates for target in left):
        return left
    first = next(made for name, made in outcomes.items() if name in unfit)
    return refusal(first) if isinstance(first, Refusal) else _settled(first)


def _settled(made: Translated | Settled) -> Settled:
    assert isinstance(made, Settled)
    return made


def translate(
    course: "Course", call: "Call", engine: "Engine", targets: tuple[Target, ...]
) -> Translated | Settled | Refusal:
    """Translate a call's request for an engine, unless that would hold up everybody."""
    if excess := bulk.excess(call.body):
        message = (
            f"this request has over {excess}: too much to be translated. An engine that speaks "
            "this API itself takes it."
        )
        return Refusal(message=message, code=TOO_LARGE)
    created = course.wall() - (course.now() - call.received_at)
    model = msgspec.structs.replace(targets[0].model, id=call.model)
    return asking.translate(
        call.path, call.body, engine, model, request_id=call.request_id, created=created
    )


def moment(attempts: "Attempts") -> float:
    """Return what turns times of the loop's clock into Unix seconds when it is added."""
    return attempts.course.wall() - attempts.course.now()


def refusal(made: Refusal) -> Failure:
    """Return a refusal of a translator as the failure of its call."""
    return Failure(
        kind=Kind.TOO_LARGE if made.code == TOO_LARGE else Kind.BAD_REQUEST,
        origin=Origin.CLIENT,
        phase=Phase.READ,
        detail=made.message,
        param=made.param,
    )


def _lacking(call: "Call") -> Failure:
    return Failure(
        kind=Kind.STATUS,
        origin=Origin.BACKEND,
        phase=Phase.WAIT,
        detail=f"the engine does not have {call.path}",
        retryable=True,
        status=404,
        condition=PATH_MISSING,
    )


def _renamed(call: "Call", body: bytes) -> bytes:
    return body if call.native_model == call.model else peek.rename(body, call.native_model)
