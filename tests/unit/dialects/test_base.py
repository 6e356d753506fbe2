"""What an engine record takes for granted."""

from proxy.dialects.base import no_client_fault, no_condition
from proxy.dialects.registry import OPENAI


def test_an_engine_that_says_nothing_special_means_its_statuses() -> None:
    assert not no_client_fault(500, b"messages is required")
    assert no_condition(503, b"Loading model") is None
    assert OPENAI.client_fault is no_client_fault
    assert OPENAI.condition is no_condition


def test_an_idle_connection_is_given_up_before_a_usual_server_does() -> None:
    assert OPENAI.keep_alive <= 4.0
