"""Continuous batching as a pure data structure: who runs, who waits, how long a step takes.

An engine works in steps. `begin` admits waiting sequences while there is room for them, gives
each unfinished prompt its share of the step's prefill budget and returns how long the step
takes. `emit` ends the step: every sequence whose prompt is done gets its tokens at that same
moment. A long prompt therefore delays everybody's next token, as in vLLM. There is no
preemption: a sequence reserves its whole length in the KV cache when it is admitted.
"""

from collections import OrderedDict, deque
from typing import Protocol
from zlib import crc32

from benchmarks.fake.profile import Profile

BLOCK_TOKENS = 16


class Sink(Protocol):
    """Who receives the tokens of a sequence."""

    def admitted(self) -> None:
        """Learn that the sequence left the queue and its prefill begins."""

    def tokens(self, first: int, count: int) -> None:
        """Tokens `first` to `first + count - 1` exist now."""

    def finished(self) -> None:
        """All tokens have been handed over; the sequence is no longer part of the batch."""


class Sequence:
    """One request inside the batch."""

    __slots__ = (
        "live",
        "prefill_left",
        "produced",
        "prompt_tokens",
        "running",
        "sink",
        "stalls",
        "total",
        "whole",
    )

    def __init__(
        self, sink: Sink, *, prompt_tokens: int, cached: int, total: int, whole: bool
    ) -> None:
        self.sink = sink
        self.prompt_tokens = prompt_tokens
        self.prefill_left = prompt_tokens - cached
        self.total = total
        self.whole = whole
        self.produced = 0
        self.stalls = 0
        self.live = False
        self.running = False


class PrefixCache:
    """Which prompt beginnings are cached, by chained block checksums, least recently used out."""

    __slots__ = ("_blocks", "_capacity", "hits", "queries")

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: OrderedDict[int, None] = OrderedDict()
        self.queries = 0
        self.hits = 0

    def use(self, prompt: str, tokens: int) -> int:
        """How many leading tokens were cached; the whole prompt is cached afterwards."""
        if not self._capacity:
            return 0
        data = prompt.encode(errors="surrogatepass")
        width = BLOCK_TOKENS * 4
        key, matched, matching = 0, 0, True
        for at in range(0, len(data) - width + 1, width):
            key = crc32(data[at : at + width], key)
            matching = matching and key in self._blocks
            matched += matching
            self._blocks[key] = None
            self._blocks.move_to_end(key)
        while len(self._blocks) > self._capacity:
            self._blocks.popitem(last=False)
        cached = min(matched * BLOCK_TOKENS, tokens - 1)
        self.queries += tokens
        self.hits += cached
        return cached


class Batch:
    """The running and the waiting sequences of one engine."""

    __slots__ = ("_profile", "_reserved", "peak", "running", "steps", "waiting")

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.running: dict[Sequence, None] = {}
        self.waiting: deque[Sequence] = deque()
        self._reserved = 0
        self.steps = 0
        self.peak = 0

    def add(self, sequence: Sequence) -> bool:
        """Queue it; False when the engine already holds as many as `queue_limit` allows."""
        limit = self._profile.queue_limit
        if limit is not None and len(self.running) + len(self.waiting) >= limit:
            return False
        sequence.live = True
        self.waiting.append(sequence)
        return True

    def drop(self, sequence: Sequence) -> None:
        """Forget it at once, wherever it is; dropping twice is harmless."""
        if not sequence.live:
            return
        sequence.live = False
        if sequence.running:
            self._leave(sequence)
        else:
            self.waiting.remove(sequence)

    def kv_usage(self) -> float:
        """Tell the filled share of the KV cache, 0 to 1."""
        used = sum(s.prompt_tokens - s.prefill_left + s.produced for s in self.running)
        return min(1.0, used / self._profile.kv_tokens)

    def begin(self) -> float | None:
        """Start a step and return its length in seconds; None when there is nothing to do."""
        profile = self._profile
        duration = profile.prefill * self._admit() if self.waiting else 0.0
        budget = profile.max_batched_tokens
        busy = False
        for sequence in self.running:
            if sequence.stalls:
                continue
            busy = True
            if sequence.prefill_left:
                share = min(budget, sequence.prefill_left)
                sequence.prefill_left -= share
                budget -= share
        if not busy:
            return None
        self.steps += 1
        prefilled = profile.max_batched_tokens - budget
        return (
            duration
            + profile.pace
            + profile.pace_per_sequence * len(self.running)
            + profile.prefill_per_token * prefilled
        )

    def emit(self, *, instant: bool) -> int:
        """End the step: hand out tokens, all at this moment; returns how many.

        After an `instant` step (one of no length) a sequence nobody watches is done at once.
        """
        produced = 0
        per_event = self._profile.tokens_per_event
        for sequence in tuple(self.running):
            if not sequence.live or sequence.prefill_left or sequence.stalls:
                continue
            first = sequence.produced
            count = sequence.total - first
            if count > per_event and not (instant and sequence.whole):
                count = per_event
            sequence.produced = first + count
            produced += count
            if sequence.produced >= sequence.total:
                sequence.live = False
                self._leave(sequence)
                sequence.sink.tokens(first, count)
                sequence.sink.finished()
            else:
                sequence.sink.tokens(first, count)
        return produced

    def _leave(self, sequence: Sequence) -> None:
        del self.running[sequence]
        sequence.running = False
        self._reserved -= self._size(sequence)

    def _size(self, sequence: Sequence) -> int:
        # An endless stream of a test may exceed the context, but it reserves no more than that.
        return min(sequence.prompt_tokens + sequence.total, self._profile.context_length)

    def _admit(self) -> int:
        profile, admitted = self._profile, 0
        while self.waiting and len(self.running) < profile.max_num_seqs:
            sequence = self.waiting[0]
            size = self._size(sequence)
            if self.running and self._reserved + size > profile.kv_tokens:
                break
            self.waiting.popleft()
            self.running[sequence] = None
            self._reserved += size
            sequence.running = True
            sequence.sink.admitted()
            admitted += 1
        self.peak = max(self.peak, len(self.running))
        return admitted
