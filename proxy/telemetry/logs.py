"""Log lines: one structlog pipeline to one sink, for our own lines and for the libraries'.

A line is JSON (for machines) or coloured text (for a terminal). Both begin with time, level and
event, so an access line (`telemetry.access`) and an ordinary one are read the same way.
"""

import logging
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

import msgspec
import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger
from typing_extensions import override

from proxy.telemetry.escape import visible, visible_lines

Render = Callable[[EventDict], bytes]
"""Turns the fields of one line, in their order, into bytes that end with a newline."""


class Writer(Protocol):
    """Where lines go (`telemetry.sink.Sink`)."""

    def write(self, block: bytes, /) -> None:
        """Take whole lines."""


_LEVELS: Mapping[str, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# Chatty below this level, and what they say there is about themselves.
_QUIET: Mapping[str, int] = {
    "asyncio": logging.WARNING,
    "aiohttp.access": logging.CRITICAL,
    "aiohttp.server": logging.WARNING,
    "aiohttp.client": logging.WARNING,
}
_JSON = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
_NOTHING: Mapping[str, object] = MappingProxyType({})
_ABSENT = (None, "", msgspec.UNSET)
_MAX_TEXT = 2048  # characters of one field


def render_json(fields: EventDict) -> bytes:
    """Render one line as JSON. Values JSON does not know are shown as their text."""
    return orjson.dumps(fields, default=str, option=_JSON)


def console_renderer(*, colors: bool) -> Render:
    """Return a renderer for people. Fields without a value are left out."""
    console = structlog.dev.ConsoleRenderer(
        colors=colors, sort_keys=False, exception_formatter=structlog.dev.plain_traceback
    )

    def render(fields: EventDict) -> bytes:
        said = {key: value for key, value in fields.items() if value not in _ABSENT}
        if isinstance(time := said["timestamp"], datetime):
            said["timestamp"] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return console(None, "", said).encode(errors="backslashreplace") + b"\n"

    return render


def configure(
    sink: Writer, *, level: str, render: Render, about: Mapping[str, object] = _NOTHING
) -> None:
    """Send every line of `level` (debug, info, warning, error) and above to `sink`.

    Every logger follows, also when `set_level` is called later, because none keeps what it was
    first used with: that costs 4 us a line, and lines are few. The standard library's root logger
    is taken over, for aiohttp, asyncio and warnings. `about` stands in every line.
    """

    def whole(fields: EventDict) -> bytes:
        return render({**fields, **about})

    structlog.configure(
        processors=_processors(whole),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _Lines(sink),
        cache_logger_on_first_use=False,
    )
    logging.getLogger().handlers[:] = [_Handler(sink, whole)]
    _set_libraries(level)
    logging.captureWarnings(capture=True)


def set_level(level: str) -> None:
    """Write lines of `level` and above from now on; `configure` must have been called."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]))
    _set_libraries(level)


def _set_libraries(level: str) -> None:
    logging.getLogger().setLevel(_LEVELS[level])
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(floor, _LEVELS[level]))


def _processors(render: Render) -> list[Processor]:
    def rendered(_logger: WrappedLogger, _method: str, fields: EventDict) -> bytes:
        return render(_ordered(fields))

    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _safe,
        structlog.processors.format_exc_info,
        _safe_traceback,
        rendered,
    ]


def _safe(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    for key, value in fields.items():
        if isinstance(value, str):
            fields[key] = visible(value, _MAX_TEXT)
    return fields


def _safe_traceback(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    if "exception" in fields:
        fields["exception"] = visible_lines(fields["exception"])
    return fields


def _ordered(fields: MutableMapping[str, Any]) -> EventDict:
    head = {key: fields.pop(key, "") for key in ("timestamp", "level", "event")}
    return head | dict(fields)


class _Lines:
    """What structlog calls a logger: every level ends in the same sink."""

    __slots__ = ("debug", "info", "warning", "error", "critical", "msg")

    def __init__(self, sink: Writer) -> None:
        self.debug = self.info = self.warning = sink.write
        self.error = self.critical = self.msg = sink.write


class _Handler(logging.Handler):
    """Carries the records of libraries that use the standard library's logging into the sink."""

    def __init__(self, sink: Writer, render: Render) -> None:
        super().__init__()
        self._sink = sink
        self._processors = _processors(render)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        fields: Any = {"event": record.getMessage(), "logger": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        for process in self._processors:
            fields = process(None, record.levelname.lower(), fields)
        self._sink.write(fields)
