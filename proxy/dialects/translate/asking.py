"""How an engine that does not have a caller's path is asked all the same.

The translators of `table` ask for what the engine has in the OpenAI API. Two more go by what is
known here: the counting of tokens, which a tokenizer answers exactly and an estimate roughly, and
what a model is, which the catalog tells.
"""

from typing import TYPE_CHECKING, Final

from proxy.dialects import cards
from proxy.dialects.translate import counting, embeddings
from proxy.dialects.translate.base import Refusal, Settled, Translated
from proxy.dialects.translate.table import TRANSLATORS

if TYPE_CHECKING:
    from proxy.core.catalog import Model
    from proxy.dialects.base import Engine

COUNT: Final = "/v1/messages/count_tokens"
SHOW: Final = "/api/show"
# Whatever the translation turns out to ask, the engine has one of these.
_NEEDS: Final = {
    "/api/embed": embeddings.PATH,
    "/api/embeddings": embeddings.PATH,
}
_CHAT: Final = "/v1/chat/completions"


def reachable(path: str, engine: "Engine") -> bool:
    """Tell whether requests of `path` can be translated for an engine."""
    if path in {COUNT, SHOW}:
        return True
    return path in TRANSLATORS and _NEEDS.get(path, _CHAT) in engine.operations


def translate(
    path: str, body: bytes, engine: "Engine", model: "Model", *, request_id: str, created: float
) -> Translated | Settled | Refusal:
    """Translate a request of `path` for an engine for which it is `reachable`.

    `model` is what is known of the model asked for, under the name it was asked for.
    """
    if path == SHOW:
        return Settled(body=cards.shown(model), content_type=b"application/json")
    if path == COUNT:
        asked = counting.tokenizer(engine.profile)
        return counting.request(body, asked, request_id=request_id, created=created)
    made = TRANSLATORS[path](body, request_id=request_id, created=created)
    if isinstance(made, Translated) and made.path not in engine.operations:
        return Refusal(
            message=f"No engine that serves this model has {made.path}, which this request needs."
        )
    return made
