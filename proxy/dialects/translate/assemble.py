"""Collects a streamed answer of the OpenAI API into the plain one it stands for.

For engines that do not notice when the client of a plain call leaves: they are asked for a stream,
which they do notice, and the caller gets one answer all the same.
"""

from typing import Any, Final

import msgspec
import orjson

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.inband import ErrorEvent, is_error
from proxy.dialects.translate.answering import CUT, UNREADABLE
from proxy.dialects.translate.chunks import read
from proxy.dialects.translate.payloads import Payloads, TooLongError

# An object of ours for a dozen bytes of the engine's: without a bound, 64 MiB would become 2 GB.
MAX_CHOICES: Final = 128  # as many as the API lets a client ask for
MAX_CALLS: Final = 256  # of tools, of one choice; they are searched for each piece
MAX_FIELDS: Final = 256  # of an answer, a choice or a message; the API knows a dozen of each
_JOINED: Final = frozenset({"content", "reasoning_content", "reasoning", "refusal", "text"})
_raw: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def streamed(body: bytes) -> bytes:
    """Return a plain request as one for a stream that tells its usage.

    All else passes byte for byte. A body that is no JSON object is returned as it is.
    """
    try:
        fields = _raw(body)
    except DECODE_ERRORS:
        return body
    fields["stream"] = msgspec.Raw(b"true")
    fields["stream_options"] = msgspec.Raw(b'{"include_usage":true}')
    return msgspec.json.encode(fields)


class Assembly:
    """Takes the decoded bytes of one stream as they come; any number of choices."""

    __slots__ = ("_choices", "_done", "_error", "_payloads", "_top")

    def __init__(self) -> None:
        self._payloads = Payloads()
        self._top: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._error: ErrorEvent | None = None
        self._done = False

    @property
    def failure(self) -> ErrorEvent | None:
        """Return the error the stream reported so far: no use in reading on."""
        return self._error

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        try:
            for payload in self._payloads.feed(data):
                self._take(payload)
        except TooLongError as unfit:
            self._error = ErrorEvent(status=502, message=f"{unfit}.")

    def result(self) -> bytes | ErrorEvent:
        """Return the body of the plain answer, or why there is none. Called once, at the end."""
        try:
            for payload in self._payloads.finish():
                self._take(payload)
        except TooLongError as unfit:
            self._error = ErrorEvent(status=502, message=f"{unfit}.")
        if self._error is not None:
            return self._error
        choices = [self._choices[index] for index in sorted(self._choices)]
        ended = all(choice.get("finish_reason") for choice in choices)
        if not choices or not (self._done or ended):
            return ErrorEvent(status=502, message=CUT)
        answer = dict(self._top)
        answer["object"] = "text_completion" if "text" in choices[0] else "chat.completion"
        answer["choices"] = [_finished(choice) for choice in choices]
        return orjson.dumps(answer)

    def _take(self, payload: bytes) -> None:
        if self._done or self._error is not None:
            return
        if payload == b"[DONE]":
            self._done = True
            return
        if b'"error"' in payload and (error := is_error(payload)) is not None:
            self._error = error
            return
        if read(payload) is None:  # its types are as they must be, from here on
            self._error = ErrorEvent(status=502, message=UNREADABLE)
            return
        event = orjson.loads(payload)
        choices = event.pop("choices", None) or ()
        for name, value in event.items():
            if value is not None or name not in self._top:
                self._top[name] = value
        _check(len(self._top), MAX_FIELDS, "fields")
        for choice in choices:
            _merge_choice(self._choices.setdefault(int(choice.get("index") or 0), {}), choice)
            _check(len(self._choices), MAX_CHOICES, "choices")


def _check(count: int, most: int, what: str) -> None:
    if count > most:
        raise TooLongError(f"the engine's answer has over {most} {what}")


def _merge_choice(into: dict[str, Any], choice: dict[str, Any]) -> None:
    delta = choice.pop("delta", None)
    if delta is not None:
        _merge_delta(into.setdefault("message", {"role": "assistant", "content": None}), delta)
    for name, value in choice.items():
        if name == "text":
            into.setdefault("text", []).append(value or "")
        elif name == "logprobs" and isinstance(value, dict):
            _extend(into, value)
        elif value is not None or name not in into:
            into[name] = value
    _check(len(into), MAX_FIELDS, "fields")


def _extend(into: dict[str, Any], logprobs: dict[str, Any]) -> None:
    """Append each list of log probabilities to what came before."""
    found = into.get("logprobs")
    if not isinstance(found, dict):
        found = into["logprobs"] = {}
    for name, value in logprobs.items():
        known = found.get(name)
        found[name] = known + value if isinstance(known, list) and value else value or known


def _merge_delta(into: dict[str, Any], delta: dict[str, Any]) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for call in value or ():
                _merge_call(into.setdefault("tool_calls", []), call)
        elif name in _JOINED and isinstance(value, str):
            known = into.get(name)
            if isinstance(known, list):
                known.append(value)
            else:
                into[name] = [value]
        elif value is not None or name not in into:
            into[name] = value
    _check(len(into), MAX_FIELDS, "fields")


def _merge_call(calls: list[dict[str, Any]], piece: dict[str, Any]) -> None:
    """Add a piece to the call of its index; without one, a named piece begins a call."""
    function = piece.get("function") or {}
    index = piece.get("index")
    named = bool(function.get("name"))
    found = None
    if index is not None:
        found = next((call for call in reversed(calls) if call["index"] == index), None)
        if found is not None and named and piece.get("id") not in (None, "", found["id"]):
            found = None  # some engines number all calls 0
    elif not named and calls:
        found = calls[-1]
    if found is None:
        found = {"index": index, "id": piece.get("id"), "type": "function", "name": "", "text": []}
        calls.append(found)
        _check(len(calls), MAX_CALLS, "tool calls")
    found["id"] = found["id"] or piece.get("id")
    found["name"] = found["name"] or function.get("name") or ""
    text = function.get("arguments")
    if isinstance(text, dict):  # some engines send the arguments decoded
        text = orjson.dumps(text).decode()
    if text:
        found["text"].append(text)


def _finished(choice: dict[str, Any]) -> dict[str, Any]:
    """Return a choice with its texts joined and its calls as plain answers have them."""
    if "text" in choice:
        choice["text"] = "".join(choice["text"])
    message = choice.get("message")
    if message is not None:
        for name in _JOINED:
            if isinstance(message.get(name), list):
                message[name] = "".join(message[name])
        if "tool_calls" in message:
            message["content"] = message["content"] or None
            message["tool_calls"] = [
                {
                    "id": call["id"],
                    "type": call["type"],
                    "function": {"name": call["name"], "arguments": "".join(call["text"])},
                }
                for call in message["tool_calls"]
            ]
    return choice
