"""The look of records follows who reads them, unless somebody chose."""

import pytest

from proxy.settings.logging import LogFormat


@pytest.mark.parametrize(
    ("look", "terminal", "text"),
    [
        (LogFormat.AUTO, True, True),
        (LogFormat.AUTO, False, False),
        (LogFormat.JSON, True, False),
        (LogFormat.JSON, False, False),
        (LogFormat.CONSOLE, True, True),
        (LogFormat.CONSOLE, False, True),
    ],
)
def test_auto_is_text_on_a_terminal_alone(look: LogFormat, terminal: bool, text: bool) -> None:
    assert look.for_people(terminal=terminal) is text
