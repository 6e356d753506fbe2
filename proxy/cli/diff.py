"""`headrace check --diff`: what a reload would change in a running proxy.

The proxy was started with flags and an environment of its own, and a reload keeps them: so what it
has from there stands in for what is in the file, and this command's own variables count for nothing
but the `${NAME}` of keys.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from proxy.cli.status import Unanswered, fetch
from proxy.settings import fields
from proxy.settings.address import Address
from proxy.settings.changes import Change, differences
from proxy.settings.load import Loaded
from proxy.settings.rows import by_name, listed

SAME: Final = 0
DIFFERENT: Final = 1
TROUBLE: Final = 2

_BACKENDS: Final = "backends"
_OUTSIDE: Final = ("--", "env ")  # how the origin of a flag and of a variable begins
_UNSEEN: Final = "Whether a key or a profile has become another one cannot be seen from here."


class Row(msgspec.Struct, frozen=True):
    """One key as /config shows it."""

    path: str
    value: str
    origin: str


class Config(msgspec.Struct, frozen=True):
    """The part of /config that is needed here."""

    settings: list[Row]


class Refused(Exception):  # noqa: N818  it is an outcome, told to a person
    """A reload would keep the old settings; the text says why."""


def show(loaded: Loaded, admin: Address) -> int:
    """Print what would change in the proxy at `admin`; return 0 nothing, 1 something, 2 trouble."""
    try:
        running = decoded(asyncio.run(fetch(admin, "/config")), admin)
        changes = compared(running, loaded)
    except (Unanswered, Refused) as error:
        sys.stderr.write(f"{error}\n")
        return TROUBLE
    sys.stdout.write(report(changes))
    return DIFFERENT if changes else SAME


def own_variables(env: Mapping[str, str]) -> dict[str, str]:
    """Return `env` without the variables that set keys: those of the running proxy count."""
    return {name: value for name, value in env.items() if name not in fields.variables()}


def decoded(data: bytes, admin: Address) -> list[Row]:
    """Return the rows of /config; Unanswered if it is not that of a headrace."""
    try:
        return msgspec.json.decode(data, type=Config).settings
    except msgspec.DecodeError as error:
        raise Unanswered(f"{admin} answers, but not as a headrace: {error}.") from None


def compared(running: Sequence[Row], loaded: Loaded) -> list[Change]:
    """Return what a reload of `loaded` would change; Refused if it would be kept out."""
    wanted = [
        Row(path=row["path"], value=row["value"], origin=row["origin"])
        for row in listed(loaded.settings, loaded.origins)
    ]
    outside = {row.path for row in running if row.origin.startswith(_OUTSIDE)}
    own_list = any(path.startswith(_BACKENDS) for path in outside)
    found = not any(row.origin != "default" for row in running if row.path.startswith(_BACKENDS))
    nothing = not (loaded.settings.backends or loaded.settings.discovery.sources)
    if own_list or (found and nothing):
        wanted = [row for row in wanted if not row.path.startswith(_BACKENDS)]
        outside |= {row.path for row in running if row.path.startswith(_BACKENDS)}
    elif nothing:
        raise Refused("A reload would be refused: these settings have no backends.")
    kept = [row for row in running if row.path in outside]
    after = [*kept, *(row for row in wanted if row.path not in outside)]
    return differences(_shown(running), _shown(after))


def report(changes: Sequence[Change]) -> str:
    """Return the changes as text for a person, a line each."""
    live = [str(one) for one in changes if not one.restart]
    fixed = [str(one) for one in changes if one.restart]
    lines = []
    if live:
        lines += ["A reload would change:", *(f"  {line}" for line in live)]
    if fixed:
        lines += ["Only a restart would change:", *(f"  {line}" for line in fixed)]
    if not lines:
        lines = ["A reload would change nothing."]
    return "\n".join([*lines, _UNSEEN]) + "\n"


def _shown(rows: Sequence[Row]) -> dict[str, str]:
    return by_name((row.path, row.value) for row in rows)
