"""The tables of the page about engines, written from the profiles.

`python -m proxy.dialects.describe docs/reference` brings the page up to date; a test fails when it
is not. What stands outside the marked tables is written by hand.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from proxy.dialects.base import Engine
from proxy.dialects.openai_api import OPERATIONS
from proxy.dialects.profile import Comments, ErrorForm, Grammar, Resume, Stops, Surface, Unknown
from proxy.dialects.registry import ENGINES
from proxy.dialects.translate import asking, counting

PAGE: Final = "engines.md"
_MARK: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_ERRORS: Final = {
    ErrorForm.EVENT_DONE: "an error event, then the end marker",
    ErrorForm.EVENT: "an error event, no end marker",
    ErrorForm.BREAK: "the connection breaks",
    ErrorForm.NOTHING: "it ends without its marker",
}
_COMMENTS: Final = {
    Comments.NEVER: "",
    Comments.FIRST: "before the first token",
    Comments.GAPS: "between tokens",
    Comments.ANY: "at any time",
}
_STOPS: Final = {Stops.AT_ONCE: "at once", Stops.LATE: "late", Stops.NEVER: "never"}
_RESUMES: Final = {
    Resume.TOLD: "chat, if told",
    Resume.UNASKED: "chat",
    Resume.PROMPT: "text",
}
_UNKNOWN: Final = {
    Unknown.REFUSES: "refuses it",
    Unknown.IGNORES: "serves what it has",
    Unknown.LOADS: "downloads or loads it",
    Unknown.FALLS_BACK: "may serve another",
}
_GRAMMAR: Final = {
    Grammar.FREE: "",
    Grammar.OLLAMA: "`:latest` may be left out",
    Grammar.DOCKER: "`:latest` and `ai/` may be left out",
}


def updated(page: str) -> str:
    """Return the page with every marked table as the profiles would have it today."""
    return _MARK.sub(lambda mark: f"{mark[1]}{_TABLES[mark[2]]()}{mark[3]}", page)


def _kinds() -> str:
    rows = (
        (
            f"`{kind.name}`",
            kind.title,
            ", ".join(map(str, kind.ports)) or "any",
            _paths(probe.path for probe in kind.ready),
            _paths([kind.models_path, *(part.path for part in kind.details)]),
            _paths(gauge.path for gauge in kind.load),
            _paths([kind.capacity.path] if kind.capacity else []),
            kind.profile.evidence,
        )
        for kind in ENGINES.values()
    )
    head = ("`type`", "engine", "usual port", "ready", "models", "load", "capacity", "learned from")
    return _table(head, rows)


def _proofs() -> str:
    rows = (
        (
            f"`{kind.name}`",
            _claims(kind),
            _paths(probe.path for probe in kind.sign.confirm) if kind.sign else "",
        )
        for kind in ENGINES.values()
    )
    return _table(("`type`", "claim", "proof, by the body of"), rows)


def _operations() -> str:
    kinds = tuple(ENGINES.values())
    served = {path for kind in kinds for path in kind.profile.operations}
    paths = [path for path in OPERATIONS if path in served] + sorted(served - set(OPERATIONS))
    rows = ((f"`{path}`", *(_cell(kind, path) for kind in kinds)) for path in paths)
    return _table(("path", *(kind.name for kind in kinds)), rows)


def _passes() -> str:
    rows = (
        (f"`{kind.name}`", *("yes" if group in kind.profile.passes else "" for group in Surface))
        for kind in ENGINES.values()
        if kind.profile.passes
    )
    return _table(("`type`", *(f"`{group.value}`" for group in Surface)), rows)


def _streams() -> str:
    rows = (
        (
            f"`{kind.name}`",
            _ERRORS[kind.profile.stream.error],
            _COMMENTS[kind.profile.stream.comments],
            ", ".join(_RESUMES[way] for way in kind.resumes.values()),
            _STOPS[kind.profile.cancel.stream],
            _STOPS[kind.profile.cancel.plain] + (" (*)" if kind.stream_upstream else ""),
            _UNKNOWN[kind.profile.naming.unknown],
            _GRAMMAR[kind.profile.naming.grammar],
            _life(kind),
        )
        for kind in ENGINES.values()
    )
    head = (
        "`type`",
        "failure inside a stream",
        "comments",
        "goes on with",
        "a stream stops",
        "a plain answer stops",
    )
    return _table((*head, "an unknown model", "names", "models"), rows)


def _limits() -> str:
    rows = (
        (
            f"`{kind.name}`",
            f"{kind.keep_alive:g} s",
            str(kind.max_requests or ""),
            f"{kind.max_body:,}" if kind.max_body else "",
            ", ".join(f"`{name.decode()}`" for name in sorted(kind.dropped_headers)),
            ", ".join(f"`{name.decode()}`" for name in sorted(kind.hidden_headers)),
            ", ".join(f"`{path}` ({cost.value})" for path, cost in kind.profile.never.items()),
            _paths(kind.profile.auth.open),
        )
        for kind in ENGINES.values()
    )
    head = ("`type`", "idle connection", "requests on one", "bytes of a body", "headers not sent")
    return _table((*head, "headers hidden", "never asked", "needs no key"), rows)


def _ports() -> str:
    ports = sorted({port for kind in ENGINES.values() for port in kind.ports})
    return ", ".join(map(str, ports[:-1])) + f" and {ports[-1]}\n"


def _cell(kind: Engine, path: str) -> str:
    operation = kind.profile.operations.get(path)
    if operation is None:
        if not (path in OPERATIONS and asking.reachable(path, kind)):
            return ""
        return "e" if path == asking.COUNT and not counting.tokenizer(kind.profile) else "t"
    return f"{operation.since}+" if operation.since else "yes"


def _life(kind: Engine) -> str:
    life = kind.profile.lifecycle
    words = ["load on demand"] if life.on_demand else []
    return ", ".join([*words, "may sleep"] if life.sleeps else words)


def _claims(kind: Engine) -> str:
    words = []
    for claim in kind.profile.identity.claims:
        marks = [f"`owned_by` {', '.join(claim.owners)}"] if claim.owners else []
        marks += [f"header `{name}`" for name in claim.header]
        marks += [f"`{pointer}`: {value}" for pointer, value in claim.item.items()]
        marks += ["every name has a tag"] if claim.tagged else []
        marks += ["every model owns itself"] if claim.owner_is_model else []
        marks += ["no owners"] if claim.nameless else []
        marks += ["an empty list"] if claim.empty else []
        words.append(" and ".join(marks))
    return "; ".join(words) or "whatever nobody else is"


def _paths(paths: Iterable[str]) -> str:
    return ", ".join(f"`{path}`" for path in paths)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "|" + "|".join(f" {cell} ".replace("  ", " ") for cell in line) + "|\n" for line in lines
    )


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "kinds": _kinds,
    "proofs": _proofs,
    "operations": _operations,
    "passes": _passes,
    "streams": _streams,
    "limits": _limits,
    "ports": _ports,
}


def write(folder: Path) -> None:
    """Bring the page in `folder` up to date."""
    page = folder / PAGE
    page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
