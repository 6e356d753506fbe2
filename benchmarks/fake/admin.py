"""`/fake/*`: faults, state and the account of requests, for drivers in other processes."""

from typing import Protocol
from urllib.parse import parse_qs

import msgspec

from benchmarks.fake.connection import Connection, Request
from benchmarks.fake.faults import Fault, Faults
from benchmarks.fake.ledger import Ledger, Record, SideLog
from benchmarks.fake.pages import Page
from benchmarks.fake.profile import Profile

PREFIX = "/fake/"
_HIDDEN = {"headers", "body"}
_UNKNOWN = b'{"error":"no such page of the simulated engine"}'
_FAULTS = msgspec.json.Decoder(Fault | list[Fault])


class Subject(Protocol):
    """The engine that is asked about."""

    profile: Profile
    faults: Faults
    connections: set[Connection]
    accepted: int

    @property
    def requests(self) -> Ledger:
        """The account."""

    @property
    def side_log(self) -> SideLog:
        """Times of tagged requests."""

    @property
    def loading(self) -> bool:
        """Whether the model is still being loaded."""

    @property
    def asleep(self) -> bool:
        """Whether the engine sleeps."""

    def sleep(self, *, asleep: bool) -> None:
        """Put the engine to sleep, or wake it."""

    @property
    def running(self) -> int:
        """Sequences in the batch."""

    @property
    def waiting(self) -> int:
        """Sequences in the queue."""


def answer(engine: Subject, request: Request) -> Page:
    """Answer one admin request."""
    path, _, query = request.target.removeprefix(PREFIX).partition("?")
    value: object
    match request.method, path:
        case "GET", "state":
            value = _state(engine)
        case "POST", "faults":
            return _switch(engine, request.body)
        case "DELETE", "faults":
            engine.faults.clear()
            value = {"faults": []}
        case "GET", "faults":
            value = {"faults": list(engine.faults), "hits": engine.faults.hits}
        case "GET", "requests":
            value = {"requests": _requests(engine.requests, query)}
        case "DELETE", "requests":
            engine.requests.clear()
            engine.side_log.clear()
            value = {"requests": []}
        case "POST", "sleep" | "wake":
            engine.sleep(asleep=path == "sleep")
            value = {"asleep": engine.asleep}
        case "GET", "stamps":
            return _stamps(engine.side_log, query)
        case _:
            return Page(_UNKNOWN, b"application/json", 404)
    return _json(value)


def _switch(engine: Subject, body: bytes) -> Page:
    try:
        wanted = _FAULTS.decode(body)
    except msgspec.DecodeError as problem:
        return Page(msgspec.json.encode({"error": str(problem)}), b"application/json", 400)
    engine.faults.set(*(wanted if isinstance(wanted, list) else [wanted]))
    return _json({"faults": list(engine.faults)})


def _state(engine: Subject) -> dict[str, object]:
    return {
        "simulated": True,
        "name": engine.profile.name,
        "dialect": engine.profile.dialect,
        "models": engine.profile.models,
        "running": engine.running,
        "waiting": engine.waiting,
        "loading": engine.loading,
        "asleep": engine.asleep,
        "connections": len(engine.connections),
        "accepted": engine.accepted,
        "received": engine.requests.received,
        "aborted": engine.requests.aborted,
        "faults": list(engine.faults),
        "hits": engine.faults.hits,
    }


def _requests(ledger: Ledger, query: str) -> list[dict[str, object]]:
    wanted = parse_qs(query).get("id")
    records = ledger if wanted is None else [r for key in wanted for r in ledger.find(key)]
    return [_row(record) for record in records]


def _stamps(log: SideLog, query: str) -> Page:
    tag = next(iter(parse_qs(query).get("tag", ())), "")
    told = log.find(tag)
    if told is None:
        problem = {"error": f"no request with bench-tag:{tag} is remembered"}
        return Page(msgspec.json.encode(problem), b"application/json", 404)
    return _json({"taken_ns": told.taken_ns, "emitted": told.emitted.tolist()})


def _row(record: Record) -> dict[str, object]:
    fields = msgspec.structs.asdict(record)
    return {name: value for name, value in fields.items() if name not in _HIDDEN}


def _json(value: object) -> Page:
    return Page(msgspec.json.encode(value))
