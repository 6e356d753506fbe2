"""The simulated engine: one listener, one batch, an account of everything it was asked."""

import asyncio
import contextlib
import random
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterable
from uuid import uuid4

import msgspec

from benchmarks.fake.asks import Ask, read_chat, read_embedding, read_text
from benchmarks.fake.batching import Batch, PrefixCache, Sequence
from benchmarks.fake.connection import Connection, Request
from benchmarks.fake.ledger import Ledger, Record, Stage
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
_JSON = b"application/json"


class Engine:
    """A simulated engine on the running event loop. Start it with `running`."""

    def __init__(self, profile: Profile) -> None:
        """Must be called on the event loop it will serve."""
        self.profile = profile
        self.requests = Ledger(profile.records)
        self.batch = Batch(profile)
        self.counters = Counters()
        self.connections: set[Connection] = set()
        self.accepted = 0
        self.port = 0
        self.max_requests = profile.max_requests
        self.keep_alive = profile.keep_alive
        self.heads = Heads(profile.dialect, profile.name)
        self.stamps = profile.stamps
        self.event_bytes = profile.event_bytes
        self.created = int(time.time())
        self.early_head = profile.dialect is Dialect.VLLM
        self._loop = asyncio.get_running_loop()
        self._cache = PrefixCache(profile.prefix_blocks)
        self._pacer = Pacer(self._loop, self.batch, self._stepped)
        self._pages = static_pages(profile, self.created)
        self._scrape = Scrape(profile, self.batch, self._cache, self.counters)
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Base address of the engine, without a trailing slash."""
        return f"http://{self.profile.host}:{self.port}"

    @property
    def running(self) -> int:
        """Sequences in the batch now."""
        return len(self.batch.running)

    @property
    def waiting(self) -> int:
        """Sequences in the queue now."""
        return len(self.batch.waiting)

    async def start(self) -> None:
        """Listen; raises OSError when the wanted port is taken."""
        listener = listening_socket(self.profile.host, self.profile.port, self.profile.backlog)
        self.port = listener.getsockname()[1]
        self._server = await self._loop.create_server(self._accept, sock=listener)
        self._sweep()

    async def stop(self) -> None:
        """Close the listener and every connection at once."""
        if self._server is not None:
            self._server.close()
        self._pacer.stop()
        for connection in tuple(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    # --- Owner: called by connections --------------------------------------------------------

    def opened(self, connection: Connection) -> None:
        """A client has connected."""
        self.connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """A connection is gone: free what it was waiting for."""
        self.connections.discard(connection)
        record, sequence = connection.record, connection.sequence
        connection.record = connection.sequence = None
        if sequence is not None:
            self.batch.drop(sequence)
        if record is not None and record.stage not in {Stage.DONE, Stage.FAULT}:
            self.counters.finished["abort"] += 1
            self.requests.abort(record)

    def stall(self, sequence: Sequence, by: int) -> None:
        """Hold a sequence back, or let it go on."""
        sequence.stalls += by
        if not sequence.stalls:
            self._pacer.wake()

    def serve(self, connection: Connection, request: Request) -> None:
        """Answer one request."""
        path = request.path
        generate = _GENERATE.get(path)
        if generate is not None and request.method == "POST":
            record = self._open(connection, request)
            self._generate(connection, request, record, connection, generate)
        elif path == "/v1/embeddings" and request.method == "POST":
            record = self._open(connection, request)
            self._embed(connection, request, record)
        else:
            page = self._page(request, generate is not None)
            self._send(connection, page, bare=request.method == "HEAD")

    # --- Host: called by replies -------------------------------------------------------------

    def answered(self, record: Record) -> None:
        """The first token of an answer exists."""
        self.counters.first_token.add((record.first_ns - record.start_ns) / 1e9)

    def completed(self, record: Record, reason: str) -> None:
        """An answer is complete."""
        self.counters.finished[reason] += 1

    # --- inside --------------------------------------------------------------------------------

    def _accept(self) -> Connection:
        self.accepted += 1
        return Connection(self, self._loop, self.accepted)

    def _open(self, connection: Connection, request: Request) -> Record:
        wanted = next((value for name, value in request.headers if name == b"x-request-id"), b"")
        safe = _SAFE_ID.fullmatch(wanted)
        record = Record(
            id=wanted.decode() if safe else uuid4().hex,
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
        return record

    def _generate(
        self,
        connection: Connection,
        request: Request,
        record: Record,
        outlet: Outlet,
        how: tuple[Callable[[bytes, int], Ask], Surface],
    ) -> None:
        read, surface = how
        try:
            ask = read(request.body, self.profile.output_tokens)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._fail(record, outlet, 400, str(problem))
            return
        ask_model = self._known(ask.model)
        if ask_model is None:
            self._fail(record, outlet, 404, f"The model `{ask.model}` does not exist.", "model")
            return
        if ask.prompt_tokens >= self.profile.context_length:
            limit = self.profile.context_length
            text = f"This model's maximum context length is {limit} tokens."
            self._fail(record, outlet, 400, text, "input_text")
            return
        ask = msgspec.structs.replace(ask, model=ask_model)
        record.model = ask.model
        record.stream = ask.stream
        record.prompt_tokens = ask.prompt_tokens
        record.cached_tokens = self._cache.use(ask.prompt, ask.prompt_tokens)
        reply = (Stream if ask.stream else Whole)(self, outlet, surface, ask, record)
        if not self.batch.add(reply.sequence):
            self.counters.rejected += 1
            self._busy(record, outlet, stream=ask.stream)
            return
        connection.sequence = reply.sequence
        record.stage = Stage.QUEUED
        self.counters.prompt += ask.prompt_tokens
        reply.queued()
        self._pacer.wake()

    def _embed(self, outlet: Connection, request: Request, record: Record) -> None:
        try:
            ask = read_embedding(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._fail(record, outlet, 400, str(problem))
            return
        model = self._known(ask.model)
        if model is None:
            self._fail(record, outlet, 404, f"The model `{ask.model}` does not exist.", "model")
            return
        texts = ask.inputs()
        tokens = sum(map(count_tokens, texts))
        data = [
            {"index": i, "object": "embedding", "embedding": embedding(text, ask.dimensions or 8)}
            for i, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        body = {"id": f"embd-{record.id}", "object": "list", "model": model, "data": data}
        record.model, record.prompt_tokens = model, tokens
        self._finish(record, outlet, Page(msgspec.json.encode({**body, "usage": usage})))

    def _known(self, model: str) -> str | None:
        # llama.cpp serves whatever it has under its own name.
        if model in self.profile.models:
            return model
        if not model or self.profile.dialect is Dialect.LLAMACPP:
            return self.profile.models[0]
        return None

    def _page(self, request: Request, generates: bool) -> Page:
        path, dialect = request.path, self.profile.dialect
        page = self._pages.get(path)
        if page is not None and request.method in {"GET", "HEAD"}:
            return page
        if path == "/metrics" and dialect in {Dialect.VLLM, Dialect.LLAMACPP}:
            return Page(self._scrape.render(), b"text/plain; version=1.0.0; charset=utf-8")
        if page is not None or generates or path == "/v1/embeddings":
            return wrong_method(dialect, path)
        return missing(dialect, path)

    def _fail(
        self, record: Record, outlet: Outlet, status: int, text: str, param: str | None = None
    ) -> None:
        body = error(self.profile.dialect, status, text, param=param)
        self._finish(record, outlet, Page(body, _JSON, status))

    def _busy(self, record: Record, outlet: Outlet, *, stream: bool) -> None:
        if not stream:
            self._finish(record, outlet, Page(BUSY, _JSON, 503))
            return
        record.stage, record.end_ns = Stage.DONE, time.monotonic_ns()
        outlet.head(self.heads.render(200, b"text/event-stream; charset=utf-8", None))
        outlet.extra(frame(b"data: " + BUSY + b"\n\n"))
        outlet.done(frame(DONE))
        outlet.end(LAST_CHUNK)

    def _finish(self, record: Record, outlet: Outlet, page: Page) -> None:
        record.stage, record.end_ns = Stage.DONE, time.monotonic_ns()
        self._send(outlet, page, request_id=record.id.encode())

    def _send(
        self, outlet: Outlet, page: Page, *, request_id: bytes = b"", bare: bool = False
    ) -> None:
        outlet.head(
            self.heads.render(
                page.status, page.content_type, len(page.body), request_id=request_id
            )
        )
        outlet.event(b"" if bare else page.body)
        outlet.end(b"")

    def _stepped(self, tokens: int, seconds: float) -> None:
        self.counters.generated += tokens
        self.counters.inter_token.add(seconds, tokens)

    def _sweep(self) -> None:
        if self._server is None or not self._server.is_serving():
            return
        every = 0.5
        if self.keep_alive:
            oldest = self._loop.time() - self.keep_alive
            for connection in tuple(self.connections):
                if not connection.busy and connection.idle_since <= oldest:
                    connection.transport.close()
            every = min(every, self.keep_alive / 10)
        self._loop.call_later(every, self._sweep)


@contextlib.asynccontextmanager
async def running(profile: Profile | None = None) -> AsyncIterator[Engine]:
    """A started engine on the running loop, stopped at the end."""
    engine = Engine(profile or Profile())
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    """A listening TCP socket; port 0 picks a free one below the ephemeral range.

    Raises OSError when the port is taken.
    """
    tries: Iterable[int] = [port] if port else random.sample(range(20_000, 30_000), 200)
    problem: OSError = OSError("no port tried")
    for number in tries:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host, number))
            sock.listen(backlog)
        except OSError as refused:
            sock.close()
            problem = refused
        else:
            sock.setblocking(False)
            return sock
    raise problem
