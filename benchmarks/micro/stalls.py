"""How long bodies that are made to hold the loop do hold it: `python -m benchmarks.micro.stalls`.

Prints for each body the longest time in which nobody else is served, from its last byte to the
request an engine gets, in CPU time: peek (or the longest of its steps) and renaming, with all steps
together beside it. The bar is 50 ms. `--mib 64` is the largest body the default settings let in.
"""

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from proxy.core.failure import Failure
from proxy.core.peek import Reader, place_in, rename
from proxy.core.skim import Skim

T = TypeVar("T")
_MIB: Final = 1024 * 1024
_MODEL: Final = b'"model":"gpt-4o"'
_FILLINGS: Final = {
    "nested `model` keys": b'{"model":"x"},',
    "the same, escaped": b'{"\\u006dodel":"x"},',
    "chat turns": b'{"role":"user","content":[{"type":"text","text":"how are you?"}]},',
    "empty lists": b"[],",
    "lists in lists": b"[[[[]]]],",
    "short strings": b'"x",',
    "numbers": b"1,",
    "strings of 8 KiB": b'"%b",' % (b"x" * 8193),
    "escaped quotes": b'"%b",' % (b'\\"' * 30_000),
}
_KEYS: Final = {"keys": b',"k":1', "models": b',"model":"x"', "Models": b',"Model":"x"'}


def bodies(size: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and bodies of about `size` bytes."""
    for name, piece in _FILLINGS.items():
        yield name, b'{%b,"x":[%b0]}' % (_MODEL, piece * (size // len(piece)))
    for name, piece in _KEYS.items():
        yield f"top-level {name}", b"{%b%b}" % (_MODEL, piece * (size // len(piece)))
    yield "one string", b'{%b,"x":"%b"}' % (_MODEL, b"x" * size)
    yield "one string of escapes", b'{%b,"x":"%b"}' % (_MODEL, b'\\"' * (size // 2))
    yield "one number", b'{%b,"max_tokens":%b}' % (_MODEL, b"1" * size)
    yield "blanks", b"{%b%b}" % (_MODEL, b" " * size)
    yield "open brackets", b'{%b,"x":%b' % (_MODEL, b"[" * size)


def stall(reader: Reader, body: bytes) -> tuple[float, float, str]:
    """Return the longest stall and all work for a body, in seconds, and what became of it."""
    first, found = _timed(lambda: reader.peek(body))
    turns = [first]
    place = None
    if isinstance(found, Skim):
        skim, done = found, False
        while not done:
            seconds, done = _timed(skim.step)
            turns.append(seconds)
        seconds, found = _timed(lambda: reader.conclude(skim))
        turns[-1] += seconds
        place = None if skim.flaw else place_in(skim)
    if isinstance(found, Failure):
        return max(turns), sum(turns), found.kind.value
    seconds, _ = _timed(lambda: rename(body, "native", place=place))
    turns[-1] += seconds
    return max(turns), sum(turns), f"passed in {len(turns)}"


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    start = time.thread_time()
    result = act()
    return time.thread_time() - start, result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mib", type=int, default=16, help="size of a body (16)")
    size = parser.parse_args().mib * _MIB
    gc.disable()
    reader = Reader()
    worst = 0.0
    print(f"{'body':<24}{'longest':>12}{'all':>12}  what became of it")
    for name, body in bodies(size):
        longest, total, end = stall(reader, body)
        worst = max(worst, longest)
        print(f"{name:<24}{longest * 1e3:>9.1f} ms{total * 1e3:>9.0f} ms  {end}")
    print(f"worst stall: {worst * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
