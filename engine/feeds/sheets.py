"""Rows of text out of an HTML report or an XLSX workbook, without an office library."""

from __future__ import annotations

import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

from engine.core.errors import DataError
from engine.feeds.importers.tables import open_bytes

Row = list[str]
MOST = 1 << 28
"""Bytes of a sheet unpacked that are read at most."""


class Table(HTMLParser):
    """Every table row of a page; `hidden` says which of its cells the page does not show."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.hidden: list[list[bool]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
            self.hidden.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.hidden[-1].append("hidden" in (dict(attrs).get("class") or "").split())
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def text_of(raw: bytes) -> str:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return raw.decode(encoding, "replace")


def html_rows(path: Path) -> list[Row]:
    """Rows of every table of a page, blanks around texts gone, cells that the page hides left out."""
    with open_bytes(path) as file:
        page = Table()
        page.feed(text_of(file.read()))
    return [
        [clean(cell) for cell, hidden in zip(row, hid, strict=True) if not hidden]
        for row, hid in zip(page.rows, page.hidden, strict=True)
    ]


def clean(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\xa0", " ")).strip()


def xlsx_rows(path: Path) -> list[Row]:
    """Rows of the first sheet of a workbook as text; DataError when it is none or damaged."""
    try:
        with zipfile.ZipFile(path) as book:
            sheets = sorted(n for n in book.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", n))
            if not sheets or any(book.getinfo(n).file_size > MOST for n in sheets):
                raise DataError(f"{path} is no workbook that can be read")
            shared = []
            if "xl/sharedStrings.xml" in book.namelist():
                strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
                shared = ["".join(one.itertext()) for one in strings if local(one.tag) == "si"]
            sheet = ElementTree.fromstring(book.read(sheets[0]))
            return [cells(row, shared) for row in sheet.iter() if local(row.tag) == "row"]
    except (zipfile.BadZipFile, ElementTree.ParseError, OSError, ValueError, IndexError) as wrong:
        raise DataError(f"{path} is damaged: {str(wrong).splitlines()[0][:160]}") from None


def cells(row: ElementTree.Element, shared: list[str]) -> Row:
    found: Row = []
    for cell in row:
        letters = re.match(r"[A-Z]+", cell.get("r", ""))
        place = len(found)
        if letters:
            place = 0
            for letter in letters[0]:
                place = place * 26 + ord(letter) - 64
            place -= 1
        found.extend([""] * (place + 1 - len(found)))
        value = "".join(part.text or "" for part in cell.iter() if local(part.tag) in ("v", "t"))
        found[place] = clean(shared[int(value)] if cell.get("t") == "s" and value else value)
    return found


def local(tag: str) -> str:
    return tag.rpartition("}")[2]
