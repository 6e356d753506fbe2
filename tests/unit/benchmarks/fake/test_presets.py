"""Speeds of real deployments."""

import pytest
from msgspec.structs import replace

from benchmarks.fake.batching import Batch, Sequence
from benchmarks.fake.presets import PRESETS, numbered, preset
from benchmarks.fake.profile import Profile


class Deaf:
    """A sink that hears nothing."""

    def admitted(self) -> None: ...

    def tokens(self, first: int, count: int) -> None: ...

    def finished(self) -> None: ...


def steps(name: str, *, prompt: int, running: int = 1) -> tuple[float, float]:
    """Return the lengths of a first and a later step in milliseconds, without jitter."""
    batch = Batch(replace(preset(name), jitter=0.0))
    for _ in range(running):
        batch.add(Sequence(Deaf(), prompt_tokens=prompt, cached=0, total=9, whole=False))
    first = batch.begin()
    batch.emit(instant=False)
    later = batch.begin()
    assert first is not None
    assert later is not None
    return first * 1e3, later * 1e3


@pytest.mark.parametrize(
    ("name", "first", "between"),
    [("h100-8b", 30 + 250, 12), ("h100-70b-tp8", 80 + 500, 25), ("l40s-3b", 20 + 350, 9)],
)
def test_one_stream_alone_is_as_fast_as_the_published_numbers(
    name: str, first: float, between: float
) -> None:
    assert steps(name, prompt=1000) == pytest.approx((first, between), rel=0.02)


@pytest.mark.parametrize(("name", "factor"), [("h100-8b", 2), ("h100-70b-tp8", 3), ("l40s-3b", 2)])
def test_a_full_batch_is_slower_by_the_published_factor(name: str, factor: float) -> None:
    alone = steps(name, prompt=1)[1]
    full = steps(name, prompt=1, running=PRESETS[name].max_num_seqs)[1]

    assert full / alone == pytest.approx(factor, rel=0.02)


def test_an_unknown_preset_names_those_there_are() -> None:
    assert preset("") == Profile()
    with pytest.raises(ValueError, match="h100-8b, h100-70b-tp8, l40s-3b"):
        preset("b200")


def test_several_engines_differ_in_name_seed_and_given_ports() -> None:
    found = numbered(Profile(name="sim", port=21_000, admin_port=22_000, seed=5), 3)

    assert [(p.name, p.port, p.admin_port, p.seed) for p in found] == [
        ("sim-1", 21_000, 22_000, 5),
        ("sim-2", 21_001, 22_001, 6),
        ("sim-3", 21_002, 22_002, 7),
    ]
    assert [(p.port, p.admin_port) for p in numbered(Profile(admin_port=0), 2)] == [(0, 0)] * 2
    assert numbered(Profile(), 1) == [Profile()]
