"""What each setting does, from the file to the wire: where to listen, whom to ask and how."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.process import proxy_process
from tests.fixtures.stack import MODEL, Stack, backends, eventually, serving

Port = Callable[[], int]


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Engine, Engine]]:
    """Two engines with the same model."""
    async with running(Profile(name="one")) as one, running(Profile(name="two")) as two:
        yield one, two


async def served_by(stack: Stack, **body: object) -> str:
    async with stack.ask(**body) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-headrace-backend"]


async def hold(stack: Stack, calls: AsyncExitStack, count: int) -> None:
    """Send requests to engines that hang, and leave them open."""
    for _ in range(count):
        waiting = asyncio.ensure_future(stack.ask().__aenter__())
        calls.callback(waiting.cancel)


@pytest.mark.setting("listen", "admin", "backends[].url", "backends[].name")
async def test_it_listens_where_told_and_serves_from_the_backend_named(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    client, admin = free_port(), free_port()
    document = f"listen: 127.0.0.1:{client}\nadmin: 127.0.0.1:{admin}\n{backends(pair[1])}"

    async with serving(document, free_port) as stack, aiohttp.ClientSession() as other:
        assert await served_by(stack) == "a"
        async with other.get(f"http://127.0.0.1:{client}/v1/models") as answer:
            assert MODEL in await answer.text()
        async with other.get(f"http://127.0.0.1:{admin}/healthz") as answer:
            assert answer.status == 200

    assert (len(pair[0].requests), len(pair[1].requests)) == (0, 1)


@pytest.mark.setting("workers")
@pytest.mark.slow
async def test_several_workers_serve_on_one_port(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    urls = [engine.url for engine in pair]
    async with (
        proxy_process(urls, free_port, "workers: 2\n") as proxy,
        aiohttp.ClientSession() as client,
    ):
        async with client.get(f"{proxy.admin}/status") as answer:
            rows = (await answer.json())["workers"]
        async with client.get(f"{proxy.url}/v1/models") as answer:
            assert MODEL in await answer.text()

    assert [row["worker"] for row in rows] == [0, 1]


@pytest.mark.setting("backends[].type")
@pytest.mark.parametrize(("given", "kind"), [("auto", "vllm"), ("openai", "openai")])
async def test_the_type_is_found_out_unless_it_is_given(
    pair: tuple[Engine, Engine], free_port: Port, given: str, kind: str
) -> None:
    async with serving(backends(pair[0], type=given), free_port) as stack:
        assert await served_by(stack) == "a"
        assert [backend.kind for backend in stack.instance.backends()] == [kind]


@pytest.mark.setting("backends[].weight")
async def test_work_is_shared_by_weight(pair: tuple[Engine, Engine], free_port: Port) -> None:
    document = backends(*pair).replace("name: a", "name: a\n    weight: 3")

    async with serving(document, free_port) as stack, AsyncExitStack() as calls:
        for engine in pair:
            engine.faults.set(Fault(kind=Kind.HANG))
        for sent in range(1, 9):
            await hold(stack, calls, 1)
            await eventually(lambda n=sent: sum(len(e.requests) for e in pair) == n)  # type: ignore[misc]

        assert [len(engine.requests) for engine in pair] == [6, 2]


@pytest.mark.setting("backends[].priority")
async def test_the_lower_tier_is_used_first(pair: tuple[Engine, Engine], free_port: Port) -> None:
    document = backends(*pair).replace("name: a", "name: a\n    priority: 1")

    async with serving(document, free_port) as stack:
        assert {await served_by(stack) for _ in range(6)} == {"b"}
        pair[1].faults.set(Fault(kind=Kind.DOWN))
        assert await served_by(stack) == "a"


@pytest.mark.setting("backends[].max_in_flight")
async def test_a_backend_gets_no_more_at_once_than_its_cap(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with (
        serving(backends(pair[0], max_in_flight=2), free_port) as stack,
        AsyncExitStack() as calls,
    ):
        pair[0].faults.set(Fault(kind=Kind.HANG))
        await hold(stack, calls, 3)
        await eventually(lambda: sum(stack.instance.queues().values()) == 1)
        await eventually(lambda: len(pair[0].requests) == 2)


@pytest.mark.setting("backends[].api_key")
async def test_the_engine_gets_its_own_key_and_not_the_clients(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(backends(pair[0], api_key="sk-engine"), free_port) as stack:
        stack.client.headers["Authorization"] = "Bearer sk-client"
        await served_by(stack)

    assert pair[0].requests[0].header(b"authorization") == b"Bearer sk-engine"


@pytest.mark.setting("backends[].api_key_file")
async def test_the_key_may_stand_in_a_file(
    pair: tuple[Engine, Engine], free_port: Port, tmp_path: Path
) -> None:
    key = tmp_path / "engine.key"
    key.write_text("sk-filed\n")

    async with serving(backends(pair[0], api_key_file=key), free_port) as stack:
        await served_by(stack)

    assert pair[0].requests[0].header(b"authorization") == b"Bearer sk-filed"


@pytest.mark.setting("models.aliases")
async def test_an_alias_stands_for_the_first_model_that_is_served(free_port: Port) -> None:
    profile = Profile(models=("llama",), keep_bodies=True)
    aliases = "models: {aliases: {small: [missing, llama]}}\n"

    async with running(profile) as engine, serving(backends(engine) + aliases, free_port) as stack:
        await served_by(stack, model="small")

        assert msgspec.json.decode(engine.requests[0].body)["model"] == "llama"


@pytest.mark.setting("balance.policy")
@pytest.mark.parametrize(
    ("policy", "shares"), [("round-robin", {"a": 4, "b": 4}), ("least-connections", {"a": 8})]
)
async def test_the_policy_decides_who_is_next(
    pair: tuple[Engine, Engine], free_port: Port, policy: str, shares: dict[str, int]
) -> None:
    document = backends(*pair) + f"balance: {{policy: {policy}}}\n"

    async with serving(document, free_port) as stack, AsyncExitStack() as calls:
        if policy == "least-connections":
            pair[1].faults.set(Fault(kind=Kind.HANG))
            while not pair[1].requests:
                await hold(stack, calls, 1)
                await asyncio.sleep(0.02)
            one, _ = stack.instance.backends()
            await eventually(lambda: one.in_flight == 0)  # what was answered there has ended
        assert Counter([await served_by(stack) for _ in range(8)]) == shares


@pytest.mark.setting("balance.session_bound")
@pytest.mark.parametrize(("bound", "homes"), [("1.25", 1), ("null", 2)])
async def test_a_session_stays_at_one_backend_unless_that_is_switched_off(
    pair: tuple[Engine, Engine], free_port: Port, bound: str, homes: int
) -> None:
    document = backends(*pair) + f"balance: {{policy: round-robin, session_bound: {bound}}}\n"

    async with serving(document, free_port) as stack:
        stack.client.headers["x-headrace-session"] = "talk-1"

        assert len({await served_by(stack) for _ in range(6)}) == homes


@pytest.mark.setting("balance.sessions")
@pytest.mark.parametrize(("sessions", "homes"), [("named", 2), ("conversations", 1)])
async def test_a_chat_that_goes_on_is_known_by_how_it_began(
    pair: tuple[Engine, Engine], free_port: Port, sessions: str, homes: int
) -> None:
    document = backends(*pair) + f"balance: {{policy: round-robin, sessions: {sessions}}}\n"
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]

    async with serving(document, free_port) as stack:
        seen = set()
        for number in range(4):
            async with stack.ask(messages=turns) as answer:
                assert answer.status == 200
                seen.add(answer.headers["x-headrace-backend"])
            turns += [
                {"role": "assistant", "content": "Hi."},
                {"role": "user", "content": f"And {number}?"},
            ]

    assert len(seen) == homes


@pytest.mark.setting("log.access")
@pytest.mark.parametrize(("access", "lines"), [("true", 1), ("false", 0)])
async def test_access_lines_can_be_switched_off(
    pair: tuple[Engine, Engine], free_port: Port, access: str, lines: int
) -> None:
    document = backends(pair[0]) + f"log: {{access: {access}}}\n"

    async with serving(document, free_port) as stack:
        await served_by(stack)
        await stack.stop()
        await eventually(lambda: len(stack.access_lines()) == lines)
