"""Engines on this machine are found by what they say, not by their port."""

import asyncio

from proxy.core.failure import Failure
from proxy.dialects.base import Reply
from proxy.dialects.registry import ENGINES
from proxy.discovery.asking import Peer
from proxy.discovery.local import Found, find_local
from tests.unit.discovery.fakes import Answers, FakeFetch, listing, llamacpp, vllm

AT = "http://127.0.0.1:"


async def find(engines: dict[str, Answers], own: tuple[int, ...] = ()) -> list[Found]:
    return await find_local(FakeFetch(engines), ENGINES.values(), own)


async def test_engines_are_found_wherever_they_listen() -> None:
    found = await find({AT + "8000": llamacpp("a"), AT + "8080": vllm("b")})

    assert [(f.name, f.url, f.type) for f in found] == [
        ("llamacpp-8000", AT + "8000", "llamacpp"),
        ("vllm-8080", AT + "8080", "vllm"),
    ]


async def test_an_unnamed_kind_is_found_by_its_models() -> None:
    found = await find({AT + "1234": {"/v1/models": listing("q", owner="organization_owner")}})

    assert [(f.name, f.type) for f in found] == [("openai-1234", "openai")]


async def test_what_only_answers_is_no_engine() -> None:
    page = Reply(status=200, body=b"<html>")
    empty = Reply(status=200, body=b'{"data":[]}')

    assert await find({AT + "3000": {"/v1/models": page}, AT + "8080": {"/v1/models": empty}}) == []


async def test_our_own_ports_are_left_alone() -> None:
    assert await find({AT + "8000": vllm("a")}, own=(8000, 8001)) == []


async def test_no_engines_are_no_error() -> None:
    assert await find({}) == []


async def test_all_ports_are_asked_at_once_and_a_silent_one_is_given_up() -> None:
    fetch = FakeFetch({AT + "8000": vllm("a")})

    async def slow_on_8080(peer: Peer, path: str, timeout: float) -> Reply | Failure:
        if peer.url.endswith(":8080"):
            await asyncio.Event().wait()
        return await fetch(peer, path, timeout)

    found = await find_local(slow_on_8080, ENGINES.values(), (), limit=0.01)

    assert [f.name for f in found] == ["vllm-8000"]
