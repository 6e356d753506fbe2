"""Named random streams."""

from benchmarks.load.streams import stream


def test_a_stream_is_the_same_each_time() -> None:
    assert stream(1, "input").random(3).tolist() == stream(1, "input").random(3).tolist()


def test_names_and_seeds_have_dice_of_their_own() -> None:
    first = {stream(seed, name).random() for seed in (1, 2) for name in ("input", "output")}

    assert len(first) == 4


def test_the_numbers_are_the_same_on_every_machine() -> None:
    assert stream(1, "input").random() == FIRST


FIRST = 0.4439907694012477
