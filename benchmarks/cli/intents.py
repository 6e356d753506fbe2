"""From groups of flags to the options of the commands."""

import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, TypeVar

import typer

from benchmarks.cli import flags, loads, words
from benchmarks.client.target import Api, Stamp, Target
from benchmarks.commands import run
from benchmarks.commands.loading import Loading
from benchmarks.commands.outputs import Output
from benchmarks.load.shape import Shape
from benchmarks.method.experience import Limits
from benchmarks.report.budget import BudgetError, parse

Kind = TypeVar("Kind", bound=StrEnum)
KEY: Final = "--api-key"
SECRET: Final = frozenset({KEY, "--header", "-H"})


def shape(load: loads.Load, body: loads.Shape) -> Shape:
    """Return the workload's shape in words; `workload.draw` checks it."""
    return Shape(
        rate=load.rate,
        concurrency=load.concurrency,
        arrivals=load.arrivals,
        ramp=load.ramp,
        duration=load.duration,
        requests=load.requests,
        idle_gap=load.idle_gap,
        preset=load.preset,
        speed=load.speed,
        input=body.input,
        output=body.output,
        turns=body.turns,
        think=body.think,
        prefix_groups=body.prefix_groups,
        prefix_tokens=body.prefix_tokens,
        cancel=body.cancel,
        slow=body.slow,
        new_connections=body.new_connections,
    )


def target(
    name: str, url: str, endpoint: flags.Endpoint, *, stream: bool, stamp: str = ""
) -> Target:
    """Return an endpoint. Raises typer.BadParameter for an unknown API or place of stamps."""
    return Target(
        name=name,
        url=url if "://" in url else f"http://{url}",
        model=endpoint.model,
        api=one_of(Api, endpoint.api, "--api"),
        stream=stream,
        stamp=one_of(Stamp, stamp or "none", "--stamp"),
        headers=tuple(words.header(text) for text in endpoint.header or ()),
        api_key=endpoint.api_key,
        insecure=endpoint.insecure,
        ignore_eos=endpoint.ignore_eos,
    )


def loading(endpoint: flags.Endpoint) -> Loading:
    """Return how the load is sent."""
    return Loading(clients=endpoint.clients, **given(warm=endpoint.warm, timeout=endpoint.timeout))


def limits(endpoint: flags.Endpoint) -> Limits:
    """Return what a good answer keeps to."""
    return Limits(**dict(words.limit(text) for text in endpoint.goodput or ()))


def output(given: flags.Output) -> Output:
    """Return where results go. Raises typer.BadParameter for a bad budget or file."""
    if given.budget:
        try:
            parse(given.budget)
        except BudgetError as error:
            raise typer.BadParameter(str(error)) from None
    for flag in ("json", "html", "md", "csv", "raw"):
        if (path := getattr(given, flag)) is not None:
            writable(path, f"--{flag}")
    return Output(
        json=given.json,
        html=given.html,
        md=given.md,
        csv=given.csv,
        raw=given.raw,
        quiet=given.quiet,
        budget=given.budget,
    )


def writable(path: Path, flag: str) -> None:
    """Raise typer.BadParameter if nothing can be written to `path`: before a run, not after.

    Folders that are missing are made when there is something to write.
    """
    there = path
    while not there.exists():
        there = there.parent
    if path.is_dir():
        why = f"{path} is a folder: name a file"
    elif there != path and not there.is_dir():
        why = f"{there} is not a folder"
    elif not os.access(there, os.W_OK):
        why = f"{there} may not be written"
    else:
        return
    raise typer.BadParameter(why, param_hint=flag)


def one_of(kinds: type[Kind], text: str, flag: str) -> Kind:
    """Return the member of `kinds` that `text` names. Raises typer.BadParameter."""
    try:
        return kinds(text)
    except ValueError:
        known = ", ".join(kinds)
        raise typer.BadParameter(f"{text!r} is none of {known}", param_hint=flag) from None


def asked(
    url: str | None,
    endpoint: flags.Endpoint,
    seed: flags.Seed,
    engines: flags.Engines,
    out: flags.Output,
    *,
    stream: bool,
) -> run.Asked:
    """Return which endpoint is asked, and what becomes of the result."""
    return run.Asked(
        target=target(run.ENDPOINT, url, endpoint, stream=stream) if url else None,
        engines=engines.engines,
        limits=limits(endpoint),
        loading=loading(endpoint),
        seed=seed.seed,
        words=command_line(),
        output=output(out),
    )


def command_line() -> tuple[str, ...]:
    """Return the words this process was started with, for the record; keys are left out.

    They begin with `headrace bench`, however it was started. Of a header the name alone is kept.
    """
    given = sys.argv[1:]
    shown, flag = ["headrace", "bench"], ""
    for word in given[given[:1] == ["bench"] :]:
        own, equals, value = word.partition("=")
        if flag in SECRET:
            shown.append(_hidden(flag, word))
        elif equals and own in SECRET:
            shown.append(f"{own}={_hidden(own, value)}")
        else:
            shown.append(word)
        flag = word
    return tuple(shown)


def _hidden(flag: str, value: str) -> str:
    name = re.match(r"[\w-]+(?=[:=])", value)
    return f"{name[0]}: ***" if name and flag != KEY else "***"


def given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - options of any type
    """Return the values that were given; the options know what holds for the others."""
    return {name: value for name, value in values.items() if value is not None}


def weights(text: str) -> tuple[float, ...]:
    """Read `1,1,2`. Raises typer.BadParameter."""
    found = tuple(words.factor(part) for part in text.split(","))
    if len(found) < 2:
        raise typer.BadParameter(f"{text!r}: two engines at least", param_hint="--weights")
    return found
