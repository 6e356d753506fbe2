"""What stands behind the `?` of a request: which of its parameters an engine gets.

Two rules. What passes through unread may have the parameters its passage names, and others are
refused: they would change what is done. A call of a model has what it asks for in its body; of a
query only what says which version of an API is spoken goes on, and the rest is left out, as clients
add what they like. Values are compared and passed on as they were sent.
"""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import unquote_plus

from proxy.core.failure import Failure
from proxy.edge.asks import bad

_VISIBLE: Final = re.compile(r"[!-~]*")
# `beta` is Anthropic's, `api-version` that of OpenAI's API at Azure.
_VERSION: Final = re.compile(r"(?:beta|api-version)=[A-Za-z0-9._-]{1,64}")


def version(raw: str) -> str:
    """Return the part of a call's query that goes on to an engine; mostly there is none."""
    return "&".join([part for part in raw.split("&") if _VERSION.fullmatch(part)])


def known(raw: str, names: Collection[str], path: str) -> tuple[tuple[str, str], ...] | Failure:
    """Return the parameters of a query, all of which must be in `names`; `path` is told if not."""
    if _VISIBLE.fullmatch(raw) is None or "#" in raw:
        return bad("the query has letters that must be written as %XX")
    pairs = []
    for part in raw.split("&") if raw else ():
        key, _, value = part.partition("=")
        meant = unquote_plus(key)
        if meant not in names:
            allowed = ", ".join(names) or "none"
            return bad(f"{key[:100]!r} is no parameter of {path}; it takes: {allowed}")
        pairs.append((meant if meant == "model" else key, value))
    return tuple(pairs)
