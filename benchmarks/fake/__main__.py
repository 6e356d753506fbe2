"""`headrace bench mock`: simulated engines as processes of their own.

Every field of `Profile` is a flag: `--max-num-seqs 8`, `--stamps`, `--model A --model B`. A preset
is where the flags start from. With `--instances N` each engine is a process, and all end together.
"""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, cast, get_args

import msgspec
import uvloop

from benchmarks.fake.engine import Engine
from benchmarks.fake.fleet import keep
from benchmarks.fake.launch import Ready
from benchmarks.fake.lifetime import told_to_end
from benchmarks.fake.presets import PRESETS, numbered, preset
from benchmarks.fake.profile import Profile, Stamps


def parser() -> argparse.ArgumentParser:
    """Build the command line from the fields of `Profile`."""
    flags = argparse.ArgumentParser(
        prog="headrace bench mock",
        description=__doc__,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    flags.add_argument("--instances", type=int, default=1, metavar="N")
    flags.add_argument("--preset", choices=[*PRESETS], default="")
    for field in msgspec.structs.fields(Profile):
        _add(flags, f"--{field.name.replace('_', '-')}", field.name, field.type)
    flags.add_argument(
        "--json", action="store_true", default=False, help="print one JSON line when ready"
    )
    flags.add_argument(
        "--until-stdin-closes",
        action="store_true",
        default=False,
        help="end when the starting process is gone",
    )
    return flags


def profile_of(options: argparse.Namespace) -> Profile:
    """Read the profile out of parsed flags: the preset, and over it what was given."""
    names = {field.name for field in msgspec.structs.fields(Profile)}
    values: dict[str, Any] = {k: v for k, v in vars(options).items() if k in names}
    if "models" in values:
        values["models"] = tuple(values["models"])
    return msgspec.structs.replace(preset(options.preset), **values)


async def serve(profile: Profile, *, as_json: bool, until_stdin_closes: bool) -> int:
    """Run one engine in this process until told to end; returns the exit code."""
    over = told_to_end(until_stdin_closes=until_stdin_closes)
    engine = Engine(profile)
    await engine.start()
    admin_port = engine.admin_port or engine.port
    ready = Ready(
        name=profile.name,
        url=engine.url,
        admin_url=f"http://{profile.host}:{admin_port}",
        pid=os.getpid(),
    )
    print(msgspec.json.encode(ready).decode() if as_json else _sentence(profile, ready), flush=True)
    # What lives until the end is not looked at again: the collector pauses for requests only.
    gc.collect()
    gc.freeze()
    await over.wait()
    await engine.stop()
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    flags = parser()
    options = flags.parse_args(words)
    if options.instances < 1:
        flags.error("--instances must be at least 1")
    profiles = numbered(profile_of(options), options.instances)
    ways = {"as_json": options.json, "until_stdin_closes": options.until_stdin_closes}
    work = serve(profiles[0], **ways) if len(profiles) == 1 else keep(profiles, **ways)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(work)
    except OSError as problem:
        print(f"The simulated engine cannot start: {problem}", file=sys.stderr)
        return 1


def _add(flags: argparse.ArgumentParser, name: str, field: str, kind: object) -> None:
    if field == "models":
        flags.add_argument("--model", dest="models", action="append", metavar="NAME")
    elif kind is bool:
        flags.add_argument(name, action="store_true")
    elif kind is Stamps:
        # A bare `--stamps` is the commonest wish: into a field of the event.
        flags.add_argument(name, choices=[*Stamps], type=Stamps, nargs="?", const=Stamps.FIELD)
    elif isinstance(kind, type) and issubclass(kind, StrEnum):
        flags.add_argument(name, choices=[*kind], type=kind)
    else:
        # `int | None` reads an int; None is what stands there when nothing is given.
        plain = next((part for part in get_args(kind) if part is not type(None)), kind)
        flags.add_argument(name, type=cast("Callable[[str], object]", plain))


def _sentence(profile: Profile, ready: Ready) -> str:
    models = ", ".join(profile.models)
    return (
        f"Simulated {profile.dialect} engine {profile.name!r} on {ready.url} with {models}. "
        f"Faults and requests: {ready.admin_url}/fake/"
    )


if __name__ == "__main__":
    sys.exit(main())
