"""From a request to an answer: generation, embeddings, pages and errors of a simulated engine."""

import asyncio
import re
import time
from random import Random

import msgspec

from benchmarks.fake import pages
from benchmarks.fake.asks import Ask, read, read_count, read_embedding
from benchmarks.fake.batching import Batch, PrefixCache, Sequence
from benchmarks.fake.connection import Connection, Request
from benchmarks.fake.expositions import EXPOSITIONS
from benchmarks.fake.forms.form import Answer
from benchmarks.fake.forms.ollama import loaded
from benchmarks.fake.forms.registry import FORMS, failing
from benchmarks.fake.ledger import Ledger, Record, SideLog, Stage
from benchmarks.fake.looks.look import Api
from benchmarks.fake.looks.registry import LOOKS
from benchmarks.fake.metrics import Counters, Reading, Scrape
from benchmarks.fake.pacing import Pacer
from benchmarks.fake.pages import Page
from benchmarks.fake.profile import Dialect, Names, Profile, Stamps
from benchmarks.fake.replies import Outlet, Stream, Whole
from benchmarks.fake.script import compose
from benchmarks.fake.vectors import embeddings
from benchmarks.fake.wire import LAST_CHUNK, Heads, frame
from benchmarks.fake.words import count_tokens

_SAFE_ID = re.compile(rb"[\w.:-]{1,128}")
_SSE = b"text/event-stream; charset=utf-8"
_NDJSON = b"application/x-ndjson"
_EMBEDS = frozenset({Api.EMBEDDINGS, Api.OLLAMA_EMBED, Api.OLLAMA_EMBEDDINGS})
_OLLAMA = frozenset({Api.OLLAMA_CHAT, Api.OLLAMA_GENERATE})
_ANTHROPIC = frozenset({Api.MESSAGES, Api.COUNT_TOKENS})


class _Refused(Exception):  # noqa: N818 - not an error of this program
    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param


def _tagged(model: str) -> str:
    """Return the name as Ollama lists it, whatever name it was pulled by."""
    return model if ":" in model else f"{model}:latest"


