"""The beginning of an answer that the caller wrote: the model goes on with it.

Anthropic's and Ollama's callers send it as a last message of the assistant's and get back what
comes after it. vLLM and SGLang must be told so; llama.cpp and Ollama do it unasked. llama.cpp's
plain answers begin with the caller's words again, which are taken off.
"""

from collections.abc import Sequence
from typing import Any


def prefilled(messages: Sequence[dict[str, Any]]) -> str:
    """Return the words of a last message of the assistant's, empty if there are none."""
    last = messages[-1] if messages else {}
    words = last.get("content")
    spoken = last.get("role") == "assistant" and "tool_calls" not in last
    return words if spoken and isinstance(words, str) else ""


def continued(words: str) -> dict[str, Any]:
    """Return the fields that let an engine go on with these words."""
    return {"continue_final_message": True, "add_generation_prompt": False} if words else {}
