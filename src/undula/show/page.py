"""The report: one HTML file that holds everything, runs nothing and fetches nothing."""

import base64
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from undula.data import atomic_write
from undula.errors import DataError, OptionError, ShapeError
from undula.show.pagestyle import STYLE

_FORMATS = {"PNG": "image/png", "GIF": "image/gif", "JPEG": "image/jpeg", "WEBP": "image/webp"}
_TINY = 64  # pixels: up to this side a picture is pixel art and keeps its corners when enlarged
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Args:
        source: A PNG, GIF, JPEG or WebP file, or its bytes.
        caption: Text below it.
        alt: What it shows, for those who cannot see it.
        width: Width on the page in pixels; `None` takes its own. It never leaves the page.
    """

    source: str | Path | bytes
    caption: str
    alt: str
    width: int | None = None


@dataclass(frozen=True)
class Table:
    """A table; columns whose cells are all numbers are set flush right.

    Args:
        header: One text per column.
        rows: One text per cell.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A part of the page: heading, paragraphs, pictures, a table, code, in this order.

    Attributes:
        title: Heading.
        paragraphs: Plain text, one string each.
        pictures: Pictures with their captions.
        table: A table, or None.
        code: Lines to type, shown as they are; empty for none.
    """

    title: str
    paragraphs: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    table: Table | None = None
    code: str = ""


def write_page(
    path: str | Path, *, title: str, lead: str = "", sections: Sequence[Section] = (), footer: str = ""
) -> None:
    """Write a report as one HTML file with its pictures inside.

    It needs no network and runs no script, follows the reader's light or dark setting, and fits telephones.
    All texts are shown as they are: markup in them, or in file names, has no effect.

    Args:
        path: HTML file to write.
        title: Title of the page.
        lead: The sentence below it that says what came out.
        sections: The parts.
        footer: Small print, such as version, seed and time.

    Raises:
        DataError: If a picture is missing or none of the four formats, or if the file cannot be written.
        ShapeError: If a row of a table has more or fewer cells than its header.
        OptionError: If the width of a picture is less than 1.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_page(Path(folder) / "report.html", title="Seven of ten", sections=[Section("How")])
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(title)}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<header>",
        f"<h1>{_text(title)}</h1>",
        f'<p class="lead">{_text(lead)}</p>' if lead else "",
        "</header>",
        "<main>",
        *(_section(section) for section in sections),
        "</main>",
        f"<footer><p>{_text(footer)}</p></footer>" if footer else "",
        "</body>",
        "</html>",
    ]
    page = "\n".join(part for part in parts if part) + "\n"
    with atomic_write(path) as stream:
        stream.write(page.encode("utf-8"))


def _section(section: Section) -> str:
    figures = "\n".join(_figure(picture) for picture in section.pictures)
    parts = [
        "<section>",
        f"<h2>{_text(section.title)}</h2>",
        *(f"<p>{_text(paragraph)}</p>" for paragraph in section.paragraphs),
        f'<div class="figures">\n{figures}\n</div>' if figures else "",
        _table(section.table) if section.table else "",
        f'<pre tabindex="0"><code>{_text(section.code)}</code></pre>' if section.code else "",
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _figure(picture: Picture) -> str:
    if picture.width is not None and picture.width < 1:
        raise OptionError(f"got width={picture.width} for a picture, expected at least 1 pixel: leave it out")
    data, kind, (width, height) = _load(picture.source)
    shown = picture.width or width
    tiny = ' class="tiny"' if max(width, height) <= _TINY else ""
    source = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    size = f'width="{shown}" height="{max(1, round(shown * height / width))}"'
    caption = f"\n<figcaption>{_text(picture.caption)}</figcaption>" if picture.caption else ""
    return f'<figure>\n<img{tiny} {size} alt="{_text(picture.alt)}" src="{source}">{caption}\n</figure>'


def _load(source: str | Path | bytes) -> tuple[bytes, str, tuple[int, int]]:
    name = "bytes" if isinstance(source, bytes) else repr(str(source))
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        with Image.open(io.BytesIO(data), formats=list(_FORMATS)) as image:
            image.verify()
            return data, _FORMATS[image.format or ""], image.size
    except (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError) as error:
        raise DataError(
            f"got {name} for a picture, which cannot be read, "
            "expected a whole PNG, GIF, JPEG or WebP file: write it again"
        ) from error


def _table(table: Table) -> str:
    for row in table.rows:
        if len(row) != len(table.header):
            raise ShapeError(
                f"got a row of {len(row)} cells under {len(table.header)} headings, expected as many: complete the row"
            )
    numeric = [bool(table.rows) and all(_is_number(row[k]) for row in table.rows) for k in range(len(table.header))]
    head = "".join(f'<th{_flush(n)} scope="col">{_text(t)}</th>' for t, n in zip(table.header, numeric, strict=True))
    body = "\n".join(
        "<tr>" + "".join(f"<td{_flush(n)}>{_text(t)}</td>" for t, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in table.rows
    )
    return (
        f'<div class="table" tabindex="0">\n<table>\n<thead>\n<tr>{head}</tr>\n</thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _flush(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _is_number(text: str) -> bool:
    first = str(text).strip().split(" ")[0].rstrip("%").replace("−", "-").replace(",", "")
    try:
        float(first)
    except ValueError:
        return first in ("", "-", "–", "—")
    return True


def _text(text: str) -> str:
    """Escape markup, and replace what no HTML page may hold: control characters, halves of a pair."""
    kept = "".join(c if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs") else "\ufffd" for c in str(text))
    return escape(kept, quote=True)
