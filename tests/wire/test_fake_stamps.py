"""Where a simulated engine says when it wrote each token."""

import re
import time

import msgspec
import pytest

from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile, Stamps
from benchmarks.fake.words import answer_text
from tests.wire.test_fake_engine import chat, get, post, send

TAG = "3f9a"


async def asked(engine: Engine, data: bytes) -> bytes:
    """Return the answer to a request, its connection closed behind it."""
    return await send(
        engine.port, data.replace(b"Host: x", b"Host: x\r\nConnection: close", 1), seconds=2.0
    )


def events(answer: bytes) -> list[dict[str, object]]:
    """Return the decoded events that carry text."""
    rows = [line[6:] for line in answer.split(b"\n") if line.startswith(b"data: {")]
    return [msgspec.json.decode(row) for row in rows if b'"content":""' not in row]


def text(event: dict[str, object]) -> str:
    """Return the text of one event."""
    choices = msgspec.convert(event["choices"], list[dict[str, dict[str, str]]], strict=False)
    return choices[0]["delta"]["content"]


async def test_fields_tell_the_index_the_time_and_when_the_request_was_read() -> None:
    async with running(Profile(stamps=Stamps.FIELD, tokens_per_event=2)) as engine:
        before = time.monotonic_ns()
        found = events(await asked(engine, chat(5)))

    times = [event["stamp_ns"] for event in found]
    assert [event["token"] for event in found] == [0, 2, 4]
    assert ["taken_ns" in event for event in found] == [True, False, False]
    assert before < found[0]["taken_ns"] < times[0] < times[1] < times[2]  # type: ignore[operator]


async def test_text_that_carries_stamps_is_the_same_text_without_them() -> None:
    async with running(Profile(stamps=Stamps.CONTENT)) as engine:
        answer = await asked(engine, chat(4))
        whole = await asked(engine, chat(4, stream=False))

    said = re.findall(r'"content":"(~[^"]*)"', answer.decode())
    marks = [re.match(r"~(\d+):(\d+)(?::(\d+))?~", piece) for piece in said]
    assert [mark and mark[1] for mark in marks] == ["0", "1", "2", "3"]
    assert [bool(mark and mark[3]) for mark in marks] == [True, False, False, False]
    assert re.sub(r"~[^~]*~", "", "".join(said)) == answer_text("hi", 4)
    assert re.search(rb'"content":"~0:\d+:\d+~' + answer_text("hi", 4).encode(), whole)


@pytest.mark.parametrize("stream", [True, False])
async def test_the_side_log_remembers_by_tag_and_the_answer_says_nothing(*, stream: bool) -> None:
    body = {"prompt": f"hi bench-tag:{TAG}.", "max_tokens": 3, "stream": stream}
    async with running(Profile(stamps=Stamps.SIDELOG)) as engine:
        before = time.monotonic_ns()
        answer = await asked(engine, post("/v1/completions", body))
        page = await asked(engine, get(f"/fake/stamps?tag={TAG}"))
        unknown = await asked(engine, get("/fake/stamps?tag=00"))

    log = msgspec.json.decode(page.partition(b"\r\n\r\n")[2])
    assert b"stamp" not in answer
    assert b"~" not in answer
    assert len(log["emitted"]) == (3 if stream else 1)
    assert before < log["taken_ns"] < log["emitted"][0] <= log["emitted"][-1]
    assert unknown.startswith(b"HTTP/1.1 404 ")
