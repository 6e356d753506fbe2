"""`headrace bench`: all commands under one name."""

import sys
from collections.abc import Sequence

import typer

from benchmarks.cli import measuring, showing, tracing, trying

PASTED = frozenset({"run", "replay", "overhead", "capacity"})
"""Commands that take the words of `vllm bench serve`."""

app = typer.Typer(
    name="headrace bench",
    help="What a proxy costs, and what an endpoint does under load.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for part in (measuring, trying, showing):
    app.registered_commands += part.app.registered_commands
app.add_typer(tracing.app, name="trace", help="Look at traces, rewrite them, make some.")


def main(words: Sequence[str]) -> int:
    """Run the command that `words` ask for; return its exit code."""
    from benchmarks.cli.vllm import WordError, translated

    given = list(words)
    if given and given[0] in PASTED:
        try:
            rest, notes = translated(given[1:])
        except WordError as error:
            print(f"headrace bench {given[0]}: {error}", file=sys.stderr)
            return 2
        for note in notes:
            print(note, file=sys.stderr)
        given = [given[0], *rest]
    try:
        app(args=given, prog_name="headrace bench")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0
