"""The known model as a Hugging Face directory, for engines that read no GGUF file.

The weights are those of `tiny_model`; the tokens are its words and nothing else, so that whatever a
client says is unknown, and leads to the first word.
"""

import json
import struct
from pathlib import Path

import numpy as np

from tests.real.tiny_model import END, HEADS, SPECIAL, TEMPLATE, UNKNOWN, WIDTH, WORDS, weights

_NAMES = {
    "token_embd": "model.embed_tokens",
    "output": "lm_head",
    "output_norm": "model.norm",
    "blk.0.attn_norm": "model.layers.0.input_layernorm",
    "blk.0.attn_q": "model.layers.0.self_attn.q_proj",
    "blk.0.attn_k": "model.layers.0.self_attn.k_proj",
    "blk.0.attn_v": "model.layers.0.self_attn.v_proj",
    "blk.0.attn_output": "model.layers.0.self_attn.o_proj",
    "blk.0.ffn_norm": "model.layers.0.post_attention_layernorm",
    "blk.0.ffn_gate": "model.layers.0.mlp.gate_proj",
    "blk.0.ffn_up": "model.layers.0.mlp.up_proj",
    "blk.0.ffn_down": "model.layers.0.mlp.down_proj",
}


def build(folder: Path, *, endless: bool = False, context: int = 4096) -> Path:
    """Write the model into a new folder and return its path; see `tiny_model.build`."""
    folder.mkdir(parents=True)
    tokens = [*SPECIAL, *WORDS]
    documents: dict[str, object] = {
        "config.json": _config(len(tokens), context),
        "tokenizer.json": _tokenizer(tokens),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "chat_template": TEMPLATE,
            "unk_token": SPECIAL[UNKNOWN],
            "eos_token": SPECIAL[END],
            "clean_up_tokenization_spaces": False,
        },
    }
    for name, document in documents.items():
        (folder / name).write_text(json.dumps(document), encoding="utf-8")
    _write_tensors(folder / "model.safetensors", len(tokens), endless=endless)
    return folder


def _config(size: int, context: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": WIDTH,
        "intermediate_size": WIDTH,
        "num_hidden_layers": 1,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 1,
        "head_dim": WIDTH // HEADS,
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "max_position_embeddings": context,
        "vocab_size": size,
        "eos_token_id": END,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "mlp_bias": False,
        "torch_dtype": "float32",
    }


def _tokenizer(tokens: list[str]) -> dict[str, object]:
    """Return a tokenizer that knows whole words, and joins them with spaces."""
    special = [
        {
            "id": index,
            "content": content,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for index, content in enumerate(SPECIAL)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {token: index for index, token in enumerate(tokens)},
            "unk_token": SPECIAL[UNKNOWN],
        },
    }


def _write_tensors(path: Path, size: int, *, endless: bool) -> None:
    """Write a safetensors file: the length of a JSON header, the header, then the matrices."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = bytearray()
    for name, matrix in weights(size, len(SPECIAL), endless=endless).items():
        raw = matrix.astype("<f4").tobytes()
        stem, _, kind = name.rpartition(".")
        header[f"{_NAMES[stem]}.{kind}"] = {
            "dtype": "F32",
            "shape": list(np.shape(matrix)),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    head = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)
