"""Ollama's `options` -> sampling fields of an OpenAI request, and what of them is about loading."""

from typing import Any, Final

from proxy.dialects.translate.base import Uncarried
from proxy.dialects.translate.reading import Known, given


class Options(Known):
    """All options of a Modelfile or a request.

    Those in the second half say how Ollama is to load a model. An engine that has loaded it has
    decided them, so they have no meaning: clients send `num_ctx` with every request.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    stop: list[str] | str | None = None
    num_predict: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repeat_penalty: float | None = None
    repeat_last_n: int | None = None
    typical_p: float | None = None
    tfs_z: float | None = None
    mirostat: int | None = None
    mirostat_tau: float | None = None
    mirostat_eta: float | None = None
    penalize_newline: bool | None = None
    num_keep: Any = None
    num_ctx: Any = None
    num_batch: Any = None
    num_gpu: Any = None
    main_gpu: Any = None
    num_thread: Any = None
    numa: Any = None
    low_vram: Any = None
    f16_kv: Any = None
    logits_all: Any = None
    vocab_only: Any = None
    use_mmap: Any = None
    use_mlock: Any = None
    embedding_only: Any = None


# Samplers most engines lack, and the values with which they do nothing.
_NEUTRAL: Final = {"typical_p": (0.0, 1.0), "tfs_z": (0.0, 1.0), "mirostat": (0,)}


def sampling(options: Options) -> dict[str, Any]:
    """Return the fields the options become. Raises `Uncarried` for samplers engines lack."""
    for name, neutral in _NEUTRAL.items():
        value = getattr(options, name)
        if value is not None and value not in neutral:
            raise Uncarried(
                f"`options.{name}` cannot be carried: engines behind the OpenAI API have no such "
                "sampler; leave it out, or use `temperature`, `top_p`, `top_k` and `min_p`.",
                f"options.{name}",
            )
    limit = options.num_predict
    penalty = options.repeat_penalty if options.repeat_penalty not in (None, 1.0) else None
    return given(
        max_tokens=limit if limit is not None and limit >= 0 else None,  # -1, -2: no limit
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k or None,  # 0: all tokens
        min_p=options.min_p,
        seed=options.seed,
        stop=options.stop or None,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
        repetition_penalty=penalty,  # vLLM, SGLang, mlx-lm, LMDeploy
        repeat_penalty=penalty,  # llama.cpp
        repeat_last_n=options.repeat_last_n,
    )
