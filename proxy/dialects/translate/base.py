"""What translation takes and gives, whatever the API: a request, a refusal, an answer.

A translator is a function from a caller's body to what an engine is asked; what it returns also
knows how to turn the engine's answer back. Nothing here waits, looks at a clock or keeps anything
beyond one call: ids and times are passed in.
"""

from typing import Protocol

import msgspec


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A request that cannot be carried, to be answered with 400 in the caller's dialect.

    message: a sentence that says what, where, and what is allowed.
    param: path of the field, such as `messages[2].content`; empty if it is the body itself.
    code: `unsupported` (understood, but the engine's API has no place for it) or `invalid`.
    """

    message: str
    param: str = ""
    code: str = "unsupported"


class Uncarried(Exception):  # noqa: N818 - it is a verdict on a request, not an error of ours
    """Raised below a translator to give a request up; the translator returns its `refusal`."""

    def __init__(self, message: str, param: str = "", code: str = "unsupported") -> None:
        super().__init__(message)
        self.refusal = Refusal(message=message, param=param, code=code)


class Answer(Protocol):
    """Turns the answer to one call back into the caller's dialect. Made by its translator.

    Either `whole` once, or any number of `feed` and then one of `end` and `broken`. `now` is in
    seconds on the scale of the `created` the translator was given; it dates lines and durations.
    After an answer has failed, all of them return nothing more.
    """

    tokens_in: int | None
    """Tokens of the prompt, as far as the engine has said."""
    tokens_out: int | None
    """Tokens of the answer, as far as the engine has said."""
    finish: str | None
    """Why the engine stopped, in the words of the OpenAI API."""
    done: bool
    """The engine's end marker was seen."""
    failure: str
    """A sentence, if the answer turned into an error: reported by the engine, or unreadable."""
    kind: str
    """An error code, if there is a `failure`."""
    status: int
    """HTTP status of what `whole` returned: the engine's, or 502 if its answer was unreadable."""

    def content_type(self, stream: bool) -> bytes:
        """Return the content type of the answer."""
        ...

    def whole(self, status: int, body: bytes, now: float | None = None) -> bytes:
        """Return a complete answer, or an error with `status` >= 400, in the caller's shape."""
        ...

    def feed(self, data: bytes, now: float | None = None) -> bytes:
        """Return what the caller gets for the next decoded bytes of the stream; often nothing."""
        ...

    def end(self, now: float | None = None) -> bytes:
        """Return the closing events. Without an end marker or a reason it is `broken`."""
        ...

    def broken(self, message: str, kind: str) -> bytes:
        """Return the event that tells of a stream cut short; `kind` is an error code."""
        ...


class Translated(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine is asked, and what turns its answer back."""

    body: bytes
    path: str
    stream: bool
    answer: Answer


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is answered with 200 and this body, without asking an engine.

    fields: further header lines of the answer.
    """

    body: bytes
    content_type: bytes
    fields: bytes = b""


class Translator(Protocol):
    """Translates requests of one path. `created` is the time of arrival in Unix seconds."""

    def __call__(
        self, body: bytes, *, request_id: str, created: float
    ) -> Translated | Settled | Refusal:
        """Return what to ask an engine, or what to answer at once."""
        ...
