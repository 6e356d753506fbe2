"""From a request to an answer: generation, embeddings, pages and errors of a simulated engine."""

import asyncio
import re
import time
from collections.abc import Callable
from random import Random

import msgspec

from benchmarks.fake.asks import Ask, read_chat, read_embedding, read_text
from benchmarks.fake.batching import Batch, PrefixCache, Sequence
from benchmarks.fake.connection import Connection, Request
from benchmarks.fake.ledger import Ledger, Record, SideLog, Stage
from benchmarks.fake.metrics import Counters, Scrape
from benchmarks.fake.pacing import Pacer
from benchmarks.fake.pages import BUSY, Page, error, missing, static_pages, wrong_method
from benchmarks.fake.profile import Dialect, Profile
from benchmarks.fake.replies import Outlet, Stream, Whole
from benchmarks.fake.wire import CHAT, DONE, LAST_CHUNK, TEXT, Heads, Surface, frame
from benchmarks.fake.words import count_tokens, embedding

_SAFE_ID = re.compile(rb"[\w.:-]{1,128}")
_GENERATE: dict[str, tuple[Callable[[bytes, int], Ask], Surface]] = {
    "/v1/chat/completions": (read_chat, CHAT),
    "/v1/completions": (read_text, TEXT),
}
_EMBED = "/v1/embeddings"
_SSE = b"text/event-stream; charset=utf-8"


class _Refused(Exception):  # noqa: N818 - not an error of this program
    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param


