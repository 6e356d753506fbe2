"""Namespaces of functions, which Responses has and a chat has not: other names there and back.

The functions of a namespace are shown to the model as `{namespace}__{function}`, and its calls of
them are told under both names again.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.reading import Known, convert, joined

Names = Mapping[str, tuple[str, str]]  # in the chat -> (namespace, function)
NONE: Final[Names] = {}


class Namespace(Known):
    """Functions that belong together."""

    type: Literal["namespace"]
    name: str
    tools: list[msgspec.Raw]
    description: str | None = None


def flat(namespace: str | None, name: str) -> str:
    """Return the name of a function in a chat."""
    return f"{namespace}__{name}" if namespace else name


def told(names: Names, name: str) -> dict[str, Any]:
    """Return the fields that name a function which the model has called."""
    namespace, own = names.get(name, (None, name))
    return {"name": own} if namespace is None else {"name": own, "namespace": namespace}


def members(raw: msgspec.Raw, at: str) -> Iterator[tuple[Namespace, msgspec.Raw, str]]:
    """Yield the functions of a namespace, each with its place in the request."""
    space = convert(raw, Namespace, at)
    for number, tool in enumerate(space.tools):
        yield space, tool, f"{at}.tools[{number}]"


def renamed(tool: dict[str, Any], space: Namespace) -> dict[str, Any]:
    """Return a chat's tool under its name there, described by its namespace, too."""
    function = tool["function"]
    texts = [text for text in (space.description, function.get("description")) if text]
    named = {**function, "name": flat(space.name, function["name"])}
    return {**tool, "function": named | ({"description": joined(texts)} if texts else {})}


def names(tools: list[dict[str, Any]], found: Names) -> Names:
    """Return `found` if every tool has a name of its own. Raises `Uncarried`."""
    seen = set()
    for tool in tools:
        name = tool["function"]["name"]
        if name in seen and name in found:
            space, own = found[name]
            raise Uncarried(
                f"`tools`: {own!r} of the namespace {space!r} is called {name!r} for the engine, "
                "and another function has that name; rename one of them.",
                "tools",
            )
        seen.add(name)
    return found
