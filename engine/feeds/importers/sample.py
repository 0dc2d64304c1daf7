"""The beginning of a file: what its format is told from."""

from __future__ import annotations

import tarfile
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from engine.core.errors import DataError
from engine.feeds.importers.tables import head, open_bytes, tables_in

ZIP = b"PK\x03\x04"


@dataclass(frozen=True)
class Sample:
    """A file's path, first bytes as they are on the disk, members of an archive, and first lines unpacked."""

    path: Path

    @cached_property
    def magic(self) -> bytes:
        if not self.path.is_file():
            with open_bytes(self.path):
                pass
        try:
            with self.path.open("rb") as file:
                return file.read(8)
        except OSError as wrong:
            raise DataError(f"{self.path} cannot be read: {wrong.strerror}") from None

    @cached_property
    def members(self) -> tuple[str, ...]:
        """Names of the files in a zip or tar; empty for other files."""
        return members(self.path) if self.magic.startswith(ZIP) or self.path.suffix == ".tar" else ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The file's own name and those of its members, in small letters."""
        return tuple(name.lower() for name in (self.path.name, *self.members))

    @cached_property
    def start(self) -> bytes:
        """The first bytes, unpacked; of an archive of several files none."""
        return b"" if len(tables_in(self.members)) > 1 or self.path.suffix == ".tar" else head(self.path)

    @cached_property
    def text(self) -> str:
        encoding = "utf-16" if self.start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        return self.start.decode(encoding, "replace")

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The first lines that are not blank, at most 50; the last may be cut."""
        return tuple(line.strip() for line in self.text.splitlines()[:50] if line.strip())

    @property
    def first(self) -> str:
        return self.lines[0] if self.lines else ""


def members(path: Path) -> tuple[str, ...]:
    """Names of the files in a zip or tar, sorted; DataError when it is damaged."""
    try:
        if path.suffix == ".tar":
            with tarfile.open(path) as tar:
                return tuple(sorted(entry.name for entry in tar.getmembers() if entry.isfile()))
        with zipfile.ZipFile(path) as archive:
            return tuple(sorted(name for name in archive.namelist() if not name.endswith("/")))
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as wrong:
        raise DataError(f"{path} is damaged: {str(wrong).splitlines()[0][:160]}") from None
