"""One stream for the client, made of the streams of one engine after the other.

Theory. While the first engine speaks, its events pass byte for byte; each is read on the way, and
its text kept, so that at any moment the answer so far is known. When the engine breaks off
(`break_off`), half an event is dropped. What the next engine then sends is written anew so that it
continues the same stream: with the id, date and model of the first events, without a second role,
with the usage of the whole.

    event of the next engine     what the client gets
    role, and no more            nothing
    text, reason, anything else  the same under the first engine's id, `created` and `model`
    usage                        tokens of the first answer counted as output, not as prompt
    error                        nothing: it is `error`, and decides what happens next

White space at the end of the text so far is not sent to the next engine: chat templates strip it,
and tokens begin with it. The client has it already, so it is taken off the continuation's front.

An event with text counts as one token, unless the engine says how many there have been.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

import msgspec

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.inband import ErrorEvent, is_error

DONE: Final = b"data: [DONE]\n\n"
MAX_EVENT: Final = 4 * 1024 * 1024  # bytes of an event that is waited for
_END: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_IDENTITY: Final = ("id", "object", "created", "model", "system_fingerprint")
_GIVEN_UP: Final = frozenset({"abort", "error"})  # reasons of vLLM and SGLang
_EMPTY: Final = frozenset({b"", b"null", b"[]", b"{}", b'""'})
_NOTHING: Final = msgspec.Raw(b"")
_NO_IDENTITY: Final[Mapping[str, Any]] = MappingProxyType({})


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: msgspec.Raw = _NOTHING
    function_call: msgspec.Raw = _NOTHING
    audio: msgspec.Raw = _NOTHING


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    text: str | None = None
    logprobs: msgspec.Raw = _NOTHING
    finish_reason: Any = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Event(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


_NO_DELTA: Final = _Delta()
_read: Final = msgspec.json.Decoder(_Event).decode
_open: Final = msgspec.json.Decoder(dict[str, Any]).decode


class Splice:
    """The stream of one call. `room` bounds the bytes of text kept, `most` the tokens allowed.

    done: the end marker was seen. finish: why the engine stopped, if it has said so. error: what an
    engine reported; it ends that engine's part. tokens_in, tokens_out: usage of the whole.
    """

    ends: ClassVar[re.Pattern[bytes]] = _END  # of events
    __slots__ = (
        "_before",
        "_bound",
        "_buffer",
        "_events",
        "_identity",
        "_legs",
        "_most",
        "_owed",
        "_room",
        "_said",
        "_size",
        "done",
        "error",
        "finish",
        "tokens_in",
        "tokens_out",
    )

    def __init__(self, room: int, most: int | None = None) -> None:
        self.done = False
        self.finish = ""
        self.error: ErrorEvent | None = None
        self.tokens_in: int | None = None
        self.tokens_out: int | None = None
        self._room = room
        self._most = most
        self._buffer = b""
        self._said: list[str] = []
        self._size = 0
        self._events = 0  # with text
        self._before = 0  # tokens of the engines before the present one
        self._legs = 0  # engines that broke off
        self._owed = ""  # white space the client has and the present engine does not
        self._bound = ""
        self._identity = _NO_IDENTITY

    # between two engines --------------------------------------------------------------------------

    @property
    def objection(self) -> str:
        """Return why no other engine could go on from here; empty if one could."""
        return self._bound

    @property
    def said(self) -> str:
        """Return the text so far as another engine is to be told it."""
        return "".join(self._said).rstrip()

    @property
    def tokens(self) -> int:
        """Return how many tokens of text there have been."""
        return self._events if self.tokens_out is None else max(self._events, self.tokens_out)

    @property
    def complete(self) -> bool:
        """Tell whether nothing is missing but the words that end a stream."""
        return bool(self.finish) or (self._most is not None and self.tokens >= self._most)

    def break_off(self) -> None:
        """Drop what is no whole event; another engine will go on, or nobody."""
        self._buffer = b""
        self.error = None

    def recall(self, said: str, tokens: int, tokens_in: int | None) -> None:
        """Take for said, by one engine before, what another reader has heard of it."""
        self._said = [said]
        self._size = len(said.encode(errors="surrogatepass"))
        self._events = tokens
        self.tokens_in = tokens_in

    def resume(self) -> None:
        """Take what comes from now on as another engine's."""
        said = "".join(self._said)
        told = said.rstrip()
        self._legs += 1
        self._owed = said[len(told) :]
        self._before = self.tokens if told else 0

    def closing(self) -> bytes:
        """Return what ends the stream of a text that is `complete`."""
        self.done = True
        if self.finish:
            return DONE
        self.finish = "length"
        text = self._identity.get("object") == "text_completion"
        choice: dict[str, Any] = {"index": 0, **({"text": ""} if text else {"delta": {}})}
        choice["finish_reason"] = self.finish
        return _written({**self._identity, "choices": [choice]}) + DONE

    # events ---------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> bytes:
        """Return what the client gets for the next decoded bytes; whole events only."""
        if not self._buffer and data.find(b"\n\n") == len(data) - 2 >= 0 and b"\r" not in data:
            # What engines send most: one whole event, alone in its piece.
            return b"" if self.error is not None or self.done else self._take(data)
        buffer = self._buffer + data if self._buffer else data
        passed: list[bytes] = []
        at = 0
        for end in self.ends.finditer(buffer):
            event = buffer[at : end.end()]
            at = end.end()
            if self.error is None and not self.done:
                passed.append(self._take(event))
        self._buffer = buffer[at:]
        if len(self._buffer) > MAX_EVENT and self.error is None:
            words = f"an event of the engine is longer than {MAX_EVENT} bytes"
            self.error = ErrorEvent(status=502, message=words)
        return b"".join(passed)

    def _take(self, event: bytes) -> bytes:
        payload, name = payload_of(event)
        if not payload:
            return event
        if payload == b"[DONE]":
            self.done = True
            return event
        error = is_error(payload, name)
        if error is not None:
            self.error = error
            return b""
        try:
            read = _read(payload)
        except DECODE_ERRORS:
            self._bind("an event of the engine cannot be read")
            return event
        heard = self._hear(read)
        if self.error is not None:
            return b""
        if not self._identity:
            found = _open(payload)
            self._identity = {name: found[name] for name in _IDENTITY if name in found}
        return self._again(payload, read, heard) if self._legs else event

    def _hear(self, event: _Event) -> bool:
        """Keep the text of an event; tell whether it holds anything but a role."""
        heard = False
        for choice in event.choices or ():
            delta, text = choice.delta or _NO_DELTA, choice.text or ""
            if bond := _bond(choice, delta):
                self._bind(bond)
                heard = True
            if said := delta.content or text:
                self._keep(said)
                heard = True
            if choice.finish_reason is not None:
                self._stop(choice.finish_reason)
                heard = True
        usage = event.usage
        if usage is not None:
            self._count(usage)
            heard = heard or not event.choices
        return heard

    def _keep(self, said: str) -> None:
        self._events += 1
        if self._legs and self._owed:
            return  # it is compared first, and kept without what the client has: see `_again`
        self._add(said)

    def _add(self, said: str) -> None:
        if self._bound:
            return
        self._size += len(said) if said.isascii() else len(said.encode(errors="surrogatepass"))
        if self._size > self._room:
            self._bind("it is longer than is kept of an answer (limits.continuation)")
        else:
            self._said.append(said)

    def _bind(self, why: str) -> None:
        self._bound = self._bound or why
        self._said.clear()

    def _stop(self, reason: object) -> None:
        words = reason if isinstance(reason, str) else str(reason)
        given_up = isinstance(reason, dict) and reason.get("type") in _GIVEN_UP
        if given_up or words in _GIVEN_UP:
            message = f"the engine gave the answer up ({words[:100]})"
            self.error = ErrorEvent(status=None, message=message)
        else:
            self.finish = words

    def _count(self, usage: _Usage) -> None:
        if usage.prompt_tokens is not None:
            self.tokens_in = max(0, usage.prompt_tokens - self._before)
        if usage.completion_tokens is not None:
            self.tokens_out = usage.completion_tokens + self._before

    # a continuation -------------------------------------------------------------------------------

    def _again(self, payload: bytes, read: _Event, heard: bool) -> bytes:
        """Return an event of a further engine as one of the first."""
        if not heard:
            return b""
        event = _open(payload)
        event.update(self._identity)
        left = not event.get("choices")
        for choice, one in zip(event.get("choices") or (), read.choices or (), strict=True):
            left = self._fit(choice, one) or left
        usage = event.get("usage")
        if isinstance(usage, dict) and self.tokens_in is not None and "prompt_tokens" in usage:
            usage["prompt_tokens"] = self.tokens_in
        if isinstance(usage, dict) and "completion_tokens" in usage:
            usage["completion_tokens"] = self.tokens_out
        return _written(event) if left else b""

    def _fit(self, choice: dict[str, Any], read: _Choice) -> bool:
        """Take off a choice what the client has; tell whether anything is left of it."""
        delta = choice.get("delta")
        place, key = (delta, "content") if isinstance(delta, dict) else (choice, "text")
        if isinstance(delta, dict):
            delta.pop("role", None)
        said = place.get(key)
        if said and self._owed:
            place[key] = said = self._without_owed(said)
            self._add(said)
        bound = _bond(read, read.delta or _NO_DELTA)
        return bool(said) or bool(bound) or read.finish_reason is not None

    def _without_owed(self, said: str) -> str:
        owed = self._owed
        shared = 0
        while shared < min(len(owed), len(said)) and owed[shared] == said[shared]:
            shared += 1
        # What differs from it ends the comparison; a piece that is all of it leaves the rest.
        self._owed = owed[shared:] if shared == len(said) else ""
        return said[shared:]


def _bond(choice: _Choice, delta: _Delta) -> str:
    """Return what in an event is more than text, so that text alone does not continue it."""
    if choice.index:
        return "it has several choices"
    if _is_given(delta.tool_calls) or _is_given(delta.function_call):
        return "a tool is being called"
    if delta.reasoning_content or delta.reasoning:
        return "the model has been reasoning"
    if delta.refusal:
        return "the model refuses"
    if _is_given(delta.audio):
        return "it has audio"
    return "it has probabilities" if _is_given(choice.logprobs) else ""


def _is_given(raw: msgspec.Raw) -> bool:
    return raw is not _NOTHING and bytes(raw) not in _EMPTY


def payload_of(event: bytes) -> tuple[bytes, bytes]:
    """Return the data of one whole event and its name."""
    if event.startswith(b"data: {") and event.find(b"\n") == len(event) - 2 and b"\r" not in event:
        return event[6:-2], b""
    data: list[bytes] = []
    name = b""
    for line in event.splitlines():
        if line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif line.startswith(b"event:"):
            name = line[6:].strip()
    return b"\n".join(data).strip(), name


def _written(event: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(event)
