"""`headrace check`: sum up settings that are in order, and doubt what would not work here."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

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


def doubts(settings: Settings, may: Callable[[Path, int], bool] = os.access) -> Iterator[str]:
    """Yield what is no mistake in itself, but cannot work on this machine as it is now."""
    if settings.keys.database is not None:
        why = _unwritable(Path(settings.keys.database), may)
        if why:
            lost = "its keys are not known and no usage is kept until that is put right"
            yield f"keys.database: {why}; {lost}"


def _unwritable(file: Path, may: Callable[[Path, int], bool]) -> str:
    """Return why SQLite, which makes files beside it, too, could not write there; else nothing."""
    folder = file.parent
    if not folder.is_dir():
        return f"there is no folder {folder} here"
    if file.is_dir():
        return f"{file} is a folder: name a file"
    for one in (file, folder):
        if one.exists() and not may(one, os.W_OK):
            return f"{one} may not be written by this user"
    return ""


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
