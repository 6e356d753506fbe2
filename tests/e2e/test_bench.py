"""`headrace bench` as its users meet it: words in, tables, files and exit codes out."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.driver import engines
from benchmarks.fake.launch import Child, launched
from benchmarks.fake.profile import Profile, Stamps

PROFILE = Profile(
    models=("m",), pace=0.004, prefill=0.02, output_tokens=64, stamps=Stamps.FIELD, jitter=0.0
)
TRACE = "t_s,input_tokens,output_tokens\n" + "".join(f"{n * 0.05:.2f},40,8\n" for n in range(30))


@pytest.fixture
async def engine() -> AsyncIterator[Child]:
    """Run a simulated engine as a process."""
    async with launched([PROFILE]) as (child,):
        yield child


async def bench(*words: str) -> tuple[int, str, str]:
    """Run the command; return its code, standard output and standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "proxy", "bench", *words),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(200):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def measured(file: Path, code: int, err: str, *, good: int = 0) -> dict[str, Any]:
    """Return the figures; the code must be `good`, or 4 where others took the processor."""
    assert file.exists(), err
    record = json.loads(file.read_bytes())
    assert code == (good if record["verdict"] == "valid" else 4), err
    return dict(record["figures"])


async def test_an_endpoint_under_load_with_the_words_of_vllm(engine: Child, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    words = "--request-rate 40 --burstiness 2 --num-prompts 40 --random-input-len 50"
    more = "--random-output-len 16 --goodput ttft:20000 tpot:5000 --json"
    code, out, err = await bench("run", engine.url, *words.split(), *more.split(), str(file))
    figures = measured(file, code, err)["endpoint"]
    assert code == 4 or "time to first token" in out
    assert figures["requests"] == 40
    assert figures["failures"] == 0
    assert figures["tpot_p50_ms"] > 3.9
    assert figures["goodput_share"] == 1
    assert (await bench("report", str(file), "--csv", str(tmp_path / "a.csv")))[1] == out
    assert (await bench("compare", str(file), str(file)))[0] in {0, 4}


async def test_a_wrong_address_is_a_sentence_and_4() -> None:
    code, out, err = await bench("run", "http://127.0.0.1:1", "--rate", "5")
    assert (code, out) == (4, "")
    assert err.startswith("headrace bench run: Nothing listens at http://127.0.0.1:1: ")
    assert err.count("\n") == 1


async def test_an_unknown_model_is_told_with_those_that_exist(engine: Child) -> None:
    code, out, err = await bench("run", engine.url, "--model", "gpt-9", "--rate", "5")
    assert (code, out) == (4, "")
    assert "no model 'gpt-9'. It has: m." in err


async def test_an_endpoint_that_holds_its_answer_back_is_not_measured(engine: Child) -> None:
    port = int(engine.url.rpartition(":")[2])
    await engines.switch(port, {"kind": "one_segment"})
    code, out, err = await bench("run", engine.url, "--rate", "5")
    assert (code, out) == (4, "")
    assert "buffers" in err


async def test_an_endpoint_that_fails_gives_no_figure(engine: Child) -> None:
    port = int(engine.url.rpartition(":")[2])
    await engines.switch(port, {"kind": "status", "status": 503, "next": 1000})
    code, out, err = await bench("run", engine.url, "--rate", "5")
    assert (code, out) == (4, "")
    assert "503" in err


async def test_too_few_requests_give_no_figure(engine: Child) -> None:
    code, out, err = await bench(
        *("run", engine.url, "--requests", "4", "--concurrency", "2", "--output", "4")
    )
    assert (code, out) == (4, "")
    assert "too few" in err


async def test_a_trace_is_replayed(engine: Child, tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text(TRACE)
    file = tmp_path / "replay.json"
    words = ("--speed", "2", "--json", str(file))
    code, out, err = await bench("replay", str(trace), engine.url, *words)
    measured(file, code, err)
    assert "sent later than intended" in out
    assert "30 requests" in out


async def test_a_trace_with_bad_rows_is_refused_by_line(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text(TRACE + "soon,1,2\n")
    code, out, err = await bench("replay", str(trace))
    assert (code, out) == (4, "")
    assert "line 32" in err


async def test_a_budget_that_is_exceeded_ends_with_3(engine: Child, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    load = ("--rate", "40", "--requests", "40", "--output", "4", "--quiet", "--json", str(file))
    code, out, err = await bench("run", engine.url, *load, "--budget", "ttft.p50=1ms")
    measured(file, code, err, good=3)
    assert ("ttft.p50" if code == 3 else "budget not judged") in out


async def test_a_backend_breaks_and_the_next_one_answers(tmp_path: Path) -> None:
    file = tmp_path / "faults.json"
    times = ("--calm", "0.8s", "--outage", "0.6s", "--after", "0.8s")
    code, _, err = await bench("faults", "--fault", "503", *times, "--json", str(file))
    figures = measured(file, code, err)["headrace, 503"]
    assert figures["failures"] == 0
    assert figures["retried"] >= 1


async def test_policies_are_compared(tmp_path: Path) -> None:
    file = tmp_path / "fairness.json"
    load = ("--duration", "1.5s", "--input", "50", "--output", "10")
    words = ("--policy", "round-robin", "--weights", "1,1")
    code, _, err = await bench("fairness", *words, *load, "--json", str(file))
    figures = measured(file, code, err)["round-robin"]
    assert figures["request_error_share"] < 0.1
    assert figures["failures"] == 0


async def test_the_help_is_there_before_numbers_are_loaded() -> None:
    check = (
        "import sys; from benchmarks.cli import app; app.main(['--help']);"
        "print({'numpy', 'uvloop', 'hdrh', 'aiohttp'} & set(sys.modules), file=sys.stderr)"
    )
    ran = await asyncio.create_subprocess_exec(
        sys.executable, "-c", check, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await ran.communicate()
    assert b"overhead" in out
    assert err == b"set()\n"
