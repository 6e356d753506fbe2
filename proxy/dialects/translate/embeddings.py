"""Ollama /api/embed and /api/embeddings -> OpenAI embeddings, both ways."""

from typing import Any, Final

import msgspec
from typing_extensions import override

from proxy.core.decoding import DECODE_ERRORS
from proxy.core.inband import is_error
from proxy.dialects.translate.answering import UNREADABLE
from proxy.dialects.translate.base import Refusal, Settled, Translated, Uncarried
from proxy.dialects.translate.ollama_answer import JSON, OllamaAnswer
from proxy.dialects.translate.reading import Known, decode, given

PATH: Final = "/v1/embeddings"
_NS: Final = 1e9
# About loading and batching; an engine has settled them when it started.
_Options = dict[str, Any]


class Embed(Known):
    """All fields of `POST /api/embed`."""

    model: str
    input: str | list[str] = ""
    dimensions: int | None = None
    truncate: bool | None = None  # what is too long: the engine's error says so
    keep_alive: float | str | None = None
    options: _Options | None = None


class Embeddings(Known):
    """All fields of `POST /api/embeddings`, the older one."""

    model: str
    prompt: str = ""
    keep_alive: float | str | None = None
    options: _Options | None = None


class _Item(msgspec.Struct):
    embedding: msgspec.Raw
    index: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None


class _List(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


_embed: Final = msgspec.json.Decoder(Embed)
_embeddings: Final = msgspec.json.Decoder(Embeddings)
_list: Final = msgspec.json.Decoder(_List)


def embed(body: bytes, *, request_id: str, created: float) -> Translated | Settled | Refusal:
    """Translate the body of `POST /api/embed`; without input it only loads the model."""
    try:
        asked = decode(body, _embed, {})
    except Uncarried as verdict:
        return verdict.refusal
    if not asked.input:
        empty = {"model": asked.model, "embeddings": []}
        return Settled(body=msgspec.json.encode(empty), content_type=JSON)
    fields = given(model=asked.model, input=asked.input, dimensions=asked.dimensions)
    return _translated(fields, EmbedAnswer(request_id, created, model=asked.model))


def embeddings(body: bytes, *, request_id: str, created: float) -> Translated | Settled | Refusal:
    """Translate the body of `POST /api/embeddings`; without a prompt it only loads the model."""
    try:
        asked = decode(body, _embeddings, {})
    except Uncarried as verdict:
        return verdict.refusal
    if not asked.prompt:
        return Settled(body=b'{"embedding":[]}', content_type=JSON)
    answer = EmbedAnswer(request_id, created, model=asked.model, many=False)
    return _translated({"model": asked.model, "input": asked.prompt}, answer)


def _translated(fields: dict[str, Any], answer: "EmbedAnswer") -> Translated:
    body = msgspec.json.encode({**fields, "encoding_format": "float"})
    return Translated(body=body, path=PATH, stream=False, answer=answer)


class EmbedAnswer(OllamaAnswer):
    """The answer to one call: never a stream. The numbers pass as they are written.

    many: the shape of /api/embed, which answers several inputs.
    """

    __slots__ = ("_many",)

    def __init__(self, request_id: str, created: float, *, model: str, many: bool = True) -> None:
        super().__init__(request_id, created, model=model)
        self._many = many

    @override
    def whole(self, status: int, body: bytes, now: float | None = None) -> bytes:
        self.status = status
        reported = is_error(body)
        if status >= 400 or reported is not None:
            said = reported.message if reported else f"The engine answered with status {status}."
            return self._refuse(said, status if status >= 400 else 502)
        try:
            found = _list.decode(body)
        except DECODE_ERRORS:
            return self._refuse(UNREADABLE, 502)
        vectors = [item.embedding for item in sorted(found.data, key=_index)]
        if not vectors:
            return self._refuse(UNREADABLE, 502)
        self.tokens_in = found.usage.prompt_tokens if found.usage else None
        if not self._many:
            return msgspec.json.encode({"embedding": vectors[0]})
        spent = 0.0 if now is None else now - self._created
        answer = {
            "model": self.model,
            "embeddings": vectors,
            "total_duration": round(spent * _NS),
            "load_duration": 0,
            "prompt_eval_count": self.tokens_in or 0,
        }
        return msgspec.json.encode(answer)


def _index(item: _Item) -> int:
    return item.index
