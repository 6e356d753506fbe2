"""`headrace keys`: make, list, replace and revoke API keys of clients."""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from proxy.core.keys import Key
    from proxy.settings.credential import Secret as Credential
    from proxy.settings.keys import Keys
    from proxy.settings.keystore import Entry, Keystore, Secret

app = typer.Typer(
    name="keys",
    help="API keys of clients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[str, typer.Argument(help="How logs and metrics call the key.")]
Config = Annotated[
    Path | None,
    typer.Option("-c", "--config", metavar="FILE", help="Settings with keys.database."),
]
Database = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The database, instead of the settings'.")
]
Number = Annotated[int | None, typer.Option(min=0)]


@app.command()
def create(  # noqa: PLR0913, PLR0917 - one flag for each limit
    name: Name,
    config: Config = None,
    database: Database = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="PATTERN", help="A model it may ask for; repeat.")
    ] = None,
    requests_per_minute: Number = None,
    tokens_per_minute: Number = None,
    concurrency: Number = None,
    budget_tokens: Number = None,
    budget_money: Annotated[float | None, typer.Option(min=0.0)] = None,
    budget_period: Annotated[str, typer.Option(help="day or month")] = "month",
    priority: Annotated[int, typer.Option(min=-1000, max=1000)] = 0,
    tenant: Annotated[str, typer.Option(help="Whose key it is.")] = "",
    expires: Annotated[str | None, typer.Option(metavar="DAY", help="From when it is refused.")] = (
        None
    ),
) -> None:
    """Make a key. It is shown once.

    With a database the key goes there, and a running proxy knows it within two seconds; without
    one, what the settings need is printed, limits included.
    """
    from proxy.core.keys import Key

    if budget_period not in {"day", "month"}:
        raise typer.BadParameter("it is day or month", param_hint="--budget-period")
    until = _moment(expires)
    secret, kept = _new()
    key = Key(
        name=_named(name),
        models=tuple(model or ()),
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        concurrency=concurrency,
        budget_tokens=budget_tokens,
        budget_money=budget_money,
        budget_period="day" if budget_period == "day" else "month",
        priority=priority,
        tenant=tenant,
    )
    path = _database(config, database)
    if path is not None:
        _keep(path, key, kept, until)
    typer.echo(secret)
    typer.echo("The key stands above; keep it now, it is not shown again.", err=True)
    if path is None:
        text = as_settings(key, kept.digest, expires)
        typer.echo(f"The settings get:\n\n{text}", err=True, nl=False)


