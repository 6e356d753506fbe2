"""What a proxy says of itself: one GET, and sums over a metric in the Prometheus text format."""

import asyncio
import re

from benchmarks.driver.client import connect

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? +(\S+)")


async def get(port: int, path: str, *, timeout: float = 2.0) -> str:
    """Return the body of `path` on a loopback port; empty if there is no complete 200."""
    done = asyncio.get_running_loop().create_future()
    try:
        line = await connect(port)
    except OSError:
        return ""
    line.send(f"GET {path} HTTP/1.1\r\nHost: proxy\r\n\r\n".encode(), done.set_result, keep=True)
    try:
        async with asyncio.timeout(timeout):
            await done
    except TimeoutError:
        return ""
    finally:
        line.hang_up()
    if line.failure or line.status != 200:
        return ""
    return b"".join(piece for _, piece in line.pieces).decode(errors="replace")


def total(text: str, metric: str, *labels: str) -> float | None:
    """Return the sum over all samples of `metric` that have all `labels` (`state="open"`).

    None if there is no such sample.
    """
    found = [
        float(value)
        for name, told, value in _SAMPLE.findall(text)
        if name == metric and all(label in told for label in labels)
    ]
    return sum(found) if found else None
