"""Early commits over real sockets: a head and signs of life before the engine begins."""

from collections.abc import Callable

import pytest

from benchmarks.fake.engine import running
from benchmarks.fake.faults import Fault, Kind
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, backends, eventually, serving

Port = Callable[[], int]
COMMENT = b": waiting\n\n"


def rules(text: str) -> str:
    return f"models: {{commit_early: {{{MODEL}: {{{text}}}}}}}\n"


@pytest.mark.setting("models.commit_early.*.after")
@pytest.mark.setting("models.commit_early.*.every")
async def test_a_silent_engine_s_client_hears_comments_and_leaving_ends_it_all(
    free_port: Port,
) -> None:
    async with running(Profile()) as engine:
        engine.faults.set(Fault(kind=Kind.HANG))
        document = backends(engine) + rules("after: 10ms, every: 100ms")
        async with serving(document, free_port) as stack:
            async with stack.ask(stream=True, max_tokens=4) as answer:
                assert answer.status == 200
                assert answer.content_type == "text/event-stream"
                assert await answer.content.readexactly(3 * len(COMMENT)) == 3 * COMMENT
            await eventually(lambda: not stack.instance.in_flight())
