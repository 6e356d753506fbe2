"""Answers of the embedding APIs: vectors that the text alone decides."""

from collections.abc import Sequence

import msgspec

from benchmarks.fake.looks.look import Api
from benchmarks.fake.words import count_tokens, embedding


def embeddings(
    api: Api, request_id: str, model: str, texts: Sequence[str], dimensions: int
) -> bytes:
    """Return the JSON body that this API answers."""
    vectors = [embedding(text, dimensions) for text in texts]
    tokens = sum(map(count_tokens, texts))
    match api:
        case Api.OLLAMA_EMBEDDINGS:
            return msgspec.json.encode({"embedding": vectors[0]})
        case Api.OLLAMA_EMBED:
            body: dict[str, object] = {"model": model, "embeddings": vectors}
            times = {"total_duration": 0, "load_duration": 0, "prompt_eval_count": tokens}
            return msgspec.json.encode(body | times)
        case _:
            data = [
                {"index": index, "object": "embedding", "embedding": vector}
                for index, vector in enumerate(vectors)
            ]
            usage = {"prompt_tokens": tokens, "total_tokens": tokens}
            head = {"id": f"embd-{request_id}", "object": "list", "model": model}
            return msgspec.json.encode({**head, "data": data, "usage": usage})
