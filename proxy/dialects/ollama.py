"""Ollama. Half a dozen others answer some of its paths, so it is confirmed last and strictly."""

import re

from proxy.core.catalog import Model
from proxy.dialects.base import Details, Engine, Probe, Reply, Sign
from proxy.dialects.models import document, items, owners, positive, read_list, status_reason

_RUNNING = b"Ollama is running"
# Their owners answer Ollama's paths, some of them even `GET /` in its words.
_IMITATORS = frozenset({"sglang", "lemonade", "docker", "llamacpp", "olla", "headrace"})
_VERSION = re.compile(r"\d+\.\d+\.\d+")


def _claims(reply: Reply) -> bool:
    listed = items(reply)
    if listed is None or owners(reply) & _IMITATORS:
        return False
    # Its listing always shows the tag; one without models claims nothing and must ask.
    return all(isinstance(name := item.get("id"), str) and ":" in name for item in listed)


def _says_running(reply: Reply) -> str:
    reason = status_reason(reply)
    if reason:
        return reason
    return "" if reply.body.strip() == _RUNNING else "the root page is not Ollama's"


def _tells_version(reply: Reply) -> str:
    reason = status_reason(reply)
    if reason:
        return reason
    version = (document(reply) or {}).get("version")
    return "" if isinstance(version, str) and _VERSION.match(version) else "no version"


def _with_context(models: tuple[Model, ...], reply: Reply) -> tuple[Model, ...]:
    tagged = (document(reply) or {}).get("models")
    if reply.status != 200 or not isinstance(tagged, list):
        return models
    lengths: dict[str, int] = {}
    for item in tagged:
        details = item.get("details") if isinstance(item, dict) else None
        length = positive(details.get("context_length")) if isinstance(details, dict) else None
        name = item.get("name") if isinstance(item, dict) else None
        if length is not None and isinstance(name, str):
            lengths[name] = length
    return tuple(
        Model(id=model.id, owned_by=model.owned_by, context_length=lengths.get(model.id))
        for model in models
    )


OLLAMA = Engine(
    name="ollama",
    title="Ollama",
    ports=(11434,),
    ready=(
        Probe(path="/", judge=_says_running),
        Probe(path="/api/version", judge=_tells_version),
    ),
    operations=frozenset(
        {
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/responses",
            "/v1/messages",
            "/v1/embeddings",
            "/v1/audio/transcriptions",
        }
    ),
    read_models=read_list,
    details=Details(path="/api/tags", merge=_with_context),
    keep_alive=55.0,  # it never closes an idle connection; boxes between us may, after a minute
    sign=Sign(claims=_claims, confirm=Probe(path="/", judge=_says_running), rank=9),
)
