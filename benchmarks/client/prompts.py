"""Prompt text of a stated size: shared beginnings equal, everything after them unlike any other.

A token is one English word of three letters with its space. Byte-pair vocabularies hold these as
single entries, and four characters is also what estimators take for a token. The text comes from a
fixed pool of words, cut at places drawn by a hash: 100,000 tokens are a few copies of memory.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

_WORDS = (
    "the and for you not are was but his has had who its one all can her out two may now see any"
    " way new him own too men how day did old say get man our she use put end let set few got war"
    " yet law far off act big car son god age ago law eye low air top art red sea arm kid job cut"
    " run boy lot yes pay son hot bad six ten oil ask try buy hit cup sun sky bed box tax leg wet"
    " dry dog cat egg ice map key bus bar bit bag gas fun gun hat ink jam jet joy lab lip log mad"
    " mix net nut odd owl pan pen pet pie pig pin pit pot rat raw ray rib rid rip rod row rub"
)
_TABLE = tuple(f"{word} " for word in dict.fromkeys(_WORDS.split()))[:128]
_SIZE = 4  # characters of one token, its space included
_POOL_TOKENS = 1 << 16
_MARK_TOKENS = 9  # seven bits each: 63 bits tell two pieces of text apart

_TAG = " bench-tag:"


def tag(seed: int, index: int) -> str:
    """Return the hexadecimal tag by which an engine's side log knows request `index`."""
    return hashlib.blake2b(f"tag:{seed}:{index}".encode(), digest_size=12).hexdigest()


@lru_cache(maxsize=1)
def _pool() -> str:
    drawn = hashlib.shake_128(b"pool").digest(_POOL_TOKENS)
    return "".join([_TABLE[byte & 127] for byte in drawn])


def _piece(name: str, tokens: int) -> str:
    """Return `tokens` tokens; equal names give texts of which one begins with the other."""
    drawn = hashlib.blake2b(name.encode(), digest_size=16).digest()
    mark = "".join([_TABLE[byte & 127] for byte in drawn[:_MARK_TOKENS]])
    start = int.from_bytes(drawn[12:], "big") % _POOL_TOKENS
    pool, wanted = _pool(), max(0, tokens * _SIZE - len(mark))
    text = mark + pool[start * _SIZE : start * _SIZE + wanted]
    while len(text) < tokens * _SIZE:
        text += pool[: tokens * _SIZE - len(text)]
    return text[: tokens * _SIZE]


@lru_cache(maxsize=4096)
def _block(number: int, tokens: int) -> str:
    return _piece(f"block:{number}", tokens)


def text(
    tokens: int, *, prefix: Sequence[int] = (), block: int = 16, unique: str, mark: str = ""
) -> str:
    """Return a prompt of `tokens` tokens, at least one.

    It begins with the shared blocks of `prefix`, `block` tokens each. What follows is fixed by
    `unique`: the same name gives the same words, a longer text beginning with a shorter one. `mark`
    is a tag that takes the place of as many tokens at the end.
    """
    tail = _TAG + mark if mark else ""
    room = max(1, tokens - -(-len(tail) // _SIZE))
    shared = "".join([_block(number, block) for number in prefix])[: room * _SIZE]
    rest = room - len(shared) // _SIZE
    whole = shared + _piece(unique, rest) if rest else shared
    return whole[:-1] + tail
