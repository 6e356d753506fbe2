"""The settings of what is written: which records, and how they look."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class LogLevel(StrEnum):
    """The least severe record that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How records look: one JSON object a line, or text for people; auto asks who reads."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"

    def for_people(self, *, terminal: bool) -> bool:
        """Tell whether records are text, where what reads them is a `terminal` or is none."""
        return self is LogFormat.CONSOLE or (self is LogFormat.AUTO and terminal)


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """What is written."""

    level: Annotated[LogLevel, Meta(description="The least severe record that is written.")] = (
        LogLevel.INFO
    )
    access: Annotated[bool, Meta(description="Write one access line for each request.")] = True
    format: Annotated[
        LogFormat,
        Meta(
            description="json: one object a line; console: text for people; auto: console where"
            " a terminal reads, else json (access lines go to standard output, others to"
            " standard error)."
        ),
    ] = LogFormat.AUTO
