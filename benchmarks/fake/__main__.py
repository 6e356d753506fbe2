"""`python -m benchmarks.fake`: a simulated engine as a process of its own.

Every field of `Profile` is a flag: `--max-num-seqs 8`, `--stamps`, `--model A --model B`.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
import uvloop

from benchmarks.fake.engine import Engine
from benchmarks.fake.launch import Ready
from benchmarks.fake.profile import Dialect, Profile, Stamps


def parser() -> argparse.ArgumentParser:
    """Build the command line from the fields of `Profile`."""
    flags = argparse.ArgumentParser(prog="python -m benchmarks.fake", description=__doc__)
    for field in msgspec.structs.fields(Profile):
        name, default = f"--{field.name.replace('_', '-')}", field.default
        if field.name == "models":
            flags.add_argument("--model", dest="models", action="append", metavar="NAME")
        elif field.type is bool:
            flags.add_argument(name, action="store_true")
        elif field.type is Stamps:
            # A bare `--stamps` is the commonest wish: into a field of the event.
            flags.add_argument(
                name,
                choices=[*Stamps],
                default=default,
                type=Stamps,
                nargs="?",
                const=Stamps.FIELD,
            )
        elif field.type is Dialect:
            flags.add_argument(name, choices=[*Dialect], default=default, type=Dialect)
        else:
            kind = next((t for t in get_args(field.type) if t is not type(None)), field.type)
            flags.add_argument(name, type=kind, default=default)
    flags.add_argument("--json", action="store_true", help="print one JSON line when ready")
    flags.add_argument(
        "--until-stdin-closes", action="store_true", help="end when the starting process is gone"
    )
    return flags


def profile_of(options: argparse.Namespace) -> Profile:
    """Read the profile out of parsed flags."""
    names = {field.name for field in msgspec.structs.fields(Profile)}
    values: dict[str, Any] = {k: v for k, v in vars(options).items() if k in names}
    values["models"] = tuple(values["models"] or Profile().models)
    return Profile(**values)


async def serve(profile: Profile, *, as_json: bool, until_stdin_closes: bool) -> None:
    """Run until SIGTERM or SIGINT, or until stdin ends if that is asked for."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if until_stdin_closes:

        def read() -> None:
            if not os.read(0, 4096):
                over.set()

        loop.add_reader(0, read)
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
    await over.wait()
    await engine.stop()


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parser().parse_args(words)
    profile = profile_of(options)
    work = serve(profile, as_json=options.json, until_stdin_closes=options.until_stdin_closes)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except OSError as problem:
        print(f"The simulated engine cannot start: {problem}", file=sys.stderr)
        return 1
    return 0


def _sentence(profile: Profile, ready: Ready) -> str:
    models = ", ".join(profile.models)
    return (
        f"Simulated {profile.dialect} engine {profile.name!r} on {ready.url} with {models}. "
        f"Faults and requests: {ready.admin_url}/fake/"
    )


if __name__ == "__main__":
    sys.exit(main())
