"""`headrace backends`: list them, take one out of use for maintenance, and put it back."""

import asyncio
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

import typer

from proxy.cli.reaching import AsJson, Config, where

if TYPE_CHECKING:
    from proxy.cli.entry import Entry

app = typer.Typer(
    name="backends",
    help="The backends of a running proxy.",
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(help="As in `headrace backends`.")]
Admin = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The admin address of the proxy.")
]
_TAKEN: Final = (200, 202)
_MISSING: Final = 404


@app.callback(invoke_without_command=True)
def first(context: typer.Context, config: Config = None, admin: Admin = None) -> None:
    """Show the backends of a running proxy, if no command says otherwise."""
    if context.invoked_subcommand is None:
        listing(config, admin)
    elif config is not None or admin is not None:
        raise typer.BadParameter(f"-c and --admin go behind {context.invoked_subcommand}")


@app.command("list")
def listing(config: Config = None, admin: Admin = None, *, json: AsJson = False) -> None:
    """Show each backend, and whether it is used."""
    from proxy.cli import status

    raise typer.Exit(status.show("backends", where(config, admin), as_json=json))


@app.command()
def drain(
    name: Name,
    config: Config = None,
    admin: Admin = None,
    wait: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait until nothing runs there.")
    ] = "0s",
) -> None:
    """Take one out of use: nothing new is sent there, what runs there goes on.

    With --wait: exit with 0 when nothing runs there any more, 1 if that takes longer.
    """
    raise typer.Exit(_order("drain", name, where(config, admin), wait))


@app.command()
def resume(
    name: Name,
    config: Config = None,
    admin: Admin = None,
    wait: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait until it is used.")
    ] = "0s",
) -> None:
    """Use it again, as soon as a check says that it is ready.

    With --wait: exit with 0 when it is used, 1 if that takes longer.
    """
    raise typer.Exit(_order("resume", name, where(config, admin), wait))


def _order(order: str, name: str, there: "Entry", wait: str) -> int:
    """Give an order; return the exit code."""
    import msgspec

    from proxy.cli import status
    from proxy.settings import units

    try:
        seconds = units.duration(wait)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--wait") from None
    path = f"/backends/{quote(name, safe='')}/{order}?wait={quote(wait)}"
    try:
        code, body = asyncio.run(status.ask(there, path, method="POST", more=seconds))
        found = msgspec.json.decode(body, type=dict[str, object])
    except (status.Unanswered, msgspec.DecodeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if code not in _TAKEN:
        sys.stderr.write(f"{_refused(code, found, there)}\n")
        return 1
    sys.stdout.write(f"{name} {_SAID[order](code, found)}\n")
    return 1 if seconds and code != 200 else 0


def _refused(code: int, found: dict[str, object], there: "Entry") -> str:
    if code == _MISSING and "paths" in found:
        return f"{there} is a headrace that does not know this order yet: it is an older one."
    return str(found.get("error", f"{there} answered {code}."))


def _drained(code: int, found: dict[str, object]) -> str:
    runs = "nothing runs there" if code == 200 else f"{found.get('in_flight')} in flight there"
    return f"is out of use, {runs}"


def _resumed(code: int, found: dict[str, object]) -> str:
    if code == 200:
        return "is used again"
    return f"is used again as soon as it is ready; now: {found.get('state')}"


_SAID: Final[dict[str, Callable[[int, dict[str, object]], str]]] = {
    "drain": _drained,
    "resume": _resumed,
}
