"""Options of a request become sampling fields, under the names engines read."""

from typing import Any

import pytest

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.ollama_options import Options, sampling


def test_names() -> None:
    found = sampling(
        Options(
            temperature=0.5,
            top_p=0.9,
            top_k=40,
            min_p=0.1,
            seed=7,
            stop=["a"],
            num_predict=3,
            presence_penalty=0.2,
            frequency_penalty=0.3,
            repeat_penalty=1.1,
            repeat_last_n=64,
        )
    )

    assert found == {
        "max_tokens": 3,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.1,
        "seed": 7,
        "stop": ["a"],
        "presence_penalty": 0.2,
        "frequency_penalty": 0.3,
        "repetition_penalty": 1.1,
        "repeat_penalty": 1.1,
        "repeat_last_n": 64,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"num_predict": -1},
        {"num_predict": -2},
        {"repeat_penalty": 1.0},
        {"top_k": 0},
        {"mirostat": 0, "mirostat_tau": 5.0},
        {"typical_p": 1.0, "tfs_z": 1.0},
        {"num_ctx": 4096, "num_gpu": 1, "use_mmap": True, "num_thread": 8},
    ],
)
def test_what_changes_nothing_is_left_out(options: dict[str, Any]) -> None:
    assert sampling(Options(**options)) == {}


@pytest.mark.parametrize("options", [{"mirostat": 1}, {"typical_p": 0.7}, {"tfs_z": 0.5}])
def test_samplers_engines_lack_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(Uncarried, match=next(iter(options))):
        sampling(Options(**options))
