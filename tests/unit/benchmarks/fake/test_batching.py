"""Continuous batching: steps, slots, prefill budgets, the cache, and leaving at any time."""

from random import Random

from typing_extensions import override

from benchmarks.fake.batching import BLOCK_TOKENS, Batch, PrefixCache, Sequence
from benchmarks.fake.profile import Profile


class Told:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def admitted(self) -> None:
        self.heard.append("admitted")

    def tokens(self, first: int, count: int) -> None:
        self.heard.append(f"{first}+{count}")

    def finished(self) -> None:
        self.heard.append("finished")


def sequence(total: int = 3, *, prompt: int = 1, whole: bool = False) -> tuple[Sequence, Told]:
    told = Told()
    made = Sequence(told, prompt_tokens=prompt, cached=0, total=total, whole=whole)
    return made, told


def step(batch: Batch) -> float | None:
    duration = batch.begin()
    if duration is not None:
        batch.emit(instant=duration == 0)
    return duration


def test_all_running_sequences_get_their_token_in_the_same_step() -> None:
    batch = Batch(Profile(pace=0.02))
    (one, heard_one), (two, heard_two) = sequence(2), sequence(3)
    assert batch.add(one)
    step(batch)
    assert batch.add(two)
    step(batch)

    assert heard_one.heard == ["admitted", "0+1", "1+1", "finished"]
    assert heard_two.heard == ["admitted", "0+1"]


def test_the_rest_waits_and_moves_up_in_order() -> None:
    batch = Batch(Profile(max_num_seqs=1))
    pairs = [sequence(1) for _ in range(3)]
    for made, _ in pairs:
        batch.add(made)
    step(batch)

    assert [told.heard != [] for _, told in pairs] == [True, False, False]
    assert len(batch.waiting) == 2
    step(batch)
    assert pairs[1][1].heard == ["admitted", "0+1", "finished"]


def test_a_full_queue_refuses() -> None:
    batch = Batch(Profile(queue_limit=2, max_num_seqs=1))

    assert [batch.add(sequence()[0]) for _ in range(3)] == [True, True, False]


def test_a_long_prompt_takes_several_steps_and_delays_the_others() -> None:
    batch = Batch(Profile(pace=0.01, prefill_per_token=0.001, max_batched_tokens=100))
    short, heard_short = sequence(5)
    long, heard_long = sequence(5, prompt=250)
    batch.add(short)
    step(batch)
    batch.add(long)
    durations = [step(batch) for _ in range(4)]

    assert [round(d or 0, 3) for d in durations] == [0.109, 0.109, 0.062, 0.01]
    assert heard_short.heard == ["admitted", "0+1", "1+1", "2+1", "3+1", "4+1", "finished"]
    assert heard_long.heard == ["admitted", "0+1", "1+1"]


def test_nothing_to_do_takes_no_step() -> None:
    batch = Batch(Profile())
    assert batch.begin() is None
    made, _ = sequence()
    batch.add(made)
    made.stalls = 1

    assert batch.begin() is None
    assert len(batch.running) == 1


def test_dropping_frees_the_place_at_once_wherever_it_is() -> None:
    batch = Batch(Profile(max_num_seqs=1))
    (running, _), (waiting, _), (next_one, heard) = sequence(9), sequence(), sequence()
    for made in (running, waiting, next_one):
        batch.add(made)
    step(batch)
    batch.drop(waiting)
    batch.drop(running)
    batch.drop(running)

    assert len(batch.running) == 0
    assert list(batch.waiting) == [next_one]
    step(batch)
    assert heard.heard == ["admitted", "0+1"]


def test_a_sequence_dropped_by_another_ones_sink_in_the_same_step_gets_nothing() -> None:
    batch = Batch(Profile())
    victim, heard = sequence()

    class Dropper(Told):
        @override
        def tokens(self, first: int, count: int) -> None:
            batch.drop(victim)

    batch.add(Sequence(Dropper(), prompt_tokens=1, cached=0, total=3, whole=False))
    batch.add(victim)
    step(batch)

    assert heard.heard == ["admitted"]


def test_who_does_not_fit_into_the_cache_waits() -> None:
    batch = Batch(Profile(kv_tokens=64))
    first, _ = sequence(60, prompt=33)
    second, _ = sequence(60, prompt=33)
    batch.add(first)
    batch.add(second)
    step(batch)

    assert (len(batch.running), len(batch.waiting)) == (1, 1)
    assert batch.kv_usage() == 0.75
    batch.drop(first)
    assert batch.kv_usage() == 0.0
    step(batch)
    assert list(batch.running) == [second]


