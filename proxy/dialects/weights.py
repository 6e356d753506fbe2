"""What proves that two engines serve the same weights.

A name proves nothing: it is chosen by whoever started the engine. Three things do: the Hugging Face
repository that was loaded; a quantised file in such a repository; a content hash computed by the
engine's own store. Each becomes a text that is equal exactly if the weights are, for `core.catalog`
to compare; everything else becomes "". Paths on a disk are no proof: `/models/llama` is another
file on another machine.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from proxy.dialects.profile import Weights

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
# First parts of relative paths: "models/llama" is a folder, though it could be a repository.
_FOLDERS: Final = frozenset(
    {"models", "model", "checkpoints", "ckpt", "weights", "data", "mnt", "home", "opt", "srv"}
    | {"tmp", "var", "root", "workspace", "snapshots", "hub", "cache", "app", "engines", "engine"}
)
_QUANT: Final = re.compile(r"(?i)(?:UD-)?(?:I?Q[1-9]\w{0,8}|T?Q[12]_0|BF16|F16|F32|FP16|MXFP4\w*)")
_HASH: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_HOSTS: Final = ("hf.co/", "huggingface.co/")


def proof(kind: Weights, value: object) -> str:
    """Return the proof in what an engine says, "" if it is none."""
    return _READERS[kind](value) if isinstance(value, str) else ""


def repository(value: str) -> str:
    """Return the proof by a repository, from `org/name` with or without the hub's host."""
    plain = _without_host(value)
    if not _REPOSITORY.fullmatch(plain) or plain.partition("/")[0].lower() in _FOLDERS:
        return ""
    return f"hf:{plain.lower()}"


def file(value: str) -> str:
    """Return the proof by a file, from `org/name:QUANT` with or without the hub's host."""
    name, colon, quant = _without_host(value).rpartition(":")
    found = repository(name) if colon and _QUANT.fullmatch(quant) else ""
    return f"{found}:{quant.lower()}" if found else ""


def digest(value: str) -> str:
    """Return the proof by a content hash: 64 hexadecimal digits, `sha256:` before them or not."""
    found = _HASH.fullmatch(value.lower())
    # A constant stands where an imitator has no hash to give.
    return f"sha256:{found[1]}" if found and len(set(found[1])) > 4 else ""


def _without_host(value: str) -> str:
    for host in _HOSTS:
        if value.lower().startswith(host):
            return value[len(host) :]
    return value


_READERS: Final[Mapping[Weights, Callable[[str], str]]] = MappingProxyType(
    {Weights.HF: repository, Weights.GGUF: file, Weights.DIGEST: digest}
)
