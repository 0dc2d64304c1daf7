"""HistData.com: bid bars of a minute by the year (the current one by the month), ticks by the month, zipped CSV.

A page holds a token; a form with that token, sent with the page as referrer, is answered with the zip:

    GET  .../download-free-forex-historical-data/?/ascii/1-minute-bar-quotes/eurusd/2019
    POST .../get.php   tk=..., date=2019, datemonth=2019, platform=ASCII, timeframe=M1, fxpair=EURUSD

The site calls its stamps "EST without daylight saving"; its files were measured to follow New York's wall clock in
most years and not in some weeks of autumn. Each week's opening tells which (`engine.feeds.importers.histdata`); `--tz`
overrules it. What goes back in time or occurs twice is refused, or sorted and left out with --sort --drop-bad.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import numpy as np

from engine.adapters.binance import months, whole_zip, zipped_csv
from engine.adapters.dukascopy import EPOCH, ns
from engine.adapters.provider import Ask, Decoded, Defaults, Page, Payload, Payloads, frame_among, simple
from engine.core.clock import wall_ns
from engine.core.errors import DataError
from engine.core.frames import MINUTE
from engine.core.zones import DAY, SECOND, parse_zone, utc_to_wall, wall_to_utc
from engine.feeds.lineage import Columns, Lineage

ZONE = "America/New_York"
FIELDS = ("tk", "date", "datemonth", "platform", "timeframe", "fxpair")
INPUT = re.compile(r"<input\b[^>]*>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""\b(id|name|value)\s*=\s*["']([^"']*)["']""", re.IGNORECASE)


@dataclass(frozen=True)
class HistData(Defaults):
    url: str = "https://www.histdata.com"
    rate: float = 0.5
    name: str = "histdata"
    licence: str = "HistData.com: free for personal use, no redistribution terms"

    def payloads(self, ask: Ask) -> Payloads:
        frame_among(ask, {"M1": ""}, self.name, ticks=True)
        this_year = (EPOCH + timedelta(seconds=wall_ns() // SECOND)).year
        done = 0
        zone = parse_zone(ask.zone or ZONE)
        first, last = utc_to_wall(np.array([ask.first, ask.last]), zone).tolist()
        for month, end in months(replace(ask, first=first, last=last)):
            if not ask.frame or month.year >= this_year:
                yield self.payload(ask, month, end, f"{month.year}/{month.month}", f"{month:%Y%m}")
            elif month.year != done:
                done = month.year
                first = month.replace(month=1)
                yield self.payload(ask, first, first.replace(year=done + 1), str(done), str(done))

    def payload(self, ask: Ask, first: datetime, last: datetime, place: str, span: str) -> Payload:
        frame, pair = ask.frame or "T", ask.symbol.upper()
        kind = "1-minute-bar-quotes" if ask.frame else "tick-data-quotes"
        page = f"{self.url}/download-free-forex-historical-data/?/ascii/{kind}/{pair.lower()}/{place}"
        form = {"date": span[:4], "datemonth": span, "platform": "ASCII", "timeframe": frame, "fxpair": pair}
        # The span is that of the wall; whole hours around it are covered in any zone that comes into question.
        return Payload(
            f"DAT_ASCII_{pair}_{frame}_{span}.zip", ns(first), ns(last) + DAY, f"{self.url}/get.php", form,
            {"Referer": page}, may_be_absent=True, check=whole_zip,
        )  # fmt: skip

    def prepared(self, payload: Payload, page: Page) -> Payload:
        """The form with the token that the page holds at this moment."""
        tags = INPUT.findall(page(payload.headers["Referer"]))
        inputs = [{key.lower(): unescape(value) for key, value in ATTRIBUTE.findall(tag)} for tag in tags]
        held = {one.get("name") or one.get("id", ""): one.get("value", "") for one in inputs}
        if not held.get("tk"):
            raise DataError(f"{payload.headers['Referer']} holds no token: is the symbol right?")
        return replace(payload, form={name: payload.form.get(name) or held.get(name, "") for name in FIELDS})

    def lineage(self, ask: Ask) -> Lineage:
        zone, made_from = parse_zone(ask.zone or ZONE).name, f"{self.url}/get.php"
        if not ask.frame:
            return Lineage(
                source=self.name, symbol=ask.symbol.upper(), zone=zone, licence=self.licence, made_from=made_from
            )
        return Lineage(
            source=self.name, symbol=ask.symbol.upper(), frame=ask.frame, basis="bid", stamps="open", zone=zone,
            licence=self.licence, made_from=made_from,
        )  # fmt: skip

    def columns(self, payload: Payload, path: Path, ask: Ask, so_far: Decoded) -> Iterator[Columns]:
        import pyarrow as pa

        from engine.feeds.importers.histdata import by_week, weeks_early
        from engine.feeds.importers.stamps import Reader

        zone, reader = parse_zone(ask.zone or ZONE), Reader("compact")
        tables, walls, rows = [], [], 0
        for table in zipped_csv(path, 6 if ask.frame else 3, separator=";" if ask.frame else ",", texts=(0,)):
            walls.append(reader.read(pa.array(table[0]), None, rows))
            tables.append(table)
            rows += len(walls[-1])
        early = set()
        if walls and not ask.zone:
            weeks, said, _ = weeks_early(np.concatenate(walls))
            early = set(weeks[said].tolist())
        after = None
        for table, wall in zip(tables, walls, strict=True):
            utc = by_week(early)(wall, after) if early else wall_to_utc(wall, zone, after=after)
            after = int(utc[-1]) if len(utc) else after
            if not ask.frame:
                yield {"ts": utc, "bid": np.asarray(table[1], np.float64), "ask": np.asarray(table[2], np.float64)}
                continue
            prices = [np.asarray(column, np.float64) for column in table[1:5]]
            nothing = np.full(len(utc), np.nan)
            bars = dict(zip(("open", "high", "low", "close"), prices, strict=True))
            yield {"ts": utc + MINUTE, "open_ts": utc, **bars, "volume": nothing, "spread": nothing}


HISTDATA = simple(HistData())
