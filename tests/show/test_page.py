"""The report, read back with Python's own HTML parser."""

import base64
import io
from html.parser import HTMLParser

import pytest
from PIL import Image

from undula.errors import DataError, OptionError, ShapeError
from undula.show import Picture, Section, Table, write_page

VOID = {"meta", "img", "br", "link", "input", "hr"}
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;.png\ud800\x00"


class Reader(HTMLParser):
    """Collects tags, attributes and text, and insists on balance."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path) -> Reader:
    reader = Reader()
    page = path.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


def picture(size: tuple[int, int] = (100, 50), kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, kind)
    return stream.getvalue()


def full(text: str) -> dict:
    section = Section(text, [text, text], [Picture(picture(), text, text)], Table([text, "n"], [[text, "1"]]), text)
    return {"title": text, "lead": text, "sections": [section], "footer": text}


def test_hostile_texts_are_only_text(tmp_path):
    write_page(tmp_path / "a.html", **full(HOSTILE))
    write_page(tmp_path / "b.html", **full("plain"))
    hostile, plain = read(tmp_path / "a.html"), read(tmp_path / "b.html")
    assert hostile.tags == plain.tags
    assert [(t, n) for t, n, _ in hostile.attributes] == [(t, n) for t, n, _ in plain.attributes]
    shown = HOSTILE.replace("\ud800", "\ufffd").replace("\x00", "\ufffd")
    assert sum(text == shown for text in hostile.text) == sum(text == "plain" for text in plain.text) == 11
    assert ("img", "alt", shown) in hostile.attributes


def test_nothing_outside_is_referred_to(tmp_path):
    write_page(tmp_path / "a.html", **full("plain"))
    reader = read(tmp_path / "a.html")
    assert not {"script", "link", "iframe", "object", "base"} & set(reader.tags)
    sources = [v for _, name, v in reader.attributes if name in ("src", "href", "srcset", "data", "action")]
    assert sources
    assert all(value.startswith("data:image/png;base64,") for value in sources)
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "url(" not in page
    assert "@import" not in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize("kind", ["PNG", "GIF", "JPEG", "WEBP"])
@pytest.mark.parametrize("from_file", [True, False])
def test_pictures_are_inside_unchanged(kind, from_file, tmp_path):
    data = picture((20, 10), kind)
    (tmp_path / "p").write_bytes(data)
    source = tmp_path / "p" if from_file else data
    write_page(tmp_path / "a.html", title="t", sections=[Section("s", pictures=[Picture(source, "c", "a", 60)])])
    image = {name: value for tag, name, value in read(tmp_path / "a.html").attributes if tag == "img"}
    head, body = image["src"].split(",")
    assert head == f"data:image/{kind.lower()};base64"
    assert base64.b64decode(body) == data
    assert (image["width"], image["height"], image["class"]) == ("60", "30", "tiny")


def test_only_tiny_pictures_are_pixelated(tmp_path):
    pictures = [Picture(picture((64, 64)), "", "a"), Picture(picture((65, 20)), "", "a")]
    write_page(tmp_path / "a.html", title="t", sections=[Section("s", pictures=pictures)])
    reader = read(tmp_path / "a.html")
    assert [name for tag, name, _ in reader.attributes if tag == "img"].count("class") == 1
    assert "figcaption" not in reader.tags


def test_empty_parts_leave_no_tags(tmp_path):
    write_page(tmp_path / "a.html", title="Only a title")
    reader = read(tmp_path / "a.html")
    assert not {"section", "footer", "figure", "table", "pre"} & set(reader.tags)
    write_page(tmp_path / "a.html", title="t", sections=[Section("s", table=Table(["a"], []))])
    assert "td" not in read(tmp_path / "a.html").tags


def test_numbers_are_flush_right(tmp_path):
    rows = [["seven", "0.5", "31 dB", "−1.5", "yes"], ["9", "", "30 dB", "2e-3", "no"]]
    write_page(tmp_path / "a.html", title="t", sections=[Section("s", table=Table(list("abcde"), rows))])
    flush = [value for tag, name, value in read(tmp_path / "a.html").attributes if (tag, name) == ("td", "class")]
    assert flush == ["number"] * 6


@pytest.mark.parametrize(
    ("section", "error", "text"),
    [
        (Section("s", pictures=[Picture("none.png", "", "")]), DataError, "'none.png'"),
        (Section("s", pictures=[Picture("a\0b", "", "")]), DataError, "picture"),
        (Section("s", pictures=[Picture(b"", "", "")]), DataError, "bytes"),
        (
            Section("s", pictures=[Picture(b"<svg onload=alert(1)>", "", "")]),
            DataError,
            "PNG, GIF, JPEG or WebP",
        ),
        (Section("s", pictures=[Picture(picture()[:40], "", "")]), DataError, "whole"),
        (Section("s", pictures=[Picture(picture(), "", "", 0)]), OptionError, "width=0"),
        (Section("s", table=Table(["a", "b"], [["1"]])), ShapeError, "1 cells under 2"),
    ],
)
def test_what_cannot_be_shown_is_said_and_nothing_written(section, error, text, tmp_path):
    with pytest.raises(error, match=text):
        write_page(tmp_path / "a.html", title="t", sections=[section])
    assert not list(tmp_path.iterdir())


def test_no_folder(tmp_path):
    with pytest.raises(DataError):
        write_page(tmp_path / "none" / "a.html", title="t")
