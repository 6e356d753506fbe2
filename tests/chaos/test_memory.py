"""Row 36: the memory of the container runs short, and streams go on."""

import asyncio
import json
from pathlib import Path

from proxy.boot.memory import Cgroup
from tests.fixtures.chaos import Scene, whole
from tests.fixtures.stack import eventually
from tests.fixtures.wire import chat, connected, post


async def test_row_36_new_calls_are_refused_and_streams_go_on(alone: Scene, tmp_path: Path) -> None:
    shelter = alone.stack.instance._shelter
    (tmp_path / "memory.max").write_text("1000")
    use = tmp_path / "memory.current"
    use.write_text("100")
    shelter.cgroup = await asyncio.to_thread(Cgroup, tmp_path)
    async with connected(alone.port) as wire:
        wire.send(post(chat(40, stream=True)))
        head = await wire.head()
        use.write_text("900")
        await eventually(lambda: shelter.shedding)

        refused = await alone.ask()
        await wire._body(head)

    assert (refused.status, refused.code) == (503, "proxy_overloaded")
    assert 5 <= int(refused.field(b"retry-after")) <= 8
    assert "memory" in json.loads(refused.body)["error"]["message"]
    assert head.body.endswith(b"data: [DONE]\n\n")
    use.write_text("100")
    await eventually(lambda: not shelter.shedding)
    assert whole(await alone.ask())
