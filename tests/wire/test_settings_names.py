"""What the settings about kinds and names do, from the file to the wire."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Dialect, Profile
from tests.fixtures.stack import Stack, backends, eventually, serving

Port = Callable[[], int]
MINE = """\
profile: mine
schema: 1
title: Mine
ready: {probes: [{get: /v1/models}]}
operations: {/v1/chat/completions: {}}
headers: {drop: [x-colour]}
"""


async def listed(stack: Stack) -> list[str]:
    async with stack.client.get("/v1/models") as answer:
        found = msgspec.json.decode(await answer.read(), type=dict[str, object])
    return [model["id"] for model in msgspec.convert(found["data"], list[dict[str, object]])]  # type: ignore[misc]


@pytest.mark.setting("profiles")
async def test_a_profile_of_ones_own_decides_what_its_engine_is_sent(
    free_port: Port, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    profile = Profile(models=("llama",))

    async with running(profile) as engine:
        document = f"profiles: {tmp_path}\n" + backends(engine, type="mine")
        async with serving(document, free_port) as stack:
            stack.client.headers.update({"x-colour": "red", "x-shape": "round"})
            async with stack.ask(model="llama") as answer:
                assert answer.status == 200
            async with stack.client.post("/v1/embeddings", json={"model": "llama"}) as answer:
                assert answer.status >= 400

        (asked,) = engine.requests
    assert asked.header(b"x-shape") == b"round"
    assert asked.header(b"x-colour") is None


@pytest.mark.setting("backends[].models.include", "backends[].models.exclude")
async def test_only_models_that_are_wanted_are_served(free_port: Port) -> None:
    profile = Profile(models=("llama-8b", "llama-8b-draft", "qwen"))

    async with running(profile) as engine:
        document = backends(engine) + (
            '    models: {include: ["llama*", "gpt*"], exclude: ["*-draft"]}\n'
        )
        async with serving(document, free_port) as stack:
            assert await listed(stack) == ["llama-8b"]
            async with stack.ask(model="qwen") as answer:
                assert answer.status == 404
            async with stack.ask(model="llama-8b") as answer:
                assert answer.status == 200


@pytest.mark.setting("models.unify")
@pytest.mark.parametrize(("unify", "status"), [("proof", 200), ("names", 404)])
async def test_a_proof_joins_two_names_unless_only_names_count(
    free_port: Port, unify: str, status: int
) -> None:
    one = Profile(dialect=Dialect.LLAMACPP, models=("org/Qwen-GGUF:Q4_K_M",), keep_bodies=True)
    other = msgspec.structs.replace(one, models=("org/qwen-gguf:q4_k_m",))

    async with running(one) as first, running(other) as second:
        document = backends(first, second) + f"models: {{unify: {unify}}}\n"
        async with serving(document, free_port) as stack:
            await eventually(lambda: len(stack.instance.catalog().names()) == 2)
            stack.client.headers["x-headrace-backend"] = "b"
            async with stack.ask(model=one.models[0]) as answer:
                assert answer.status == status, await answer.text()

        for asked in second.requests:
            assert msgspec.json.decode(asked.body)["model"] == other.models[0]
