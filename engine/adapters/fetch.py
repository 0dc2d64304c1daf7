"""The one fetcher of all providers: cache, resume, rate limit, retry, and nothing taken for whole that is not."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic, sleep

import msgspec

from engine.adapters.cache import Cached, Validator, sha256
from engine.adapters.provider import Payload, Provider
from engine.core.clock import wall_ns
from engine.core.errors import DataError, NotFound, OnetapeError, OutputError, TimedOut, unwritten
from engine.core.zones import DAY, SECOND

AGENT = "Mozilla/5.0 (compatible; onetape)"
"""Some providers answer nobody who does not look like a browser."""
BLOCK = 1 << 16
SETTLED, GIVEN_UP = 2 * DAY, 30 * DAY
"""A payload whose span ended less than this ago may still change, and one that is absent may still come."""
BROKEN = (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)


class Temporary(Exception):
    """Worth another try, after `wait` seconds where the other side named them."""

    def __init__(self, why: str, wait: float | None = None, anew: bool = False) -> None:
        super().__init__(why)
        self.wait, self.anew = wait, anew


class Bucket:
    """A token bucket: at most `rate` requests a second, `burst` of them at once; on the monotonic clock.

    >>> slept = []
    >>> bucket = Bucket(2.0, burst=1, now=lambda: 0.0, sleep=slept.append)
    >>> bucket.take(); bucket.take(); bucket.take(); slept
    [0.5, 1.0]
    """

    def __init__(
        self, rate: float, burst: int = 3, now: Callable[[], float] = monotonic, sleep: Callable[[float], None] = sleep
    ) -> None:
        self.rate, self.burst, self.now, self.sleep = rate, float(burst), now, sleep
        self.tokens, self.seen = float(burst), now()

    def take(self) -> None:
        """Take a token; wait for it where there is none."""
        here = self.now()
        self.tokens = min(self.burst, self.tokens + (here - self.seen) * self.rate)
        self.seen = here
        self.tokens -= 1.0
        if self.tokens < 0:
            self.sleep(-self.tokens / self.rate)


@dataclass
class Fetcher:
    """Gets payloads of one provider into `folder`; `sleep` may be another for tests.

    TimedOut when the other side gives no whole answer in `tries` tries or asks to wait longer than `patience` s,
    DataError when what it gives is not what its checksum says, NotFound for what must be there and is not.
    """

    provider: Provider
    folder: Path
    bucket: Bucket
    tries: int = 5
    timeout: float = 30.0
    patience: float = 300.0
    sleep: Callable[[float], None] = sleep
    requests: int = field(default=0, init=False)
    from_cache: int = field(default=0, init=False)
    absent: int = field(default=0, init=False)
    bytes: int = field(default=0, init=False)

    def fetch(self, payload: Payload) -> Path | None:
        """The payload's file, whole and verified; None where it is absent and may be."""
        held = Cached(self.folder, payload.key)
        age = wall_ns() - payload.last
        settled, given_up = not payload.grows and age >= SETTLED, not payload.grows and age >= GIVEN_UP
        if settled and held.whole():
            self.from_cache += 1
            return held.path
        if given_up and held.absent.exists():
            self.absent += 1
            return None
        try:
            return self.fresh(payload, held)
        except Absent:
            self.absent += 1
            if not payload.may_be_absent:
                raise NotFound(
                    f"{self.provider.name} has no {payload.url or payload.key}: is the symbol right?"
                ) from None
            if given_up:
                held.absent.touch()
            return None
        except OSError as wrong:
            raise OutputError(f"{held.path.parent} cannot be written: {unwritten(wrong)}") from None

    def fresh(self, payload: Payload, held: Cached) -> Path:
        """Fetched anew. What is not as it should be is fetched once more, whole, before it is an error."""
        for last_time in (False, True):
            self.patiently(payload, lambda: self.once(payload, held))
            try:
                payload.check(held.part)
                self.compare(payload, held.part)
                return held.keep()
            except DataError as wrong:
                held.part.unlink(missing_ok=True)
                held.about.unlink(missing_ok=True)
                if last_time:
                    told = str(wrong).replace(str(held.part), payload.url or payload.key)
                    raise DataError(f"{told} (fetched twice; nothing was kept)") from None
        raise AssertionError("unreachable")

    def compare(self, payload: Payload, path: Path) -> None:
        """DataError when the payload is not what the provider's own checksum says."""
        if not payload.checksum:
            return
        try:
            words = self.page(payload.checksum).split()
        except Absent:
            raise DataError(f"there is no {payload.checksum}") from None
        if not words or len(words[0]) != 64:
            raise DataError(f"{payload.checksum} holds no SHA-256")
        if words[0].lower() != sha256(path):
            raise DataError(f"{path} is not what its checksum says")

    def page(self, url: str) -> str:
        """A small text that is not kept."""
        found: list[str] = []

        def once() -> None:
            with self.opened(urllib.request.Request(url, headers={"User-Agent": AGENT})) as answer:
                try:
                    found.append(answer.read().decode("utf-8", "replace"))
                except BROKEN as wrong:
                    raise Temporary(f"the answer broke off ({type(wrong).__name__})") from None

        self.patiently(Payload(url, 0, 0, url), once)
        return found[-1]

    def patiently(self, payload: Payload, once: Callable[[], None]) -> None:
        """Try until it comes, ever more slowly: 0.5, 1, 2, 4 s, or as long as the other side says."""
        for turn in range(self.tries):
            self.bucket.take()
            self.requests += 1
            try:
                return once()
            except Temporary as wrong:
                wait = wrong.wait if wrong.wait is not None else 0.5 * 2**turn
                what = payload.url or payload.key
                if wait > self.patience:
                    raise TimedOut(f"{what}: {wrong}, asks to wait {wait:.0f} s: try again then") from None
                if turn == self.tries - 1:
                    raise TimedOut(f"{what}: {wrong} ({self.tries} tries): try again, what came is kept") from None
                self.sleep(wait)
        return None

    def once(self, payload: Payload, held: Cached) -> None:
        """One try to complete the part."""
        try:
            self.ask(payload, held)
        except Temporary as wrong:
            if wrong.anew:
                held.part.unlink(missing_ok=True)
            raise

    def ask(self, payload: Payload, held: Cached) -> None:
        if payload.call is not None:
            body = payload.call()
            self.bytes += len(body)
            held.part.write_bytes(body)
            return
        ready = self.provider.prepared(payload, self.page)
        there, validator = (0, Validator(ready.url)) if ready.form else held.begun(ready.url)
        headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", **ready.headers}
        if there:
            headers |= {"Range": f"bytes={there}-", "If-Range": validator.tag}
        form = urllib.parse.urlencode(ready.form).encode() if ready.form else None
        with self.opened(urllib.request.Request(ready.url, form, headers)) as answer:
            if there and answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {there}-"):
                self.body(answer, held, "ab")
                return
            if answer.status == 206:
                raise Temporary("the server sent another part than was asked for", 0.0, anew=True)
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            held.part.unlink(missing_ok=True)
            held.about.write_bytes(msgspec.json.encode(Validator(ready.url, tag)))
            self.body(answer, held, "wb")

    def body(self, answer: http.client.HTTPResponse, held: Cached, mode: str) -> None:
        """What comes is on disk as it comes, so that a killed process leaves it; Temporary when it ends too early."""
        promised = answer.headers.get("Content-Length")
        came = 0
        with held.part.open(mode, buffering=0) as file:
            try:
                while block := answer.read1(BLOCK):
                    file.write(block)
                    came += len(block)
                    self.bytes += len(block)
            except BROKEN as wrong:
                raise Temporary(f"the answer broke off after {came} bytes ({type(wrong).__name__})") from None
        if promised is not None and promised.isdecimal() and came != int(promised):
            raise Temporary(f"the answer ended after {came} of {promised} bytes")

    def opened(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """The answer, or the error that says what to do about it."""
        try:
            return urllib.request.urlopen(request, timeout=self.timeout)
        except urllib.error.HTTPError as answer:
            with answer:
                raise failed(answer, request.full_url) from None
        except BROKEN as wrong:
            raise Temporary(f"no answer ({type(wrong).__name__})") from None
        except urllib.error.URLError as wrong:
            raise Temporary(f"no connection ({wrong.reason})") from None
        except ValueError as wrong:
            raise OnetapeError(f"{request.full_url}: {wrong}") from None


class Absent(Exception):
    """There is no such payload."""


def failed(answer: urllib.error.HTTPError, url: str) -> Exception:
    """What an HTTP status means to us."""
    if answer.code in (404, 410):
        return Absent()
    if answer.code == 416:
        return Temporary("the part that is there is longer than the payload", 0.0, anew=True)
    if answer.code in (408, 425, 429) or answer.code >= 500:
        return Temporary(f"status {answer.code}", retry_after(answer.headers.get("Retry-After")))
    return OnetapeError(f"{url}: the provider refuses (status {answer.code} {answer.reason})")


def retry_after(text: str | None) -> float | None:
    """Seconds to wait, from a number of them or a date."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - wall_ns() / SECOND)
    except ValueError:
        return None


def fetcher(
    provider: Provider, folder: Path, rate: float | None = None, sleep: Callable[[float], None] = sleep
) -> Fetcher:
    """A fetcher that keeps to the provider's rate, or to a lower or higher one that was asked for."""
    bucket = Bucket(rate or provider.rate, sleep=sleep)
    return Fetcher(provider, folder / provider.name.replace(":", "-"), bucket, sleep=sleep)
