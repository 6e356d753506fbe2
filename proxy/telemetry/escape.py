"""Text from strangers, made safe to read on a terminal and in a log viewer.

Model names, paths, header values and engine messages come from outside. A control character in one
of them could rewrite a terminal, a line break could forge a log line, and a bidirectional override
could make a name read as another one. JSON escapes only the first 32 code points, so all text goes
through here before it is rendered.
"""

_CUT = "…"


def visible(text: str, limit: int = 256) -> str:
    r"""Return `text` with everything unprintable written as `\xHH`, `\uHHHH` or `\UHHHHHHHH`.

    Unprintable is what Unicode calls Other (controls, formats and bidi marks, surrogates, private
    use, unassigned) or Separator, except the space. At most `limit` characters of the original are
    kept; a cut is marked with an ellipsis.
    """
    if len(text) > limit:
        text = text[:limit] + _CUT
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else _escaped(char) for char in text])


def visible_lines(text: str, limit: int = 16_384) -> str:
    """Return `text` as `visible` does, but keep its line breaks: for tracebacks."""
    return "\n".join([visible(line, limit) for line in text[:limit].split("\n")])


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
