"""Words of sampled requests as a collector receives them: of the models named, and of no others."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Dialect, Profile
from benchmarks.fake.words import answer_text
from proxy.telemetry import otlp
from tests.fixtures.collector import Collector, Seen, collecting
from tests.fixtures.keyed import clients
from tests.fixtures.stack import MODEL, Stack, backends, serving

# Loading it reads files, which no test of a running loop may do.
LOADED = otlp
Port = Callable[[], int]
PROMPT = "what nobody else should read"
TOKENS = 5
OTHER = "other-model"
MESSAGES = [{"role": "user", "content": PROMPT}]
ASKED: Mapping[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": TOKENS},
    "/v1/completions": {"prompt": PROMPT, "max_tokens": TOKENS},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": TOKENS},
    "/api/chat": {"messages": MESSAGES, "options": {"num_predict": TOKENS}},
    "/api/generate": {"prompt": PROMPT, "options": {"num_predict": TOKENS}},
}
INPUT, OUTPUT = "gen_ai.input.messages", "gen_ai.output.messages"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@asynccontextmanager
async def recording(
    collector: Collector, port: Port, content: object, **profile: Any
) -> AsyncIterator[Stack]:
    """Serve two models of an engine; all requests are traced."""
    async with (
        running(Profile(models=(MODEL, OTHER), **profile)) as engine,
        serving(document(engine, collector, content), port) as stack,
    ):
        yield stack


def document(engine: Engine, collector: Collector, content: object) -> str:
    section = {"endpoint": collector.endpoint, "ratio": 1.0, "content": content}
    return backends(engine) + f"tracing: {msgspec.json.encode(section).decode()}\n"


async def ask(
    stack: Stack, path: str = "/v1/chat/completions", headers: Any = None, **more: object
) -> None:
    body = {"model": MODEL, **ASKED[path], **more}
    async with stack.client.post(path, json=body, headers=headers) as answer:
        assert answer.status == 200
        await answer.read()


def told(collector: Collector) -> list[Seen]:
    """Return the requests' own spans."""
    return [span for span in collector.spans if span.name.startswith("POST ")]


def texts(span: Seen, name: str) -> list[str]:
    """Return the text of each message."""
    messages = msgspec.json.decode(span.attributes[name])
    return ["".join(part["content"] for part in one["parts"]) for one in messages]


@pytest.mark.parametrize("kind", [Dialect.VLLM, Dialect.TGI, Dialect.OLLAMA])
async def test_the_words_of_every_dialect_are_told_whole_and_streamed(
    collector: Collector, free_port: Port, kind: Dialect
) -> None:
    said = answer_text(PROMPT, TOKENS)
    asked = [(path, stream) for path in ASKED for stream in (True, False)]
    async with recording(collector, free_port, {"*": {}}, dialect=kind) as stack:
        for path, stream in asked:
            await ask(stack, path, stream=stream)

    for (path, _), span in zip(asked, told(collector), strict=True):
        assert span.name == f"POST {path}"
        assert texts(span, INPUT) == [PROMPT], path
        assert texts(span, OUTPUT) == [said], path
        (message,) = msgspec.json.decode(span.attributes[OUTPUT])
        assert (message["role"], message["finish_reason"]) == ("assistant", "length")
        assert not any(name.startswith("headrace.content") for name in span.attributes)


async def test_other_models_and_other_spans_have_none(
    collector: Collector, free_port: Port
) -> None:
    async with recording(collector, free_port, {"oth*": {}}) as stack:
        await ask(stack, model=OTHER)
        await ask(stack)

    named, other = told(collector)
    assert texts(named, INPUT) == [PROMPT]
    rest = [span for span in collector.spans if span is not named]
    assert not any("messages" in name for span in rest for name in span.attributes)
    assert PROMPT not in str([other, *rest])


@pytest.mark.setting("tracing.content.*.limit")
async def test_what_is_over_the_limit_is_cut_and_marked(
    collector: Collector, free_port: Port
) -> None:
    messages = [{"role": "user", "content": "x" * 2000}, {"role": "user", "content": "the last"}]
    async with recording(
        collector, free_port, {"*": {"limit": "1KiB"}}, output_tokens=500
    ) as stack:
        await ask(stack, messages=messages, max_tokens=500, stream=True)

    (span,) = told(collector)
    first, last = texts(span, INPUT)
    assert last == "the last"
    assert first.startswith("xxx")
    assert first.endswith("…[cut]")
    (answer,) = texts(span, OUTPUT)
    assert answer.endswith("…[cut]")
    assert len(answer) < 1024 < len(answer_text("x" * 2000 + "\nthe last", 500))
    assert span.attributes["headrace.content.input_cut"] is True
    assert span.attributes["headrace.content.output_cut"] is True


@pytest.mark.setting("tracing.content.*.keys")
async def test_only_requests_with_the_keys_named_are_told(
    collector: Collector, free_port: Port
) -> None:
    content = {"*": {"keys": ["team"]}}
    async with running(Profile(models=(MODEL,))) as engine:
        settings = document(engine, collector, content) + clients(team="", other="")
        async with serving(settings, free_port) as stack:
            for name in ("team", "other"):
                await ask(stack, headers={"authorization": f"Bearer {name.upper()}"})

    own, other = told(collector)
    assert texts(own, INPUT) == [PROMPT]
    assert INPUT not in other.attributes
    assert OUTPUT not in other.attributes


async def test_it_is_switched_on_and_off_without_a_restart(
    collector: Collector, free_port: Port
) -> None:
    async with (
        running(Profile(models=(MODEL,))) as engine,
        serving(document(engine, collector, {}), free_port) as stack,
    ):
        await ask(stack)
        on = await stack.reload(document(engine, collector, {MODEL: {}}))
        await ask(stack)
        off = await stack.reload(document(engine, collector, {}))
        await ask(stack)

    assert not any(change.restart for change in (*on.changes, *off.changes))
    assert [INPUT in span.attributes for span in told(collector)] == [False, True, False]
