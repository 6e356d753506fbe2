"""ServeGen's clients: parameters per client and window, from which arrivals are drawn anew.

There is no recorded request in such a file. Gaps are drawn from the family and shape given, scaled
to the rate given (the fitted scale can miss it several times over); lengths are exponential around
the means, since only the means are there.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import numpy as np

from benchmarks.load.arrivals import Renewal
from benchmarks.load.courses import Times
from benchmarks.load.lengths import whole as whole_tokens
from benchmarks.load.streams import stream
from benchmarks.trace.columns import Line, header, records, seconds
from benchmarks.trace.form import Format, Found
from benchmarks.trace.problems import Ledger, RowError
from benchmarks.trace.rows import Row

REQUIRED: Final = ("window_s", "client", "rate_rps", "iat_dist", "param_shape")
WINDOW: Final = 600.0
MOST: Final = 1_000_000  # requests drawn from one file
SEED: Final = 0
_FAMILIES: Final = {"gamma": "gamma", "weibull": "weibull"}


class _Client(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    begins: float
    rate: float
    process: Renewal
    input: float | None
    output: float | None


def _client(cells: Mapping[str, str]) -> _Client:
    family = _FAMILIES.get(cells["iat_dist"].lower())
    if family is None:
        raise RowError(f"iat_dist is {cells['iat_dist'][:40]!r}: Gamma or Weibull")
    shape = seconds(cells["param_shape"], "param_shape")
    if not 1e-3 <= shape <= 1e4:
        raise RowError(f"param_shape is {shape:g}: from 0.001 to 10000")
    means = [cells.get(f"mean_{way}_tokens", "") for way in ("input", "output")]
    sizes = [seconds(mean, "mean tokens") if mean else None for mean in means]
    return _Client(
        name=f"{cells.get('pool', '')}/{cells['client']}/{cells['window_s']}",
        begins=seconds(cells["window_s"], "window_s"),
        rate=seconds(cells["rate_rps"], "rate_rps"),
        process=Renewal(family, shape),
        input=sizes[0],
        output=sizes[1],
    )


def _mean(values: Iterable[float | None], otherwise: float) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else otherwise


def _lengths(mean: float, name: str, number: int) -> list[int]:
    drawn: Times = -mean * np.log1p(-stream(SEED, name).random(number))
    return [int(size) for size in whole_tokens(drawn)]


def _drawn(client: _Client, sizes: tuple[float, float]) -> list[Row]:
    """Draw one client's requests in one window, its dice told by its name."""
    if client.rate <= 0:
        return []
    times = client.begins + client.process.times(
        client.rate, WINDOW, stream(SEED, f"{client.name}/arrivals")
    )
    columns = zip(
        times.tolist(),
        _lengths(sizes[0], f"{client.name}/input", times.size),
        _lengths(sizes[1], f"{client.name}/output", times.size),
        strict=True,
    )
    return [Row(at=at, input_tokens=size, output_tokens=answer) for at, size, answer in columns]


def _read(lines: Iterable[Line], ledger: Ledger) -> Found:
    clients = []
    for number, cells in records(lines, ledger, REQUIRED):
        try:
            clients.append(_client(cells))
        except RowError as error:
            ledger.bad(number, error)
    clients, first_without = _few_enough(clients)
    usual = (
        _mean((client.input for client in clients), 512.0),
        _mean((client.output for client in clients), 128.0),
    )
    rows: list[Row] = []
    blank = 0
    for client in clients:
        blank += client.input is None or client.output is None
        sizes = (
            usual[0] if client.input is None else client.input,
            usual[1] if client.output is None else client.output,
        )
        rows += _drawn(client, sizes)
    origin = (
        f"drawn from the parameters of {len(clients)} clients and windows: arrivals of the given "
        "family, shape and rate, exponential lengths around the given means; not recorded requests"
    )
    notes = [origin]
    if blank:
        notes.append(f"{blank} of them have no mean length: the mean of the others stands in")
    if first_without is not None:
        notes.append(f"windows from {first_without:g} s on left out: over {MOST} requests")
    return Found(rows=rows, notes=notes)


def _few_enough(clients: list[_Client]) -> tuple[list[_Client], float | None]:
    """Return the clients of the first windows that hold MOST requests, and where they stop."""
    asked = 0.0
    for window in sorted({client.begins for client in clients}):
        asked += math.fsum(one.rate * WINDOW for one in clients if one.begins == window)
        if asked > MOST and window > min(one.begins for one in clients):
            return [one for one in clients if one.begins < window], window
    return clients, None


SERVEGEN: Final = Format(
    name="servegen",
    allowed="window_s and rate_rps, numbers from 0; client; iat_dist, Gamma or Weibull; "
    "param_shape, a number above 0; mean_input_tokens and mean_output_tokens, may be empty",
    recognises=lambda line: set(REQUIRED) <= set(header(line)),
    read=_read,
)
