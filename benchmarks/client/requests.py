"""Requests as bytes: the body each API wants for a planned request, and the head before it."""

from typing import Any

import orjson

from benchmarks.client import prompts
from benchmarks.client.target import Api, EndpointError, Stamp, Target
from benchmarks.load.planned import Planned, Schedule

_AGENT = "headrace-bench"


def prompt(target: Target, planned: Planned, schedule: Schedule, index: int) -> str:
    """Return the prompt of request `index` of the schedule.

    All turns of a session are cut from one text, so that a later, longer turn begins with what an
    earlier one said. A warm-up has a negative index and shares its text with no request.
    """
    who = f"session:{planned.session}" if planned.session >= 0 else f"request:{index}"
    return prompts.text(
        planned.input_tokens,
        prefix=planned.prefix,
        block=schedule.prefix_block,
        unique=f"{schedule.seed}:{who}",
        mark=prompts.tag(schedule.seed, index) if target.stamp is Stamp.SIDELOG else "",
    )


def body(target: Target, planned: Planned, schedule: Schedule, index: int) -> bytes:
    """Return the JSON body of request `index` of the schedule."""
    return document(target, prompt(target, planned, schedule, index), planned.output_tokens)


def document(target: Target, text: str, tokens: int) -> bytes:
    """Return the JSON body that asks for `tokens` tokens in answer to a prompt."""
    said = [{"role": "user", "content": text}]
    asked: dict[str, Any] = {"model": target.model, "stream": target.stream}
    match target.api:
        case Api.CHAT:
            asked |= {"messages": said, "max_tokens": tokens, "temperature": 0}
        case Api.COMPLETIONS:
            asked |= {"prompt": text, "max_tokens": tokens, "temperature": 0}
        case Api.RESPONSES:
            asked |= {"input": said, "max_output_tokens": tokens}
        case Api.MESSAGES:
            asked |= {"messages": said, "max_tokens": tokens}
        case Api.OLLAMA:
            asked |= {"messages": said, "options": {"num_predict": tokens, "temperature": 0}}
    if target.api in {Api.CHAT, Api.COMPLETIONS}:
        if target.stream:
            asked["stream_options"] = {"include_usage": True}
        if target.ignore_eos:
            asked["ignore_eos"] = True
    return orjson.dumps(asked)


class Heads:
    """Puts heads before bodies; all but the length is rendered once. Raises EndpointError."""

    __slots__ = ("_before",)

    def __init__(self, target: Target) -> None:
        self._before = (
            f"POST {target.path()} HTTP/1.1\r\n{_lines(target)}"
            "content-type: application/json\r\ncontent-length: "
        ).encode()

    def message(self, body: bytes) -> bytes:
        """Return head and body."""
        return b"%b%d\r\n\r\n%b" % (self._before, len(body), body)


def get(target: Target, path: str) -> bytes:
    """Return a GET request to the target's address. Raises EndpointError."""
    return f"GET {path} HTTP/1.1\r\n{_lines(target)}\r\n".encode()


def _lines(target: Target) -> str:
    accept = "*/*"
    if target.stream:
        accept = "application/x-ndjson" if target.api is Api.OLLAMA else "text/event-stream"
    fields = {
        "host": target.address().authority,
        "user-agent": _AGENT,
        "accept": accept,
        # An answer that is packed arrives in other pieces than it was written in.
        "accept-encoding": "identity",
    }
    if target.api is Api.MESSAGES:
        fields["anthropic-version"] = "2023-06-01"
    if target.api_key:
        if target.api is Api.MESSAGES:
            fields["x-api-key"] = target.api_key
        else:
            fields["authorization"] = f"Bearer {target.api_key}"
    fields |= {name.lower(): value for name, value in target.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    if not lines.isascii() or lines.count("\n") != len(fields) or lines.count("\r") != len(fields):
        raise EndpointError(f"{target.name}: a header has a line break or is not ASCII.")
    return lines
