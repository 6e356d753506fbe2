"""Other settings while requests run: nothing under way is touched, everything new follows."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aiohttp
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from proxy.telemetry.reloads import Result
from tests.fixtures.stack import Stack, backends, eventually, serving
from tests.fixtures.wire import Wire, chat, port_of, post

Port = Callable[[], int]
DONE = b"data: [DONE]\n\n"


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Engine, Engine]]:
    """Two engines with the same model; answers take their time."""
    profile = Profile(pace=0.01)
    async with running(profile) as one, running(profile) as two:
        yield one, two


async def served_by(stack: Stack, **body: object) -> str:
    async with stack.ask(max_tokens=1, **body) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["x-headrace-backend"]


async def begun(stack: Stack, tokens: int = 40) -> Wire:
    """Return a connection on which a stream has begun."""
    wire = await Wire.open(port_of(stack))
    wire.send(post(chat(tokens, stream=True, ignore_eos=True)))
    return wire


def named(name: str, engine: Engine, more: str = "") -> str:
    return f"backends: [{{name: {name}, url: '{engine.url}'{more}}}]\n"


async def test_a_stream_survives_the_removal_of_its_backend(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(named("a", pair[0]), free_port) as stack:
        wire = await begun(stack)
        head = await wire.head()

        outcome = await stack.reload(named("b", pair[1]))

        assert outcome.result is Result.APPLIED
        assert {await served_by(stack) for _ in range(5)} == {"b"}
        (leaving,) = stack.instance.leaving()
        assert (leaving.name, leaving.in_flight) == ("a", 1)
        await wire._body(head)
        assert head.body.endswith(DONE)
        assert len(pair[0].requests) == 1
        await eventually(lambda: not stack.instance.leaving())
        wire.close()


async def test_a_backend_that_replaces_the_only_one_leaves_no_gap(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(named("a", pair[0]), free_port) as stack:
        await stack.rewrite(named("b", pair[1]))
        reading = asyncio.get_running_loop().create_task(stack.instance.reload("test"))
        seen = []
        while not reading.done():
            seen.append(await served_by(stack))
        seen.append(await served_by(stack))

        assert (seen[0], seen[-1]) == ("a", "b")
        assert set(seen) == {"a", "b"}


async def test_a_call_that_waits_goes_to_a_backend_that_came(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    one = backends(pair[0], max_in_flight=1)
    async with serving(one, free_port) as stack, AsyncExitStack() as calls:
        pair[0].faults.set(Fault(kind=Kind.HANG))
        loop = asyncio.get_running_loop()
        hanging = loop.create_task(served_by(stack))
        calls.callback(hanging.cancel)
        await eventually(lambda: len(pair[0].requests) == 1)
        waiting = loop.create_task(served_by(stack))
        await eventually(lambda: sum(stack.instance.queues().values()) == 1)

        await stack.reload(backends(*pair, max_in_flight=1))

        assert await waiting == "b"


async def test_a_new_key_is_sent_from_the_next_request_on(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(named("a", pair[0], ", api_key: sk-1"), free_port) as stack:
        wire = await begun(stack)
        head = await wire.head()

        outcome = await stack.reload(named("a", pair[0], ", api_key: sk-2"))
        await served_by(stack)

        assert [str(one) for one in outcome.changes] == ["backends[a].api_key: changed"]
        sent = [request.header(b"authorization") for request in pair[0].requests]
        assert sent == [b"Bearer sk-1", b"Bearer sk-2"]
        await wire._body(head)
        assert head.body.endswith(DONE)
        wire.close()


async def test_a_lower_cap_a_new_tier_and_other_names_hold_at_once(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(backends(*pair), free_port) as stack:
        first, second = stack.instance.backends()
        more = "models: {aliases: {gpt: simulated-model}}\nbalance: {policy: round-robin}\n"
        document = backends(*pair, max_in_flight=3).replace("name: a", "name: a\n    priority: 1")

        await stack.reload(document + more)

        assert stack.instance.backends() == (first, second)
        assert (first.priority, first.cap, second.cap) == (1, 3, 3)
        assert {await served_by(stack, model="gpt") for _ in range(4)} == {"b"}


async def test_another_type_is_taken_for_true(pair: tuple[Engine, Engine], free_port: Port) -> None:
    async with serving(backends(pair[0]), free_port) as stack:
        (backend,) = stack.instance.backends()
        assert backend.kind == "vllm"

        await stack.reload(backends(pair[0], type="openai"))
        assert backend.kind == "openai"
        await served_by(stack)

        await stack.reload(backends(pair[0]))
        await eventually(lambda: backend.kind == "vllm")


async def test_limits_and_timeouts_are_those_of_the_file(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(backends(pair[0]), free_port) as stack:
        await served_by(stack)

        await stack.reload(backends(pair[0]) + "limits: {body: 1KiB}\n")
        async with stack.ask(user="x" * 2000) as answer:
            assert answer.status == 413

        await stack.reload(backends(pair[0]) + "limits: {body: 2MiB}\n")
        async with stack.ask(user="x" * 1_000_000, max_tokens=1) as answer:
            assert answer.status == 200

        await stack.reload(backends(pair[0]) + "timeouts: {first_token: 50ms}\n")
        pair[0].faults.set(Fault(kind=Kind.HANG))
        async with stack.ask() as answer:
            assert answer.status == 504


async def test_a_broken_file_changes_nothing(pair: tuple[Engine, Engine], free_port: Port) -> None:
    async with serving(backends(*pair), free_port) as stack:
        before = stack.instance.settings

        outcome = await stack.reload("backends: [{url: 'ftp://x'}]\nlimits: {queue: x}\n")

        assert outcome.result is Result.FAILED
        assert len(outcome.problems) == 2
        assert stack.instance.settings is before
        assert not stack.instance.reloads.valid
        assert await served_by(stack) in {"a", "b"}


async def test_the_file_is_watched_and_half_a_file_is_not_read(
    pair: tuple[Engine, Engine], free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.boot.reload.INTERVAL", 0.02)
    async with serving(backends(pair[0]), free_port) as stack:
        await asyncio.sleep(0.05)
        await stack.rewrite(backends(*pair))
        await eventually(lambda: len(stack.instance.backends()) == 2)

        counts = stack.instance.reloads.counts
        assert counts == {Result.APPLIED: 1, Result.UNCHANGED: 0, Result.FAILED: 0}


async def test_the_settings_in_force_are_shown_without_keys(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(named("a", pair[0], ", api_key: sk-1"), free_port) as stack:
        await stack.reload(named("a", pair[0], ", api_key: sk-1") + "limits: {queue: 7}\n")
        admin = stack.instance.settings.admin
        async with (
            aiohttp.ClientSession(f"http://{admin}") as client,
            client.get("/config") as answer,
        ):
            text, told = await answer.text(), await answer.json()

        assert "sk-1" not in text
        rows = {row["path"]: row for row in told["settings"]}
        assert rows["limits.queue"]["value"] == "7"
        assert rows["limits.queue"]["origin"].endswith("headrace.yaml:4")
        assert rows["backends[0].api_key"]["value"] == '"***"'
        assert (told["valid"], told["reloads"]["applied"]) == (True, 1)
        assert told["files"] == [str(stack.file)]


async def test_metrics_have_each_backend_once_while_one_of_its_name_leaves(
    pair: tuple[Engine, Engine], free_port: Port
) -> None:
    async with serving(named("a", pair[0]), free_port) as stack:
        wire = await begun(stack)
        await wire.head()
        await stack.reload(named("a", pair[1]))

        text = b"".join(stack.instance.metrics.parts())

        assert text.count(b'headrace_backend_up{backend="a"}') == 1
        assert len(stack.instance.leaving()) == 1
        wire.close()


async def test_the_level_of_the_log_follows(
    pair: tuple[Engine, Engine], free_port: Port, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to: list[str] = []
    monkeypatch.setattr("proxy.telemetry.logs.set_level", set_to.append)
    async with serving(backends(pair[0]), free_port) as stack:
        await stack.reload(backends(pair[0]) + "log: {level: debug, access: false}\n")
        await served_by(stack)

        assert set_to == ["debug"]
        await stack.stop()
        assert stack.access_lines() == []
