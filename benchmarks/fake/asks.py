"""Reads a request body as far as a simulated engine needs it."""

import msgspec

from benchmarks.fake.words import count_tokens


class Part(msgspec.Struct):
    """A piece of a message; only text counts."""

    text: str = ""


class Message(msgspec.Struct):
    """One chat message."""

    role: str
    content: str | list[Part] | None = None


class StreamOptions(msgspec.Struct):
    """`stream_options`."""

    include_usage: bool = False


class _Common(msgspec.Struct):
    model: str = ""
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    ignore_eos: bool = False


class ChatBody(_Common):
    """POST /v1/chat/completions."""

    messages: list[Message] = msgspec.field(default_factory=list)

    def prompt(self) -> str:
        """Join the text of all messages by newlines."""
        return "\n".join(_text(message.content) for message in self.messages)


class TextBody(_Common):
    """POST /v1/completions."""

    prompt: str | list[str | int] = ""

    def text(self) -> str:
        """Give the prompt as text; token ids are written out."""
        if isinstance(self.prompt, str):
            return self.prompt
        return " ".join(map(str, self.prompt))


class EmbeddingBody(msgspec.Struct):
    """POST /v1/embeddings."""

    input: str | list[str]
    model: str = ""
    dimensions: int | None = None

    def inputs(self) -> list[str]:
        """List the texts to embed."""
        return [self.input] if isinstance(self.input, str) else self.input


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation request wants, whatever API it came through."""

    model: str
    prompt: str
    prompt_tokens: int
    stream: bool
    usage: bool
    total: int
    """Tokens the answer will have."""
    finish_reason: str


_CHAT = msgspec.json.Decoder(ChatBody)
_TEXT = msgspec.json.Decoder(TextBody)
_EMBEDDING = msgspec.json.Decoder(EmbeddingBody)


def read_chat(body: bytes, natural: int) -> Ask:
    """Decode a chat request; raises `msgspec.DecodeError` when it is none."""
    chat = _CHAT.decode(body)
    return _ask(chat, chat.prompt(), natural)


def read_text(body: bytes, natural: int) -> Ask:
    """Decode a completion request; raises `msgspec.DecodeError` when it is none."""
    text = _TEXT.decode(body)
    return _ask(text, text.text(), natural)


def read_embedding(body: bytes) -> EmbeddingBody:
    """Decode an embedding request; raises `msgspec.DecodeError` when it is none."""
    return _EMBEDDING.decode(body)


def _ask(common: _Common, prompt: str, natural: int) -> Ask:
    wanted = common.max_completion_tokens or common.max_tokens
    if wanted is not None and wanted < 1:
        raise msgspec.ValidationError("max_tokens must be at least 1")
    if common.ignore_eos:
        total, reason = wanted or natural, "length"
    elif wanted is None or wanted >= natural:
        total, reason = natural, "stop"
    else:
        total, reason = wanted, "length"
    options = common.stream_options
    return Ask(
        model=common.model,
        prompt=prompt,
        prompt_tokens=count_tokens(prompt),
        stream=common.stream,
        usage=options is not None and options.include_usage,
        total=total,
        finish_reason=reason,
    )


def _text(content: str | list[Part] | None) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content)
