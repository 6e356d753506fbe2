"""What is read of OpenAI's answers: typed, so that all the rest is skipped without a look."""

from typing import Any, Final

import msgspec

from proxy.core.decoding import DECODE_ERRORS


class PromptDetails(msgspec.Struct):
    """Where prompt tokens came from."""

    cached_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """What output tokens were spent on."""

    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    """Tokens of a call. `reasoning_tokens` at this level is SGLang's."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    reasoning_tokens: int | None = None

    @property
    def cached(self) -> int:
        """Return the prompt tokens that came from the engine's cache; part of `prompt_tokens`."""
        details = self.prompt_tokens_details
        return min((details.cached_tokens if details else 0) or 0, self.prompt_tokens)

    @property
    def reasoning(self) -> int:
        """Return the output tokens spent on reasoning, 0 if the engine does not say."""
        details = self.completion_tokens_details
        return (details.reasoning_tokens if details else 0) or self.reasoning_tokens or 0


class Function(msgspec.Struct):
    """Name and arguments, or the next piece of them. Some engines send the arguments decoded."""

    name: str | None = None
    arguments: str | dict[str, Any] | None = None

    @property
    def text(self) -> str:
        """Return the arguments as text."""
        if isinstance(self.arguments, dict):
            return msgspec.json.encode(self.arguments).decode()
        return self.arguments or ""


class ToolCall(msgspec.Struct):
    """A tool call, or the next piece of one."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Message(msgspec.Struct):
    """A message, or the next piece of one. The two names of reasoning are equal."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class Logprobs(msgspec.Struct):
    """Log probabilities as objects; the flat lists of text completions are passed over."""

    content: list[msgspec.Raw] | None = None


class Choice(msgspec.Struct):
    """One answer. `text` is that of text completions.

    Which stop text matched is told as `stop_reason` by vLLM, as `matched_stop` by SGLang; a number
    there is a token.
    """

    index: int | None = 0
    delta: Message | None = None
    message: Message | None = None
    text: str | None = None
    logprobs: Logprobs | None = None
    finish_reason: str | None = None
    stop_reason: Any = None
    matched_stop: Any = None

    @property
    def stopped_at(self) -> str | None:
        """Return the stop text that ended the answer, if the engine says which."""
        for found in (self.stop_reason, self.matched_stop):
            if isinstance(found, str):
                return found
        return None


class Completion(msgspec.Struct):
    """An answer, or one event of it. `timings` is llama.cpp's."""

    choices: list[Choice] | None = None
    usage: Usage | None = None
    timings: dict[str, Any] | None = None


_decode: Final = msgspec.json.Decoder(Completion, strict=False).decode


def read(payload: bytes) -> Completion | None:
    """Return the answer or event in `payload`, None if it is none. Never raises."""
    try:
        return _decode(payload)
    except DECODE_ERRORS:
        return None
