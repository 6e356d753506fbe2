"""Commands that try a proxy out or stand beside it: faults, fairness, ci, mock."""

import sys

import typer

from benchmarks.cli import flags, loads
from benchmarks.cli.gathering import add

app = typer.Typer()


@add(app, "faults", "A backend breaks under load: what clients see, and for how long.")
def _faults(
    *,
    broken: flags.Broken,
    load: loads.Load,
    body: loads.Shape,
    seed: flags.Seed,
    out: flags.Output,
    engines: flags.Engines,
) -> int:
    from benchmarks.cli import comparing, intents
    from benchmarks.commands import faults
    from benchmarks.method.breaking import Breakage

    kinds = [intents.one_of(Breakage, text, "--fault") for text in broken.fault or ()]
    return faults.main(
        faults.Options(
            engines=engines.engines,
            shape=comparing.usual_but(intents.shape(load, body), faults.SHAPE),
            calm=broken.calm,
            outage=broken.outage,
            after=broken.after,
            seed=seed.seed,
            words=intents.command_line(),
            output=intents.output(out),
            **intents.given(
                vias=tuple(broken.via) if broken.via else None,
                breakages=tuple(kinds) or None,
            ),
        )
    )


@add(app, "fairness", "How each balancing policy shares the work out.")
def _fairness(
    *,
    shared: flags.Shared,
    load: loads.Load,
    body: loads.Shape,
    seed: flags.Seed,
    out: flags.Output,
) -> int:
    from benchmarks.cli import comparing, intents
    from benchmarks.commands import fairness

    return fairness.main(
        fairness.Options(
            shape=comparing.usual_but(intents.shape(load, body), fairness.SHAPE),
            seed=seed.seed,
            words=intents.command_line(),
            output=intents.output(out),
            **intents.given(
                policies=tuple(shared.policy) if shared.policy else None,
                weights=intents.weights(shared.weights) if shared.weights else None,
            ),
        )
    )


@add(app, "ci", "Hold headrace's CPU per token against nginx's; 3 if over the budget.")
def _ci(budget: flags.Ratio, seed: flags.Seed) -> int:
    from benchmarks.cli import intents
    from benchmarks.commands import ci

    if budget.json is not None:
        intents.writable(budget.json, "--json")
    return ci.main(
        ci.Options(
            budget=budget.ratio,
            rounds=budget.rounds,
            seed=seed.seed,
            json=budget.json,
            words=intents.command_line(),
        )
    )


@app.command(
    "mock",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
    help="Run simulated engines.",
)
def _mock(context: typer.Context) -> None:
    from benchmarks.fake.__main__ import main as run

    try:
        code = run(context.args)
    except OverflowError as problem:  # of a port
        print(f"headrace bench mock: {problem}", file=sys.stderr)
        code = 2
    raise typer.Exit(code)
