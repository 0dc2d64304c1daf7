"""Raw payloads as they came, on disk: <cache>/raw/<provider>/<key>, each with its SHA-256 beside it.

A file is used again only if it still has that hash. While it comes it lies beside as `.part` with what the server said
of it, and goes on from there the next time. `.absent` says that there is none.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import platformdirs

from engine.core.errors import OutputError, unwritten


class Validator(msgspec.Struct, frozen=True):
    """What tells one version of a payload from another: a part is continued only if this is still so."""

    url: str
    tag: str = ""

    @property
    def strong(self) -> bool:
        return bool(self.tag) and not self.tag.startswith("W/")


def cache_folder(given: Path | None) -> Path:
    """Where raw payloads lie: as told, or in ONETAPE_CACHE, or in the user's cache folder."""
    if given is not None:
        return given
    root = os.environ.get("ONETAPE_CACHE") or platformdirs.user_cache_dir("onetape", appauthor=False)
    return Path(root) / "raw"


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise OutputError(f"{folder} cannot be written: {unwritten(wrong)}") from None


class Cached:
    """One payload's place in the cache."""

    def __init__(self, folder: Path, key: str) -> None:
        self.path = folder / key
        self.part = beside(self.path, ".part")
        self.about = beside(self.path, ".part.json")
        self.sum = beside(self.path, ".sha256")
        self.absent = beside(self.path, ".absent")
        make_folder(self.path.parent)

    def whole(self) -> bool:
        """Is it there, and as it came? What is not is removed."""
        if not self.path.is_file():
            return False
        try:
            if self.sum.read_text("ascii").split()[0] == sha256(self.path):
                return True
        except (OSError, IndexError, UnicodeDecodeError):
            pass
        self.forget()
        return False

    def forget(self) -> None:
        for path in (self.path, self.sum, self.part, self.about, self.absent):
            path.unlink(missing_ok=True)

    def keep(self) -> Path:
        """The finished part becomes the payload; its hash is there before it is."""
        with self.part.open("rb") as file:
            os.fsync(file.fileno())
        waiting = beside(self.path, ".sha256.part")
        waiting.write_text(f"{sha256(self.part)}  {self.path.name}\n", "ascii")
        waiting.replace(self.sum)
        self.part.replace(self.path)
        self.about.unlink(missing_ok=True)
        self.absent.unlink(missing_ok=True)
        return self.path

    def begun(self, url: str) -> tuple[int, Validator]:
        """(bytes that are there of the same payload, its validator); (0, ...) where one must begin anew."""
        try:
            held = msgspec.json.decode(self.about.read_bytes(), type=Validator)
            if held.url == url and held.strong:
                return self.part.stat().st_size, held
        except (OSError, msgspec.DecodeError):
            pass
        return 0, Validator(url)


def beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
