"""The ordinary lane on the wire: what is answered here without an engine."""

import json
from collections.abc import Callable

from benchmarks.fake.engine import running
from benchmarks.fake.profile import Profile
from tests.fixtures.stack import MODEL, eventually, serving


async def test_an_answer_and_its_access_line_have_one_request_id(
    free_port: Callable[[], int],
) -> None:
    async with (
        running(Profile(models=(MODEL,))) as engine,
        serving(f"backends: [{{url: '{engine.url}', name: a}}]\n", free_port) as stack,
    ):
        made = (await stack.client.get("/health")).headers["x-request-id"]
        sent = {"x-request-id": "mine-7"}
        kept = (await stack.client.get("/v1/models", headers=sent)).headers["x-request-id"]
        lost = (await stack.client.get("/nowhere", headers=sent)).headers["x-request-id"]
        await eventually(lambda: len(stack.access_lines()) == 3)
        lines = [json.loads(line) for line in stack.access_lines()]

    assert kept == lost == "mine-7"
    assert [line["request_id"] for line in lines] == [made, "mine-7", "mine-7"]
