"""The result in one plain sentence, made from the record and nothing else.

It claims no more than the intervals do: a difference below the resolution is called that, and a run
that is not valid says why it must not be used instead of what it found.
"""

from collections.abc import Sequence
from typing import Final

from benchmarks.report.amounts import amount
from benchmarks.report.effects import (
    DIRECT,
    PROXY,
    Standing,
    arms_of,
    effect_of,
    figure_of,
    standing,
)
from benchmarks.report.figures import figure
from benchmarks.report.record import Effect, Record

FIRST: Final = "first_token_p50_ms"
TOKEN: Final = "token_p50_us"
WAITS: Final = ((FIRST, "for the first token"), (TOKEN, "for each token"))


def listed(words: Sequence[str]) -> str:
    """Join words with commas and a final "and"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def _why(record: Record) -> str:
    failed = [check for check in record.checks if not check.passed]
    told = [f"{check.name}: {check.detail}" if check.detail else check.name for check in failed]
    return "; ".join(told) or "it says so itself and gives no reason"


def _waits(record: Record, arm: str) -> str:
    """Say how much longer a user waits, by figure; empty if no latency was measured."""
    longer, shorter, unseen = [], [], []
    for name, where in WAITS:
        effect = effect_of(record, arm, name)
        if effect is None or effect.added is None:
            continue
        size = _ms(name, abs(effect.added))
        match standing(effect):
            case Standing.ADDED:
                longer.append(f"{size} longer {where}")
            case Standing.SAVED:
                shorter.append(f"{size} less {where}")
            case Standing.UNSEEN:
                unseen.append(f"{where} ({_below(effect)})")
            case Standing.UNKNOWN:
                continue
    waits = longer + shorter
    parts = [f"a user waits {listed(waits)}"] if waits else []
    if unseen:
        verb = "the difference" if waits else "this run sees no difference"
        told = " is below what this run can see" if waits else ""
        parts.append(f"{verb} {listed(unseen)}{told}")
    return ", and ".join(parts)


def _below(effect: Effect) -> str:
    ends = [abs(end) for end in (effect.low, effect.high) if end is not None]
    bound = max([effect.resolution or 0.0, *ends])
    return f"it would have to be above {_ms(effect.figure, bound)}"


def _ms(name: str, value: float) -> str:
    """Return a time in milliseconds, whatever its size: the parts of a sentence get compared."""
    ms = value * figure(name).base * 1e3
    return f"{ms:.{2 if ms >= 0.095 else 3}f} ms" if ms < 100 else f"{ms:,.0f} ms"


def _cores(record: Record, arm: str) -> str:
    """Say what the arm's CPU comes to at the rate of this run."""
    effect = effect_of(record, arm, "cpu_ms_per_1k_tokens")
    cost = effect.value if effect is not None else figure_of(record, arm, "cpu_ms_per_1k_tokens")
    rate = figure_of(record, arm, "tokens_per_s")
    if not cost or not rate:
        return ""
    used = rate * cost / 1e6
    told = f"{used:.1f} cores" if used >= 1.05 else f"{max(used, 0.01):.2f} of a core"
    verb = "uses" if used >= 0.005 else "uses less than"
    return f"at the {rate:,.0f} tokens a second of this run it {verb} {told}"


def _through(record: Record, arm: str) -> str:
    parts = [part for part in (_waits(record, arm), _cores(record, arm)) if part]
    return f"Through {arm} {'; '.join(parts)}." if parts else ""


def _overhead(record: Record) -> str:
    return " ".join(told for arm in arms_of(record, PROXY) if (told := _through(record, arm)))


def _endpoint(record: Record) -> str:
    """Say what a user of an endpoint got, arm by arm."""
    told = []
    for arm in [one.name for one in record.arms if one.role in {DIRECT, PROXY}]:
        first, gap = figure_of(record, arm, "ttft_p50_ms"), figure_of(record, arm, "itl_p50_ms")
        late, rate = figure_of(record, arm, "ttft_p99_ms"), figure_of(record, arm, "requests_per_s")
        failed = figure_of(record, arm, "failures") or 0
        if first is None:
            continue
        parts = [f"half of the users had their first token within {amount(figure('t_ms'), first)}"]
        if late is not None:
            parts[0] += f" and 99 of 100 within {amount(figure('t_ms'), late)}"
        if gap is not None:
            parts.append(f"a further one every {amount(figure('t_ms'), gap)}")
        at = f" at {rate:,.1f} requests a second" if rate else ""
        lost = f"{failed:,.0f} requests failed" if failed else "no request failed"
        told.append(f"{_behind(record, arm)}{arm.capitalize()}{at}: {', '.join(parts)}; {lost}.")
    return " ".join(told)


def _behind(record: Record, arm: str) -> str:
    """Say that an endpoint could not do what it was asked to; empty if it could."""
    asked, served = (figure_of(record, arm, f"{word}_per_s") for word in ("offered", "served"))
    if not asked or served is None:
        return ""
    return (
        f"The {arm} did not keep up: {asked:,.4g} requests a second were sent and it could serve "
        f"about {served:,.3g}, so how long users waited depends on how long this run went on. "
    )


def _capacity(record: Record) -> str:
    told = []
    for arm in arms_of(record, DIRECT, PROXY):
        for what, unit in (("rate", "requests a second"), ("streams", "open streams")):
            low, high = (
                figure_of(record, arm, f"capacity_{what}_{end}") for end in ("low", "high")
            )
            if low is None:
                continue
            above = f"and missed them at {high:,.0f}" if high is not None else "the most tried"
            told.append(f"{arm} kept the limits at {low:,.0f} {unit} ({above})")
    return f"{'; '.join(told)}." if told else ""


def _faults(record: Record) -> str:
    told = []
    for arm in arms_of(record, DIRECT, PROXY):
        failed, recovery = (
            figure_of(record, arm, "failures"),
            figure_of(record, arm, "recovered_after_s"),
        )
        if failed is None:
            continue
        back = f" and all was well again after {recovery:.1f} s" if (recovery or 0) >= 0.1 else ""
        lost = f"{failed:,.0f} requests failed" if failed else "no request failed"
        told.append(f"{lost}{back} ({arm})")
    return f"While a backend broke, {'; '.join(told)}." if told else ""


def _selftest(record: Record) -> str:
    failed = [check.name for check in record.checks if not check.passed]
    if record.checks and not failed:
        count = len(record.checks)
        return f"All {count} checks of the instrument passed: its differences can be believed."
    return (
        f"{len(failed)} of {len(record.checks)} checks of the instrument failed "
        f"({', '.join(failed)}): differences measured here and now must not be believed."
    )


MAKERS: Final = {
    "overhead": (_overhead, _endpoint),
    "capacity": (_capacity, _overhead),
    "faults": (_faults, _endpoint),
    "selftest": (_selftest,),
}


def void(record: Record) -> bool:
    """Tell whether the figures of a run must not be shown.

    A self-test that failed is a result: it is about the instrument, not about its figures.
    """
    return record.verdict == "invalid" and record.command != "selftest"


def closing(record: Record) -> str:
    """Return the result in words; if the run is not valid, why its figures must not be used."""
    if void(record):
        return f"This run is not valid, so its figures prove nothing. {_why(record)}."
    for make in MAKERS.get(record.command, (_overhead, _endpoint)):
        told = make(record)
        if told:
            break
    else:
        return "This run measured nothing that could be put into a sentence."
    if record.verdict == "unresolved":
        return f"This run was too short or too noisy for a firm answer ({_why(record)}). {told}"
    return told
