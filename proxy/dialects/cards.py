"""The models there are, as clients of Anthropic and Ollama read about them.

What a client cannot do without and no engine tells is filled in: a digest made from the name (its
command line shows the first digits), a date that never changes, no size. What an engine of Ollama's
own kind lists is passed on.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from proxy.core.catalog import Model

# Of Ollama's API, as it is spoken here: clients refuse to work with an older one.
API_VERSION: Final = "0.33.0"
_BEGINNING: Final = "1970-01-01T00:00:00Z"
_NEVER: Final = "2318-01-01T00:00:00Z"  # what Ollama writes for a model that stays
_UNKNOWN: Final = "unknown"  # Ollama's names for these have no empty value
# Engines that list no capabilities serve chats, and take tools where the model's template does.
_USUAL: Final = ("completion", "tools")


def anthropic_card(model: Model) -> Mapping[str, object]:
    """Return one model as Anthropic's API shows it."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id,
        "created_at": _BEGINNING,
        "max_input_tokens": model.context_length,
    }


def anthropic_list(models: Iterable[Model]) -> bytes:
    """Return Anthropic's list of models: all of them on one page."""
    data = [anthropic_card(model) for model in models]
    return orjson.dumps(
        {
            "data": data,
            "has_more": False,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
        }
    )


def tags(models: Iterable[Model]) -> bytes:
    """Return the body of `GET /api/tags`."""
    return orjson.dumps({"models": [_tag(model) for model in models]})


def running(models: Iterable[Model]) -> bytes:
    """Return the body of `GET /api/ps`: engines keep their models, so all of them run."""
    return orjson.dumps({"models": [_process(model) for model in models]})


def version() -> bytes:
    """Return the body of `GET /api/version`."""
    return orjson.dumps({"version": API_VERSION})


def shown(model: Model) -> bytes:
    """Return the body of `POST /api/show` for a model of an engine that has no such path."""
    family = _details(model)["family"]
    info: dict[str, object] = {"general.architecture": family, "general.basename": model.id}
    if model.context_length is not None:
        info[f"{family}.context_length"] = model.context_length
    return orjson.dumps(
        {
            "modelfile": f"# {model.id}: served by an engine that has no Modelfile\n",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": _details(model),
            "model_info": info,
            "capabilities": list(model.capabilities or _USUAL),
            "modified_at": model.extra.get("modified_at", _BEGINNING),
        }
    )


def _tag(model: Model) -> dict[str, Any]:
    extra = model.extra
    size = extra.get("size")
    card: dict[str, Any] = {
        "name": model.id,
        "model": model.id,
        "modified_at": extra.get("modified_at", _BEGINNING),
        "size": size if isinstance(size, int) else 0,
        "digest": extra.get("digest") or hashlib.sha256(model.id.encode()).hexdigest(),
        "details": _details(model),
        "capabilities": list(model.capabilities or _USUAL),
    }
    for name in ("remote_model", "remote_host"):
        if name in extra:
            card[name] = extra[name]
    return card


def _process(model: Model) -> dict[str, Any]:
    card = _tag(model)
    del card["modified_at"], card["capabilities"]
    context = model.context_length or 0
    return {
        **card,
        "expires_at": _NEVER,
        "size_vram": card["size"],
        "context_length": context,
    }


def _details(model: Model) -> dict[str, Any]:
    told = model.extra.get("details")
    details: dict[str, Any] = {
        "parent_model": model.parent,
        "format": _UNKNOWN,
        "family": _UNKNOWN,
        "families": [_UNKNOWN],
        "parameter_size": _amount(model.extra.get("parameters")),
        "quantization_level": str(model.extra.get("quantization") or ""),
    }
    if model.context_length is not None:
        details["context_length"] = model.context_length
    return details | told if isinstance(told, dict) else details


def _amount(parameters: object) -> str:
    """Return a number of parameters as people write it; text stays as it is."""
    if isinstance(parameters, bool) or not isinstance(parameters, int | float):
        return parameters if isinstance(parameters, str) else ""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if parameters >= unit:
            return f"{parameters / unit:.1f}{letter}"
    return str(parameters)
