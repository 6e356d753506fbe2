"""What an engine record takes for granted."""

from proxy.dialects.base import no_condition
from proxy.dialects.registry import OPENAI


def test_an_engine_that_says_nothing_special_means_its_statuses() -> None:
    assert no_condition(503, b"Loading model") is None
    assert OPENAI.condition is no_condition


def test_an_idle_connection_is_given_up_before_a_usual_server_does() -> None:
    assert OPENAI.keep_alive <= 4.0
