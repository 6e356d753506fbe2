"""How an engine that does not have a caller's path is asked all the same.

The translators of `table` ask for a chat or its like, which every engine has; two more ask by what
the engine has: embeddings of Ollama's, and the counting of tokens, which a tokenizer answers
exactly and an estimate roughly.
"""

from typing import TYPE_CHECKING, Final

from proxy.dialects.translate import counting, embeddings
from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.dialects.translate.table import TRANSLATORS

if TYPE_CHECKING:
    from proxy.dialects.base import Engine

COUNT: Final = "/v1/messages/count_tokens"
# Whatever the translation turns out to ask, the engine has one of these.
_NEEDS: Final = {
    "/api/embed": embeddings.PATH,
    "/api/embeddings": embeddings.PATH,
}
_CHAT: Final = "/v1/chat/completions"


def reachable(path: str, engine: "Engine") -> bool:
    """Tell whether requests of `path` can be translated for an engine."""
    if path == COUNT:
        return True
    return path in TRANSLATORS and _NEEDS.get(path, _CHAT) in engine.operations


def translate(
    path: str, body: bytes, engine: "Engine", *, request_id: str, created: float
) -> Translated | Settled | Refusal:
    """Translate a request of `path` for an engine for which it is `reachable`."""
    if path == COUNT:
        asked = counting.tokenizer(engine.profile)
        return counting.request(body, asked, request_id=request_id, created=created)
    made = TRANSLATORS[path](body, request_id=request_id, created=created)
    if isinstance(made, Translated) and made.path not in engine.operations:
        return Refusal(
            message=f"No engine that serves this model has {made.path}, which this request needs."
        )
    return made
