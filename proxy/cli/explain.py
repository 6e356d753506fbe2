"""`headrace explain`: the effective settings, each with where it came from."""

import orjson

from proxy.settings.load import Loaded
from proxy.settings.rows import listed, rows

COLUMN = 44  # where the comments begin, if the value leaves room


def as_yaml(loaded: Loaded) -> str:
    """Return the settings as YAML that loads to the same settings (but for `***`), with origins."""
    lines = []
    for row in rows(loaded.settings, loaded.origins):
        indent = "  " * row.depth
        if row.item:
            indent = f"{indent[:-2]}- "
        if row.value is None:
            lines.append(f"{indent}{row.key}:")
        else:
            written = f"{indent}{row.key}: {row.value}"
            lines.append(f"{written:<{COLUMN}}  # {row.source}")
    return "\n".join(lines) + "\n"


def as_json(loaded: Loaded) -> str:
    """Return an array of `{path, value, origin}`, one object for each key."""
    found = listed(loaded.settings, loaded.origins)
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
