"""Readers of model lists and of what adds to them, made from the `models` part of a profile.

Only the fields that matter are read, so two listings are equal exactly when nothing that matters
has changed: most engines stamp `created` with the time of the call and invent ids in `permission`.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from proxy.core.catalog import Model
from proxy.dialects import weights
from proxy.dialects.base import Listing, Reply
from proxy.dialects.models import MAX_MODELS, error_text, positive, status_reason, usable
from proxy.dialects.pointers import at, first, parsed
from proxy.dialects.profile import Details, Fields, Grammar, Models, Naming

MAX_NAMES: Final = 16  # other names of one model, or capabilities, that are kept
_USUAL: Final = Fields(
    context=("/max_model_len", "/context_length", "/context_window", "/max_context_length"),
    owner=("/owned_by",),
    parent=("/parent",),
)
# What engines call one and the same thing.
_CAPABILITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chat": "completion",
        "embeddings": "embedding",
        "multimodal": "vision",
        "reasoning": "thinking",
        "reranking": "rerank",
        "tool-calling": "tools",
        "trained_for_tool_use": "tools",
        "has_image_understanding": "vision",
        "supports_vision": "vision",
        "supports_function_calling": "tools",
        "supports_reasoning": "thinking",
    }
)
# What a model takes in, said as a list of senses: "image" means elsewhere that it draws some.
_SENSES: Final[Mapping[str, str]] = MappingProxyType({"image": "vision", "text": ""})


def reader(models: Models, naming: Naming) -> Callable[[Reply], Listing]:
    """Return the function that reads a reply to `models.get`.

    Entries without a usable id are left out, repeated ids too. A reply that is no list gives a
    `problem`: the status, or the words of an engine that answers 200 to paths it does not have.
    """
    fields = _with_usual(models.fields)

    def read(reply: Reply) -> Listing:
        reason = status_reason(reply)
        if reason:
            return Listing(problem=reason)
        listed = entries(parsed(reply), models.items)
        if listed is None:
            text = error_text(reply)
            return Listing(problem=f"not a model list: {text}" if text else "not a model list")
        found: dict[str, Model] = {}
        for item in listed:
            name = first(item, (models.id,))
            if isinstance(name, str) and usable(name) and name not in found:
                found[name] = _enriched(Model(id=name, also=implied(naming, name)), item, fields)
        return Listing(models=tuple(found.values()))

    return read


def merger(details: Details) -> Callable[[tuple[Model, ...], Reply], tuple[Model, ...]]:
    """Return the function that adds a reply to `details.get` to the models listed."""

    def merge(listed: tuple[Model, ...], reply: Reply) -> tuple[Model, ...]:
        document = parsed(reply) if reply.status == 200 else None
        if not details.items:
            return tuple(_enriched(model, document, details.fields) for model in listed)
        told: dict[str, object] = {}
        for item in entries(document, details.items) or ():
            name = first(item, (details.id,))
            if isinstance(name, str):
                told.setdefault(name, item)
        return tuple(_enriched(model, told.get(model.id), details.fields) for model in listed)

    return merge


def entries(document: object, pointer: str) -> Sequence[object] | None:
    """Return the entries of a list, None if there is no list.

    `null` is an empty list: that is how a Go server writes one.
    """
    for found in at(document, pointer):
        if found is None:
            return ()
        if isinstance(found, list):
            return found[:MAX_MODELS]
    return None


def implied(naming: Naming, name: str) -> tuple[str, ...]:
    """Return the shorter names that the engine itself takes for `name`, by its grammar."""
    if naming.grammar is Grammar.FREE:
        return ()
    short = name.removesuffix(":latest")
    found = [short, name.removeprefix("ai/"), short.removeprefix("ai/")]
    if naming.grammar is Grammar.OLLAMA:
        del found[1:]
    return tuple(dict.fromkeys(each for each in found if each and each != name))


def _with_usual(fields: Fields) -> Fields:
    """Return `fields` with the usual places behind its own."""
    return msgspec.structs.replace(
        fields,
        context=(*fields.context, *_USUAL.context),
        owner=(*fields.owner, *_USUAL.owner),
        parent=(*fields.parent, *_USUAL.parent),
    )


def _enriched(model: Model, item: object, fields: Fields) -> Model:
    """Return `model` with what `item` says; what it does not say stays."""
    if not isinstance(item, dict):
        return model
    parent = _text(item, fields.parent) or model.parent
    extra = dict(model.extra)
    for key, pointers in (
        ("parameters", fields.parameters),
        ("quantization", fields.quantization),
    ):
        if (value := first(item, pointers)) is not None:
            extra[key] = value
    for pointer in fields.keep:
        if (value := first(item, (pointer,))) is not None:
            extra[pointer.rpartition("/")[2]] = value
    return msgspec.structs.replace(
        model,
        context_length=_context(item, fields.context) or model.context_length,
        owned_by=_text(item, fields.owner) or model.owned_by,
        parent=parent,
        also=_names(item, fields.also) or model.also,
        # What an engine says of an adapter's files does not speak of the whole model.
        weights="" if parent else _proof(item, fields) or model.weights,
        capabilities=_capabilities(item, fields.capabilities) or model.capabilities,
        extra=MappingProxyType(extra) if extra else model.extra,
    )


def _context(item: object, pointers: Sequence[str]) -> int | None:
    for pointer in pointers:
        if (length := positive(first(item, (pointer,)))) is not None:
            return length
    return None


def _text(item: object, pointers: Sequence[str]) -> str:
    found = first(item, pointers)
    return found if isinstance(found, str) and usable(found) else ""


def _proof(item: object, fields: Fields) -> str:
    for pointer, kind in fields.weights.items():
        if found := weights.proof(kind, first(item, (pointer,))):
            return found
    return ""


def _names(item: object, pointers: Sequence[str]) -> tuple[str, ...]:
    listed = first(item, pointers)
    if not isinstance(listed, list):
        return ()
    return tuple(name for name in listed[:MAX_NAMES] if isinstance(name, str) and usable(name))


def _capabilities(item: object, pointers: Sequence[str]) -> tuple[str, ...]:
    """Return what a model can do, sorted; as a list of words, or as words that are true."""
    words: list[object] = []
    for pointer in pointers:
        senses = _SENSES if pointer.endswith("input_modalities") else {}
        for value in at(item, pointer):
            if isinstance(value, list):
                words += [senses.get(str(word), word) for word in value[:MAX_NAMES]]
            elif isinstance(value, dict):
                words += [word for word, true in value.items() if true]
            elif value is True:
                words.append(pointer.rpartition("/")[2])
    named = {_CAPABILITIES.get(w, w) for w in words if isinstance(w, str) and usable(w)}
    return tuple(sorted(named)[:MAX_NAMES])
