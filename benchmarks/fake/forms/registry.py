"""Which form writes the answers of which API."""

from collections.abc import Callable, Mapping
from typing import Final

from benchmarks.fake.forms.chat import Chat, Completion
from benchmarks.fake.forms.form import DONE, Answer, Form, quoted
from benchmarks.fake.forms.messages import Messages, event
from benchmarks.fake.forms.ollama import OllamaChat, OllamaGenerate
from benchmarks.fake.forms.responses import Responses
from benchmarks.fake.looks.look import Api, Look

FORMS: Final[Mapping[Api, Callable[[Answer], Form]]] = {
    Api.CHAT: Chat,
    Api.TEXT: Completion,
    Api.RESPONSES: Responses,
    Api.MESSAGES: Messages,
    Api.OLLAMA_CHAT: OllamaChat,
    Api.OLLAMA_GENERATE: OllamaGenerate,
}


def failing(api: Api, look: Look, body: bytes, message: str, status: int) -> tuple[bytes, bytes]:
    """Return an error inside a stream, and what ends the stream behind it, if anything.

    `body` is the error in the engine's own shape for OpenAI paths.
    """
    match api:
        case Api.CHAT | Api.TEXT:
            return look.chat.data + body + b"\n\n", DONE if look.error_done else b""
        case Api.MESSAGES:
            kind = "overloaded_error" if status in {429, 503} else "api_error"
            return event("error", error={"type": kind, "message": message}), b""
        case Api.RESPONSES:
            code = "server_is_overloaded" if status in {429, 503} else "server_error"
            return event("error", code=code, message=message, param=None), b""
        case _:
            return quoted({"error": message}) + b"\n", b""
