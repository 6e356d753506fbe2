"""How a finished answer ended, read once from its last network pieces.

Theory. The relay keeps references to the last few pieces it forwarded and hands them over when the
engine's message ends. They begin anywhere, and when the body is chunked the framing is still
inside, in the middle of a line if the engine (or a proxy before it) cut it so. Nearly every OpenAI
stream ends with the same layout, which a handful of searches near the end recognise (`_glance`).
Everything else is unframed exactly and read line by line (`_study`). Both must say the same of the
same stream.
"""

import re
from collections.abc import Iterable
from itertools import chain, islice
from typing import Final, NamedTuple

import msgspec

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.inband import ErrorEvent, is_error


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What the last pieces of a streamed answer say.

    done: an end marker was seen, as an event of its own.
    finished: the engine said why it stopped (a finish reason), or `done`.
    error: the error event among the last events, if there is one.
    tokens_in, tokens_out: the usage reported last; None where nothing was.
    """

    done: bool
    finished: bool
    error: ErrorEvent | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None


_WHOLE: Final = Tail(done=True, finished=True)
_DONE: Final = b"[DONE]"
_LAST: Final = 4  # events looked at: marker, usage, finish reason, and one
_NEAR: Final = 256  # bytes at either end of a payload in which its own `type` stands
_GLANCE: Final = 768  # bytes before the marker that must hold no error
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?\r\n")
_SEAM: Final = re.compile(rb"\r\n(?=[0-9A-Fa-f]{1,16}(?:[ \t]*;[^\r\n]*)?\r\n)")
_SEAMS: Final = 64  # places tried as the first seam of a tail
_REASON: Final = re.compile(rb'"(?:finish|stop|done)_reason"[ \t]*:[ \t]*"')
_TYPE: Final = re.compile(rb'"type"[ \t]*:[ \t]*"([^"]+)"')


def read_tail(
    pieces: Iterable[bytes], *, framed: bool, markers: tuple[bytes, ...] = (_DONE,)
) -> Tail:
    """Read the consecutive last `pieces` of a stream, as they came from the network.

    `framed`: HTTP/1.1 chunk framing is inside. A marker is the whole payload of an event
    (`[DONE]`), or an event's name or JSON `type` (`message_stop`), or, beginning with a quote, a
    member of an NDJSON line (`"done":true`). Without markers nothing is ever `done`. Never raises.
    """
    text = b"".join(pieces)
    if _DONE in markers and (tail := _glance(text, framed=framed)) is not None:
        return tail
    return _study(_unframed(text) if framed else text, markers)


def _glance(text: bytes, *, framed: bool) -> Tail | None:
    """Recognise one plain event and `[DONE]` at the very end; None if it is not just that."""
    done = text.rfind(b"\ndata: [DONE]\n\n") + 1
    last = text.rfind(b"\ndata: {", 0, done) + 1
    end = text.rfind(b"}\n\n", last, done) + 1
    # After the marker: at most the last chunk. Before the event: a blank line or a chunk size.
    if not last or not end or len(text) > done + 21 or text[last - 2] not in b"\r\n":
        return None
    between = text[end + 2 : done]
    if between and not (framed and between.startswith(b"\r\n") and _SIZE.fullmatch(between, 2)):
        return None
    # A carriage return inside the event: a chunk ends in the middle of it.
    start = max(0, done - _GLANCE)
    if text.find(b"\r", last, end) >= 0 or text.find(b'"error"', start, done) >= 0:
        return None
    tokens_in = _count(text, b'"prompt_tokens"', last, end)
    if tokens_in is None:
        return _WHOLE if text.find(b'_tokens"', start, end) < 0 else None
    tokens_out = _count(text, b'"completion_tokens"', last, end)
    return Tail(done=True, finished=True, tokens_in=tokens_in, tokens_out=tokens_out)


def _study(text: bytes, markers: tuple[bytes, ...]) -> Tail:
    """Read any ending, free of framing, event by event from the last."""
    done = finished = False
    error: ErrorEvent | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    for event in _events(text):
        payload = event.payload
        done = done or _ends(event, markers)
        if not finished and b'_reason"' in payload:
            finished = _REASON.search(payload) is not None
        error = error or is_error(payload, event.name)
        if tokens_out is None and (b'_tokens"' in payload or b'"eval_count"' in payload):
            tokens_in, tokens_out = read_usage(payload)
    return Tail(
        done=done,
        finished=done or finished,
        error=error,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
    )


class _Event(NamedTuple):
    name: bytes
    payload: bytes
    cut: bool = False  # its beginning lies before the first piece
    open: bool = False  # its last line is not ended


def _events(text: bytes) -> list[_Event]:
    """Return the last events, the last one first."""
    lines = text.splitlines()
    unended = not text.endswith((b"\n", b"\r"))
    if len(lines) == 1 and unended and not text.startswith(b"{"):
        return []  # neither its beginning nor its end is known: it may be text of the model
    events: list[_Event] = []
    name = b""
    data: list[bytes] = []
    for line in reversed(lines[1:]):
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b"{"):
            events.append(_Event(b"", line))
        elif not line:
            if data:
                events.append(_Event(name, b"\n".join(reversed(data))))
            name, data = b"", []
        if len(events) == _LAST:
            break
    else:
        events += _first(lines[:1], name, data)
    if events and unended:
        events[0] = events[0]._replace(open=True)
    return events


def _first(lines: list[bytes], name: bytes, data: list[bytes]) -> list[_Event]:
    """Return the earliest event, whose beginning may be missing; at most the first line is left."""
    events: list[_Event] = []
    cut = False
    for line in lines:
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
        elif line.startswith(b"{"):
            events.append(_Event(b"", line))
        elif not data:
            data.append(line)
            cut = True
    if data:
        events.insert(0, _Event(name, b"\n".join(reversed(data)), cut))
    return events


def _ends(event: _Event, markers: tuple[bytes, ...]) -> bool:
    """Tell whether this event is one that ends a stream."""
    payload = event.payload.strip()
    if payload in markers:
        return True
    if not payload.endswith(b"}") or (event.open and not _parsed(payload)):
        return False
    if event.name in markers:
        return True
    for found in _TYPE.findall(payload[:_NEAR] + b"\n" + payload[-_NEAR:]):
        if found in markers:
            return True
    members = [marker for marker in markers if marker.startswith(b'"')]
    if event.cut:
        # The last event of these two can be larger than what was kept; only it has a usage.
        large = members or b"response.completed" in markers
        return bool(large) and read_usage(payload)[1] is not None
    return any(_has(payload, member) for member in members)


def _has(payload: bytes, member: bytes) -> bool:
    """Tell whether the object has this member itself, not something inside it."""
    found = _parsed(payload)
    return all(
        key in found and found[key] == value for key, value in _parsed(b"{%b}" % member).items()
    )


def _parsed(payload: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(payload, type=dict[str, object])
    except DECODE_ERRORS:
        return {}


def _unframed(text: bytes) -> bytes:
    """Return the text without its chunk framing, wherever in the framing it begins.

    The right first seam is the one from which the sizes lead to the last chunk. In a body that was
    cut there is none; then the first from which they lead to the end is taken.
    """
    seams = (seam.end() for seam in islice(_SEAM.finditer(text), _SEAMS))
    cut: bytes | None = None
    for start in chain((0,), seams):
        body, closed = _follow(text, start)
        if body is None:
            continue
        body = text[: max(0, start - 2)] + body
        if closed:
            return body
        cut = body if cut is None else cut
    return text if cut is None else cut


def _follow(text: bytes, at: int) -> tuple[bytes | None, bool]:
    """Return the data of the chunks from `at` on, and whether the last chunk was among them."""
    chunks: list[bytes] = []
    while at < len(text):
        size = _SIZE.match(text, at)
        if size is None:
            return (b"".join(chunks), False) if _cut_size(text[at:]) and chunks else (None, False)
        length = int(size[1], 16)
        if not length:
            return b"".join(chunks), True
        start = size.end()
        at = start + length
        chunks.append(text[start:at])
        if at < len(text) and not text.startswith((b"\r\n", b"\r"), at):
            return None, False
        at += 2
    return (b"".join(chunks) if chunks else None), False


def _cut_size(rest: bytes) -> bool:
    return len(rest) <= 18 and not rest.rstrip(b"\r").strip(b"0123456789abcdefABCDEF")


# usage -------------------------------------------------------------------------------------------

# A number counts only if what follows shows that it is whole.
_NUMBER: Final = re.compile(rb"[ \t]*:[ \t]*(\d{1,15})[ \t]*[,}\n]")
# What vLLM, SGLang and OpenAI write, and what llama.cpp writes: read in one step, in half the time.
_USUAL: Final = re.compile(
    rb'"usage":\{"prompt_tokens":(\d{1,15}),(?:"total_tokens":\d{1,15},)?'
    rb'"completion_tokens":(\d{1,15})[,}]'
)
_LLAMACPP: Final = re.compile(
    rb'"usage":\{"completion_tokens":(\d{1,15}),"prompt_tokens":(\d{1,15})[,}]'
)
_WINDOW: Final = 2048  # bytes after `"usage"` that hold its counts
_TRIES: Final = 4  # occurrences of `"usage"` looked at: a tool's schema may come after the real one


def read_usage(data: bytes) -> tuple[int | None, int | None]:
    """Return the tokens in and out that a payload, or the last part of a plain answer, reports.

    Reads OpenAI, Responses, Anthropic and Ollama names, from the end and without decoding. Tokens
    in are the whole prompt: what Anthropic's names count apart as cached is added.
    """
    end = len(data)
    at = data.rfind(b'"usage"')
    if at >= 0:
        if usual := _USUAL.match(data, at):
            return int(usual[1]), int(usual[2])
        if usual := _LLAMACPP.match(data, at):
            return int(usual[2]), int(usual[1])
    for _ in range(_TRIES):
        at = data.rfind(b'"usage"', 0, end)
        if at < 0:
            break
        stop = min(end, at + _WINDOW)
        tokens_in = _count(data, b'"prompt_tokens"', at, stop)
        tokens_out = _count(data, b'"completion_tokens"', at, stop)
        if tokens_in is None and tokens_out is None:
            tokens_in, tokens_out = _newer_usage(data, at, stop)
        if tokens_in is not None or tokens_out is not None:
            return tokens_in, tokens_out
        end = at
    at = data.rfind(b'"eval_count"')
    if at < 0:
        return None, None
    return _count(data, b'"prompt_eval_count"', 0, at), _count(data, b'"eval_count"', at, len(data))


def _newer_usage(data: bytes, start: int, stop: int) -> tuple[int | None, int | None]:
    """Read the names of the Responses and Anthropic interfaces."""
    tokens_in = _count(data, b'"input_tokens"', start, stop)
    if tokens_in is not None:
        for key in (b'"cache_read_input_tokens"', b'"cache_creation_input_tokens"'):
            tokens_in += _count(data, key, start, stop) or 0
    return tokens_in, _count(data, b'"output_tokens"', start, stop)


def _count(data: bytes, key: bytes, start: int, end: int) -> int | None:
    at = data.find(key, start, end)
    if at < 0:
        return None
    number = _NUMBER.match(data, at + len(key))
    return int(number[1]) if number else None
