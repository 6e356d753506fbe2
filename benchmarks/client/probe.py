"""One request ahead of all load: whether an endpoint can be measured, and what it shows."""

import asyncio
import ssl
import time

import msgspec

from benchmarks.client import prompts, requests, sidelog
from benchmarks.client.framing import Message, taken_apart
from benchmarks.client.pacing import Agenda, agenda
from benchmarks.client.pool import connect, route
from benchmarks.client.reading import Raw, Report, read
from benchmarks.client.target import EndpointError, Stamp, Target

_TOKENS = 24
_PROMPT_TOKENS = 32
_APART_NS = 20_000_000  # events stamped over less than this may well come together
_LONG_NS = 50_000_000  # an answer that took longer than this was not made in one instant
_MANY = 8


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint showed. `stamp` is where its stamps were found."""

    model: str
    models: tuple[str, ...]
    engine: str
    """Name of the simulated engine that answered; empty for a real one."""
    stamp: Stamp
    ignore_eos: bool
    """Whether the endpoint took `ignore_eos`; if not, the target must be asked without."""
    streamed: bool
    first_token_ms: float
    spread_ms: float
    """Between the first and the last event with text."""
    chunks: int
    tokens: int | None
    """Tokens of the answer, if the endpoint counts them."""


async def probe(target: Target, *, timeout: float = 30.0) -> Probed:
    """Send one small request and read the answer closely.

    An empty model means the first one listed. Raises EndpointError with a sentence for whoever
    typed the URL: nothing listens, wrong path, unknown model (with those that exist), no
    permission, TLS trouble, no stream, a stream that is held back on the way.
    """
    calls = agenda()
    try:
        return await _probe(target, calls, timeout)
    finally:
        calls.close()


async def _probe(target: Target, calls: Agenda, timeout: float) -> Probed:
    models, why = await _models(target, calls, timeout)
    if not target.model:
        if not models:
            raise EndpointError(f"{why} Else name the model to ask (--model).")
        target = msgspec.structs.replace(target, model=models[0])
    seed = time.monotonic_ns()
    raw, report = await _answer(target, seed, calls, timeout)
    status = report.observed.status
    if status in {400, 422} and target.ignore_eos and "ignore_eos" in report.said:
        target = msgspec.structs.replace(target, ignore_eos=False)
        raw, report = await _answer(target, seed, calls, timeout)
    _judge(target, models, report)
    target = msgspec.structs.replace(target, stamp=await _stamps(target, raw, report, calls, seed))
    report = read(raw, target)
    if target.stamp is Stamp.SIDELOG:
        sidelog.apply(report, await _told(target, seed, calls))
    if target.stream:
        _judge_stream(target, report)
    observed = report.observed
    return Probed(
        model=target.model,
        models=models,
        engine=observed.engine,
        stamp=target.stamp,
        ignore_eos=target.ignore_eos,
        streamed=target.stream,
        first_token_ms=(observed.first_ns - observed.sent_ns) / 1e6,
        spread_ms=(observed.received[-1] - observed.received[0]) / 1e6,
        chunks=observed.chunks,
        tokens=observed.tokens_out,
    )


async def _answer(target: Target, seed: int, calls: Agenda, timeout: float) -> tuple[Raw, Report]:
    text = prompts.text(_PROMPT_TOKENS, unique=f"probe:{seed}", mark=prompts.tag(seed, 0))
    body = requests.document(target, text, _TOKENS)
    raw = await _send(target, requests.Heads(target).message(body), calls, timeout)
    return raw, read(raw, target)


async def _send(target: Target, message: bytes, calls: Agenda, timeout: float) -> Raw:
    # One request on a line of its own. Raises EndpointError if there can be none.
    there, context = await route(target), target.tls()
    raw = Raw(0, time.monotonic_ns())
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(timeout):
            line = await connect(lambda _line: None, there, context, calls)
    except TimeoutError:
        raise EndpointError(f"{target.url}: no connection within {timeout:g} s.") from None
    except OSError as problem:
        raise EndpointError(_unconnected(target, problem)) from None
    line.send(raw, message, lambda _line, _raw: done.set_result(None))
    try:
        async with asyncio.timeout(timeout):
            await done
    except TimeoutError:
        raise EndpointError(
            f"{target.url} took the request and did not end its answer within {timeout:g} s."
        ) from None
    finally:
        line.close()
    return raw


def _unconnected(target: Target, problem: OSError) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return f"Nothing listens at {target.url}: the connection was refused."
    if isinstance(problem, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {target.url} is not trusted: {problem.verify_message}. It can be"
            " taken all the same by leaving TLS checks out (insecure)."
        )
    if isinstance(problem, ssl.SSLError) or target.address().tls:
        return f"{target.url}: TLS failed ({problem}). Does this port speak plain http?"
    return f"{target.url} cannot be connected to: {problem}."


async def _models(target: Target, calls: Agenda, timeout: float) -> tuple[tuple[str, ...], str]:
    # The models, or none and why.
    raw = await _send(target, requests.get(target, target.models_path()), calls, timeout)
    message = taken_apart(raw.reads, closed=raw.closed)
    if message.status == 0:
        raise EndpointError(_silent(target, raw, message))
    where = f"{target.url} ({target.models_path()})"
    if message.status != 200:
        return (), f"{where} lists no models, but answers with {message.status}. Is the URL right?"
    try:
        listed = msgspec.json.decode(b"".join(piece for _, piece in message.pieces))
    except msgspec.DecodeError:
        return (), f"{where} answers with something else than a list of models. Is the URL right?"
    return _names(listed), f"{where} lists no models."


def _names(listed: object) -> tuple[str, ...]:
    rows = listed.get("data", listed.get("models")) if isinstance(listed, dict) else None
    found = [row.get("id", row.get("name")) for row in rows or () if isinstance(row, dict)]
    return tuple(name for name in found if isinstance(name, str))


def _silent(target: Target, raw: Raw, message: Message) -> str:
    if raw.reads:
        return f"{target.url} does not answer in HTTP ({message.problem}). Is it https?"
    return f"{target.url} closed the connection without an answer. Is it https?"


def _judge(target: Target, models: tuple[str, ...], report: Report) -> None:
    """Raise EndpointError for an answer that is none."""
    observed, said = report.observed, f": {report.said}" if report.said else ""
    where = f"{target.url} ({target.path()})"
    status = observed.status
    if status in {401, 403}:
        raise EndpointError(f"{where} refuses the request ({status}{said}). Is the API key right?")
    if 400 <= status < 500 and models and target.model not in models:
        raise EndpointError(
            f"{target.url} has no model {target.model!r}. It has: {', '.join(models)}."
        )
    if status == 404:
        raise EndpointError(f"{where} is not there (404{said}). Are base URL and API right?")
    if status in {429, 503}:
        raise EndpointError(f"{where} takes no request at the moment ({status}{said}).")
    if status and status != 200:
        raise EndpointError(f"{where} refuses a small request ({status}{said}).")
    if observed.failure.startswith("asked for a stream"):
        raise EndpointError(f"{where} does not stream: {observed.failure}.")
    if observed.failure:
        raise EndpointError(f"{where} does not answer as it should: {observed.failure}.")


def _judge_stream(target: Target, report: Report) -> None:
    """Raise EndpointError for a stream that did not arrive as one."""
    observed = report.observed
    received, emitted = observed.received, observed.emitted
    arrived = received[-1] - received[0]
    if emitted:
        written = emitted[-1] - emitted[0]
        if written >= _APART_NS and arrived < written / 4:
            raise EndpointError(
                f"{target.url} is behind something that buffers: {len(received)} events written"
                f" over {written / 1e6:.0f} ms arrived within {arrived / 1e6:.1f} ms."
            )
        return
    took = observed.ended_ns - observed.sent_ns
    if len(received) >= _MANY and observed.segments == 1 and took >= _LONG_NS:
        raise EndpointError(
            f"{target.url} does not stream: {len(received)} events came in one piece after"
            f" {took / 1e6:.0f} ms. The engine or a proxy on the way holds the answer back."
        )


async def _stamps(target: Target, raw: Raw, report: Report, calls: Agenda, seed: int) -> Stamp:
    for stamp in (Stamp.FIELD, Stamp.CONTENT):
        if read(raw, msgspec.structs.replace(target, stamp=stamp)).observed.emitted:
            return stamp
    if report.observed.engine or target.engines:
        told = await _told(target, seed, calls)
        if told.taken_ns:
            return Stamp.SIDELOG
    return Stamp.NONE


async def _told(target: Target, seed: int, calls: Agenda) -> sidelog.Told:
    (told,) = await sidelog.ask(target, sidelog.tags(seed, [0]), calls, time.monotonic_ns())
    return told
