"""Time stamps written as text, whole columns at once.

    2019-02-04 00:00:00.994   2019-02-04T00:00:00Z   2013-01-01 22:00:00.295+00:00      ISO, any of - . / between
    2025.06.23 01:00          20180101 170000         20180101 170000123                 MT5, HistData
    01.01.2017 22:00:00.000   31/12/2017              12/31/2017   1/5/2019 9:30     day or month first
    1672531436   1672531436123   1672531436.5                                            seconds to ns since 1970

What is ambiguous (03/04/2017) is settled by a value above 12, or asked for: `time_format` "dmy" or "mdy".
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.core.errors import ConfigError, DataError
from engine.core.zones import DAY, HOUR, SECOND
from engine.feeds.importers import scan

DATES = {
    "ymd": r"(?P<Y>\d{4})[-./](?P<M>\d{2})[-./](?P<D>\d{2})",
    "compact": r"(?P<Y>\d{4})(?P<M>\d{2})(?P<D>\d{2})",
    "dmy": r"(?P<D>\d{2})[-./](?P<M>\d{2})[-./](?P<Y>\d{4})",
    "mdy": r"(?P<M>\d{2})[-./](?P<D>\d{2})[-./](?P<Y>\d{4})",
}
UNITS = {"s": SECOND, "ms": 10**6, "us": 10**3, "ns": 1}
QUICK = ("ymd", "compact")
"""Forms that need no other row to be understood."""
CLOCK = r"(?P<h>\d{2}):?(?P<m>\d{2})(?::?(?P<s>\d{2})(?:[.,]?(?P<f>\d{1,9}))?)?"
OFFSET = r"\s*(?:(?:Z|UTC|GMT)|(?P<sign>[+-])(?P<oh>\d{2}):?(?P<om>\d{2})?)"
DAYS_BEFORE = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], np.int64)
DAYS_IN = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.int64)


class Reader:
    """Reads one file's stamps; the form is found in the first of them and must hold for all."""

    def __init__(self, time_format: str | None = None) -> None:
        if time_format not in (None, "ymd", "dmy", "mdy", "compact", "s", "ms", "us", "ns"):
            raise ConfigError(f"time format {time_format!r}: known are ymd, dmy, mdy, compact, s, ms, us, ns")
        self.form = time_format
        self.own_zone = False
        """Whether the stamps carry their own offset from UTC: then they are UTC already."""

    def read(self, dates: pa.Array, times: pa.Array | None, first_row: int) -> np.ndarray:
        """int64 ns: of the wall, or UTC where the stamps say so; DataError names the first row that cannot be read."""
        wall = self.column(dates, first_row)
        return wall if times is None else wall + self.column(times, first_row, time_only=True)

    def column(self, texts: pa.Array, first_row: int, time_only: bool = False) -> np.ndarray:
        starts, lengths, letters = buffers(texts if time_only else padded(texts))
        out = np.empty(len(lengths), np.int64)
        same = len(lengths) and int(lengths.min()) == int(lengths.max())
        for length in [int(lengths[0])] if same else np.unique(lengths).tolist():
            rows = np.arange(len(lengths)) if same else np.flatnonzero(lengths == length)
            if same:
                block = letters[starts[0] : starts[0] + len(rows) * length].reshape(len(rows), length)
            else:
                block = letters[starts[rows][:, None] + np.arange(length)]
            out[rows] = self.equal_length(block, rows + first_row, time_only)
        return out

    def form_of(self, sample: str, time_only: bool) -> tuple[np.ndarray, int | None] | None:
        """How stamps like this are written, as `scan.FORM`, and their offset from UTC in ns where they have one.

        None for the forms that need other rows to be understood (day or month first) or are written in several ways.
        """
        if self.form not in (None, "ymd", "compact", *UNITS) or len(sample) > scan.LONGEST or self.own_zone:
            return None if self.form not in UNITS or len(sample) > scan.LONGEST else self.whole(sample)
        if not time_only and (found := self.whole(sample)):
            return found
        forms = [CLOCK] if time_only else [rf"{DATES[f]}(?:[T ]?{CLOCK}(?P<offset>{OFFSET})?)?" for f in QUICK]
        match = next((m for pattern in forms if (m := re.fullmatch(pattern, sample))), None)
        if match is None:
            return None
        form = blank_form(sample, dated=not time_only)
        for group, field in zip("YMDhmsf", range(scan.LITERAL), strict=True):
            if group in match.re.groupindex and match[group] is not None:
                form["fields"][slice(*match.span(group))] = field
        form["scale"] = 10 ** (9 - len(match["f"])) if match["f"] else 1
        if time_only or match["offset"] is None:
            return form, None
        sign = {"-": -1, "+": 1, None: 0}[match["sign"]]
        return form, sign * (int(match["oh"] or 0) * HOUR + int(match["om"] or 0) * 60 * SECOND)

    def whole(self, sample: str) -> tuple[np.ndarray, int] | None:
        """The form of whole seconds to nanoseconds since 1970."""
        unit = {10: "s", 13: "ms", 16: "us", 19: "ns"}.get(len(sample)) if self.form is None else self.form
        if unit not in UNITS or not re.fullmatch(r"\d{9,19}", sample):
            return None
        self.form = unit
        form = blank_form(sample, dated=False)
        form["fields"][: len(sample)] = scan.FRACTION
        form["scale"] = UNITS[unit]
        return form, 0

    def equal_length(self, letters: np.ndarray, rows: np.ndarray, time_only: bool) -> np.ndarray:
        sample = letters[0].tobytes().decode("ascii", "replace")
        if not time_only and re.fullmatch(r"-?\d{9,19}(\.\d+)?", sample) and self.form not in DATES:
            return self.epoch(letters, rows, sample)
        found = re.fullmatch(CLOCK, sample) if time_only else self.match(sample, letters)
        if not found:
            raise unreadable(sample, rows[0])
        check_form(letters, found, sample, rows)
        return self.assemble(letters, found, rows)

    def match(self, sample: str, letters: np.ndarray) -> re.Match[str] | None:
        if self.form in (None, "dmy", "mdy") and re.match(DATES["dmy"], sample):
            self.form = self.form or day_or_month_first(sample, letters)
        forms = [self.form] if self.form in DATES else ["ymd", "compact"]
        for form in forms:
            if found := re.fullmatch(rf"{DATES[form]}(?:[T ]?{CLOCK}(?P<offset>{OFFSET})?)?", sample):
                self.own_zone = self.own_zone or found["offset"] is not None
                return found
        return None

    def assemble(self, letters: np.ndarray, found: re.Match[str], rows: np.ndarray) -> np.ndarray:
        def number(group: str) -> np.ndarray:
            if group not in found.re.groupindex or found[group] is None:
                return np.zeros(len(letters), np.int64)
            lo, hi = found.span(group)
            return digits(letters[:, lo:hi])

        total = (number("h") * 3600 + number("m") * 60 + number("s")) * SECOND
        if found["f"]:
            total += number("f") * 10 ** (9 - len(found["f"]))
        wrong = (number("h") > 23) | (number("m") > 59) | (number("s") > 59)
        if "Y" in found.re.groupindex:
            year, month, day = number("Y"), number("M"), number("D")
            leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
            inside = (month >= 1) & (month <= 12)
            index = np.where(inside, month, 1) - 1
            wrong |= ~inside | (day < 1) | (day > DAYS_IN[index] + (leap & (month == 2)))
            earlier = year - 1
            days = earlier * 365 + earlier // 4 - earlier // 100 + earlier // 400 - 719_162
            total += (days + DAYS_BEFORE[index] + (leap & (month > 2)) + day - 1) * DAY
            if found["sign"]:
                lo = found.start("sign")
                sign = np.where(letters[:, lo] == ord("-"), -1, 1)
                total -= sign * (number("oh") * HOUR + number("om") * 60 * SECOND)
        if wrong.any():
            bad = int(np.flatnonzero(wrong)[0])
            raise unreadable(letters[bad].tobytes().decode("ascii", "replace"), rows[bad])
        return total

    def epoch(self, letters: np.ndarray, rows: np.ndarray, sample: str) -> np.ndarray:
        whole = sample.partition(".")[0]
        unit = self.form or {10: "s", 9: "s", 13: "ms", 12: "ms", 16: "us", 15: "us", 19: "ns", 18: "ns"}.get(
            len(whole)
        )
        if unit is None:
            raise unreadable(sample, rows[0])
        self.form, self.own_zone = unit, True
        body = letters[:, : len(whole)]
        fits = is_digit(body).all(axis=1)
        if not fits.all():
            raise unreadable(first_text(letters, ~fits), rows[np.flatnonzero(~fits)[0]], sample)
        out = digits(body) * UNITS[unit]
        if "." in sample:
            tail = letters[:, len(whole) + 1 :][:, :9]
            out += digits(tail) * UNITS[unit] // 10 ** tail.shape[1]
        return out


