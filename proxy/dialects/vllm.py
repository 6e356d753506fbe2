"""vLLM, with either of its HTTP frontends."""

from proxy.dialects.base import Engine, Probe, Reply, Sign
from proxy.dialects.models import document, owners, read_list, status_reason


def _claims(reply: Reply) -> bool:
    return "vllm" in owners(reply)


def _tells_version(reply: Reply) -> str:
    found = document(reply)
    if reply.status == 200 and found is not None and isinstance(found.get("version"), str):
        return ""
    return "no version"


VLLM = Engine(
    name="vllm",
    title="vLLM",
    ports=(8000,),
    # The port opens when the engine is up; the 200 is empty, 503 means that the engine has died.
    ready=(Probe(path="/health", judge=status_reason),),
    operations=frozenset(
        {
            "/v1/chat/completions",
            "/v1/completions",
            "/v1/responses",
            "/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/embeddings",
            "/v1/rerank",
            "/v2/rerank",
            "/rerank",
            "/v1/score",
            "/score",
            "/classify",
            "/pooling",
            "/v1/audio/transcriptions",
            "/v1/audio/translations",
            "/tokenize",
            "/detokenize",
        }
    ),
    read_models=read_list,
    # With these a client would pick its own rank or place in the engine's queue.
    dropped_headers=frozenset({b"x-data-parallel-rank", b"x-vllm-priority"}),
    sign=Sign(claims=_claims, confirm=Probe(path="/version", judge=_tells_version)),
)
