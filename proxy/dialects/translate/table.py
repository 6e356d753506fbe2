"""Which paths can be translated, and by what."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.dialects.translate import anthropic, embeddings, ollama, responses
from proxy.dialects.translate.base import Translator

TRANSLATORS: Final[Mapping[str, Translator]] = MappingProxyType(
    {
        "/v1/messages": anthropic.request,
        "/v1/responses": responses.request,
        "/api/chat": ollama.chat,
        "/api/generate": ollama.generate,
        "/api/embed": embeddings.embed,
        "/api/embeddings": embeddings.embeddings,
    }
)
