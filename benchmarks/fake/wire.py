"""Bytes of HTTP answers and of streamed events, rendered ahead as far as possible."""

import time
from email.utils import formatdate
from http import HTTPStatus

import msgspec

from benchmarks.fake.profile import Dialect
from benchmarks.fake.words import WORDS

LAST_CHUNK = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"
FINGERPRINT = "vllm-0.32.0-simulated"

_SERVER = {
    Dialect.VLLM: b"server: uvicorn\r\nvary: Origin\r\n",
    Dialect.LLAMACPP: b"Server: llama.cpp\r\n",
    Dialect.OLLAMA: b"",
    Dialect.OPENAI: b"",
}


def frame(data: bytes) -> bytes:
    """One HTTP chunk around `data`."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Heads:
    """Renders response heads; what every head of this engine shares is kept ready."""

    __slots__ = ("_date", "_fixed", "_second")

    def __init__(self, dialect: Dialect, name: str) -> None:
        self._fixed = _SERVER[dialect] + b"x-simulated-engine: " + name.encode() + b"\r\n"
        self._second = 0
        self._date = b""

    def render(
        self,
        status: int,
        content_type: bytes,
        length: int | None,
        *,
        request_id: bytes = b"",
        close: bool = False,
        extra: bytes = b"",
    ) -> bytes:
        """Render a head; `length` None means chunked; `extra` are finished lines with CRLF."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self._date = b"date: %b\r\n" % formatdate(now, usegmt=True).encode()
        return b"".join(
            (
                b"HTTP/1.1 %d %b\r\n" % (status, _reason(status)),
                self._date,
                self._fixed,
                b"x-request-id: %b\r\n" % request_id if request_id else b"",
                b"content-type: %b\r\n" % content_type if content_type else b"",
                b"transfer-encoding: chunked\r\n"
                if length is None
                else b"content-length: %d\r\n" % length,
                b"connection: close\r\n" if close else b"",
                extra,
                b"\r\n",
            )
        )


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown"


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """The event shape of one API: what stands before and after a token's text."""

    id_prefix: str
    stream_object: str
    object: str
    before: bytes
    after: bytes
    after_last: bytes
    opening: bytes
    """The choice of the first, empty event; empty when the API has none."""
    tails: tuple[bytes, ...]
    """For every word: the word, `after`, and the end of event and chunk."""


def _surface(
    id_prefix: str, stream_object: str, final_object: str, *, choice: bytes, opening: bytes
) -> Surface:
    before, after = choice.split(b"TEXT")
    plain = after.replace(b"REASON", b"null")
    last = after.replace(b"REASON", b'"%b","stop_reason":null')
    if b"stop_reason" in after:
        last = after.replace(b"REASON", b'"%b"')
    return Surface(
        id_prefix=id_prefix,
        stream_object=stream_object,
        object=final_object,
        before=before,
        after=plain,
        after_last=last,
        opening=opening,
        tails=tuple(word + plain + b"\n\n\r\n" for word in WORDS),
    )


CHAT = _surface(
    "chatcmpl-",
    "chat.completion.chunk",
    "chat.completion",
    choice=(
        b'"choices":[{"index":0,"delta":{"content":"TEXT"},"logprobs":null,'
        b'"finish_reason":REASON,"token_ids":null}]}'
    ),
    opening=(
        b'"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,'
        b'"finish_reason":null}]}'
    ),
)
TEXT = _surface(
    "cmpl-",
    "text_completion",
    "text_completion",
    choice=(
        b'"choices":[{"index":0,"text":"TEXT","logprobs":null,"finish_reason":REASON,'
        b'"stop_reason":null,"prompt_token_ids":null,"token_ids":null}]}'
    ),
    opening=b"",
)
