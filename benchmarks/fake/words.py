"""The text a simulated engine speaks: a walk over fixed words, the start chosen by the prompt.

The same prompt gives the same text from every engine and every run, and different prompts give
text that cannot be mistaken for each other, so a lost, doubled or swapped token shows.
"""

import zlib
from collections.abc import Sequence

_STEMS = (
    b"amber basin cobalt delta ember fathom granite harbor indigo jetty kelp lantern meadow "
    b"nectar orchard pebble quartz river sluice timber umber valley weir xenon yarrow zephyr "
    b"anchor brook canal dune estuary ford gorge heron inlet juniper knoll lagoon marsh nettle "
    b"oxbow penstock quay rapid shoal turbine upland vortex water xylem yonder zenith"
).split()

WORDS: tuple[bytes, ...] = tuple(
    b" %b%b" % (stem, b"%d" % i if i else b"") for i in range(5) for stem in _STEMS
)
"""One word is one token; all are distinct, none needs escaping in JSON."""


def start_of(prompt: str) -> int:
    """Find the index in `WORDS` at which the answer to this prompt begins."""
    return zlib.crc32(prompt.encode(errors="surrogatepass")) % len(WORDS)


def walk(start: int, first: int, count: int) -> bytes:
    """Tokens `first` to `first + count - 1` of the answer that begins at `start`."""
    size = len(WORDS)
    text = b"".join(WORDS[(start + first + i) % size] for i in range(count))
    return text if first else text[1:]


def said_of(prompt: str, beginning: str) -> int:
    """Tell how many tokens of the answer to this prompt `beginning` is; 0 if it is another's."""
    tokens = len(beginning.split())
    return tokens if tokens and beginning == answer_text(prompt, tokens) else 0


def answer_text(prompt: str, tokens: int) -> str:
    """Give the text an engine answers to this prompt with this many tokens.

    For chat the prompt is the text of all messages, joined by newlines.
    """
    return walk(start_of(prompt), 0, tokens).decode()


def count_tokens(prompt: str) -> int:
    """Measure a prompt: four characters are a token."""
    return len(prompt) // 4 + 1


def embedding(text: str, dimensions: int) -> Sequence[float]:
    """Make a deterministic vector with entries in [-1, 1)."""
    seed = zlib.crc32(text.encode(errors="surrogatepass"))
    values = []
    for _ in range(dimensions):
        seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
        values.append(seed / 0x40000000 - 1.0)
    return values
