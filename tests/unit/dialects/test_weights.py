"""What counts as a proof of the weights, on names as they occur."""

import pytest

from proxy.dialects.profile import Weights
from proxy.dialects.weights import digest, file, proof, repository

HEX = "46e0c10c039e019119339687c3c1757cc81b9da49709a3b3924863ba87ca666e"


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", "hf:meta-llama/llama-3.1-8b-instruct"),
        ("hf.co/Qwen/Qwen2.5-7B", "hf:qwen/qwen2.5-7b"),
        ("huggingface.co/Qwen/Qwen2.5-7B", "hf:qwen/qwen2.5-7b"),
        ("/models/llama", ""),
        ("models/llama", ""),  # a folder: nobody publishes as "models"
        ("./llama/8b", ""),
        ("llama", ""),
        ("a/b/c", ""),
        ("", ""),
    ],
)
def test_a_repository_is_a_proof_and_a_path_is_none(said: str, proven: str) -> None:
    assert repository(said) == proven


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        ("unsloth/Qwen3-8B-GGUF:Q4_K_M", "hf:unsloth/qwen3-8b-gguf:q4_k_m"),
        ("hf.co/unsloth/Qwen3-8B-GGUF:q4_k_m", "hf:unsloth/qwen3-8b-gguf:q4_k_m"),
        ("bartowski/x-GGUF:IQ2_XXS", "hf:bartowski/x-gguf:iq2_xxs"),
        ("bob/mine:latest", ""),
        ("llama3.1:8b", ""),
        ("unsloth/Qwen3-8B-GGUF", ""),
    ],
)
def test_a_file_is_a_repository_with_a_quantisation(said: str, proven: str) -> None:
    assert file(said) == proven


@pytest.mark.parametrize(
    ("said", "proven"),
    [
        (HEX, f"sha256:{HEX}"),
        (f"sha256:{HEX.upper()}", f"sha256:{HEX}"),
        ("sha256:sglang0000000000000000000000000000000000000000000000000000000000", ""),
        ("0" * 64, ""),
        (HEX[:12], ""),
        ("", ""),
    ],
)
def test_a_hash_is_a_proof_and_a_constant_in_its_place_is_none(said: str, proven: str) -> None:
    assert digest(said) == proven


def test_each_kind_has_its_reader_and_what_is_no_text_proves_nothing() -> None:
    assert proof(Weights.HF, "a/b") == "hf:a/b"
    assert proof(Weights.GGUF, "a/b:q8_0") == "hf:a/b:q8_0"
    assert proof(Weights.DIGEST, HEX) == f"sha256:{HEX}"
    assert proof(Weights.HF, None) == ""
    assert proof(Weights.DIGEST, 5) == ""
