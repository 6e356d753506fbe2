"""`headrace models`, `backends` and `status`: ask a running proxy's admin address."""

import asyncio
import sys
from collections.abc import Sequence
from typing import Final

import aiohttp
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.cli.entry import Entry
from proxy.core.names import alike
from proxy.settings.address import Address
from proxy.settings.text import quoted

TIMEOUT: Final = 5.0  # seconds; the page is made from memory
_UNFOLDED: Final = 10_000  # columns: wider than any row

_EVERY_HOST: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  bound there, reached here


_LOCKED: Final = (
    "{admin} wants its admin_token: give the settings file with -c, or set HEADRACE_ADMIN_TOKEN."
)


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a backend; names and units are those of /status."""

    name: str
    url: str
    state: str
    available: bool
    in_flight: int
    models: tuple[str, ...]
    type: str | None = None
    reason: str = ""
    cap: int | None = None
    work: float = 0.0


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of a model or an alias."""

    id: str
    routable: bool
    backends: tuple[str, ...]
    alias_of: tuple[str, ...] | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of /status; other fields may come and are left alone."""

    version: str
    uptime_s: float
    ready: bool
    in_flight: int
    queued: int
    backends: tuple[Backend, ...]
    models: tuple[Model, ...]
    reasons: tuple[str, ...] = ()
    draining: bool = False


class Unanswered(Exception):  # noqa: N818  it is an outcome, told to a person
    """Nobody gave a usable answer; the text says what happened and what to do."""


def show(what: str, admin: Address, *, as_json: bool) -> int:
    """Print `models`, `backends` or `status` of the proxy at `admin`.

    Return 1, with a reason, if none answers.
    JSON is the part of the answer that was asked for, as the proxy sent it.
    """
    try:
        data = asyncio.run(fetch(admin))
        status = decoded(data, admin)
    except Unanswered as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if as_json:
        parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        body = data if what == "status" else bytes(parts[what])
        sys.stdout.write(msgspec.json.format(body).decode() + "\n")
        return 0
    shown = models(status) if what == "models" else overview(status)
    put(shown[1:] if what == "backends" else shown)
    return 0


def put(parts: Sequence[Text | Table]) -> None:
    """Print to standard output: folded for a terminal, one line a row for whatever reads a pipe."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNFOLDED)
    for part in parts:
        console.print(part)


async def fetch(admin: Address, path: str = "/status") -> bytes:
    """Return the body of an admin page; Unanswered if there is none."""
    code, body = await ask(admin, path)
    if code != 200:
        raise Unanswered(_stranger(admin, f"it answered {code}"))
    return body


async def ask(
    admin: Address, path: str, *, method: str = "GET", more: float = 0.0
) -> tuple[int, bytes]:
    """Return status and body of what is answered there; Unanswered if nothing is, or 401.

    It may take `more` seconds than a page does.
    """
    connector = aiohttp.UnixConnector(admin.path) if admin.is_unix else aiohttp.TCPConnector()
    host = _EVERY_HOST.get(admin.host, admin.host)
    where = "localhost" if admin.is_unix else Address(host=host, port=admin.port)
    limit = aiohttp.ClientTimeout(total=TIMEOUT + more)
    inside = admin if isinstance(admin, Entry) else Entry()
    scheme = "https" if inside.secure else "http"
    trust = inside.context if inside.secure else True
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit) as session,
            session.request(
                method, f"{scheme}://{where}{path}", headers=inside.fields, ssl=trust
            ) as answer,
        ):
            if answer.status == 401:
                raise Unanswered(_LOCKED.format(admin=admin))
            return answer.status, await answer.read()
    except TimeoutError:
        raise Unanswered(f"{admin} took the connection but did not answer.") from None
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
        raise Unanswered(f"{admin} answers, but not with a TLS that is trusted: {error}") from None
    except aiohttp.ClientConnectorError:
        raise Unanswered(
            f"Nothing listens on {admin}.\n"
            "Is headrace running? Give its admin address with --admin, or its file with -c."
        ) from None
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        raise Unanswered(_silent(admin, secure=inside.secure)) from None
    except aiohttp.ClientError as error:
        raise Unanswered(_stranger(admin, str(error) or type(error).__name__)) from None


