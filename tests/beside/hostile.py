"""The hostile messages of tests/wire/test_hostile.py, sent to headrace, nginx and Envoy alike.

    python -m tests.beside.hostile

A message is handled if it is refused and no engine sees it, or if exactly one clean request comes
of it: under its own id, on the path that was asked for, without fields that must not be passed on.
What remains is counted by what is wrong with it. A simulated engine records. Documents (JSON) are
for headrace only: the others do not read bodies.
"""

import asyncio
import re
import sys
from collections import Counter

from benchmarks.driver.arms import HEADRACE
from benchmarks.fake.engine import Engine, running
from benchmarks.fake.profile import Profile
from tests.beside.subjects import NAMES, subjects, table
from tests.fixtures.hostile import Case
from tests.fixtures.odd import GROUPS, corpus, documents

SECONDS = 3.0  # for an answer; what takes longer waits for something that never comes
STATUS = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)")
AT_ONCE = 4
UNFINISHED = (408, 413)  # more of these messages is to come: a proxy may wait for it
PATH = "/v1/chat/completions"


async def answer(port: int, case: Case) -> int | None:
    """Return the status of the answer, 0 for a connection closed without one, None for silence."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = b""
    try:
        writer.write(case.data)
        async with asyncio.timeout(SECONDS):
            while not (found := STATUS.search(got)):
                piece = await reader.read(65536)
                if not piece:
                    return 0
                got += piece
        return int(found[1])
    except TimeoutError:
        return None
    except OSError:
        return 0
    finally:
        writer.transport.abort()


def verdict(case: Case, status: int | None, engine: Engine) -> str:
    """Say what is wrong; empty if nothing is."""
    seen = [record for record in engine.requests if record.id == case.ident]
    if len(seen) > 1:
        return "passed on twice"
    if seen and {name for name, _ in seen[0].headers} & set(case.absent):
        return "passed on with fields it must not have"
    if seen and seen[0].path.partition("?")[0] != PATH:
        return "passed on to another path"
    if status is None:  # an engine that has it whole may take its time
        return "" if seen or case.status in UNFINISHED else "never answered"
    return "refused after an engine had it" if seen and not 200 <= status < 400 else ""


async def tried(port: int, engine: Engine, cases: list[Case], *, bodies: bool) -> list[str | None]:
    """Return a verdict a message, None for what was not sent: without `bodies`, documents."""
    engine.requests.clear()
    at_once = asyncio.Semaphore(AT_ONCE)
    first = sum(len(list(group())) for group in GROUPS[: GROUPS.index(documents)])
    left_out = slice(first, first if bodies else first + len(list(documents())))

    async def one(case: Case) -> int | None:
        async with at_once:
            return await answer(port, case)

    sent = [case for case in cases if case not in cases[left_out]]
    statuses = await asyncio.gather(*map(one, sent))
    await asyncio.sleep(0.3)  # an engine may yet hear of the last
    said = {
        case.ident: verdict(case, status, engine)
        for case, status in zip(sent, statuses, strict=True)
    }
    return [said.get(case.ident) for case in cases]


def shown(verdicts: list[str | None]) -> str:
    """Return how many messages were handled, of those that were sent."""
    count = len(verdicts) - verdicts.count(None)
    return f"{verdicts.count('')} of {count}" if count else "-"


async def main() -> int:
    """Try everybody, print the table; fail if headrace handles less than all."""
    cases = corpus()
    groups = [(group.__name__.replace("_", " "), len(list(group()))) for group in GROUPS]
    results: dict[str, list[str | None]] = {}
    behind: dict[str, int] = {}
    for name in NAMES:  # an engine each: what one proxy does to it is not the next one's trouble
        async with running(Profile()) as engine, subjects([engine.port], [name]) as ports:
            for port in ports.values():
                results[name] = await tried(port, engine, cases, bodies=name == NAMES[0])
                behind[name] = sum(record.id == "smuggled" for record in engine.requests)
    rows, start = [], 0
    for title, count in groups:
        part = slice(start, start + count)
        rows.append((f"{title} ({count})", *(shown(found[part]) for found in results.values())))
        start += count
    rows.append(("**handled**", *(shown(found) for found in results.values())))
    rows += [
        (what, *(str(Counter(found)[what]) for found in results.values()))
        for what in sorted({said for found in results.values() for said in found if said})
    ]
    rows.append(("requests served that stood behind another", *map(str, behind.values())))
    print(table("messages", rows, list(results)))
    return 0 if set(results.get(HEADRACE, ["?"])) == {""} and not behind[HEADRACE] else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
