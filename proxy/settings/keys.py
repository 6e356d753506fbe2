"""The settings of API keys: who has one, what it allows, what models cost, where it is counted."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from proxy.core import keys
from proxy.core.keys import Credential, Key
from proxy.settings.credential import Secret

_Limit = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
_Money = Annotated[float, Meta(ge=0.0, le=1e12)]
_MILLION: Final = 1e6


class Period(StrEnum):
    """How long a budget lasts."""

    DAY = "day"
    MONTH = "month"


class Away(StrEnum):
    """What happens while the shared store cannot be reached."""

    SHARE = "share"
    REFUSE = "refuse"


class ClientKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key and what it allows; `keys.clients.NAME`. What is left out is not limited."""

    hash: Annotated[
        tuple[str, ...],
        Meta(
            description="The SHA-256 of the key, as `headrace keys create` prints it; several while"
            " a key is being replaced.",
            extra={"unit": "hashes"},
        ),
    ] = ()
    key: Annotated[
        Secret | None,
        Meta(
            description="The key itself, if not its hash. ${NAME} is replaced from the environment."
            " Never shown.",
            extra={"unit": "secret"},
        ),
    ] = None
    models: Annotated[
        tuple[str, ...],
        Meta(
            description="Patterns of the names it may ask for; `*` is any letters, `?` one. None ="
            " all.",
            extra={"unit": "names"},
        ),
    ] = ()
    requests_per_minute: Annotated[
        _Limit | None, Meta(description="Requests in any 60 seconds.")
    ] = None
    tokens_per_minute: Annotated[
        _Limit | None,
        Meta(
            description="Tokens in any 60 seconds, prompt and answer: estimated when a request"
            " begins, corrected when it has ended."
        ),
    ] = None
    concurrency: Annotated[_Limit | None, Meta(description="Requests at once.")] = None
    budget_tokens: Annotated[
        _Limit | None, Meta(description="Tokens in a budget_period, prompt and answer.")
    ] = None
    budget_money: Annotated[
        _Money | None, Meta(description="Money in a budget_period, by keys.prices.")
    ] = None
    budget_period: Annotated[
        Period, Meta(description="How long a budget lasts, by the calendar in UTC.")
    ] = Period.MONTH
    priority: Annotated[
        int,
        Meta(
            ge=-1000,
            le=1000,
            description="Its place in queues: lower goes first. A client's x-headrace-priority can"
            " only put a request further back.",
        ),
    ] = 0
    tenant: Annotated[
        str,
        Meta(
            description="Whose key it is: it stands beside the key in metrics and in"
            " `headrace usage`. Default: the name of the key.",
            extra={"unit": "label"},
        ),
    ] = ""
    expires: Annotated[
        str | None,
        Meta(
            description="From when it is refused: a day, 2027-01-31, or a time,"
            " 2027-01-31T18:00:00Z. Days begin at midnight UTC.",
            extra={"unit": "date"},
        ),
    ] = None


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What a model costs, for each million tokens, in a unit of your choice."""

    input: Annotated[_Money, Meta(description="A million tokens of prompts.")] = 0.0
    output: Annotated[_Money, Meta(description="A million tokens of answers.")] = 0.0


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """Where several replicas count together: a Redis or Valkey server."""

    url: Annotated[
        Secret | None,
        Meta(
            description="redis://[:password@]host:port/number, rediss:// for TLS, or"
            " unix:///path; null = each process counts alone. ${NAME} is replaced from the"
            " environment. Never shown.",
            extra={"unit": "secret"},
        ),
    ] = None
    prefix: Annotated[
        str,
        Meta(description="How the names of what is kept there begin.", extra={"unit": "label"}),
    ] = "headrace"
    replicas: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="How many replicas there are: without the store, each allows its share.",
        ),
    ] = 2
    away: Annotated[
        Away,
        Meta(
            description="While the store does not answer: share = each replica allows its share of"
            " each limit; refuse = requests of keys with limits are answered 503."
        ),
    ] = Away.SHARE


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """API keys of clients. Without any, and without a database, nobody needs one."""

    clients: Annotated[
        dict[str, ClientKey], Meta(description="Keys by name. Names stand in logs and metrics.")
    ] = msgspec.field(default_factory=dict)
    database: Annotated[
        str | None,
        Meta(
            description="A SQLite file with further keys, those of `headrace keys`, and with what"
            " each key has used; it is made if it is not there. A relative path starts at the"
            " configuration file.",
            extra={"unit": "path"},
        ),
    ] = None
    ledger: Annotated[
        Secret | None,
        Meta(
            description="A PostgreSQL database that gets what each key has used, in place of"
            " keys.database: postgresql://user:password@host:port/name. Several replicas may have"
            " the same. ${NAME} is replaced from the environment. Never shown.",
            extra={"unit": "secret"},
        ),
    ] = None
    prices: Annotated[
        dict[str, Price],
        Meta(description="What models cost, by name as clients ask for it, or by a pattern."),
    ] = msgspec.field(default_factory=dict)
    pass_through: Annotated[
        bool,
        Meta(
            description="Let credentials of clients through to engines that have no api_key of"
            " their own. Not together with keys: those are never passed on."
        ),
    ] = False
    shared: Shared = Shared()

    @property
    def wanted(self) -> bool:
        """Tell whether clients need a key."""
        return bool(self.clients) or self.database is not None

    def listed(self) -> Iterator[Key]:
        """Yield the keys that stand in the settings."""
        for name, one in self.clients.items():
            yield key_of(name, one)


def key_of(name: str, one: ClientKey) -> Key:
    """Return a key as it is judged by."""
    digests = [found for text in one.hash if (found := keys.read(text)) is not None]
    if one.key is not None:
        digests.append(keys.digest(one.key.reveal()))
    expires = None if one.expires is None else moment(one.expires)
    return Key(
        name=name,
        credentials=tuple(Credential(digest=each, expires_at=expires) for each in digests),
        models=one.models,
        requests_per_minute=one.requests_per_minute,
        tokens_per_minute=one.tokens_per_minute,
        concurrency=one.concurrency,
        budget_tokens=one.budget_tokens,
        budget_money=one.budget_money,
        budget_period="day" if one.budget_period is Period.DAY else "month",
        priority=one.priority,
        tenant=one.tenant or name,
    )


def moment(text: str) -> float:
    """Return the Unix time a date stands for; ValueError if it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("write a day, 2027-01-31, or a time, 2027-01-31T18:00:00Z") from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def rates(price: Price) -> tuple[float, float]:
    """Return what one token in and one token out cost."""
    return price.input / _MILLION, price.output / _MILLION