def blank_form(sample: str, dated: bool) -> np.ndarray:
    """A `scan.FORM` in which every letter must be the sample's."""
    form = np.zeros((), scan.FORM)
    form["fields"] = scan.LITERAL
    form["model"][: len(sample)] = np.frombuffer(sample.encode("ascii", "replace"), np.uint8)
    form["length"], form["dated"] = len(sample), dated
    return form


SHORT = r"(^|[-./ ])(\d)([-./:])"


def padded(texts: pa.Array) -> pa.Array:
    """`1/5/2019 9:30` as `01/05/2019 09:30`; other forms are left as they are."""
    known = texts.cast(pa.string())
    if len(known) and re.match(r"\s*\d{1,2}[-./]\d{1,2}[-./]\d{4}", known[0].as_py() or ""):
        for _ in range(2):  # neighbours share a sign
            known = pc.replace_substring_regex(known, SHORT, r"\10\2\3")
    return known


def buffers(texts: pa.Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(starts, lengths, letters) of the texts, without blanks around them; letters are bytes."""
    texts = texts.cast(pa.string()).fill_null("")
    if len(texts) and (first := texts[0].as_py()) != first.strip():
        texts = pc.utf8_trim_whitespace(texts)
    _, offsets, letters = texts.buffers()
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1].astype(np.int64)
    return bounds[:-1], np.diff(bounds), np.frombuffer(letters or b"", np.uint8)


def digits(letters: np.ndarray) -> np.ndarray:
    total = np.zeros(len(letters), np.int64)
    for column in range(letters.shape[1]):
        total = total * 10 + (letters[:, column] - ord("0"))
    return total


def is_digit(letters: np.ndarray) -> np.ndarray:
    return (letters >= ord("0")) & (letters <= ord("9"))


def check_form(letters: np.ndarray, found: re.Match[str], sample: str, rows: np.ndarray) -> None:
    """Digits where the sample has digits, and its other signs where it has those."""
    model = letters[0]
    numeric = is_digit(model)
    signs = np.flatnonzero(~numeric)
    if "sign" in found.re.groupindex and found["sign"]:
        signs = signs[signs != found.start("sign")]
    fits = is_digit(letters[:, numeric]).all(axis=1) & (letters[:, signs] == model[signs]).all(axis=1)
    if not fits.all():
        raise unreadable(first_text(letters, ~fits), rows[np.flatnonzero(~fits)[0]], sample)


def first_text(letters: np.ndarray, chosen: np.ndarray) -> str:
    return str(letters[int(np.flatnonzero(chosen)[0])].tobytes().decode("ascii", "replace"))


def day_or_month_first(sample: str, letters: np.ndarray) -> str:
    first, second = digits(letters[:, :2]), digits(letters[:, 3:5])
    if (first > 12).any() or sample[2] == ".":
        return "dmy"
    if (second > 12).any():
        return "mdy"
    raise ConfigError(f"time {sample!r}: day or month first? say time_format 'dmy' or 'mdy'")


def unreadable(text: str, row: int, sample: str = "") -> DataError:
    like = f", the first is like {sample!r}" if sample else ""
    return DataError(f"row {int(row) + 1}: time {text!r} cannot be read{like}")
