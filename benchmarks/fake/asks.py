"""Reads request bodies of every API as far as a simulated engine needs them."""

from collections.abc import Callable, Mapping

import msgspec

from benchmarks.fake.looks.look import Api
from benchmarks.fake.script import Tool, Wish
from benchmarks.fake.words import count_tokens, said_of


class Part(msgspec.Struct):
    """A piece of a message; only text counts."""

    text: str = ""
    type: str = ""


class Message(msgspec.Struct):
    """One message of a chat, in any of the dialects; or an item of a `/v1/responses` input."""

    role: str = ""
    content: str | list[Part] | None = None
    type: str = ""


class StreamOptions(msgspec.Struct):
    """`stream_options`."""

    include_usage: bool = False


class Function(msgspec.Struct):
    """`function` of a tool, or of a choice of one."""

    name: str
    parameters: dict[str, object] = {}


class AnyTool(msgspec.Struct):
    """A tool: OpenAI and Ollama nest it in `function`; Responses and Anthropic do not."""

    function: Function | None = None
    name: str = ""
    parameters: dict[str, object] = {}
    input_schema: dict[str, object] = {}

    def tool(self) -> Tool:
        """Return it in one shape."""
        if self.function is not None:
            return Tool(name=self.function.name, schema=self.function.parameters)
        return Tool(name=self.name, schema=self.parameters or self.input_schema)


class Choice(msgspec.Struct):
    """`tool_choice` that names a tool."""

    type: str = ""
    name: str = ""
    function: Function | None = None


class Options(msgspec.Struct):
    """`options` of Ollama."""

    num_predict: int | None = None


class Thinking(msgspec.Struct):
    """`thinking` of Anthropic."""

    type: str = ""


class Body(msgspec.Struct):
    """What the generating APIs have between them; each reads the fields that are its own."""

    model: str = ""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    ignore_eos: bool = False
    options: Options | None = None
    messages: list[Message] = []
    system: str | list[Part] | None = None
    input: str | list[Message] = ""
    instructions: str | None = None
    prompt: str | list[str | int] = ""
    tools: list[AnyTool] = []
    tool_choice: str | Choice | None = None
    think: bool | str | None = None
    thinking: Thinking | None = None
    keep_alive: int | float | str | None = None
    continue_final_message: bool = False


class EmbeddingBody(msgspec.Struct):
    """POST /v1/embeddings, /api/embed, /api/embeddings."""

    input: str | list[str] = ""
    prompt: str = ""
    model: str = ""
    dimensions: int | None = None

    def inputs(self) -> list[str]:
        """List the texts to embed."""
        given = self.input or self.prompt
        return [given] if isinstance(given, str) else given


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a generation request wants, whatever API it came through."""

    model: str
    prompt: str
    prompt_tokens: int
    stream: bool
    usage: bool
    wish: Wish
    load_only: str = ""
    """Ollama's empty prompt: `load`, or `unload` with a `keep_alive` of 0."""


_BODY = msgspec.json.Decoder(Body)
_EMBEDDING = msgspec.json.Decoder(EmbeddingBody)


def read(api: Api, body: bytes, *, goes_on: bool = False) -> Ask:
    """Decode a request to a generating API; raises `msgspec.DecodeError` when it is none.

    goes_on: the engine takes a last message of the assistant's for the beginning of its answer.
    """
    whole = _BODY.decode(body)
    said = 0
    if api is Api.CHAT and (goes_on or whole.continue_final_message):
        said = _take_beginning(whole)
    prompt = _PROMPTS[api](whole)
    ollama = api in {Api.OLLAMA_CHAT, Api.OLLAMA_GENERATE}
    limit = _limit(whole)
    options = whole.stream_options
    messages = whole.input if api is Api.RESPONSES else whole.messages
    return Ask(
        model=whole.model,
        prompt=prompt,
        prompt_tokens=count_tokens(prompt) + said,
        stream=ollama if whole.stream is None else whole.stream,
        usage=options is not None and options.include_usage,
        load_only=_load_only(whole) if ollama and not prompt and not whole.messages else "",
        wish=Wish(
            prompt=prompt,
            limit=limit,
            exact=whole.ignore_eos,
            tools=_tools(whole),
            must_call=_must_call(whole.tool_choice),
            after_result=isinstance(messages, list) and bool(messages) and _result(messages[-1]),
            think=bool(whole.think) or (whole.thinking or Thinking()).type == "enabled",
            said=said,
        ),
    )


def read_count(body: bytes) -> Ask:
    """Decode a request to count tokens; raises `msgspec.DecodeError` when it is none."""
    return read(Api.MESSAGES, body)


def read_embedding(body: bytes) -> EmbeddingBody:
    """Decode an embedding request; raises `msgspec.DecodeError` when it is none."""
    return _EMBEDDING.decode(body)


def _take_beginning(body: Body) -> int:
    """Take a last message that begins our answer away; return how many tokens of it that is."""
    if not body.messages or body.messages[-1].role != "assistant":
        return 0
    *before, last = body.messages
    prompt = "\n".join(_text(message.content) for message in before)
    said = said_of(prompt, _text(last.content))
    if said:
        body.messages = before
    return said


def _limit(body: Body) -> int | None:
    wanted = body.max_output_tokens or body.max_completion_tokens or body.max_tokens
    if wanted is None and body.options is not None:
        wanted = body.options.num_predict
        if wanted is not None and wanted < 0:
            return None
    if wanted is not None and wanted < 1:
        raise msgspec.ValidationError("max_tokens must be at least 1")
    return wanted


def _tools(body: Body) -> tuple[Tool, ...]:
    if not body.tools or body.tool_choice == "none":
        return ()
    return tuple(tool for given in body.tools if (tool := given.tool()).name)


def _must_call(choice: str | Choice | None) -> str:
    if isinstance(choice, Choice):
        if choice.type == "auto":
            return ""
        return choice.function.name if choice.function else choice.name or "*"
    return "*" if choice == "required" else ""


def _result(message: Message) -> bool:
    if message.role == "tool" or message.type == "function_call_output":
        return True
    content = message.content
    return isinstance(content, list) and any(part.type == "tool_result" for part in content)


def _load_only(body: Body) -> str:
    return "unload" if body.keep_alive in {0, "0", "0s"} else "load"


def _chat(body: Body) -> str:
    return "\n".join(_text(message.content) for message in body.messages)


def _messages(body: Body) -> str:
    system = _text(body.system)
    return f"{system}\n{_chat(body)}" if system else _chat(body)


def _responses(body: Body) -> str:
    given = body.input
    said = given if isinstance(given, str) else "\n".join(_text(item.content) for item in given)
    return f"{body.instructions}\n{said}" if body.instructions else said


def _completion(body: Body) -> str:
    prompt = body.prompt
    return prompt if isinstance(prompt, str) else " ".join(map(str, prompt))


_PROMPTS: Mapping[Api, Callable[[Body], str]] = {
    Api.CHAT: _chat,
    Api.TEXT: _completion,
    Api.RESPONSES: _responses,
    Api.MESSAGES: _messages,
    Api.OLLAMA_CHAT: _messages,
    Api.OLLAMA_GENERATE: lambda body: _text(body.system) + _completion(body),
}


def _text(content: str | list[Part] | None) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(part.text for part in content)
