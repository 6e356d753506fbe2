"""All kinds of engines behind one proxy, each recognised by itself."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Dialect, Profile
from proxy.dialects.registry import ENGINES
from tests.fixtures.engines.replaying import replaying
from tests.fixtures.stack import eventually, serving

KINDS = {
    "vllm": "vllm-0.32.0",
    "sglang": "sglang-0.5.23",
    "llamacpp": "llama-server-b11434",
    "ollama": "ollama-written",
    "tgi": "tgi-written",
    "trtllm": "trtllm-written",
    "lmdeploy": "lmdeploy-written",
    "mlx-lm": "mlx-lm-0.32.2",
    "omlx": "omlx-written",
    "vllm-mlx": "vllm-mlx-0.6.0",
    "lemonade": "lemonade-written",
    "dmr": "dmr-written",
    "lmstudio": "lmstudio-written",
    "litellm": "litellm-1.106.2",
    "olla": "olla-written",
    "openai": "llama-cpp-python-0.3.36",
}


async def test_sixteen_kinds_behind_one_proxy_are_all_recognised_and_ready(
    free_port: Callable[[], int],
) -> None:
    async with replaying(free_port, *KINDS.values()) as urls:
        lines = [f"  - {{name: {k}, url: '{u}'}}" for k, u in zip(KINDS, urls, strict=True)]
        async with serving("backends:\n" + "\n".join(lines) + "\n", free_port) as stack:
            backends = stack.instance.backends()
            catalog = stack.instance.catalog()

            assert {backend.name: backend.kind for backend in backends} == {k: k for k in ENGINES}
            assert not [b.name for b in backends if not catalog.targets_of(b)]
            assert {b.name: b.learned_cap for b in backends if b.learned_cap} == {
                "llamacpp": 2,
                "tgi": 128,
            }
            (ollama,) = catalog.resolve("bob/mine")
            assert ollama.native == {"ollama": "bob/mine:latest"}


async def test_sixteen_simulated_engines_are_all_recognised_whatever_their_models_are_called(
    free_port: Callable[[], int],
) -> None:
    async with AsyncExitStack() as stack:
        lines = ["backends:"]
        for dialect in Dialect:
            profile = Profile(dialect=dialect, models=(f"of-{dialect}",))
            engine = await stack.enter_async_context(running(profile))
            lines.append(f"  - {{name: {dialect}, url: '{engine.url}'}}")
        proxied = await stack.enter_async_context(serving("\n".join(lines) + "\n", free_port))
        instance = proxied.instance

        assert {b.name: b.kind for b in instance.backends()} == {k: k for k in ENGINES}
        assert {n for n in instance.catalog().names() if n.startswith("of-")} == {
            "of-ollama:latest" if dialect is Dialect.OLLAMA else f"of-{dialect}"
            for dialect in Dialect
        }


async def test_one_name_for_different_weights_is_two_models_in_order(
    free_port: Callable[[], int],
) -> None:
    async with replaying(free_port, "ollama-written", "ollama-repulled-written") as urls:
        lines = [
            f"  - {{name: {name}, url: '{url}'}}" for name, url in zip("ab", urls, strict=True)
        ]
        async with serving("backends:\n" + "\n".join(lines) + "\n", free_port) as stack:
            await eventually(lambda: bool(stack.instance.catalog().split))
            catalog = stack.instance.catalog()

            assert catalog.split == ("llama3.1:8b",)
            assert [[b.name for b in t.candidates] for t in catalog.resolve("llama3.1:8b")] == [
                ["a"],
                ["b"],
            ]
            (same,) = catalog.resolve("bob/mine:latest")
            assert {b.name for b in same.candidates} == {"a", "b"}
