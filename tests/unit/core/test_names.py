"""Names as publishers write them."""

import pytest

from proxy.core.names import alike, parsed


@pytest.mark.parametrize(
    ("name", "line", "size", "quant"),
    [
        ("llama3.1:8b", "llama 3.1", "8b", ""),
        ("llama3.1:8b-instruct-q4_K_M", "llama 3.1", "8b", "q4_k_m"),
        ("meta-llama/Llama-3.1-8B-Instruct", "llama 3.1", "8b", ""),
        ("Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf", "llama 3.1", "8b", "q4_k_m"),
        ("bartowski/Meta-Llama-3.1-8B-Instruct-GGUF", "llama 3.1", "8b", ""),
        ("mlx-community/Meta-Llama-3.1-8B-Instruct-4bit", "llama 3.1", "8b", "4bit"),
        ("hf.co/bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q5_K_S", "llama 3.1", "8b", "q5_k_s"),
        ("neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8", "llama 3.1", "8b", "fp8"),
        ("qwen2.5:72b", "qwen 2.5", "72b", ""),
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", "qwen 2.5", "72b", "awq"),
        ("Qwen2.5-Coder-32B-Instruct", "qwen 2.5 coder", "32b", ""),
        ("Qwen/Qwen3-235B-A22B", "qwen 3", "235b a22b", ""),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "deepseek r 1 distill qwen", "7b", ""),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral 0.1", "8x7b", ""),
        ("openai/gpt-oss-20b", "gpt oss", "20b", ""),
        ("gpt-oss:20b", "gpt oss", "20b", ""),
        ("google/gemma-3n-E4B-it", "gemma 3n", "e4b", ""),
        ("phind-codellama:34b", "phind codellama", "34b", ""),
        ("optimus-7b", "optimus", "7b", ""),
        ("Llama-3.1-8B", "llama 3.1", "8b", ""),
        ("unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL", "qwen 3", "8b", "ud-q4_k_xl"),
        ("", "", "", ""),
        ("///", "", "", ""),
    ],
)
def test_a_name_is_taken_apart(name: str, line: str, size: str, quant: str) -> None:
    said = parsed(name)

    assert (" ".join(said.line), " ".join(said.size), said.quant) == (line, size, quant)


def test_names_of_one_model_are_found_and_those_of_others_left_alone() -> None:
    found = alike(
        [
            "llama3.1:8b",
            "meta-llama/Llama-3.1-8B-Instruct",
            "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
            "llama3.1:70b",
            "llama3.2:8b",
            "Llama-3.1-8B-base",
            "qwen2.5:7b",
            "Qwen2.5-Coder-7B",
            "phi-4",
            "8b",
        ]
    )

    assert [(one.alias, one.names) for one in found] == [
        (
            "llama-3.1-8b",
            (
                "Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf",
                "llama3.1:8b",
                "meta-llama/Llama-3.1-8B-Instruct",
            ),
        )
    ]


def test_one_name_is_alike_to_nothing() -> None:
    assert alike(["m", "m"]) == []
    assert alike([]) == []