def decoded(data: bytes, admin: Address) -> Status:
    """Return the answer as a value; Unanswered if it is not that of a headrace."""
    try:
        return msgspec.json.decode(data, type=Status)
    except msgspec.DecodeError as error:
        raise Unanswered(_stranger(admin, str(error))) from None


def overview(status: Status) -> list[Text | Table]:
    """Return the lines and the table of `headrace status`."""
    if status.draining:
        state = "draining"
    else:
        state = "ready" if status.ready else f"not ready: {', '.join(status.reasons)}"
    head = (
        f"headrace {status.version}, {state}, up {uptime(status.uptime_s)},"
        f" {status.in_flight} in flight, {status.queued} queued"
    )
    table = _table("backend", "type", "state", "in flight", "work", "models", "url")
    for one in status.backends:
        in_flight = f"{one.in_flight}/{one.cap}" if one.cap is not None else str(one.in_flight)
        table.add_row(
            plain(one.name),
            plain(one.type or "?"),
            _state(one),
            in_flight,
            f"{one.work:.0f}",
            str(len(one.models)),
            plain(one.url),
        )
    return [plain(head), table if status.backends else plain("No backends.")]


def models(status: Status) -> list[Text | Table]:
    """Return the table of `headrace models`, and what could be one model under several names."""
    if not status.models:
        return [plain("No models: no backend has listed any yet.")]
    table = _table("model", "state", "backends")
    for one in status.models:
        name = f"{one.id} -> {', '.join(one.alias_of)}" if one.alias_of is not None else one.id
        state = Text("ready", "green") if one.routable else Text("unavailable", "red")
        table.add_row(plain(name), state, plain(", ".join(one.backends)))
    return [table, *suggestions(status)]


def suggestions(status: Status) -> list[Text]:
    """Return lines that propose an alias for names that look alike; none if none do.

    Names that stand at the same backends are left out: those are joined already, or the operator's
    own. So are names that one alias lists together.
    """
    at = {one.id: one.backends for one in status.models if one.alias_of is None}
    listed = [set(one.alias_of) for one in status.models if one.alias_of is not None]
    taken = {one.id for one in status.models}
    lines = []
    for group in alike(at):
        joined = any(together.issuperset(group.names) for together in listed)
        if joined or len({at[name] for name in group.names}) < 2:
            continue
        alias = group.alias if group.alias not in taken else f"{group.alias}-any"
        wanted = ", ".join(map(quoted, group.names))
        lines.append(plain(f"    {quoted(alias)}: [{wanted}]"))
    if lines:
        head = (
            "These may be one model each: their names say so, nothing proves it. To serve them as"
        )
        return [plain(""), plain(head + " one, add:"), plain("  aliases:"), *lines]
    return []


def _state(backend: Backend) -> Text:
    if backend.available:
        return Text(backend.state, "green")
    reason = f" ({backend.reason})" if backend.reason else ""
    return Text(plain(f"{backend.state}{reason}").plain, "red")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def plain(text: str) -> Text:
    """Return text of engines and clients as it is: no markup, and nothing a terminal obeys."""
    return Text("".join(char if char.isprintable() else "?" for char in text))


def uptime(seconds: float) -> str:
    """Return how long something is ago, in the two largest units."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    if hours:
        return f"{hours}h {minutes}m"
    return f"{minutes}m {rest}s" if minutes else f"{rest}s"


def _silent(admin: Address, *, secure: bool) -> str:
    hint = (
        "It may want a certificate (tls.admin.client_ca), and this command has none to show."
        if secure
        else f"If it speaks TLS, name its settings file with -c, or write --admin https://{admin}."
    )
    return f"{admin} closed the connection without an answer.\n{hint}"


def _stranger(admin: Address, finding: str) -> str:
    return f"{admin} answers, but not as a headrace admin address: {finding}."