@app.command(name="list")
def listed(config: Config = None, database: Database = None) -> None:
    """List the keys of the database."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    with _opened(_present(config, database)) as store:
        entries = store.entries()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("key", "begins with", "state", "tenant", "created", "allows"):
        table.add_column(column)
    now = time.time()
    for one in entries:
        table.add_row(*map(Text, row(one, now)))
    Console(highlight=False, width=None if os.isatty(1) else 10_000).print(table)


@app.command()
def revoke(name: Name, config: Config = None, database: Database = None) -> None:
    """Revoke a key: what runs goes on, the next request is refused."""
    from proxy.settings.keystore import Missing

    with _opened(_present(config, database)) as store:
        try:
            store.revoke(name, time.time())
        except Missing:
            _fail(f"There is no key {name!r} in force.")
    typer.echo(f"Revoked {name}.", err=True)


@app.command()
def rotate(
    name: Name,
    config: Config = None,
    database: Database = None,
    grace: Annotated[
        str, typer.Option(metavar="DURATION", help="How long the present one counts.")
    ] = "24h",
) -> None:
    """Make another secret for a key; the present one counts on for a while."""
    from proxy.settings.keystore import Missing
    from proxy.settings.units import duration

    try:
        seconds = duration(grace)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--grace") from None
    secret, kept = _new()
    with _opened(_present(config, database)) as store:
        try:
            now = time.time()
            store.rotate(name, kept, now=now, until=now + seconds)
        except Missing:
            _fail(f"There is no key {name!r} in force.")
    typer.echo(secret)
    typer.echo(f"The new key stands above; the one before counts for {grace}.", err=True)


def _keep(path: Path, key: "Key", kept: "Secret", expires: float | None) -> None:
    from msgspec.structs import replace

    from proxy.settings.keystore import Taken

    key = replace(key, tenant=key.tenant or key.name)

    with _opened(path) as store:
        try:
            store.create(key, kept, now=time.time(), expires=expires)
        except Taken:
            _fail(f"There is a key {key.name!r} already, or there has been one: use another name.")


def as_settings(key: "Key", digest: bytes, expires: str | None) -> str:
    """Return what to put into the settings file for a key of this hash, with what it allows."""
    import msgspec

    from proxy.core.keys import Key, written
    from proxy.settings.text import quoted

    rest = msgspec.structs.asdict(key)
    usual = msgspec.structs.asdict(Key(name=rest.pop("name")))
    allowed = {one: value for one, value in rest.items() if value != usual[one]}
    said = {"hash": written(digest)} | allowed
    if expires is not None:
        said["expires"] = expires
    lines = [f"      {one}: {msgspec.json.encode(value).decode()}\n" for one, value in said.items()]
    return f"keys:\n  clients:\n    {quoted(key.name)}:\n{''.join(lines)}"


def row(entry: "Entry", now: float) -> list[str]:
    """Return what the list says of a key."""
    key = entry.key
    allows = {
        "models": ",".join(key.models) or None,
        "requests/min": key.requests_per_minute,
        "tokens/min": key.tokens_per_minute,
        "at once": key.concurrency,
        f"tokens/{key.budget_period}": key.budget_tokens,
        f"money/{key.budget_period}": key.budget_money,
    }
    said = [f"{name} {value}" for name, value in allows.items() if value is not None]
    if entry.revoked is not None:
        state = "revoked"
    elif entry.expires is not None:
        state = "expired" if entry.expires <= now else f"until {_date(entry.expires)}"
    else:
        state = "in force"
    shown = ", ".join(f"{each}..." for each in entry.shown)
    return [key.name, shown, state, key.tenant, _date(entry.created), "; ".join(said) or "all"]


def _date(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def _new() -> tuple[str, "Secret"]:
    from proxy.core import keys
    from proxy.settings.keystore import Secret

    secret = keys.made(secrets.token_bytes(keys.RANDOM))
    return secret, Secret(digest=keys.digest(secret), shown=secret[: keys.SHOWN])


def _moment(text: str | None) -> float | None:
    from proxy.settings.keys import moment

    if text is None:
        return None
    try:
        found = moment(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--expires") from None
    if found <= time.time():
        raise typer.BadParameter(f"{text} has passed", param_hint="--expires")
    return found


def _named(name: str) -> str:
    from proxy.settings.text import nameable

    if not nameable(name):
        hint = f"{name[:256]!r} is no name: 1 to 256 printable characters"
        raise typer.BadParameter(hint, param_hint="name")
    return name


def _database(config: Path | None, database: Path | None) -> Path | None:
    """Return the file, by the flag or by the settings; None if neither names one."""
    if database is not None:
        return database
    found = _settings(config).database
    return None if found is None else Path(found)


def ledger(config: Path | None) -> "Path | Credential":
    """Return where usage is by the settings; ends with 2 if nowhere."""
    settings = _settings(config)
    if settings.ledger is not None:
        return settings.ledger
    if settings.database is None:
        _fail(
            "There is no ledger: set keys.database or keys.ledger, or name one with --database.",
            code=2,
        )
    return Path(settings.database)


def _settings(config: Path | None) -> "Keys":
    from proxy.settings.load import load
    from proxy.settings.problems import SettingsError

    try:
        return load(config, os.environ).settings.keys
    except SettingsError as error:
        typer.echo(error.report(), err=True)
        raise typer.Exit(2) from None


def _present(config: Path | None, database: Path | None) -> Path:
    """Return the database; ends with 2 if none is named, with 1 if it is not there.

    Only a new key makes the file: one that a mistyped path or a look makes as root would be empty,
    and closed to the proxy.
    """
    path = _database(config, database)
    if path is None:
        _fail("There is no database: set keys.database, or name one with --database.", code=2)
    if not path.exists():
        _fail(f"There is no {path} yet: `headrace keys create` makes it, or a proxy's start.")
    return path


@contextmanager
def _opened(path: Path) -> Iterator["Keystore"]:
    import sqlite3

    from proxy.settings.keystore import Keystore, connect

    try:
        with closing(connect(path)) as connection:
            yield Keystore(connection)
    except (sqlite3.Error, OSError) as error:
        _fail(f"{path} cannot be used: {error}")


def _fail(words: str, code: int = 1) -> NoReturn:
    typer.echo(words, err=True)
    raise typer.Exit(code)