def test_a_full_cache_preempts_the_last_to_come_which_reads_everything_anew() -> None:
    batch = Batch(Profile(kv_tokens=64, pace=0.01, prefill_per_token=0.001))
    (old, heard_old), (young, heard_young) = sequence(30, prompt=17), sequence(30, prompt=17)
    batch.add(old)
    batch.add(young)
    durations = [step(batch) for _ in range(17)]

    assert batch.preemptions == 1
    assert list(batch.running) == [old]
    assert list(batch.waiting) == [young]
    assert (heard_old.heard[-1], heard_young.heard[-1]) == ("16+1", "14+1")
    while young not in batch.running:
        durations.append(step(batch))
    assert durations[-1] == 0.01 + (17 + 15) * 0.001
    while young.live:
        step(batch)
    assert heard_young.heard.count("admitted") == 2
    assert [mark for mark in heard_young.heard if mark != "admitted"] == [
        *(f"{i}+1" for i in range(30)),
        "finished",
    ]
    assert batch.kv_usage() == 0.0


def test_one_alone_may_overdraw_the_cache() -> None:
    batch = Batch(Profile(kv_tokens=16))
    made, told = sequence(40, prompt=1)
    batch.add(made)
    while made.live:
        step(batch)

    assert told.heard[-1] == "finished"
    assert batch.preemptions == 0


def test_drafted_tokens_come_in_bursts_that_the_seed_decides() -> None:
    def bursts(name: str) -> list[str]:
        batch = Batch(Profile(pace=0.01, speculative=3, acceptance=0.5))
        told = Told()
        batch.add(
            Sequence(told, prompt_tokens=1, cached=0, total=400, whole=False, dice=Random(name))
        )
        while batch.running or batch.waiting:
            step(batch)
        return told.heard

    sizes = {mark.partition("+")[2] for mark in bursts("a")[1:-2]}
    assert bursts("a") == bursts("a") != bursts("b")
    assert sizes == {"1", "2", "3", "4"}


def test_jitter_spreads_steps_around_their_length_and_repeats_by_seed() -> None:
    def lengths(seed: int) -> list[float]:
        batch = Batch(Profile(pace=0.01, jitter=0.2, seed=seed))
        batch.add(sequence(500)[0])
        return [step(batch) or 0.0 for _ in range(500)]

    found = lengths(1)
    assert found == lengths(1) != lengths(2)
    assert 0.0098 < sum(found) / 500 < 0.0102
    assert 0.004 <= min(found) < 0.006
    assert 0.014 < max(found) <= 0.016


def test_nothing_moves_while_the_engine_sleeps() -> None:
    batch = Batch(Profile(pace=0.01))
    made, told = sequence(3)
    batch.add(made)
    batch.asleep = True
    assert step(batch) is None
    batch.asleep = False
    step(batch)

    assert told.heard == ["admitted", "0+1"]


def test_an_answer_nobody_watches_is_done_in_one_instant_step() -> None:
    batch = Batch(Profile())
    made, told = sequence(100, whole=True)
    batch.add(made)
    step(batch)

    assert told.heard == ["admitted", "0+100", "finished"]


def test_several_tokens_per_event() -> None:
    batch = Batch(Profile(pace=0.01, tokens_per_event=4))
    made, told = sequence(6)
    batch.add(made)
    step(batch)
    step(batch)

    assert told.heard == ["admitted", "0+4", "4+2", "finished"]


def test_a_repeated_prefix_is_cached_up_to_the_first_new_block() -> None:
    cache = PrefixCache(100)
    block = "x" * BLOCK_TOKENS * 4
    prompt = block + "y" * BLOCK_TOKENS * 4

    assert cache.use(prompt, 33) == 0
    assert cache.use(prompt, 33) == 32
    assert cache.use(block + "z" * BLOCK_TOKENS * 4, 33) == 16
    assert (cache.queries, cache.hits) == (99, 48)


def test_the_prefix_cache_forgets_and_can_be_off() -> None:
    small, off = PrefixCache(1), PrefixCache(0)
    block = "x" * BLOCK_TOKENS * 4
    small.use(block, 17)
    small.use("y" + block, 17)

    assert small.use(block, 17) == 0
    assert off.use(block, 17) == off.use(block, 17) == 0
