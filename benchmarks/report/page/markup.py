"""HTML text: elements and tables, everything from a record escaped."""

from html import escape
from typing import Final

from benchmarks.report.sheet import Cell, Grid, Tone

VOID: Final = frozenset({"meta", "link", "br"})


def element(name: str, inner: str = "", /, **attributes: str) -> str:
    """Return an element; `inner` is markup. `class_` is class, other underscores are hyphens."""
    words = [name]
    words += [
        f'{key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    ]
    return f"<{' '.join(words)}>" + ("" if name in VOID else f"{inner}</{name}>")


def said(words: str, name: str = "p", /, **attributes: str) -> str:
    """Return an element around plain words."""
    return element(name, escape(words, quote=False), **attributes)


def _cell(one: Cell) -> str:
    under = said(one.under, "small") if one.under else ""
    text = escape(one.text, quote=False)
    if one.tone is Tone.PLAIN:
        return element("td", text + under)
    return element("td", element("span", text, class_=f"t-{one.tone.value}") + under)


def _label(words: str) -> str:
    """Return the head of a row; one that begins with blanks belongs to the row above it."""
    more = {"class_": "sub"} if words.startswith(" ") else {}
    return said(words.strip() or "-", "th", scope="row", **more)


def table(grid: Grid, *, label: str, left: bool = False) -> str:
    """Return a table that scrolls sideways by itself, by keyboard too."""
    head = "".join(said(words, "th", scope="col") if words else "<td></td>" for words in grid.heads)
    body = "".join(
        element(
            "tr",
            _label(row[0].text) + "".join(_cell(one) for one in row[1:]),
        )
        for row in grid.rows
    )
    caption = said(grid.title.capitalize(), "caption") if grid.title else ""
    inner = caption + element("thead", element("tr", head)) + element("tbody", body)
    whole = element("table", inner, **({"class_": "left"} if left else {}))
    css = "scroll narrow" if len(grid.heads) == 2 and not left else "scroll"
    box = element("div", whole, class_=css, tabindex="0", role="region", aria_label=label)
    return box + "".join(said(note, class_="note") for note in grid.notes)
