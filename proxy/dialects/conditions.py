"""What an engine's error answer means, by the rules of its profile.

A status alone says too little: some engines answer 500 to a request that is wrong, or 503 because
they load, sleep, stop or are full. Which it is decides whether another backend is tried, whether
the breaker hears of it, and how the reason reads.
"""

from collections.abc import Callable, Sequence

from proxy.dialects.profile import Condition, Rule

SEEN = 16 * 1024  # bytes of a body that are looked at: the words stand in front, a prompt behind


def reader(rules: Sequence[Rule]) -> Callable[[int, bytes], Condition | None]:
    """Return the function that finds the condition of (status, body): the first rule that fits."""
    compiled = tuple(
        (frozenset(rule.status), tuple(word.encode().lower() for word in rule.words), rule.means)
        for rule in rules
    )

    def read(status: int, body: bytes) -> Condition | None:
        for statuses, words, means in compiled:
            if status in statuses:
                folded = body[:SEEN].lower() if words else b""
                if not words or any(word in folded for word in words):
                    return means
        return None

    return read
