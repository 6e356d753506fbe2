"""OpenAI chat -> Ollama: the answer, one JSON object, or one a line.

A tool call is one line, for its arguments are an object. The last line says `done`, why, how many
tokens it was and how long it took: durations are what the proxy saw, from the request's arrival to
the first piece of the answer (`prompt_eval_duration`) and from there to the end (`eval_duration`).
A plain answer has one duration for both.
"""

import functools
from typing import Any, Final

import msgspec
from typing_extensions import override

from proxy.dialects.errors import openai_type
from proxy.dialects.translate.answering import ChatAnswer
from proxy.dialects.translate.blocks import Block, Kind
from proxy.dialects.translate.chunks import Choice, Message

JSON: Final = b"application/json; charset=utf-8"
NDJSON: Final = b"application/x-ndjson"
_REASONS: Final = {"tool_calls": "stop", "function_call": "stop"}
_NS: Final = 1_000_000_000
_json: Final = msgspec.json.encode
_object: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def moment(seconds: float) -> str:
    """Return a Unix time as RFC 3339 in UTC, with microseconds."""
    whole, micro = divmod(round(seconds * 1_000_000), 1_000_000)
    return f"{_date(whole)}.{micro:06}Z"


@functools.lru_cache(maxsize=4)
def _date(seconds: int) -> str:
    """Return the date and time of a second; of each only the first piece of a stream pays for it.

    Days become a date by civil_from_days (H. Hinnant, "chrono-compatible low-level date
    algorithms"): nothing here may import a clock.
    """
    days, second = divmod(seconds, 86_400)
    era, of_era = divmod(days + 719_468, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    day = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day + 2) // 153  # months from March
    date = day - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year += era * 400 + (month <= 2)
    hour, rest = divmod(second, 3_600)
    return f"{year:04}-{month:02}-{date:02}T{hour:02}:{rest // 60:02}:{rest % 60:02}"


def control(model: str, created: float, reason: str, *, chat: bool) -> bytes:
    """Return the answer to a request that loads or unloads a model; `reason` says which."""
    empty = {"message": {"role": "assistant", "content": ""}} if chat else {"response": ""}
    head = {"model": model, "created_at": moment(created)}
    return _json({**head, **empty, "done": True, "done_reason": reason})


