"""How engines are told whether and how hard to reason.

There is no one name for it. Chat templates read `enable_thinking` (Qwen, GLM, Granite's newer
ones) or `thinking` (DeepSeek, Granite), which vLLM, SGLang, llama.cpp, LMDeploy and mlx-lm hand
over from `chat_template_kwargs`; `reasoning_effort` is OpenAI's, and the templates' of gpt-oss. An
engine passes over a name its template does not read.
"""

from typing import Any, Final

_LOW: Final = 4_096  # tokens of reasoning
_MEDIUM: Final = 16_384


def switches(*, on: bool) -> dict[str, Any]:
    """Return the fields that turn reasoning on or off."""
    return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}


def effort_of(budget: int) -> str:
    """Return the effort that stands for a budget of tokens, which no engine takes everywhere."""
    if budget <= _LOW:
        return "low"
    return "medium" if budget <= _MEDIUM else "high"
