"""The requests every arm is given, as bytes: a common SDK's head, prompts of a stated size."""

import orjson

MODEL = "llama-3.1-8b"  # what every simulated engine of a run serves
FILLER = "the water runs down the headrace and the turbine turns and the light stays on and "


def prompt(size: int) -> str:
    """Return an ASCII prompt of exactly `size` characters."""
    return (FILLER * (size // len(FILLER) + 1))[:size]


def chat(
    port: int,
    text: str,
    *,
    model: str = MODEL,
    tokens: int,
    stream: bool = False,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Return a whole chat completion request, head and body.

    `port` is where it will be sent, for the Host field; `headers` stand behind the usual ones.
    """
    document: dict[str, object] = {
        "messages": [{"role": "user", "content": text}],
        "model": model,
        "max_tokens": tokens,
    }
    if stream:
        document["stream"] = True
    body = orjson.dumps(document)
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "bench/1.0",
        "Authorization": "Bearer sk-bench-0123456789abcdef",
        "Content-Length": str(len(body)),
    } | (headers or {})
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body
