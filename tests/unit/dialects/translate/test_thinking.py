"""How engines are told to reason."""

import pytest

from proxy.dialects.translate.thinking import effort_of, switches


def test_both_names_of_templates() -> None:
    assert switches(on=False) == {
        "chat_template_kwargs": {"enable_thinking": False, "thinking": False}
    }


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(1024, "low"), (4096, "low"), (4097, "medium"), (16_384, "medium"), (16_385, "high")],
)
def test_a_budget_becomes_an_effort(budget: int, effort: str) -> None:
    assert effort_of(budget) == effort