class OllamaAnswer(ChatAnswer):
    """The answer to one call of `POST /api/chat`, or of `POST /api/generate` if not `chat`.

    model: the name its lines say.
    """

    __slots__ = ("_chat", "_dated", "_first", "_head", "model")

    def __init__(
        self, request_id: str, created: float, *, model: str, chat: bool = True, prefill: str = ""
    ) -> None:
        super().__init__(request_id, created, prefill)
        self.model = model
        self._chat = chat
        self._first: float | None = None  # when the first piece came
        self._head = b""
        self._dated = -1.0  # the time `_head` says

    @override
    def content_type(self, stream: bool) -> bytes:
        return NDJSON if stream else JSON

    # streams --------------------------------------------------------------------------------------

    @override
    def _started(self) -> None:
        pass

    @override
    def opened(self, block: Block) -> None:
        if self._first is None:
            self._first = self._now

    @override
    def added(self, block: Block, text: str, logprobs: list[Any]) -> None:
        if block.kind is Kind.TOOL:
            return
        tail = b',"logprobs":' + _json(logprobs) if logprobs else b""
        self._line(self._piece(block.kind, _json(text)), tail)

    @override
    def closed(self, block: Block) -> None:
        if block.kind is not Kind.TOOL or self.failure:
            return
        try:
            call = self._call(block.call, block.name, block.text)
        except ValueError as unfit:
            self._fail(str(unfit), 502, "bad_response")
            return
        if call is not None:
            calls = _json([call])
            self._line(b'"message":{"role":"assistant","content":"","tool_calls":%b}' % calls)

    @override
    def _closing(self) -> None:
        first = self._first if self._first is not None else self._now
        empty = self._piece(Kind.TEXT, b'""')
        self._line(empty, self._tail(first - self._created, self._now - first), done=True)

    @override
    def _error(self, message: str, status: int, kind: str) -> bytes:
        return self._error_body(message, status, kind) + b"\n"

    @override
    def _error_body(self, message: str, status: int, kind: str) -> bytes:
        error = {"error": message, "code": kind, "type": openai_type(status)}
        return _json({**error, "request_id": self._request_id})

    def _piece(self, kind: Kind, text: bytes) -> bytes:
        """Return the member that holds a piece of the answer."""
        if self._chat:
            if kind is Kind.REASONING:
                return b'"message":{"role":"assistant","content":"","thinking":%b}' % text
            return b'"message":{"role":"assistant","content":%b}' % text
        if kind is Kind.REASONING:
            return b'"response":"","thinking":%b' % text
        return b'"response":%b' % text

    def _line(self, member: bytes, tail: bytes = b"", *, done: bool = False) -> None:
        if self.failure:
            return
        if self._dated != self._now:
            self._dated = self._now
            when = moment(self._now).encode()
            self._head = b'{"model":%b,"created_at":"%b",' % (_json(self.model), when)
        word = b"true" if done else b"false"
        self._out.append(b'%b%b,"done":%b%b}\n' % (self._head, member, word, tail))

    # plain answers --------------------------------------------------------------------------------

    @override
    def _completed(self, choice: Choice, message: Message) -> bytes:
        text = (message.content or "") + (message.refusal or "")
        thought = message.reasoning_content or message.reasoning
        answer: dict[str, Any] = {"model": self.model, "created_at": moment(self._now)}
        if self._chat:
            said: dict[str, Any] = {"role": "assistant", "content": text}
            answer["message"] = said
        else:
            said = answer
            said["response"] = text
        if thought:
            said["thinking"] = thought
        calls = [
            self._call(call.id or "", call.function.name or "", call.function.text)
            for call in message.tool_calls or ()
            if call.function is not None
        ]
        if found := [call for call in calls if call is not None]:
            said["tool_calls"] = found
        if choice.logprobs is not None and choice.logprobs.content:
            answer["logprobs"] = choice.logprobs.content
        body = _json({**answer, "done": True})
        return body[:-1] + self._tail(None, self._now - self._created) + b"}"

    # both -----------------------------------------------------------------------------------------

    def _call(self, call: str, name: str, text: str) -> dict[str, Any] | None:
        """Return a call as Ollama has it; None if the token limit cut its arguments short.

        A tool must not be called with half of its arguments; that the limit was reached is said.
        Raises `ValueError` if the arguments are no object.
        """
        try:
            _object(text if text.strip() else "{}")
        except (msgspec.MsgspecError, RecursionError):
            if self.finish == "length":
                return None
            raise ValueError(
                f"The model called {name} with arguments that are not a JSON object."
            ) from None
        arguments = msgspec.Raw(text.encode() if text.strip() else b"{}")
        function = {"name": name, "arguments": arguments}
        return {"id": call, "function": function} if call else {"function": function}

    def _tail(self, prompt: float | None, answer: float) -> bytes:
        """Return the members that end an answer; durations are given in seconds."""
        reason = self.finish or "stop"
        total = self._now - self._created
        numbers: dict[str, Any] = {
            "done_reason": _REASONS.get(reason, reason),
            "total_duration": round(total * _NS),
            "load_duration": 0,
        }
        if self.usage is not None:
            numbers["prompt_eval_count"] = self.usage.prompt_tokens
        if prompt is not None:
            numbers["prompt_eval_duration"] = round(prompt * _NS)
        if self.usage is not None:
            numbers["eval_count"] = self.usage.completion_tokens
        numbers["eval_duration"] = round(answer * _NS)
        return b"," + _json(numbers)[1:-1]
