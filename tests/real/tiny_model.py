"""A model whose every token is known: one sentence, word by word, then the end.

Nothing is trained. The layer adds nothing to what flows through it (the matrices that write back
into the stream are zero), so what reaches the output is the embedding of the last token alone, and
the output row of each word is the embedding of the word before it: a Markov chain with one way to
go. Sampling cannot change it, the order and the number of the streamed tokens can be asserted, and
a real engine runs it at thousands of tokens a second.

`python -m tests.real.tiny_model FILE` writes it.
"""

import sys
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

SENTENCE = (
    "Cold water from a high lake runs down this narrow channel, meets steel blades, turns heavy "
    "wheels, lights distant towns, then rests below until rain, snow and patient rivers carry it "
    "back again towards the summit."
)
WORDS = SENTENCE.split()
"""One word is one token; all are distinct."""

TEMPLATE = (
    "{%- for message in messages -%}<|turn|>{{ message['content'] }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|answer|>{%- endif -%}"
)
CALLS = (
    "<tool_call>",
    '\n{"name": "weather", ',
    '"arguments": {"place": ',
    '"Rome"}}',
    "\n</tool_call>",
    "\n<tool_call>",
    '\n{"name": "time", ',
    '"arguments": {"zone": ',
    '"UTC"}}\n',
    "</tool_call>",
)
"""What a model says that calls two tools at once, whatever it is asked."""

_CALLING = (
    "{%- if tools -%}<|turn|>Tools: {%- for tool in tools -%}{{ tool | tojson }}{%- endfor -%}"
    "Call them as <tool_call>\n"
    '{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>{%- endif -%}'
    "{%- for message in messages -%}<|turn|>"
    "{%- if message['content'] -%}{{ message['content'] }}{%- endif -%}"
    "{%- if message['tool_calls'] -%}{%- for call in message['tool_calls'] -%}"
    "{{ '\n<tool_call>\n{\"name\": \"' + call['function']['name'] + '\", \"arguments\": ' }}"
    "{{ call['function']['arguments'] | tojson }}{{ '}\n</tool_call>' }}"
    "{%- endfor -%}{%- endif -%}{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|answer|>{%- endif -%}"
)
SPECIAL = ("<unk>", "<s>", "</s>", "<|turn|>", "<|answer|>")
UNKNOWN, BEGIN, END = 0, 1, 2
WIDTH, HEADS, _SURE = 64, 2, 4.0

Matrix = NDArray[np.float32]


def build(path: Path, *, endless: bool = False, calling: bool = False, context: int = 4096) -> Path:
    """Write the model as GGUF and return its path.

    `endless` lets the last word be followed by the first, so that only `max_tokens` ends an answer.
    `calling` makes one that calls two tools instead of speaking. `context` is the trained context
    length the file claims.
    """
    tokens = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256))]
    first = len(tokens)
    # The sign U+2581 stands for the space before a word.
    if calling:
        tokens += [piece.replace(" ", "\u2581") for piece in CALLS]
    else:
        tokens += [WORDS[0], *(f"\u2581{word}" for word in WORDS[1:])]

    writer = gguf.GGUFWriter(path, "llama")
    _describe(writer, context)
    _speak(writer, tokens, first, _CALLING if calling else TEMPLATE)
    for name, matrix in weights(len(tokens), first, endless=endless).items():
        writer.add_tensor(name, matrix)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, context: int) -> None:
    writer.add_name("one sentence")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _speak(writer: gguf.GGUFWriter, tokens: list[str], first: int, template: str) -> None:
    kinds = [
        gguf.TokenType.CONTROL
        if index < len(SPECIAL)
        else gguf.TokenType.BYTE
        if index < first
        else gguf.TokenType.NORMAL
        for index in range(len(tokens))
    ]
    kinds[UNKNOWN] = gguf.TokenType.UNKNOWN
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(UNKNOWN)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(value=True)
    writer.add_add_space_prefix(value=False)
    writer.add_chat_template(template)


def weights(size: int, first: int, *, endless: bool) -> dict[str, Matrix]:
    """Return the matrices by GGUF's names; the words are the tokens from `first` to `size`."""
    dice = np.random.default_rng(36)

    def noise(rows: int, columns: int) -> Matrix:
        return (dice.standard_normal((rows, columns)) * 0.02).astype(np.float32)

    embedding = dice.standard_normal((size, WIDTH))
    # Whatever is no word shares one direction, and that direction leads to the first word.
    start = dice.standard_normal(WIDTH) * 4
    embedding[:first] += start
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    output = np.zeros((size, WIDTH))
    output[first] += _SURE * start / np.linalg.norm(start)
    for word in range(first, size - 1):
        output[word + 1] += _SURE * embedding[word]
    output[first if endless else END] += _SURE * embedding[size - 1]

    one = np.ones(WIDTH, np.float32)
    half = WIDTH // HEADS
    return {
        "token_embd.weight": embedding.astype(np.float32),
        "output.weight": output.astype(np.float32),
        "output_norm.weight": one,
        "blk.0.attn_norm.weight": one,
        "blk.0.attn_q.weight": noise(WIDTH, WIDTH),
        "blk.0.attn_k.weight": noise(half, WIDTH),
        "blk.0.attn_v.weight": noise(half, WIDTH),
        "blk.0.attn_output.weight": np.zeros((WIDTH, WIDTH), np.float32),
        "blk.0.ffn_norm.weight": one,
        "blk.0.ffn_gate.weight": noise(WIDTH, WIDTH),
        "blk.0.ffn_up.weight": noise(WIDTH, WIDTH),
        "blk.0.ffn_down.weight": np.zeros((WIDTH, WIDTH), np.float32),
    }


if __name__ == "__main__":
    build(Path(sys.argv[1]), endless="--endless" in sys.argv)
