"""How load was shared out, from requests made by hand."""

import pytest

from benchmarks.load.observed import Observed
from benchmarks.method.sharing import choices, sharing

S = 1_000_000_000
EQUAL = {"a": 1.0, "b": 1.0}


def answer(engine: str, sent: float = 1.0, ended: float = 2.0, out: int = 10) -> Observed:
    return Observed(
        index=0, engine=engine, sent_ns=int(sent * S), ended_ns=int(ended * S), tokens_out=out
    )


def test_equal_shares_have_no_error() -> None:
    found = sharing([answer("a"), answer("b")] * 50, EQUAL)
    assert found["request_error_share"] == 0


def test_the_error_is_the_share_that_went_elsewhere() -> None:
    found = sharing([answer("a")] * 75 + [answer("b")] * 25, EQUAL)
    assert found["request_error_share"] == pytest.approx(0.25)


def test_weights_say_what_is_fair() -> None:
    found = sharing([answer("a")] * 75 + [answer("b")] * 25, {"a": 3.0, "b": 1.0})
    assert found["request_error_share"] == pytest.approx(0)


def test_tokens_may_be_shared_unlike_requests() -> None:
    found = sharing([answer("a", out=30), answer("b", out=10)] * 50, EQUAL)
    assert found["request_error_share"] == 0
    assert found["token_error_share"] == pytest.approx(0.25)


def test_an_engine_that_got_nothing_counts() -> None:
    assert sharing([answer("a")] * 10, EQUAL)["request_error_share"] == pytest.approx(0.5)


def test_dice_have_an_error_too() -> None:
    found = sharing([answer("a"), answer("b")] * 50, EQUAL)
    assert found["chance_error_share"] == pytest.approx(0.034, abs=0.01)


def test_without_answers_there_is_no_figure() -> None:
    assert sharing([Observed(index=0, failure="reset")], EQUAL) == {}


def test_a_choice_of_the_busier_engine_is_seen() -> None:
    load = [answer("a", 1, 9), answer("a", 2, 9), answer("b", 3, 9), answer("b", 4, 5)]
    # The second should have gone to b; the others found the least busy, or a tie.
    assert choices(load, EQUAL) == (1, 1.0)


def test_a_place_that_became_free_counts_at_once() -> None:
    assert choices([answer("a", 1, 2), answer("a", 2, 3)], EQUAL) == (0, 0.0)


def test_load_is_measured_by_weight() -> None:
    load = [answer("a", 1, 9), answer("b", 2, 9), answer("a", 3, 9), answer("a", 4, 9)]
    wrong, _ = choices(load, {"a": 3.0, "b": 1.0})
    assert wrong == 0
