"""SVG text: elements, escaped, with numbers no longer than a screen can show."""

from collections.abc import Iterable
from typing import Final
from xml.sax.saxutils import escape, quoteattr

WIDTH: Final = 640.0


def number(value: float) -> str:
    """Return a coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")


def tag(name: str, content: str = "", **attributes: str | float | None) -> str:
    """Return an element; `content` is markup. `class_` is class, other underscores are hyphens."""
    words = [name]
    for key, value in attributes.items():
        if value is None:
            continue
        text = value if isinstance(value, str) else number(value)
        words.append(f"{key.rstrip('_').replace('_', '-')}={quoteattr(text)}")
    opened = " ".join(words)
    return f"<{opened}>{content}</{name}>" if content else f"<{opened}/>"


def text(x: float, y: float, words: str, class_: str = "t", anchor: str | None = None) -> str:
    """Return a label; `anchor` is start (the default), middle or end."""
    return tag("text", escape(words), x=x, y=y, class_=class_, text_anchor=anchor)


def line(a: tuple[float, float], b: tuple[float, float], class_: str) -> str:
    """Return a straight line."""
    return tag("line", x1=a[0], y1=a[1], x2=b[0], y2=b[1], class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str, told: str = "") -> str:
    """Return a box; `told` is shown when a pointer rests on it."""
    title = tag("title", escape(told)) if told else ""
    return tag("rect", title, x=x, y=y, width=max(0.0, width), height=height, class_=class_)


def path(points: Iterable[tuple[float, float]], class_: str, *, closed: bool = False) -> str:
    """Return a line through points, or the area inside them."""
    steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return tag("path", d=f"M{steps}{'Z' if closed else ''}", class_=class_) if steps else ""


def marker(shape: str, x: float, y: float, class_: str, told: str = "") -> str:
    """Return a mark of one of four shapes: dot, square, up, cross; or ring."""
    title = tag("title", escape(told)) if told else ""
    size = 4.0
    match shape:
        case "square":
            corners = [
                (x - 3.5, y - 3.5),
                (x + 3.5, y - 3.5),
                (x + 3.5, y + 3.5),
                (x - 3.5, y + 3.5),
            ]
        case "up":
            corners = [(x, y - 5), (x + 4.5, y + 3.5), (x - 4.5, y + 3.5)]
        case "diamond":
            corners = [(x, y - 5), (x + 5, y), (x, y + 5), (x - 5, y)]
        case "cross":
            steps = f"M{number(x - size)} {number(y - size)}l8 8m0-8l-8 8"
            return tag("path", title, d=steps, class_=f"{class_} cross")
        case _:
            return tag("circle", title, cx=x, cy=y, r=3.6, class_=class_)
    steps = "L".join(f"{number(a)} {number(b)}" for a, b in corners)
    return tag("path", title, d=f"M{steps}Z", class_=class_)


def drawing(
    parts: Iterable[str],
    *,
    height: float,
    key: str,
    title: str,
    desc: str,
    width: float = WIDTH,
) -> str:
    """Return the whole picture, with a title and a description for those who cannot see it."""
    head = tag("title", escape(title), id=f"{key}-t") + tag("desc", escape(desc), id=f"{key}-d")
    return tag(
        "svg",
        head + "".join(parts),
        viewBox=f"0 0 {number(width)} {number(height)}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
    )
