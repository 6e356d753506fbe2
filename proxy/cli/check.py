"""`headrace check`: sum up settings that are in order."""

from proxy.settings.schema import Settings


def summary(settings: Settings) -> str:
    """Return one line that begins with OK and says what would be served."""
    backends = settings.backends
    if backends:
        names = ", ".join(backend.name for backend in backends[:5])
        more = f" and {len(backends) - 5} more" if len(backends) > 5 else ""
        engines = f"{_count(len(backends), 'backend')} ({names}{more})"
    elif settings.discovery.sources:
        engines = "no backends"
    else:
        engines = "no backends (engines on this machine are looked for)"
    engines += "".join(f", those of {source.title}" for source in settings.discovery.sources)
    aliases = settings.models.aliases
    named = f", {_count(len(aliases), 'alias', 'aliases')}" if aliases else ""
    return f"OK: {engines}{named}; clients on {settings.listen}, admin on {settings.admin}"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
