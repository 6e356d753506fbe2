"""From flags to the options of the commands that compare arms."""

import msgspec

from benchmarks.cli import flags, intents, words
from benchmarks.client.target import Stamp
from benchmarks.commands import capacity, overhead
from benchmarks.load.shape import Shape


def compared(
    arms: flags.Arms, endpoint: flags.Endpoint, design: flags.Design, *, stream: bool
) -> overhead.Options:
    """Return the arms and the design; the load is the usual one."""
    like = intents.target("", "http://-", endpoint, stream=stream)
    return overhead.Options(
        direct=tuple(arms.direct or ()),
        via=tuple(arms.via or ()),
        via_pid=tuple(words.named_number(text) for text in arms.via_pid or ()),
        aa=arms.aa,
        floor=arms.floor,
        like=msgspec.structs.replace(like, url=""),
        stamp=intents.one_of(Stamp, design.stamp, "--stamp") if design.stamp else None,
        precision=design.precision,
        pin=design.pin,
        words=intents.command_line(),
        **intents.given(
            block=design.block,
            rounds=design.rounds,
            max_time=design.max_time,
            warm=endpoint.warm,
            timeout=endpoint.timeout,
        ),
    )


def with_common(
    options: overhead.Options, seed: flags.Seed, engines: flags.Engines, out: flags.Output
) -> overhead.Options:
    """Return the options with dice, engines and outputs."""
    return msgspec.structs.replace(
        options, seed=seed.seed, engines=engines.engines, output=intents.output(out)
    )


def usual_but(asked: Shape, usual: Shape = overhead.SHAPE) -> Shape:
    """Return the shape that was asked for, where it says nothing the usual one.

    A concurrency, a ramp or a preset says how much load there is, as a rate does.
    """
    said = {
        field.name: value
        for field in msgspec.structs.fields(Shape)
        if (value := getattr(asked, field.name)) != field.default
    }
    if {"concurrency", "ramp", "preset"} & said.keys():
        said.setdefault("rate", None)
    if "preset" in said:
        said = {"input": "", "output": ""} | said
    return msgspec.structs.replace(usual, **said)


def searched(
    arms: overhead.Options, shape: Shape, search: flags.Search, design: flags.Design
) -> capacity.Options:
    """Return the options of a search over the same arms.

    `--budget` says how much a proxy may add; the result is not held against it again.
    """
    return capacity.Options(
        direct=arms.direct,
        via=arms.via,
        via_pid=arms.via_pid,
        engines=arms.engines,
        like=arms.like,
        stamp=arms.stamp,
        of=intents.one_of(capacity.Of, search.of, "--of"),
        limits=arms.output.budget or capacity.LIMITS,
        shape=shape,
        first=search.first,
        most=search.most,
        seed=arms.seed,
        pin=arms.pin,
        warm=arms.warm,
        timeout=arms.timeout,
        words=arms.words,
        output=msgspec.structs.replace(arms.output, budget=""),
        **intents.given(block=design.block, rounds=design.rounds, max_time=design.max_time),
    )
