"""The request by which another engine goes on with an answer that broke off.

What was said so far becomes the beginning of the assistant's turn (chat) or the end of the prompt
(text completions), and the limits on the answer's length shrink by it. How an engine is told to go
on rather than to answer anew stands in its profile (`Resume`).

Some requests bind more of an answer than its text: two choices, probabilities, a grammar. What was
said so far then is not all of the engine's state, and `objection` says so. The body is never
decoded deeply: its fields stay the bytes they are, but for those that change.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from proxy.core.decoding import DECODE_ERRORS
from proxy.dialects.profile import Resume
from proxy.dialects.translate.prefill import continued

CHAT: Final = "/v1/chat/completions"
TEXT: Final = "/v1/completions"
PATHS: Final = frozenset({CHAT, TEXT})

_LONG: Final = 64  # bytes of a value; every harmless one is shorter
_NO: Final[tuple[object, ...]] = (None,)
# Fields that bind an answer, with the values that do not.
_BINDING: Final[Mapping[str, tuple[object, ...]]] = MappingProxyType(
    {
        "n": (None, 1),
        "best_of": (None, 1),
        "use_beam_search": (None, False),
        "logprobs": (None, False),
        "top_logprobs": (None, 0),
        "prompt_logprobs": _NO,
        "echo": (None, False),
        "suffix": (None, ""),
        "response_format": (None, {"type": "text"}),
        "structured_outputs": _NO,
        "structural_tag": _NO,
        "guided_json": _NO,
        "guided_regex": _NO,
        "guided_choice": _NO,
        "guided_grammar": _NO,
        "json_schema": (None, {}),
        "grammar": (None, ""),
        "regex": _NO,
        "ebnf": _NO,
        "tool_choice": (None, "auto", "none"),
        "function_call": (None, "auto", "none"),
        "modalities": (None, ["text"]),
        "audio": _NO,
    }
)
_MOST: Final = ("max_tokens", "max_completion_tokens")
_LEAST: Final = "min_tokens"
_raw: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Turn(msgspec.Struct):
    role: str = ""


def objection(path: str, body: bytes) -> str:
    """Return why the answer to a request could not be gone on with; empty if it could."""
    if path not in PATHS:
        return f"answers of {path} cannot be gone on with"
    try:
        fields = _raw(body)
        for name in _BINDING.keys() & fields.keys():
            if not _harmless(fields[name], _BINDING[name]):
                return f"the request binds its answer by `{name}`"
        return _of_prompt(fields) if path == TEXT else _of_messages(fields)
    except DECODE_ERRORS:
        return "the request cannot be read"


def most_tokens(body: bytes) -> int | None:
    """Return how many tokens the answer may have; None if the request sets no limit."""
    fields = _raw(body)
    found = [value for name in _MOST if (value := _count(fields, name)) is not None]
    return min(found, default=None)


def resumed(path: str, body: bytes, resume: Resume, said: str, tokens: int) -> bytes:
    """Return the request for the rest of an answer of which `said`, `tokens` long, is known.

    To be called for a body without an `objection`. If nothing was said, it is the request itself.
    """
    if not said:
        return body
    fields = _raw(body)
    if path == TEXT:
        fields["prompt"] = _encoded(msgspec.json.decode(fields["prompt"], type=str) + said)
    else:
        fields["messages"] = _with_turn(fields, said)
        if resume is Resume.TOLD:
            fields |= {name: _encoded(value) for name, value in continued(said).items()}
    for name in _MOST:
        if (most := _count(fields, name)) is not None:
            fields[name] = _encoded(max(1, most - tokens))
    if (least := _count(fields, _LEAST)) is not None:
        fields[_LEAST] = _encoded(max(0, least - tokens))
    return msgspec.json.encode(fields)


def _harmless(raw: msgspec.Raw, values: tuple[object, ...]) -> bool:
    if len(bytes(raw)) > _LONG:
        return False
    value = msgspec.json.decode(raw)
    return any(type(value) is type(one) and value == one for one in values)


def _of_prompt(fields: Mapping[str, msgspec.Raw]) -> str:
    is_text = bytes(fields.get("prompt", b"")).startswith(b'"')
    return "" if is_text else "its prompt is not one text"


def _of_messages(fields: Mapping[str, msgspec.Raw]) -> str:
    messages = _list(fields.get("messages", b"[]"))
    if not messages:
        return "it has no messages"
    if msgspec.json.decode(messages[-1], type=_Turn).role != "assistant" or _prefilled(fields):
        return ""
    return "its last message is an answer already"


def _prefilled(fields: Mapping[str, msgspec.Raw]) -> bool:
    """Tell whether the caller has written the answer's beginning, and said so."""
    if bytes(fields.get("continue_final_message", b"")) != b"true":
        return False
    last = _raw(_list(fields["messages"])[-1])
    return bytes(last.get("content", b"")).startswith(b'"')


def _with_turn(fields: Mapping[str, msgspec.Raw], said: str) -> msgspec.Raw:
    messages = _list(fields["messages"])
    if _prefilled(fields):
        last = _raw(messages.pop())
        last["content"] = _encoded(msgspec.json.decode(last["content"], type=str) + said)
        messages.append(_encoded(last))
    else:
        messages.append(_encoded({"role": "assistant", "content": said}))
    return _encoded(messages)


def _count(fields: Mapping[str, msgspec.Raw], name: str) -> int | None:
    raw = bytes(fields.get(name, b""))
    return int(raw) if raw.isdigit() and len(raw) < 10 else None


def _encoded(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