class Answering:
    """Holds the batch and everything that is counted; knows nothing about listeners or faults."""

    def __init__(self, profile: Profile, loop: asyncio.AbstractEventLoop) -> None:
        self.profile = profile
        self.requests = Ledger(profile.records)
        self.side_log = SideLog(profile.records)
        self.batch = Batch(profile)
        self.counters = Counters()
        self.heads = Heads(profile.dialect, profile.name)
        self.stamps = profile.stamps
        self.event_bytes = profile.event_bytes
        self.created = int(time.time())
        self.early_head = profile.dialect is Dialect.VLLM
        # The same engine, seed and order of requests give the same ids.
        self._ids = Random(f"ids {profile.seed} {profile.name}")
        self._cache = PrefixCache(profile.prefix_blocks)
        self._pacer = Pacer(loop, self.batch, self._stepped)
        self._pages = static_pages(profile, self.created)
        self._scrape = Scrape(profile, self.batch, self._cache, self.counters)

    def generates(self, request: Request) -> bool:
        """Whether this is a POST to an inference path."""
        path = request.path
        return request.method == "POST" and (path in _GENERATE or path == _EMBED)

    def open(self, connection: Connection, request: Request) -> None:
        """Put an inference request into the ledger."""
        wanted = next((value for name, value in request.headers if name == b"x-request-id"), b"")
        record = Record(
            id=wanted.decode()
            if _SAFE_ID.fullmatch(wanted)
            else f"{self._ids.getrandbits(128):032x}",
            method=request.method,
            path=request.target,
            start_ns=time.monotonic_ns(),
            headers=request.headers,
            body_bytes=len(request.body),
            connection=connection.number,
            body=request.body if self.profile.keep_bodies else b"",
        )
        self.requests.open(record)
        connection.record = record

    def answer(self, connection: Connection, request: Request, outlet: Outlet) -> None:
        """Answer through `outlet`, now or as the batch goes on."""
        record = connection.record
        if record is None:
            self.send(outlet, self._page(request), bare=request.method == "HEAD")
            return
        try:
            if request.path == _EMBED:
                self.finish(record, outlet, self._embed(request, record))
            else:
                self._generate(connection, request, outlet, record)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._fail(record, outlet, _Refused(400, str(problem)))
        except _Refused as refused:
            self._fail(record, outlet, refused)

    def busy(self, record: Record, outlet: Outlet, *, stream: bool) -> None:
        """Refuse as vLLM does with a full queue: 503, or 200 with an error event."""
        if not stream:
            self.finish(record, outlet, Page(BUSY, b"application/json", 503))
            return
        _close(record)
        outlet.head(self.heads.render(200, _SSE, None, request_id=record.id.encode()))
        outlet.aside(frame(b"data: " + BUSY + b"\n\n"))
        outlet.done(frame(DONE))
        outlet.end(LAST_CHUNK)

    def finish(self, record: Record, outlet: Outlet, page: Page, *, extra: bytes = b"") -> None:
        """Send a complete answer to an inference request."""
        _close(record)
        self.send(outlet, page, request_id=record.id.encode(), extra=extra)

    def send(
        self,
        outlet: Outlet,
        page: Page,
        *,
        request_id: bytes = b"",
        extra: bytes = b"",
        bare: bool = False,
    ) -> None:
        """Send a page; `extra` are finished header lines, `bare` leaves the body out."""
        length = len(page.body)
        outlet.head(
            self.heads.render(
                page.status, page.content_type, length, request_id=request_id, extra=extra
            )
        )
        outlet.event(b"" if bare else page.body)
        outlet.end(b"")

    def gone(self, record: Record | None, sequence: Sequence | None) -> None:
        """Free the sequence at once: the client has left."""
        self.release(sequence)
        if record is not None and record.stage not in {Stage.DONE, Stage.FAULT}:
            self.counters.finished["abort"] += 1
            self.requests.abort(record)

    def release(self, sequence: Sequence | None) -> None:
        """Generate nothing more for it; its slot is free for the next step."""
        if sequence is not None:
            self.batch.drop(sequence)

    def stall(self, sequence: Sequence, by: int) -> None:
        """Hold a sequence back (1), or let it go on (-1)."""
        sequence.stalls += by
        if not sequence.stalls:
            self._pacer.wake()

    def stop(self) -> None:
        """No further step."""
        self._pacer.stop()

    # --- Host: called by replies -------------------------------------------------------------

    def dice(self, request_id: str) -> Random | None:
        """Give the dice for the accepted drafts of this request; None: nothing is drafted."""
        profile = self.profile
        if not profile.speculative:
            return None
        return Random(f"drafts {profile.seed} {request_id}")

    def answered(self, record: Record) -> None:
        """Note that the first token of an answer exists."""
        self.counters.first_token.add((record.first_ns - record.start_ns) / 1e9)

    def completed(self, record: Record, reason: str) -> None:
        """Note that an answer is complete."""
        if record.stage is not Stage.FAULT:
            _close(record)
            self.counters.finished[reason] += 1

    # --- inside ------------------------------------------------------------------------------

    def _generate(
        self, connection: Connection, request: Request, outlet: Outlet, record: Record
    ) -> None:
        read, surface = _GENERATE[request.path]
        ask = read(request.body, self.profile.output_tokens)
        ask = msgspec.structs.replace(ask, model=self._served(ask.model))
        limit = self.profile.context_length
        if ask.prompt_tokens >= limit:
            text = f"This model's maximum context length is {limit} tokens."
            raise _Refused(400, text, "input_text")
        record.model, record.stream, record.prompt_tokens = ask.model, ask.stream, ask.prompt_tokens
        record.cached_tokens = self._cache.use(ask.prompt, ask.prompt_tokens)
        reply = (Stream if ask.stream else Whole)(self, outlet, surface, ask, record)
        if not self.batch.add(reply.sequence):
            self.counters.rejected += 1
            self.busy(record, outlet, stream=ask.stream)
            return
        connection.sequence = reply.sequence
        record.stage = Stage.QUEUED
        self.counters.prompt += ask.prompt_tokens
        reply.queued()
        self._pacer.wake()

    def _embed(self, request: Request, record: Record) -> Page:
        ask = read_embedding(request.body)
        model, texts = self._served(ask.model), ask.inputs()
        tokens = sum(map(count_tokens, texts))
        record.model, record.prompt_tokens = model, tokens
        data = [
            {"index": i, "object": "embedding", "embedding": embedding(text, ask.dimensions or 8)}
            for i, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = {"id": f"embd-{record.id}", "object": "list", "model": model, "data": data}
        return Page(msgspec.json.encode({**body, "usage": usage}))

    def _served(self, model: str) -> str:
        if model in self.profile.models:
            return model
        # llama.cpp serves whatever it has, under its own name.
        if not model or self.profile.dialect is Dialect.LLAMACPP:
            return self.profile.models[0]
        raise _Refused(404, f"The model `{model}` does not exist.", "model")

    def _page(self, request: Request) -> Page:
        path, dialect = request.path, self.profile.dialect
        page = self._pages.get(path)
        if page is not None and request.method in {"GET", "HEAD"}:
            return page
        if path == "/metrics" and dialect in {Dialect.VLLM, Dialect.LLAMACPP}:
            return Page(self._scrape.render(), b"text/plain; version=1.0.0; charset=utf-8")
        if page is not None or path in _GENERATE or path == _EMBED:
            return wrong_method(dialect, path)
        return missing(dialect, path)

    def _fail(self, record: Record, outlet: Outlet, refused: _Refused) -> None:
        body = error(self.profile.dialect, refused.status, refused.message, param=refused.param)
        self.finish(record, outlet, Page(body, b"application/json", refused.status))

    def _stepped(self, tokens: int, seconds: float) -> None:
        self.counters.generated += tokens
        self.counters.inter_token.add(seconds, tokens)


def _close(record: Record) -> None:
    record.stage, record.end_ns = Stage.DONE, time.monotonic_ns()
