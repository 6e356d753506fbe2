"""What a model's name says, read for suggestions only: family, size, variant, quantisation.

Publishers write one model in a dozen ways. A name is taken apart in this order: the hub's host, the
publisher before the last slash, file endings, quantisations and formats, then words at every
hyphen, underscore, colon, space, and between a letter and a digit. Words match whole: "phind" is no
"phi". What is left is compared; nothing is ever routed by it, since a name proves nothing.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

_HOSTS: Final = ("hf.co/", "huggingface.co/")
_ENDING: Final = re.compile(r"(\.gguf|-gguf|_gguf|:latest|\.safetensors)$")
_PART: Final = re.compile(r"-0000\d-of-0000\d")  # of a file in several parts
_QUANTS: Final = re.compile(
    r"(?<![a-z0-9])("
    r"(?:ud-)?i?q[1-9](?:_[a-z0-9]+)*|tq[12]_0|mxfp4(?:_moe)?|nvfp4|nf4|fp8(?:[-_]\w+)?|"
    r"bf16|fp16|f16|f32|fp32|int[48]|w[48]a(?:16|8|4)|[2-8](?:\.\d)?-?bits?|[2-8]bpw|"
    r"awq|gptq|bnb|exl[23]|dwq|autoround|quantized|imatrix|i1|dynamic"
    r")(?![a-z0-9])"
)
_SIZE: Final = re.compile(r"(?:e|a)?\d+(?:\.\d+)?[bm]|\d+x\d+(?:\.\d+)?b")
_WORD: Final = re.compile(r"[-_:@\s/]+|(?<=[a-z])(?=\d)")
_NOISE: Final = frozenset({"meta", "gguf", "mlx", "hf", "onnx", "latest", "v", "model"})
_SAME: Final[Mapping[str, str]] = {"it": "instruct", "chat": "instruct"}
# A publisher that leaves "instruct" out means it; one that means the raw model says so.
_PLAIN: Final = frozenset({"instruct"})


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A name taken apart. `line` and `size` are what must agree; `quant` is what may differ."""

    line: tuple[str, ...]
    size: tuple[str, ...] = ()
    quant: str = ""


class Alike(msgspec.Struct, frozen=True, kw_only=True):
    """Names that may mean one model, and the alias that would make them one."""

    names: tuple[str, ...]
    alias: str


def parsed(name: str) -> Name:
    """Return what a name says. Any text has an answer; one that says nothing has an empty line."""
    text = name.strip().lower()
    for host in _HOSTS:
        text = text.removeprefix(host)
    text = text.rpartition("/")[2] or text
    text = _PART.sub("", text)
    while (shorter := _ENDING.sub("", text)) != text:
        text = shorter
    quants = _QUANTS.findall(text)
    text = _QUANTS.sub(" ", text)
    line: list[str] = []
    size: list[str] = []
    for word in _words(text):
        if _SIZE.fullmatch(word):
            size.append(word)
        elif word not in _NOISE:
            line.append(_SAME.get(word, word))
    return Name(
        line=tuple(word for word in line if word not in _PLAIN),
        size=tuple(sorted(size)),
        quant=" ".join(quants),
    )


def alike(names: Iterable[str]) -> list[Alike]:
    """Return the groups of names that differ in publisher, spelling or quantisation only.

    Sorted by alias. A name that says neither a family nor a size is like no other.
    """
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = {}
    for name in sorted(set(names)):
        said = parsed(name)
        if said.line:
            groups.setdefault((said.line, said.size), []).append(name)
    found = [
        Alike(names=tuple(group), alias="-".join((*line, *size)))
        for (line, size), group in groups.items()
        if len(group) > 1
    ]
    return sorted(found, key=lambda one: one.alias)


def _words(text: str) -> list[str]:
    words = []
    for piece in re.split(r"[-_:@\s/]+", text):
        # A size or a version keeps its letters: 8x7b, a3b, e4b; "llama3.1" is two words.
        words += [piece] if _SIZE.fullmatch(piece) else _WORD.split(piece)
    return [word for word in words if word]
