"""The names OpenTelemetry has for what generative AI does, in the generation that is asked for.

The conventions have moved to a repository of their own and are being renamed there; what dashboards
and other gateways use today is older (v1.36). So the older names are sent, and the newer ones to
who asks for them, as the conventions themselves want it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from proxy.dialects.openai_api import OPERATIONS
from proxy.telemetry.escape import visible

if TYPE_CHECKING:
    from proxy.core.call import Call
    from proxy.core.recording import Spoken

OPERATION: Final = "gen_ai.operation.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
ERROR: Final = "error.type"
UNKNOWN: Final = "_OTHER"  # what the conventions say where there is no name

_SYSTEM: Final = "gen_ai.system"
_PROVIDER: Final = "gen_ai.provider.name"

# By the names in `openai_api.OPERATIONS`. What the conventions do not name keeps its own name.
_NAMES: Final[Mapping[str, str]] = {
    "completions": "text_completion",
    "responses": "chat",
    "messages": "chat",
    "ollama_chat": "chat",
    "ollama_generate": "text_completion",
    "ollama_embed": "embeddings",
    "ollama_embeddings": "embeddings",
}

Attributes = dict[str, str | int | float | bool]


PATHS: Final = frozenset(OPERATIONS)


def operation(path: str) -> str:
    """Return the conventions' name of what is asked for at a path."""
    known = OPERATIONS.get(path)
    return UNKNOWN if known is None else _NAMES.get(known.name, known.name)


def provider(latest: bool) -> str:
    """Return the name of the attribute for the kind of engine."""
    return _PROVIDER if latest else _SYSTEM


def of_call(call: "Call", *, latest: bool) -> Attributes:
    """Return what a request was about; not what was said in it."""
    found: Attributes = {OPERATION: operation(call.path)}
    if call.model:
        found[REQUEST_MODEL] = visible(call.model)
    if call.backend is not None:
        found[provider(latest)] = call.backend.kind or UNKNOWN
        if call.committed:
            found[RESPONSE_MODEL] = visible(call.native_model)
    if call.tokens_in is not None:
        found["gen_ai.usage.input_tokens"] = call.tokens_in
    if call.tokens_out is not None:
        found["gen_ai.usage.output_tokens"] = call.tokens_out
    if latest:
        found["gen_ai.request.stream"] = call.stream
        if call.stream and call.first_token_at:
            found["gen_ai.response.time_to_first_chunk"] = call.first_token_at - call.received_at
    return found


def of_content(spoken: "Spoken") -> Attributes:
    """Return what was said in a request, where that is asked for: in one generation of names.

    Those before had events for it, which few tools read, and fewer write.
    """
    found: Attributes = {
        "gen_ai.input.messages": spoken.asked,
        "gen_ai.system_instructions": spoken.system,
        "gen_ai.output.messages": spoken.answered,
        "headrace.content.unread": spoken.unread,
        "headrace.content.input_cut": spoken.asked_cut,
        "headrace.content.output_cut": spoken.answered_cut,
        "headrace.content.omitted": spoken.omitted,
    }
    return {name: value for name, value in found.items() if value}
