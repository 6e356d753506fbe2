"""Anthropic's counting of tokens: by an engine's tokenizer where it reads messages, else a guess.

The request is translated as if it were to be answered, so what cannot be carried is refused here as
it would be there, and what is counted is what the engine would be sent.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from typing_extensions import override

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.inband import is_error
from proxy.dialects.profile import Profile
from proxy.dialects.translate import anthropic
from proxy.dialects.translate.answering import UNREADABLE
from proxy.dialects.translate.anthropic_answer import AnthropicAnswer
from proxy.dialects.translate.base import Refusal, Settled, Translated

PATH: Final = "/tokenize"
BYTES_PER_TOKEN: Final = 4.0  # of English and code; other scripts have fewer
IMAGE: Final = 1000  # tokens: what most models make of a picture of a megapixel
MESSAGE: Final = 4  # tokens a template adds to each message
_JSON: Final = b"application/json"
ESTIMATED: Final = b"x-headrace-estimate: 4 bytes a token\r\n"
_KEPT: Final = ("model", "messages", "tools", "chat_template_kwargs")
_fields: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_chat: Final = msgspec.json.Decoder(dict[str, Any])


class _Counted(msgspec.Struct):
    count: int


_counted: Final = msgspec.json.Decoder(_Counted)


def tokenizer(profile: Profile) -> bool:
    """Tell whether an engine of this kind counts the tokens of messages."""
    operation = profile.operations.get(PATH)
    return operation is not None and operation.messages


def request(
    body: bytes, tokenizer: bool, *, request_id: str, created: float
) -> Translated | Settled | Refusal:
    """Translate the body of `POST /v1/messages/count_tokens`; without a `tokenizer`, answer it."""
    made = anthropic.request(_answerable(body), request_id=request_id, created=created)
    if not isinstance(made, Translated):
        return made
    chat = _chat.decode(made.body)
    if not tokenizer:
        answer = msgspec.json.encode({"input_tokens": estimate(chat)})
        return Settled(body=answer, content_type=_JSON, fields=ESTIMATED)
    asked = {name: chat[name] for name in _KEPT if name in chat}
    return Translated(
        body=msgspec.json.encode({**asked, "add_generation_prompt": True}),
        path=PATH,
        stream=False,
        answer=CountAnswer(request_id, created, model=""),
    )


def _answerable(body: bytes) -> bytes:
    """Return the body with what a request for an answer has besides; any other as it is."""
    try:
        fields = _fields.decode(body)
    except DECODE_ERRORS:
        return body
    if "max_tokens" in fields:
        return body
    return msgspec.json.encode({**fields, "max_tokens": msgspec.Raw(b"1")})


def estimate(chat: Mapping[str, Any]) -> int:
    """Return about how many tokens a chat request has."""
    size = 0.0
    for message in chat["messages"]:
        size += MESSAGE + _size(message.get("content"))
        size += _size(message.get("reasoning_content"))
        size += _written(message.get("tool_calls"))
    return round(size + _written(chat.get("tools")))


def _size(content: object) -> float:
    if isinstance(content, str):
        return len(content.encode()) / BYTES_PER_TOKEN
    if isinstance(content, list):
        return sum(_size(part["text"]) if part["type"] == "text" else IMAGE for part in content)
    return 0.0


def _written(value: object) -> float:
    return len(msgspec.json.encode(value)) / BYTES_PER_TOKEN if value else 0.0


class CountAnswer(AnthropicAnswer):
    """The answer to one call: never a stream."""

    __slots__ = ()

    @override
    def whole(self, status: int, body: bytes, now: float | None = None) -> bytes:
        self.status = status
        reported = is_error(body)
        if status >= 400 or reported is not None:
            said = reported.message if reported else f"The engine answered with status {status}."
            return self._refuse(said, status if status >= 400 else 502)
        try:
            counted = _counted.decode(body).count
        except DECODE_ERRORS:
            return self._refuse(UNREADABLE, 502)
        self.tokens_in = counted
        return msgspec.json.encode({"input_tokens": counted})
