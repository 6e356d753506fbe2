"""All engine kinds there are, by the name the `type` setting uses."""

from collections.abc import Mapping
from types import MappingProxyType

from proxy.dialects.base import Engine
from proxy.dialects.detect import LISTING
from proxy.dialects.llamacpp import LLAMACPP
from proxy.dialects.ollama import OLLAMA
from proxy.dialects.openai import OPENAI
from proxy.dialects.vllm import VLLM

# The generic record stands last: it takes what no other claims.
ENGINES: Mapping[str, Engine] = MappingProxyType(
    {engine.name: engine for engine in (VLLM, LLAMACPP, OLLAMA, OPENAI)}
)


def engine(name: str) -> Engine:
    """Return the record called `name`; an unknown or empty name gets the generic OpenAI record."""
    return ENGINES.get(name, OPENAI)


def probe_paths() -> frozenset[str]:
    """Return every path the records may ask with a GET: the allow-list of the control plane."""
    paths = {LISTING}
    for known in ENGINES.values():
        paths.add(known.models_path)
        paths.update(probe.path for probe in known.ready)
        paths.update(part.path for part in (known.details, known.capacity) if part is not None)
        if known.sign is not None:
            paths.add(known.sign.confirm.path)
    return frozenset(paths)
