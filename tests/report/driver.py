"""A page in a real browser that scripts may wait in: chromium through its driver, on the loopback alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.report.test_browser import CHROMIUM

DRIVER = shutil.which("chromedriver")
ARGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update",
    "--disable-background-networking", "--disable-sync", "--window-size=1400,2000", "--disable-dev-shm-usage",
)  # fmt: skip
PAINTED = """
    const paint = () => performance.getEntriesByType("paint").find(e => e.name === "first-contentful-paint")?.startTime;
    const there = () => paint() !== undefined && window.report;
    for (let i = 0; i < 500 && !there(); i++) await new Promise(r => setTimeout(r, 20));
"""
"""Waits for the first paint and all of the report, whichever comes last, ten seconds at most; then `paint()` is when
it was first painted, in milliseconds."""


def ask(address: str, method: str, path: str, body: object = None) -> Any:
    data = None if method == "GET" else json.dumps(body or {}).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        return json.loads(answer.read())["value"]


class Page:
    """An open page: `run` a script in it and get what it returns; it may `await`."""

    def __init__(self, session: str) -> None:
        self.session = session

    def run(self, script: str) -> Any:
        waits = "const done = arguments[0]; (async () => { %s })().then(done, e => done({failed: String(e.stack)}));"
        found = ask(self.session, "POST", "/execute/async", {"script": waits % script, "args": []})
        assert not (isinstance(found, dict) and "failed" in found), found
        return found


@contextmanager
def opened(page: Path, profile: Path) -> Iterator[Page]:
    """The page in a browser of its own."""
    process = subprocess.Popen([str(DRIVER), "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout
    session = ""
    try:
        port = next(m[1] for line in process.stdout if (m := re.search(r"started successfully on port (\d+)", line)))
        options = {"binary": str(CHROMIUM), "args": [*ARGS, f"--user-data-dir={profile}"]}
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options, "pageLoadStrategy": "normal"}}}
        address = f"http://127.0.0.1:{port}"
        session = f"{address}/session/{ask(address, 'POST', '/session', wanted)['sessionId']}"
        ask(session, "POST", "/url", {"url": page.as_uri()})
        yield Page(session)
    finally:
        if session:
            with suppress(OSError):
                ask(session, "DELETE", "")
        process.terminate()
        process.wait(30)
        process.stdout.close()
