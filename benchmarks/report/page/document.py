"""A record as one HTML file: no network, no font, no library; light and dark; the data inside."""

import base64
import gzip
import shlex
from html import escape
from importlib import resources
from typing import Final

import msgspec

from benchmarks.report.compose import compose
from benchmarks.report.page.cards import Card, cards
from benchmarks.report.page.markup import element, said, table
from benchmarks.report.page.method import method
from benchmarks.report.plots.gallery import gallery
from benchmarks.report.plots.intervals import intervals
from benchmarks.report.plots.plot import Plot
from benchmarks.report.record import Record
from benchmarks.report.sentence import void
from benchmarks.report.sheet import Grid, Sheet, cell
from benchmarks.report.sheets.trials import checks

MOST_BYTES: Final = 300_000
POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _link(data: bytes, kind: str, name: str, words: str) -> str:
    packed = base64.b64encode(data).decode("ascii")
    return said(words, "a", class_="get", href=f"data:{kind};base64,{packed}", download=name)


def _downloads(record: Record) -> list[str]:
    """Return the record as a link, from the most convenient form to the smallest."""
    name = f"headrace-{record.command}"
    plain = msgspec.json.encode(record)
    small = msgspec.json.encode(msgspec.structs.replace(record, histograms={}, series={}))
    kind = "application/gzip"
    return [
        _link(plain, "application/json", f"{name}.json", "JSON"),
        _link(gzip.compress(plain, mtime=0), kind, f"{name}.json.gz", "JSON, gzipped"),
        _link(gzip.compress(small, mtime=0), kind, f"{name}.json.gz", "JSON without distributions"),
    ]


def _header(sheet: Sheet, download: str) -> str:
    bar = element(
        "div",
        said("headrace bench", "strong")
        + element(
            "nav",
            "".join(
                said(words, "a", href=f"#{place}")
                for place, words in (
                    ("result", "Result"),
                    ("plots", "Plots"),
                    ("validity", "Validity"),
                    ("method", "Method"),
                )
            ),
            aria_label="Sections",
        )
        + download
        + '<button id="theme" type="button" aria-pressed="false" hidden>Dark</button>',
        class_="bar",
    )
    word = sheet.verdict.split(" ")[0]
    pill = said(sheet.verdict, "span", class_=f"verdict {word}")
    about = "; ".join(part for part in (sheet.workload, sheet.scope) if part)
    return element(
        "header", bar + element("h1", escape(sheet.title) + pill) + said(about, class_="about")
    )


def _card(one: Card) -> str:
    value = said(one.value, "dd", class_="big")
    under = said(one.under, "dd", class_="under") if one.under else ""
    style = f"border-top-color: var(--{one.css.replace('-', '')})"
    return element("dl", said(one.title, "dt") + value + under, class_="card", style=style)


def _large(record: Record) -> str:
    """Return the head figures: of several proxies as plots, of one or none as cards."""
    compared = intervals(record)
    if compared:
        return element("div", "".join(_plot(one) for one in compared), class_="heads")
    large = "".join(_card(one) for one in cards(record))
    return element("div", large, class_="cards") if large else ""


def _result(record: Record, sheet: Sheet) -> str:
    sentences = sheet.sentence.replace(". Through ", ".\nThrough ").split("\n")
    css = "lead warn" if void(record) else "lead"
    parts = [element("div", "".join(said(one) for one in sentences), class_=css)]
    if not void(record):
        parts.append(_large(record))
    shown = [grid for grid in sheet.grids if grid.title != "validity"]  # it has its own section
    parts += [table(grid, label=grid.title or sheet.title) for grid in shown]
    parts += [said(note, class_="note") for note in sheet.notes]
    return element("section", "".join(parts), id="result", aria_label="Result")


def _plot(one: Plot) -> str:
    rows = tuple(tuple(cell(text) for text in row) for row in one.rows)
    figures = table(Grid(heads=one.heads, rows=rows), label=f"Figures: {one.title}")
    told = said(one.title, "h3") + said(one.caption)
    return element(
        "figure",
        element("figcaption", told)
        + element("div", one.svg, class_="pic")
        + element("details", said("Figures as a table", "summary") + figures),
        id=one.key,
    )


def _plots(record: Record, plots: list[Plot]) -> str:
    if void(record):
        told = "Not drawn: the run is not valid. The record has what was seen."
        body = said("Plots", "h2") + said(told)
        return element("section", body, id="plots", aria_label="Plots")
    drawn = "".join(_plot(one) for one in plots if one.svg)
    absent = "".join(said(f"{one.title}: {one.why}", "li") for one in plots if not one.svg)
    body = said("Plots", "h2")
    body += element("div", drawn, class_="plots") if drawn else ""
    if absent:
        body += said("Not drawn for this run:", class_="note") + element(
            "ul", absent, class_="absent"
        )
    return element("section", body, id="plots", aria_label="Plots")


def _facts(record: Record) -> Grid:
    pairs = [*record.facts.items(), ("seed", str(record.seed)), ("started", record.started)]
    pairs += [(f"arm {arm.name}", f"{arm.role} {arm.url}".strip()) for arm in record.arms]
    return Grid(
        heads=("fact", "value"),
        rows=tuple((cell(name), cell(value)) for name, value in pairs if value),
    )


def _validity(record: Record) -> str:
    found = checks(record)
    body = said("Validity", "h2")
    if found is None:
        body += said("This run states no conditions of validity.")
    else:
        untitled = msgspec.structs.replace(found, title="")
        body += table(untitled, label="Conditions of validity", left=True)
    return element("section", body, id="validity", aria_label="Validity")


def _method(record: Record) -> str:
    told = element("div", "".join(said(words) for words in method(record)), class_="prose")
    command = said(shlex.join(record.words), "pre") if record.words else ""
    right = said("Command", "h3") + command + said("Machine", "h3")
    right += table(_facts(record), label="Machine and arms", left=True)
    columns = element("div", told + element("div", right), class_="two")
    return element("section", said("Method", "h2") + columns, id="method", aria_label="Method")


def _document(record: Record, sheet: Sheet, plots: list[Plot], download: str) -> str:
    head = (
        '<meta charset="utf-8">'
        + element("meta", http_equiv="Content-Security-Policy", content=POLICY)
        + element("meta", name="viewport", content="width=device-width, initial-scale=1")
        + element("link", rel="icon", href="data:,")
        + said(f"{sheet.title} - headrace bench", "title")
        + element("style", _asset("style.css"))
    )
    main = _result(record, sheet) + _plots(record, plots) + _validity(record) + _method(record)
    foot = said(f"Record schema {record.schema}. Nothing on this page was fetched from a network.")
    body = (
        said("To the result", "a", class_="skip", href="#result")
        + _header(sheet, download)
        + element("main", main)
        + element("footer", foot)
        + element("script", _asset("theme.js"))
    )
    return "<!doctype html>" + element(
        "html", element("head", head) + element("body", body), lang="en"
    )


def as_html(record: Record) -> str:
    """Return the page, at most `MOST_BYTES` long.

    The record is inside as a download: as JSON if there is room, else gzipped, else without
    distributions and series; the link says which. Raises ValueError for a damaged histogram.
    """
    sheet, plots = compose(record), list(gallery(record))
    rest = len(_document(record, sheet, plots, "").encode())
    downloads = _downloads(record)
    fitting = (one for one in downloads if rest + len(one) <= MOST_BYTES)
    return _document(record, sheet, plots, next(fitting, ""))
