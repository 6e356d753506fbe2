"""The day and the month it is, in UTC, as accounts of keys need them."""

from datetime import UTC, datetime, timedelta

from proxy.core.account import Calendar, Span


def calendar(wall: float) -> Calendar:
    """Return what a Unix time is in days and months."""
    now = datetime.fromtimestamp(wall, UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    first = today.replace(day=1)
    next_month = (first + timedelta(days=32)).replace(day=1)
    return Calendar(
        wall=wall,
        day=Span(name=f"{today:%Y-%m-%d}", ends_at=(today + timedelta(days=1)).timestamp()),
        month=Span(name=f"{today:%Y-%m}", ends_at=next_month.timestamp()),
    )
