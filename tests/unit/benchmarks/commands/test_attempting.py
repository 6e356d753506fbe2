"""What cannot be measured becomes one sentence and a code."""

import asyncio
import os
import signal

import pytest

from benchmarks.client.target import EndpointError
from benchmarks.commands.attempting import UnmeasurableError, attempt
from benchmarks.driver.procs import NotReadyError
from benchmarks.load.wording import WorkloadError
from benchmarks.report.budget import BudgetError


async def raising(error: BaseException) -> int:
    raise error


async def done() -> int:
    return 3


def test_the_code_of_the_work_is_returned() -> None:
    assert attempt("run", done()) == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EndpointError("no model."), 4),
        (NotReadyError("ended"), 4),
        (UnmeasurableError("too few"), 4),
        (OSError("no route"), 4),
        (WorkloadError("no such arrivals"), 2),
        (BudgetError("no such limit"), 2),
        (ExceptionGroup("parts", [ExceptionGroup("x", [EndpointError("no model.")])]), 4),
    ],
)
def test_the_sentence_goes_to_standard_error(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert attempt("run", raising(error)) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("headrace bench run: ")
    assert told.err.count("\n") == 1


def test_an_interrupted_run_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt("run", raising(KeyboardInterrupt())) == 130
    assert "nothing was measured" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyError("bug"), ExceptionGroup("x", [KeyError("bug")])])
def test_a_defect_is_not_hidden(error: Exception) -> None:
    with pytest.raises((KeyError, ExceptionGroup)):
        attempt("run", raising(error))


def test_a_run_told_to_end_cleans_up_first(capsys: pytest.CaptureFixture[str]) -> None:
    cleaned = []

    async def long() -> int:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)
        return 0

    assert attempt("run", long()) == 143
    assert cleaned == [True]
    assert "told to end" in capsys.readouterr().err
