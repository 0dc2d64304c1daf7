"""A provider on the loopback: real files under their real addresses, and whatever can go wrong on the way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import sleep

Fault = Callable[["Handler", bytes], None]


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Site:
    """`pages` maps a path (with its query) to bytes, or to a function of the request that gives them (None: 404)."""

    pages: dict[str, bytes | Callable[[Seen], bytes | None]] = field(default_factory=dict)
    any_page: Callable[[Seen], bytes | None] | None = None
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    tags: bool = True
    """Whether answers carry an ETag and parts of a file can be asked for."""
    url: str = ""

    def paths(self) -> list[str]:
        return [one.path for one in self.seen]

    def content(self, seen: Seen) -> bytes | None:
        page = self.pages.get(seen.path, self.any_page)
        return page(seen) if callable(page) else page


class Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        seen = Seen(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
        self.site.seen.append(seen)
        content = self.site.content(seen)
        if waiting := self.site.faults.get(self.path):
            waiting.pop(0)(self, content or b"")
        elif content is None:
            self.send(404, b"not here")
        else:
            self.whole(content)

    do_POST = do_GET

    def whole(self, content: bytes, give: int | None = None, pause: float = 0.0) -> None:
        """The content, or its rest where that is asked for; `give` breaks off after so many bytes."""
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        start = self.headers.get("Range", "")
        headers = {"ETag": tag} if self.site.tags else {}
        if start and self.site.tags and self.headers.get("If-Range") == tag:
            first = int(start.removeprefix("bytes=").rstrip("-"))
            if first >= len(content):
                self.send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
            self.send(206, content[first:], headers, give, pause)
        else:
            self.send(200, content, headers, give, pause)

    def send(
        self, status: int, body: bytes, headers: dict[str, str] | None = None, give: int | None = None, pause: float = 0
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        body = body if give is None else body[:give]
        try:
            for start in range(0, len(body), 4096):
                self.wfile.write(body[start : start + 4096])
                sleep(pause)
        except (BrokenPipeError, ConnectionResetError):
            pass
        if give is not None or pause:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def status(code: int, **headers: str) -> Fault:
    return lambda handler, content: handler.send(code, b"no", {k.replace("_", "-"): v for k, v in headers.items()})


def cut_off(after: int) -> Fault:
    """The whole length is promised and the connection ends after some bytes."""
    return lambda handler, content: handler.whole(content, give=after)


def instead(body: bytes) -> Fault:
    """Another body, as if it were the right one."""
    return lambda handler, content: handler.whole(body)


def slow(pause: float) -> Fault:
    return lambda handler, content: handler.whole(content, pause=pause)


def silent(seconds: float) -> Fault:
    return lambda handler, content: sleep(seconds)


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    handler = type("Bound", (Handler,), {"site": site})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