class Answering:
    """Holds the batch and everything that is counted; knows nothing about listeners or faults."""

    def __init__(self, profile: Profile, loop: asyncio.AbstractEventLoop) -> None:
        self.look = LOOKS[profile.dialect]
        self._tags = Api.SHOW in self.look.apis.values()
        if profile.dialect is Dialect.OLLAMA:
            profile = msgspec.structs.replace(profile, models=tuple(map(_tagged, profile.models)))
        self.profile = profile
        self.requests = Ledger(profile.records)
        self.side_log = SideLog(profile.records)
        self.batch = Batch(profile)
        self.counters = Counters()
        self.heads = Heads(self.look.headers, profile.name)
        self.stamps = profile.stamps
        self.event_bytes = profile.event_bytes
        self.created = int(time.time())
        # The same engine, seed and order of requests give the same ids.
        self._ids = Random(f"ids {profile.seed} {profile.name}")
        self._cache = PrefixCache(profile.prefix_blocks)
        self._pacer = Pacer(loop, self.batch, self._stepped)
        names = self.look.metrics if profile.metrics is Names.AUTO else profile.metrics
        reading = Reading(profile, self.batch, self._cache, self.counters)
        self._scrape = Scrape(EXPOSITIONS[names], profile.models[0], reading)
        self._metrics = "" if names is Names.NONE else self.look.metrics_path

    # --- State: read by pages ----------------------------------------------------------------

    @property
    def running(self) -> int:
        """Sequences in the batch."""
        return len(self.batch.running)

    @property
    def waiting(self) -> int:
        """Sequences in the queue."""
        return len(self.batch.waiting)

    @property
    def kv_usage(self) -> float:
        """Filled share of the KV cache."""
        return self.batch.kv_usage()

    @property
    def asleep(self) -> bool:
        """Whether the engine sleeps."""
        return self.batch.asleep

    # --- requests ----------------------------------------------------------------------------

    def generates(self, request: Request) -> bool:
        """Whether this is a POST to an inference path."""
        api = self.look.apis.get(request.path)
        return request.method == "POST" and (api in FORMS or api in _EMBEDS)

    def open(self, connection: Connection, request: Request) -> None:
        """Put an inference request into the ledger."""
        wanted = next((value for name, value in request.headers if name == b"x-request-id"), b"")
        known = _SAFE_ID.fullmatch(wanted)
        record = Record(
            id=wanted.decode() if known else f"{self._ids.getrandbits(128):032x}",
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
        api = self.look.apis.get(request.path)
        try:
            if record is None or api is None:
                page = self._page(request, api)
                self.send(outlet, page, bare=request.method == "HEAD")
            elif self.asleep and self.look.asleep is not None:
                self.finish(record, outlet, pages.page(self.look.asleep, self, status=503))
            elif api in _EMBEDS:
                self.finish(record, outlet, self._embed(api, request, record))
            else:
                self._generate(api, connection, request, outlet)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            self._fail(record, outlet, api, _Refused(400, str(problem)))
        except _Refused as refused:
            self._fail(record, outlet, api, refused)

    def busy(self, record: Record, outlet: Outlet, *, stream: bool) -> None:
        """Refuse a request as this engine does with a full queue; `stream`: inside a stream."""
        busy, api = self.look.busy, self._api(record)
        if not stream:
            page = pages.error(
                self.look,
                busy.status,
                busy.message,
                kind=busy.kind,
                anthropic=api in _ANTHROPIC,
            )
            self.finish(record, outlet, page)
            return
        _close(record)
        kind = _NDJSON if api in _OLLAMA else _SSE
        outlet.head(self.heads.render(200, kind, None, request_id=record.id.encode()))
        event, done = self.failing(record)
        outlet.aside(frame(event))
        if done:
            outlet.done(frame(done))
        outlet.end(LAST_CHUNK)

    def failing(self, record: Record) -> tuple[bytes, bytes]:
        """Return the event of an error inside this stream, and the terminal one behind it."""
        busy = self.look.busy
        body = pages.event(self.look, busy.status, busy.message, busy.kind)
        return failing(self._api(record), self.look, body, busy.message, busy.status)

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

    def loading_page(self) -> Page:
        """Return what every path answers while the model is being loaded."""
        if self.look.loading is None:
            return pages.error(self.look, 503, "The model is being loaded.")
        return pages.page(self.look.loading, self, status=503)

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

    def sleep(self, *, asleep: bool) -> None:
        """Put the engine to sleep or wake it; what runs goes on where it was."""
        self.batch.asleep = asleep
        if not asleep:
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
            self.counters.finished["length" if reason == "length" else "stop"] += 1

    # --- inside ------------------------------------------------------------------------------

    def _api(self, record: Record) -> Api:
        return self.look.apis[record.path.partition("?")[0]]

    def _generate(self, api: Api, connection: Connection, request: Request, outlet: Outlet) -> None:
        record = connection.record
        assert record is not None
        ask = read(api, request.body, goes_on=self.look.goes_on)
        model = self._served(ask.model)
        if ask.load_only:
            body = loaded(api, model, int(time.time()), ask.load_only)
            self.finish(record, outlet, Page(body))
            return
        limit = self.profile.context_length
        if ask.prompt_tokens >= limit:
            text = f"This model's maximum context length is {limit} tokens."
            raise _Refused(400, text, "input_text")
        record.model, record.stream, record.prompt_tokens = model, ask.stream, ask.prompt_tokens
        record.cached_tokens = self._cache.use(ask.prompt, ask.prompt_tokens)
        form = FORMS[api](answer := self._compose(ask, model, record))
        reply = (Stream if ask.stream else Whole)(
            self, outlet, form, answer, record, whole=not ask.stream
        )
        if not self.batch.add(reply.sequence):
            self.counters.rejected += 1
            self.busy(record, outlet, stream=ask.stream and self.look.busy.in_stream)
            return
        if self.stamps is Stamps.SIDELOG:
            reply.log(ask.prompt)
        connection.sequence = reply.sequence
        record.stage = Stage.QUEUED
        self.counters.prompt += ask.prompt_tokens
        reply.queued()
        self._pacer.wake()

    def _compose(self, ask: Ask, model: str, record: Record) -> Answer:
        profile = self.profile
        script = compose(
            ask.wish,
            natural=profile.output_tokens,
            thoughts=profile.reasoning_tokens,
            seed=record.id[:16],
        )
        return Answer(
            id=record.id,
            created=self.created,
            model=model,
            prompt_tokens=record.prompt_tokens,
            cached_tokens=record.cached_tokens,
            usage=ask.usage,
            limit=ask.wish.limit,
            script=script,
            look=self.look,
        )

    def _embed(self, api: Api, request: Request, record: Record) -> Page:
        ask = read_embedding(request.body)
        model, texts = self._served(ask.model), ask.inputs()
        record.model, record.prompt_tokens = model, sum(map(count_tokens, texts))
        return Page(embeddings(api, record.id, model, texts, ask.dimensions or 8))

    def _served(self, model: str) -> str:
        """Return the name the answer will bear; raises _Refused for a model nobody serves."""
        served = self.profile.models
        if model in served:
            return model
        if self._tags:
            # Ollama's names are of any case, and a missing tag means "latest".
            for name in served:
                if name.lower().removesuffix(":latest") == model.lower().removesuffix(":latest"):
                    return name
        look = self.look
        if not model or look.naming is look.naming.OWN:
            return served[0]
        if look.naming is look.naming.ECHO:
            return model
        words = str(pages.fill(look.unknown_words, self, model=model))
        raise _Refused(look.unknown_status, words, "model")

    def _page(self, request: Request, api: Api | None) -> Page:
        path, look = request.path, self.look
        if request.method in {"GET", "HEAD"}:
            template = look.pages.get(path, pages)
            if template is not pages:
                return pages.page(template, self)
            if path == self._metrics:
                return Page(self._scrape.render(), b"text/plain; version=1.0.0; charset=utf-8")
        if api is not None and request.method == "POST":
            return self._act(api, request)
        if api is not None or path in look.pages:
            return pages.wrong_method(look, self, path)
        return pages.missing(look, self, path)

    def _act(self, api: Api, request: Request) -> Page:
        match api:
            case Api.SLEEP | Api.WAKE:
                self.sleep(asleep=api is Api.SLEEP)
                return Page(b"", b"")
            case Api.COUNT_TOKENS:
                ask = read_count(request.body)
                self._served(ask.model)
                return Page(msgspec.json.encode({"input_tokens": ask.prompt_tokens}))
            case _:
                wanted = msgspec.json.decode(request.body, type=_Named)
                model = self._served(wanted.model or wanted.name)
                return pages.page(pages.SHOWN, self, model=model, digest=pages.digest(model))

    def _fail(
        self, record: Record | None, outlet: Outlet, api: Api | None, refused: _Refused
    ) -> None:
        page = pages.error(
            self.look,
            refused.status,
            refused.message,
            param=refused.param,
            anthropic=api in _ANTHROPIC,
        )
        if api in _OLLAMA or api in {Api.SHOW, Api.OLLAMA_EMBED, Api.OLLAMA_EMBEDDINGS}:
            page = Page(msgspec.json.encode({"error": refused.message}), status=refused.status)
        if record is None:
            self.send(outlet, page)
        else:
            self.finish(record, outlet, page)

    def _stepped(self, tokens: int, seconds: float) -> None:
        self.counters.generated += tokens
        self.counters.inter_token.add(seconds, tokens)
        if seconds:
            self.counters.rate = tokens / seconds


class _Named(msgspec.Struct):
    model: str = ""
    name: str = ""


def _close(record: Record) -> None:
    record.stage, record.end_ns = Stage.DONE, time.monotonic_ns()
