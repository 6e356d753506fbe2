"""What the process writes about itself: how it looks, and from which severity on."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


async def records(file: Path, document: str, port: Callable[[], int]) -> list[str]:
    """Start the command, stop it as soon as it listens, and return the lines of its log."""
    client, admin = port(), port()
    file.write_text(
        f"listen: 127.0.0.1:{client}\nadmin: 127.0.0.1:{admin}\ndrain: {{delay: 0s}}\n"
        f"backends: [{{url: 'http://127.0.0.1:{port()}'}}]\n{document}"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "serve", "-c", str(file)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        while not await is_open(admin):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert process.returncode == 0, log.decode()
    return log.decode().splitlines()


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


@pytest.mark.setting("log.format")
async def test_a_record_is_a_json_object_or_a_line_for_people(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    for_machines = await records(tmp_path / "a.yaml", "log: {format: json}\n", free_port)
    for_people = await records(tmp_path / "b.yaml", "log: {format: console}\n", free_port)

    assert {"serving", "stopped"} <= {json.loads(line)["event"] for line in for_machines}
    assert not [line for line in for_people if line.startswith("{")]
    assert any("serving" in line for line in for_people)


@pytest.mark.setting("log.level")
async def test_only_what_is_severe_enough_is_written(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    some = await records(tmp_path / "a.yaml", "log: {level: info}\n", free_port)
    few = await records(tmp_path / "b.yaml", "log: {level: error}\n", free_port)

    assert any("serving" in line for line in some)
    assert not any("serving" in line for line in few)
