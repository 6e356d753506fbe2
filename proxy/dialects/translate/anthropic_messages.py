"""Anthropic's messages -> OpenAI's: one message of blocks may become several of one role each."""

from typing import Annotated, Any, Literal

import msgspec

from proxy.dialects.translate import parts
from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.reading import Known, joined

CacheControl = Any  # engines cache every prefix by themselves


class TextBlock(Known, tag="text"):
    """Text. Citations of it refer to documents the engine never saw as such: they are dropped."""

    text: str
    cache_control: CacheControl = None
    citations: Any = None


class Base64Source(Known, tag="base64"):
    """An image or a PDF file, in the request itself."""

    media_type: str
    data: str


class UrlSource(Known, tag="url"):
    """A file the engine is to fetch."""

    url: str


class TextSource(Known, tag="text"):
    """A document of plain text."""

    data: str
    media_type: Literal["text/plain"] = "text/plain"


class ImageBlock(Known, tag="image"):
    """An image."""

    source: Base64Source | UrlSource
    cache_control: CacheControl = None
    transformations: None = None


class Citations(Known):
    """Whether the answer is to cite."""

    enabled: bool | None = None


class DocumentBlock(Known, tag="document"):
    """A document; only plain text can be carried."""

    source: TextSource
    title: str | None = None
    context: str | None = None
    citations: Citations | None = None
    cache_control: CacheControl = None


class ToolUse(Known, tag="tool_use"):
    """A tool call of the model's."""

    id: str
    name: str
    input: msgspec.Raw
    caller: Annotated[Any, "who called: always the model here"] = None
    cache_control: CacheControl = None
    toolset_name: None = None


class ToolResult(Known, tag="tool_result"):
    """What a tool gave."""

    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock] | None = None
    is_error: bool | None = None
    cache_control: CacheControl = None
    toolset_name: None = None


class ThinkingBlock(Known, tag="thinking"):
    """Reasoning of the model's. The signature is Anthropic's, and nobody here can check it."""

    thinking: str
    signature: str | None = None


class RedactedThinking(Known, tag="redacted_thinking"):
    """Reasoning only Anthropic can read."""

    data: str


System = TextBlock
Block = (
    TextBlock | ImageBlock | DocumentBlock | ToolUse | ToolResult | ThinkingBlock | RedactedThinking
)


class Message(Known):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]
    id: Any = None
    type: Any = None


def messages(system: str | list[System] | None, turns: list[Message]) -> list[dict[str, Any]]:
    """Return the chat messages. Raises `Uncarried`."""
    found: list[dict[str, Any]] = []
    first = system if isinstance(system, str) else joined([part.text for part in system or ()])
    if first:
        found.append({"role": "system", "content": first})
    for number, turn in enumerate(turns):
        at = f"messages[{number}].content"
        if isinstance(turn.content, str):
            found.append({"role": turn.role, "content": turn.content})
        elif turn.role == "assistant":
            found.append(_assistant(turn.content, at))
        else:
            found += _user(turn.role, turn.content, at)
    return found


def _assistant(blocks: list[Block], at: str) -> dict[str, Any]:
    """Return one message: text, reasoning and calls have fields of their own there."""
    texts: list[str] = []
    reasoning: list[str] = []
    calls: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        if isinstance(block, TextBlock):
            texts.append(block.text)
        elif isinstance(block, ThinkingBlock):
            reasoning.append(block.thinking)
        elif isinstance(block, ToolUse):
            function = {"name": block.name, "arguments": bytes(block.input).decode()}
            calls.append({"id": block.id, "type": "function", "function": function})
        elif not isinstance(block, RedactedThinking):
            kind = type(block).__struct_config__.tag
            raise Uncarried(
                f"`{at}[{number}]`: an assistant's message holds text, thinking and tool_use, "
                f"not {kind}.",
                f"{at}[{number}]",
                "invalid",
            )
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts)}
    if thought := joined(reasoning):
        # llama.cpp, SGLang and mlx-lm read the first name, vLLM and Ollama the second.
        message |= {"reasoning_content": thought, "reasoning": thought}
    if calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = calls
    return message


def _user(role: str, blocks: list[Block], at: str) -> list[dict[str, Any]]:
    """Return the results of tools first, for they must follow the calls, then all the rest."""
    results: list[dict[str, Any]] = []
    rest: list[dict[str, Any]] = []
    for number, block in enumerate(blocks):
        place = f"{at}[{number}]"
        if isinstance(block, ToolResult):
            texts, images = _result(block, place)
            results.append({"role": "tool", "tool_call_id": block.tool_use_id, "content": texts})
            rest += images
        elif isinstance(block, TextBlock | ImageBlock | DocumentBlock):
            rest.append(_part(block, place))
        else:
            kind = type(block).__struct_config__.tag
            raise Uncarried(
                f"`{place}`: only an assistant's message holds {kind}.", place, "invalid"
            )
    if rest:
        results.append({"role": role, "content": parts.content(rest)})
    return results


def _result(block: ToolResult, at: str) -> tuple[str, list[dict[str, Any]]]:
    """Return a result's text, and its images as parts of the message that follows.

    A tool's message holds text alone; few templates would show an image in it.
    """
    failed = "Error: " if block.is_error else ""
    if block.content is None or isinstance(block.content, str):
        return failed + (block.content or ""), []
    found = [_part(part, f"{at}.content[{n}]") for n, part in enumerate(block.content)]
    images = [part for part in found if part["type"] != "text"]
    texts = joined([part["text"] for part in found if part["type"] == "text"])
    if images:
        images.insert(0, parts.text(f"Images from the result of tool call {block.tool_use_id}:"))
        texts = texts or "The result is in the images that follow."
    return failed + texts, images


def _part(block: TextBlock | ImageBlock | DocumentBlock, at: str) -> dict[str, Any]:
    if isinstance(block, TextBlock):
        return parts.text(block.text)
    if isinstance(block, DocumentBlock):
        if block.citations is not None and block.citations.enabled:
            raise Uncarried(
                f"`{at}.citations` cannot be carried: the engine does not cite.", f"{at}.citations"
            )
        heads = [text for text in (block.title, block.context) if text]
        return parts.text(joined([*heads, block.source.data]))
    source = block.source
    if isinstance(source, UrlSource):
        return parts.image(source.url)
    return parts.image(parts.data_url(source.media_type, source.data, f"{at}.source"))
