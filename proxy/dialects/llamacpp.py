"""llama.cpp's own HTTP server, with one model or as a router of many."""

from collections.abc import Mapping

from proxy.dialects.base import Capacity, Engine, Listing, Probe, Reply, Sign
from proxy.dialects.models import document, owners, positive, read_list, status_reason

# Some builds answer 500 to requests that are wrong, in these words.
_CLIENT_FAULTS = (b"parse_error", b"parse error", b"is required", b"must be", b"type must")


def _claims(reply: Reply) -> bool:
    return reply.headers.get("server") == "llama.cpp" or "llamacpp" in owners(reply)


def _shows_properties(reply: Reply) -> str:
    found = document(reply)
    if reply.status != 200 or found is None:
        return "no properties"
    told = "build_info" in found or "total_slots" in found
    return "" if told and "default_generation_settings" in found else "no properties"


def _says_ok(reply: Reply) -> str:
    reason = status_reason(reply)
    if reason:
        return reason
    found = document(reply)
    if found is not None and found.get("status") == "ok":
        return ""
    return "health says something other than ok"


def _context(item: Mapping[str, object]) -> int | None:
    meta = item.get("meta")
    return positive(meta.get("n_ctx")) if isinstance(meta, dict) else None


def _read_models(reply: Reply) -> Listing:
    return read_list(reply, _context)


def _read_slots(reply: Reply) -> int | None:
    found = document(reply)
    # A router shares its slots among models it has not loaded yet: it tells no number.
    if reply.status != 200 or found is None:
        return None
    return positive(found.get("total_slots"))


def _client_fault(status: int, body: bytes) -> bool:
    return status == 500 and any(words in body for words in _CLIENT_FAULTS)


LLAMACPP = Engine(
    name="llamacpp",
    title="llama.cpp",
    ports=(8080,),
    ready=(Probe(path="/health", judge=_says_ok),),
    operations=frozenset(
        {
            "/v1/chat/completions",
            "/v1/chat/completions/input_tokens",
            "/v1/completions",
            "/v1/responses",
            "/v1/responses/input_tokens",
            "/v1/messages",
            "/v1/messages/count_tokens",
            "/v1/embeddings",
            "/v1/rerank",
            "/rerank",
            "/v1/audio/transcriptions",
            "/tokenize",
            "/detokenize",
        }
    ),
    read_models=_read_models,
    capacity=Capacity(path="/props", read=_read_slots),
    max_requests=90,  # it closes a connection after the hundredth
    client_fault=_client_fault,
    sign=Sign(claims=_claims, confirm=Probe(path="/props", judge=_shows_properties)),
)
