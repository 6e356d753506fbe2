"""Values on the command line: durations, counts, rates, shares; an error says what is allowed."""

import math
import re
from typing import Final

import typer

from benchmarks.load import wording
from benchmarks.load.wording import WorkloadError

_LIMIT: Final = re.compile(r"(ttft|tpot|itl|e2e|e2el)[:=](.+)")


def duration(text: str) -> float:
    """Read `250ms`, `3s`, `5m` or a plain number of seconds; raises typer.BadParameter."""
    try:
        return wording.seconds(text)
    except WorkloadError as error:
        raise typer.BadParameter(str(error)) from None


def span(text: str) -> float:
    """Read a duration above 0."""
    found = duration(text)
    if found <= 0:
        raise typer.BadParameter(f"{text!r} is not allowed: this is a duration above 0")
    return found


def rounds(text: str) -> int:
    """Read a number of rounds that is enough for an interval."""
    from benchmarks.measure.bootstrap import FEWEST

    found = count(text)
    if found < FEWEST:
        raise typer.BadParameter(f"{text!r} is not allowed: an interval needs {FEWEST} at least")
    return found


def rate(text: str) -> float:
    """Read requests a second: a number above 0, or `inf` for all at once."""
    if text.strip().lower() == "inf":
        return math.inf
    try:
        return wording.positive(text, "a rate in requests a second")
    except WorkloadError as error:
        raise typer.BadParameter(f"{error}, or inf for all at once") from None


def count(text: str) -> int:
    """Read a whole number of at least 1."""
    try:
        return wording.count(text, "this")
    except WorkloadError as error:
        raise typer.BadParameter(str(error)) from None


def factor(text: str) -> float:
    """Read `4` or `0.5x`: a number above 0."""
    try:
        return wording.positive(text.strip().removesuffix("x"), "a factor")
    except WorkloadError as error:
        raise typer.BadParameter(str(error)) from None


def limit(text: str) -> tuple[str, float]:
    """Read one word of --goodput, `ttft:200` or `tpot:50ms`; a plain number is milliseconds."""
    found = _LIMIT.fullmatch(text.strip().lower())
    if found is None:
        raise typer.BadParameter(
            f"{text!r} is no limit: write ttft, tpot, itl or e2e with a time, such as ttft:200"
            " (milliseconds) or tpot:50ms"
        )
    name = found[1].removesuffix("l") if found[1] == "e2el" else found[1]
    plain = found[2].replace(".", "", 1).isdigit()
    return name, float(found[2]) if plain else duration(found[2]) * 1000


def header(text: str) -> tuple[str, str]:
    """Read `NAME: VALUE` or `NAME=VALUE`."""
    name, mark, value = text.partition(":" if ":" in text.partition("=")[0] else "=")
    if not mark or not name.strip():
        raise typer.BadParameter(f"{text!r} is no header: write 'NAME: VALUE'")
    return name.strip(), value.strip()


def named_url(text: str) -> tuple[str, str]:
    """Read `NAME=URL`; without a name it is what stands between // and the path."""
    name, mark, url = text.partition("=")
    if mark and "://" not in name:
        if not name or not url:
            raise typer.BadParameter(f"{text!r}: write NAME=URL, such as nginx=http://127.0.0.1:80")
        return name, url
    return text.partition("://")[2].partition("/")[0] or text, text


def named_number(text: str) -> tuple[str, int]:
    """Read `NAME=PID`."""
    name, mark, number = text.partition("=")
    if not mark or not name or not number.isdigit():
        raise typer.BadParameter(f"{text!r}: write NAME=PID, such as nginx=4711")
    return name, int(number)
