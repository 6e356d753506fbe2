"""Continuous batching as a pure data structure: who runs, who waits, how long a step takes.

An engine works in steps. `begin` gives each running sequence its share of the step, admits waiting
ones while there is room for them, and returns how long the step takes. `emit` ends the step: every
sequence whose prompt is done gets its tokens at that same moment. A long prompt therefore delays
everybody's next token, as in vLLM.

The KV cache is a pool of blocks of 16 tokens. A sequence takes blocks as it grows. When none is
left, the sequence that was admitted last gives all of its blocks back and goes to the head of the
queue; once it is admitted again it reads its prompt and all it has written anew ("recompute", the
way of vLLM's scheduler since its version 1). A sequence alone in the batch may overdraw the pool,
so that nothing can wait for ever. Cached prefixes are counted for each sequence that uses them.
"""

from collections import OrderedDict, deque
from random import Random
from typing import Protocol
from zlib import crc32

from benchmarks.fake.profile import Profile

BLOCK_TOKENS = 16


class Sink(Protocol):
    """Who receives the tokens of a sequence."""

    def admitted(self) -> None:
        """Learn that the sequence left the queue and its prefill begins; again after preemption."""

    def tokens(self, first: int, count: int) -> None:
        """Tokens `first` to `first + count - 1` exist now."""

    def finished(self) -> None:
        """All tokens have been handed over; the sequence is no longer part of the batch."""


class Sequence:
    """One request inside the batch."""

    __slots__ = (
        "blocks",
        "dice",
        "edge",
        "kept",
        "live",
        "prefill_left",
        "produced",
        "prompt_tokens",
        "running",
        "seen",
        "sink",
        "stalls",
        "total",
        "whole",
    )

    def __init__(
        self,
        sink: Sink,
        *,
        prompt_tokens: int,
        cached: int,
        total: int,
        whole: bool,
        dice: Random | None = None,
    ) -> None:
        self.sink = sink
        self.prompt_tokens = prompt_tokens
        self.prefill_left = prompt_tokens - cached
        self.total = total
        self.whole = whole
        self.dice = dice
        self.produced = 0
        self.stalls = 0
        self.live = False
        self.running = False
        self.blocks = 0
        # Tokens of the prompt (and of what was written before a preemption) that are in the cache;
        # what was produced then; and how far `produced` can go with the blocks it has.
        self.kept = cached
        self.seen = 0
        self.edge = 0


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

    __slots__ = (
        "_dice",
        "_free",
        "_profile",
        "_reach",
        "asleep",
        "blocks",
        "peak",
        "preemptions",
        "running",
        "steps",
        "waiting",
    )

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._reach = profile.tokens_per_event + profile.speculative
        self._dice = Random(f"steps {profile.seed}") if profile.jitter else None
        self.running: dict[Sequence, None] = {}
        self.waiting: deque[Sequence] = deque()
        self.blocks = max(1, profile.kv_tokens // BLOCK_TOKENS)
        self._free = self.blocks
        self.asleep = False
        self.steps = 0
        self.peak = 0
        self.preemptions = 0

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
        return min(1.0, 1.0 - self._free / self.blocks)

    def begin(self) -> float | None:
        """Start a step and return its length in seconds; None when there is nothing to do."""
        if self.asleep:
            return None
        profile, preempted, reach = self._profile, self.preemptions, self._reach
        prefilled = decoding = 0
        for sequence in tuple(self.running):
            if sequence.stalls or not sequence.running:
                continue
            if sequence.prefill_left:
                prefilled += self._read(sequence, profile.max_batched_tokens - prefilled - decoding)
            elif sequence.produced + reach <= sequence.edge or self._grow(sequence, reach):
                decoding += 1
        admitted = 0
        if self.waiting and self.preemptions == preempted:
            admitted, more = self._admit(profile.max_batched_tokens - prefilled - decoding)
            prefilled += more
        if not prefilled and not decoding and not admitted:
            return None
        self.steps += 1
        return self._length(admitted, prefilled)

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
            left = sequence.total - first
            count = per_event if sequence.dice is None else self._burst(sequence.dice)
            if count > left or (instant and sequence.whole):
                count = left
            sequence.produced = first + count
            produced += count
            if count == left:
                sequence.live = False
                self._leave(sequence)
                sequence.sink.tokens(first, count)
                sequence.sink.finished()
            else:
                sequence.sink.tokens(first, count)
        return produced

    def _length(self, admitted: int, prefilled: int) -> float:
        profile = self._profile
        length = (
            profile.pace
            + profile.pace_per_sequence * len(self.running)
            + profile.prefill * admitted
            + profile.prefill_per_token * prefilled
        )
        if self._dice is None:
            return length
        # Gaussian as measured engines are, cut at three deviations and never below a tenth.
        noise = max(-3.0, min(3.0, self._dice.gauss(0.0, 1.0)))
        return length * max(0.1, 1.0 + profile.jitter * noise)

    def _burst(self, dice: Random) -> int:
        # Drafted tokens are accepted one after the other until the first one is not.
        profile, accepted = self._profile, 0
        while accepted < profile.speculative and dice.random() < profile.acceptance:
            accepted += 1
        return profile.tokens_per_event + accepted

    def _read(self, sequence: Sequence, budget: int) -> int:
        # How many of its prompt tokens this step reads.
        share = max(0, min(budget, sequence.prefill_left))
        if not share or not self._grow(sequence, share + self._reach):
            return 0
        sequence.prefill_left -= share
        sequence.kept += share
        sequence.edge -= share
        return share

    def _admit(self, budget: int) -> tuple[int, int]:
        # How many were admitted, and how many prompt tokens of theirs this step reads.
        profile, admitted, prefilled = self._profile, 0, 0
        while self.waiting and budget > 0 and len(self.running) < profile.max_num_seqs:
            sequence = self.waiting[0]
            share = 0 if sequence.stalls else min(budget, sequence.prefill_left)
            if self.running and _blocks(sequence.kept + share + self._reach) > self._free:
                break
            self.waiting.popleft()
            self.running[sequence] = None
            sequence.running = True
            read = self._read(sequence, share)
            budget -= read
            prefilled += read
            sequence.sink.admitted()
            admitted += not sequence.stalls
        self.peak = max(self.peak, len(self.running))
        return admitted, prefilled

    def _grow(self, sequence: Sequence, more: int) -> bool:
        # Room for so many more tokens; False: it was itself the one to give way.
        wanted = _blocks(sequence.kept + sequence.produced - sequence.seen + more)
        while wanted - sequence.blocks > self._free and len(self.running) > 1:
            last = next(reversed(self.running))
            self._preempt(last)
            if last is sequence:
                return False
        if wanted > sequence.blocks:
            self._free -= wanted - sequence.blocks
            sequence.blocks = wanted
        sequence.edge = wanted * BLOCK_TOKENS - sequence.kept + sequence.seen
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self._leave(sequence)
        sequence.kept = 0
        sequence.seen = sequence.produced
        sequence.prefill_left = sequence.prompt_tokens + sequence.produced
        self.waiting.appendleft(sequence)
        self.preemptions += 1

    def _leave(self, sequence: Sequence) -> None:
        del self.running[sequence]
        sequence.running = False
        self._free += sequence.blocks
        sequence.blocks = 0


def _blocks(tokens: int) -> int:
    return -(-tokens // BLOCK_TOKENS)
