"""Engines of the settings are taken as they are; without any, somebody says what to do."""

from structlog.testing import capture_logs

from proxy.boot import engines
from proxy.settings.schema import BackendSettings, Settings


async def test_what_is_configured_is_not_looked_for() -> None:
    settings = Settings(backends=(BackendSettings(name="a", url="http://127.0.0.1:1"),))

    assert await engines.with_engines(settings, None) == (settings, "1 configured", None)


def test_none_is_an_error_that_says_where_was_looked() -> None:
    with capture_logs() as said:
        assert engines.none(Settings()) == 1

    assert "8000" in said[0]["looked_at"]
    assert "--backend" in said[0]["next_step"]
