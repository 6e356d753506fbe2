"""The words of `vllm bench serve` in ours, so that a command line can be pasted.

What means the same under the same name needs nothing; `--request-rate`, `--max-concurrency` and
`--num-prompts` are second names of our own flags. The rest is translated here. A word that would
change what is measured and has no counterpart is refused; one that only concerns vLLM's own way of
working (its tokenizer, its progress bar) is dropped, and said to be.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

APIS: Final = {
    "/v1/chat/completions": "chat",
    "/v1/completions": "completions",
    "openai-chat": "chat",
    "openai": "completions",
    "vllm": "completions",
    "vllm-chat": "chat",
}
PASTED: Final = ("vllm", "bench", "serve")
RENAMED: Final = {
    "--base-url": "--url",
    "--random-input-len": "--input",
    "--random-output-len": "--output",
    "--sharegpt-output-len": "--output",
    "--result-filename": "--json",
    "--num-warmups": "--warm",
}
DROPPED: Final = frozenset(
    {"--tokenizer", "--tokenizer-mode", "--percentile-metrics", "--metric-percentiles", "--label"}
    | {"--temperature"}
)
DROPPED_SWITCHES: Final = frozenset(
    {"--trust-remote-code", "--save-result", "--save-detailed", "--append-result"}
)
REFUSED: Final = frozenset(
    {"--dataset-path", "--extra-body", "--lora-modules", "--best-of"}
    | {"--use-beam-search", "--logprobs", "--top-p", "--top-k", "--min-p"}
)
RAMP: Final = ("--ramp-up-strategy", "--ramp-up-start-rps", "--ramp-up-end-rps")
# What is translated together with others, when all has been read.
KEPT: Final = ("--host", "--port", "--num-prompts", "--served-model-name", *RAMP)


class WordError(Exception):
    """A word of vLLM that we cannot do; the message says what to use."""


class _Words:
    """What is left to be read, and what was put aside for the end."""

    def __init__(self, given: Sequence[str]) -> None:
        self._left = list(_split(given))
        self.made: list[str] = []
        self.notes: list[str] = []
        self.kept: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self) -> str:
        return self._left.pop(0)

    def value(self, flag: str) -> str:
        if not self._left:
            raise WordError(f"{flag} needs a value")
        return self._left.pop(0)

    def looks_like(self, mark: str) -> bool:
        """Whether the next word is no flag, no address, and holds `mark`."""
        return bool(self._left) and (
            mark in (word := self._left[0]) and not word.startswith("-") and "://" not in word
        )


def translated(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words in our vocabulary, and notes on what was dropped. Raises WordError."""
    words = _Words(given[len(PASTED) :] if tuple(given[: len(PASTED)]) == PASTED else given)
    while words:
        _one(words, words.take())
    _finish(words)
    return words.made, words.notes


def _split(given: Sequence[str]) -> Iterator[str]:
    """Give `--flag=value` as two words, where the flag is one that is translated."""
    known = {*RENAMED, *DROPPED, *REFUSED, *KEPT, *MEANT}
    for word in given:
        flag, mark, value = word.partition("=")
        if mark and flag in known:
            yield flag
            yield value
        else:
            yield word


def _one(words: _Words, word: str) -> None:
    if word in RENAMED:
        words.made += [RENAMED[word], words.value(word)]
    elif word in MEANT:
        MEANT[word](words, word)
    elif word in KEPT:
        words.kept[word] = words.value(word)
    elif word in REFUSED:
        raise WordError(f"{word} is vLLM's; here there is no such flag")
    elif word in DROPPED:
        words.notes.append(f"{word} {words.value(word)} of vLLM has no meaning here")
    elif word in DROPPED_SWITCHES:
        words.notes.append(f"{word} of vLLM has no meaning here")
    else:
        words.made.append(word)


def _prefix(words: _Words, flag: str) -> None:
    words.made += ["--prefix-groups", "1", "--prefix-tokens", words.value(flag)]


def _burstiness(words: _Words, flag: str) -> None:
    words.made += ["--arrivals", f"gamma:{words.value(flag)}"]


def _goodput(words: _Words, flag: str) -> None:
    if not words.looks_like(":"):
        raise WordError(f"{flag} needs limits, such as ttft:200 tpot:50")
    while words.looks_like(":"):
        words.made += [flag, words.take()]


def _api(words: _Words, flag: str) -> None:
    value = words.value(flag)
    if value not in APIS:
        raise WordError(f"{flag} {value}: known are {', '.join(APIS)}; or use --api")
    words.made += ["--api", APIS[value]]


def _ratio(words: _Words, flag: str) -> None:
    value = words.value(flag)
    if value.strip("0.") or not value:
        raise WordError(f"{flag} {value}: write --input uniform:A..B, and --output as well")


def _dataset(words: _Words, flag: str) -> None:
    name = words.value(flag)
    if name not in {"random", "prefix_repetition"}:
        raise WordError(
            f"{flag} {name}: only random prompts are made here; --input takes their sizes,"
            " `headrace bench replay FILE` a trace"
        )


MEANT: Final[dict[str, Callable[[_Words, str], None]]] = {
    "--random-prefix-len": _prefix,
    "--burstiness": _burstiness,
    "--goodput": _goodput,
    "--endpoint": _api,
    "--backend": _api,
    "--endpoint-type": _api,
    "--dataset-name": _dataset,
    "--random-range-ratio": _ratio,
}


def _finish(words: _Words) -> None:
    """Translate what needs several words together."""
    kept = words.kept
    if "--served-model-name" in kept:  # --model names the tokenizer then, and stands before
        words.made += ["--model", kept["--served-model-name"]]
    if "--host" in kept or "--port" in kept:
        address = f"http://{kept.get('--host', '127.0.0.1')}:{kept.get('--port', '8000')}"
        words.made += ["--url", address]
    if "--num-prompts" in kept:
        words.made += ["--requests", kept["--num-prompts"]]
    if any(flag in kept for flag in RAMP):
        _drop(words.made, "--request-rate", "inf")  # vLLM's default, which its ramp overrides
        words.made += ["--ramp", _ramp(kept)]


def _drop(made: list[str], flag: str, value: str) -> None:
    """Take a flag with this value out, if it is there."""
    for place in range(len(made) - 1):
        if made[place : place + 2] == [flag, value]:
            del made[place : place + 2]
            return


def _ramp(kept: dict[str, str]) -> str:
    """Return vLLM's ramp, which takes as long as all requests together need, as one of ours."""
    missing = [flag for flag in (*RAMP, "--num-prompts") if flag not in kept]
    if missing:
        raise WordError(f"a ramp as in vLLM needs {', '.join(missing)} too; or use --ramp")
    try:
        first, last, number = (float(kept[flag]) for flag in (RAMP[1], RAMP[2], "--num-prompts"))
    except ValueError:
        raise WordError("--ramp-up-start-rps and --ramp-up-end-rps are numbers") from None
    if min(first, last, number) <= 0:
        raise WordError("--ramp-up-start-rps, --ramp-up-end-rps, --num-prompts are above 0")
    mean = (first + last) / 2
    if kept[RAMP[0]] == "exponential" and first != last:
        mean = (last - first) / math.log(last / first)
    growth = ":exponential" if kept[RAMP[0]] == "exponential" else ""
    return f"{first:g}..{last:g}@{number / mean:.6g}s{growth}"
